# SPDX-License-Identifier: Apache-2.0
"""Answers of backends made for judging: small ones cut at every byte, and others by a seed."""

import random

from .ask import pieces
from .dialects import (ALL, ANTHROPIC, CHAT, COMPLETIONS, GEMINI, OLLAMA, RESPONSES, UNKNOWN, sse)
from .http1 import chunk, chunked, request
from .swarm import Course

FRAMINGS = ["counted", "chunked", "close"]

# Content twice and the end: no more than makes a stream.
SMALL = {
    CHAT: [sse({"choices": [{"delta": {"content": "How"}}]})] * 2 + [b"data: [DONE]\n\n"],
    COMPLETIONS: [sse({"choices": [{"text": "high"}]})] * 2 + [b"data: [DONE]\n\n"],
    RESPONSES: [sse({"type": "response.output_text.delta", "delta": "is"})] * 2
    + [sse({"type": "response.completed"}, "response.completed")],
    ANTHROPIC: [sse({"type": "content_block_delta", "delta": {"text": "the"}},
                    "content_block_delta")] * 2 + [sse({"type": "message_stop"}, "message_stop")],
    GEMINI: [sse({"candidates": [{"content": {"parts": [{"text": "water"}]}}]})] * 2
    + [sse({"candidates": [{"finishReason": "STOP"}]})],
    OLLAMA: [b'{"message":{"content":"?"},"done":false}\n'] * 2 + [b'{"done":true}\n'],
    UNKNOWN: [sse("tick"), sse("tock")],
}


class Case(Course):
    """sent: what the backend sends.  proper: an unharmed, whole answer in a form with an end."""

    def __init__(self, name, dialect, answer, cut, end, method="POST", version="HTTP/1.1",
                 proper=False, rng=None):
        self.name, self.dialect, self.method = name, dialect, method
        self.sent = answer[:cut]
        self.proper = proper and cut == len(answer) and end == "fin"
        self.version = version
        super().__init__(b"", pieces(rng, self.sent) if rng else [self.sent], end)

    def number_is(self, number):
        d = self.dialect
        fields = [("x-case", number), ("Connection", "close"), *(d.fields if d else [])]
        path, body = (d.path, d.body) if d else ("/plain", b"")
        if self.method == "HEAD":
            body = b""
        self.request = request(self.method, path, fields, body, version=self.version)
        return self

    def __repr__(self):
        return f"{self.name}, {self.method} {self.version}, {len(self.sent)} bytes then {self.end}"


def framed(framing, kind, parts, fields="", version="HTTP/1.1"):
    """The bytes of an answer with these parts as its body."""
    head = f"{version} 200 OK\r\nContent-Type: {kind}\r\n{fields}"
    body = b"".join(parts)
    if framing == "counted":
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    if framing == "chunked":
        return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunked(parts)
    return f"{head}Connection: close\r\n\r\n".encode() + body


def every_cut(dialect):
    """A small answer in each framing, ended at every byte in each way."""
    parts = SMALL[dialect] if dialect else [b'{"how":"high"', b',"is":"the water"}\n']
    kind = dialect.kind if dialect else "application/json"
    for framing in FRAMINGS:
        answer = framed(framing, kind, parts)
        for cut in range(len(answer) + 1):
            for end in ("fin", "late" if cut % 2 else "rst"):
                yield Case(f"small, {dialect or 'plain'}, {framing}", dialect, answer, cut, end,
                           proper=True)


# --- by a seed

def _events(rng, dialect):
    texts = ["".join(rng.choice("ab\"\\\n\u00e4\u20ac{}[]: ") for _ in range(rng.randrange(1, 30)))
             for _ in range(rng.randrange(0, 6))]
    parts = [*dialect.preamble, *map(dialect.content, texts)]
    if rng.random() < 0.8 and dialect.end:
        parts.append(dialect.end)
    if dialect is OLLAMA:
        extra = [b'{"error":"out of memory"}\n', b"\n", b"nonsense\n"]
    else:
        extra = [b": still here\n\n", b"\n", b"retry: 5\n\n", b"data\n\n", b"data: nonsense\n\n",
                 sse({"error": {"message": "no", "code": 503}}),
                 sse({"type": "error", "error": {"type": "overloaded_error"}}, "error"),
                 b"event: ping\n", b"data: [DONE"]
    for _ in range(rng.choice([0, 0, 1, 2])):
        parts.insert(rng.randrange(len(parts) + 1), rng.choice(extra))
    if dialect is not OLLAMA and rng.random() < 0.15:
        ends = rng.choice([b"\r\n", b"\r"])
        parts = [p.replace(b"\n", ends) for p in parts]
    return parts


def _harmed(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data)) if data else 0
        what = rng.randrange(4)
        if what == 0 and data:
            data[at] ^= 1 << rng.randrange(8)
        elif what == 1:
            data[at:at] = rng.choice([b"\n", b"\r\n\r\n", b"0", b"0\r\n\r\n", b"\0", b"ff\r\n"])
        elif what == 2:
            del data[at:at + rng.randrange(1, 20)]
        else:
            data[at:at] = data[at:at + rng.randrange(1, 20)]
    return bytes(data)


def by_seed(seed):
    rng = random.Random(seed)
    dialect = rng.choice([*ALL, *ALL, None])
    parts = _events(rng, dialect) if dialect else [rng.randbytes(rng.randrange(1, 99))] * 3
    fields = rng.choice(["", "", "", "Content-Encoding: gzip\r\n", "X-Request-Id: theirs\r\n"])
    framing = rng.choice(FRAMINGS)
    version = "HTTP/1.0" if framing != "chunked" and rng.random() < 0.2 else "HTTP/1.1"
    if framing == "chunked" and rng.random() < 0.5:
        parts = pieces(rng, b"".join(parts))
    answer = framed(framing, dialect.kind if dialect else "text/plain", parts, fields, version)
    harmed = rng.random() < 0.4
    if rng.random() < 0.1 and version == "HTTP/1.1":
        answer = rng.choice([b"HTTP/1.1 100 Continue\r\n\r\n",
                             b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"]) + answer
    if harmed:
        answer = _harmed(rng, answer)
    elif rng.random() < 0.05:
        answer = rng.randbytes(rng.randrange(300))
    cut = len(answer) if rng.random() < 0.4 else rng.randrange(len(answer) + 1)
    return Case(f"seed {seed!r}", dialect, answer, cut, rng.choice(["fin", "fin", "rst", "late"]),
                method="HEAD" if rng.random() < 0.05 else "POST",
                version="HTTP/1.0" if rng.random() < 0.2 else "HTTP/1.1", rng=rng)


__all__ = ["Case", "by_seed", "chunk", "every_cut"]
