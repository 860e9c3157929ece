# SPDX-License-Identifier: Apache-2.0
"""Judges what a client got against what the backend sent, by no code of weir's.

It may be the backend's own complete answer ("whole", also if only its framing is missing behind the
end marker), visibly broken ("broken"), broken behind an error event of weir's ("framed"), or an answer of weir's own ("refused"), also one that restates the error
a stream began with ("restated").  The backend's own bytes may also be what no client can read
("spoilt": data that is not JSON raises an error in every library, and so do events of something
else than the API asked).  Anything else is half an answer that looks whole.
"""

import json
import re

from . import http1
from .dialects import ANTHROPIC, CHAT, COMPLETIONS, GEMINI, OLLAMA, RESPONSES, UNKNOWN

BARE_STATUS = re.compile(rb"\A(HTTP/1\.[01] [0-9]{3})\r\n")  # often seen, and let through
SSE_FRAME = re.compile(rb"event: error\ndata: (\{[^\r\n]*\})\n\n\Z")
LINE_FRAME = re.compile(rb"(\{\"error\":[^\r\n]*\})\n\Z")
TYPES = {RESPONSES: {"response.completed", "response.incomplete", "response.failed"},
         ANTHROPIC: {"message_stop"}}


MARKED = (CHAT, COMPLETIONS, RESPONSES, ANTHROPIC, OLLAMA)  # their streams end with a marker


class Half(AssertionError):
    """What must never be."""


class Message:
    """An answer as far as it came.  complete: as its own framing says."""

    def __init__(self, head, body=b"", complete=False, rest=b"", framing=None):
        self.head, self.body, self.complete, self.rest = head, body, complete, rest
        self.framing = framing


def read(raw, how, method):
    """The final answer in these bytes; None if there is no whole head, Malformed if it is none."""
    while b"\r\n\r\n" in raw:
        at = raw.index(b"\r\n\r\n") + 4
        head = http1.response_head(BARE_STATUS.sub(rb"\1 \r\n", raw[:at]))
        raw = raw[at:]
        if head.status < 200:
            continue
        kind, length = (("none", 0) if head.status in (204, 304) else head.framing(method))
        if kind == "none":
            return Message(head, b"", True, raw, kind)
        if kind == "counted":
            return Message(head, raw[:length], len(raw) >= length, raw[length:], kind)
        if kind == "close":
            return Message(head, raw, how == "fin", b"", kind)
        return Message(head, *unchunk(raw), kind)
    return None


def unchunk(raw):
    """Body, whether its last chunk came, what is behind it.  Extensions and trailers are let be."""
    body = b""
    while True:
        line = re.match(rb"([0-9a-fA-F]{1,16})[ \t]*(?:;[^\r\n]*)?\r\n", raw)
        if not line:
            return body, False, b""
        size, raw = int(line.group(1), 16), raw[line.end():]
        if size == 0:
            end = re.match(rb"(?:[^\r\n]+\r\n)*\r\n", raw)
            return body, bool(end), raw[end.end():] if end else b""
        body += raw[:size]
        if raw[size:size + 2] != b"\r\n":
            return body, False, b""
        raw = raw[size + 2:]


def datas(body):
    """The data of each event, begun ones included; their names first."""
    name, data = None, []
    for line in re.split(rb"\r\n|\n|\r", body) + [b""]:
        if not line:
            if data or name:
                yield name, b"\n".join(data)
            name, data = None, []
        elif line.startswith(b"event:"):
            name = line[6:].strip()
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))


def _once(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key twice: readers differ on what it means")
    return dict(pairs)


def as_json(text):
    """The object in this text; {} if there is none that everybody reads alike."""
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def says_error(name, value):
    return name == b"error" or value.get("type") == "error" or bool(value.get("error"))


def has_end(dialect, body):
    """Does a stream of this dialect say itself that it is over, or failed?"""
    if dialect is UNKNOWN:
        return True
    if dialect is OLLAMA:
        lines = [as_json(line) for line in body.split(b"\n")]
        return any(v.get("done") or v.get("error") for v in lines)
    for name, data in datas(body):
        value = as_json(data)
        if says_error(name, value):
            return True
        if dialect in (CHAT, COMPLETIONS) and data == b"[DONE]":
            return True
        if dialect is GEMINI and any(c.get("finishReason") for c in value.get("candidates", [])):
            return True
        if dialect in TYPES and (value.get("type") in TYPES[dialect] or
                                 (name or b"").decode("latin-1") in TYPES[dialect]):
            return True
    return False


def is_told(dialect, body):
    """Is there an event of this dialect at all?  Otherwise the path was wrong about the stream."""
    if dialect is OLLAMA:
        return any({"message", "response", "done"} & as_json(x).keys() for x in body.split(b"\n"))
    values = [(n, d, as_json(d)) for n, d in datas(body)]
    if dialect in (CHAT, COMPLETIONS):
        return any("choices" in v or d == b"[DONE]" for _, d, v in values)
    if dialect is GEMINI:
        return any("candidates" in v for _, _, v in values)
    kinds = [str(v.get("type", (n or b"").decode("latin-1"))) for n, _, v in values]
    known = "response." if dialect is RESPONSES else ("message_", "content_block_")
    return any(k.startswith(known) for k in kinds)


def is_spoilt(dialect, body):
    """Is there an event that a client must fail to read?"""
    if dialect is OLLAMA:
        texts = [line for line in body.split(b"\n") if line.strip()]
    else:
        texts = [data for _, data in datas(body) if data and data != b"[DONE]"]
    return any(not as_json(text) for text in texts)


def shows_events(head):
    """A stream whose events can be read: no coding hides them."""
    kinds = {v.split(";")[0].strip(" \t").lower() for v in head.all("content-type")}
    return (head.status == 200 and kinds in ({"text/event-stream"}, {"application/x-ndjson"})
            and not head.has("content-encoding"))


def is_boundary(dialect, body):
    *lines, open_line = re.split(rb"\r\n|\n|\r", body)
    if open_line:
        return False
    while lines and lines[-1].startswith(b":"):  # a comment belongs to no event
        lines.pop()
    return dialect is OLLAMA or not lines or not lines[-1]


def whole_events(dialect, body):
    ends = (b"\n",) if dialect is OLLAMA else (b"\n\n", b"\r\n\r\n", b"\r\r")
    return body[:max(body.rfind(e) + len(e) if e in body else 0 for e in ends)]


def frame_of(case, said, got):
    """What stands before an error event of weir's at the end, or None."""
    m = (LINE_FRAME if case.dialect is OLLAMA else SSE_FRAME).search(got.body)
    if not m:
        return None
    value = as_json(m.group(1))
    if value.get("request_id") != got.head.get("x-request-id"):
        return None
    before = got.body[:m.start()]
    if not said or not said.body.startswith(before):
        raise Half(f"before the error stands what the backend never said: {before[-200:]!r}")
    if not is_boundary(case.dialect, before):
        raise Half(f"the error stands inside an event: {before[-200:]!r}")
    return before


def is_framed(case, sent, got):
    try:
        said = read(sent, case.end, case.method)
    except http1.Malformed:
        said = None
    return bool(case.dialect) and frame_of(case, said, got) is not None


def of_weir(got):
    """An answer of weir's own, for itself complete and right."""
    status = got.head.get("proxy-status", "")
    if not status.startswith("weir"):
        return None
    if "received-status=200" in status:
        if got.head.status < 400 or b"error" not in got.body:
            raise Half(f"restated as {got.head} {got.body!r}")
        return "restated"
    error = as_json(got.body).get("error") or {}
    if got.head.status < 500 or not error.get("code"):
        raise Half(f"an answer of weir's that says nothing: {got.head} {got.body!r}")
    return "refused"


def judge(case, sent, received, how):
    """case has method, dialect (None: no stream) and end."""
    try:
        got = read(received, how, case.method)
    except http1.Malformed as e:
        raise Half(f"the client got what is no HTTP: {e}") from None
    if got is None:
        return "broken"
    if not got.complete:
        return "framed" if is_framed(case, sent, got) else "broken"
    if got.rest:
        raise Half(f"bytes after the answer: {got.rest[:200]!r}")
    if case.method == "HEAD":
        return "whole" if got.head.status == 200 else "refused"
    own = of_weir(got)
    if own:
        return own
    try:
        said = read(sent, case.end, case.method)
    except http1.Malformed:
        said = None
    if case.dialect and frame_of(case, said, got) is not None:
        raise Half("an error of weir's is followed by a proper end")
    events = case.dialect if said and shows_events(said.head) else None
    if said and not said.complete and events in MARKED \
            and has_end(events, whole_events(events, got.body)) \
            and said.body.startswith(got.body):
        return "whole"  # behind the end marker nothing matters
    if said is None or not said.complete:
        raise Half("the backend's answer was not complete, the client's is")
    if got.body != said.body or got.head.status != said.head.status:
        raise Half(f"not what the backend said: {got.head.status} {got.body[-300:]!r}")
    if events and not has_end(events, said.body):
        if not is_told(events, said.body) or is_spoilt(events, said.body):
            return "spoilt"
        raise Half(f"a stream without its end: {got.body[-300:]!r}")
    if events is UNKNOWN and said.framing == "close" and not is_boundary(UNKNOWN, said.body) \
            and not any(says_error(n, as_json(d)) for n, d in datas(said.body)):
        raise Half(f"a stream that ends inside an event: {got.body[-300:]!r}")
    return "whole"
