# SPDX-License-Identifier: Apache-2.0
"""What the backends of each dialect stream: requests, preambles, content, ends and errors."""

import json


def sse(data, event=None):
    """One event of an event stream."""
    text = f"event: {event}\n" if event else ""
    return (text + f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n").encode()


class Dialect:
    def __init__(self, name, path, body, kind, preamble, content, end, fields=()):
        self.name = name
        self.path = path
        self.body = json.dumps(body).encode()
        self.kind = kind            # Content-Type of the answer
        self.preamble = preamble    # events without content
        self.content = content      # text -> an event with content
        self.end = end              # what ends a stream properly (after content)
        self.fields = [("Content-Type", "application/json"), *fields]
        self.anthropic = name == "anthropic"

    def __repr__(self):
        return self.name

    def whole(self, *texts):
        return b"".join(self.preamble) + b"".join(map(self.content, texts)) + self.end


def _chat_delta(delta, finish=None):
    return sse({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


CHAT = Dialect(
    "openai_chat", "/v1/chat/completions",
    {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]},
    "text/event-stream",
    [_chat_delta({"role": "assistant", "content": ""})],
    lambda t: _chat_delta({"content": t}),
    _chat_delta({}, "stop") + b"data: [DONE]\n\n")

COMPLETIONS = Dialect(
    "openai_completions", "/v1/completions", {"model": "m", "stream": True, "prompt": "hi"},
    "text/event-stream",
    [sse({"id": "c", "object": "text_completion", "choices": [{"index": 0, "text": ""}]})],
    lambda t: sse({"id": "c", "object": "text_completion", "choices": [{"index": 0, "text": t}]}),
    b"data: [DONE]\n\n")

RESPONSES = Dialect(
    "openai_responses", "/v1/responses", {"model": "m", "stream": True, "input": "hi"},
    "text/event-stream",
    [sse({"type": "response.created", "sequence_number": 0,
          "response": {"id": "r", "status": "in_progress", "error": None}}, "response.created")],
    lambda t: sse({"type": "response.output_text.delta", "sequence_number": 1, "item_id": "i",
                   "output_index": 0, "content_index": 0, "delta": t},
                  "response.output_text.delta"),
    sse({"type": "response.completed", "sequence_number": 9,
         "response": {"id": "r", "status": "completed", "error": None}}, "response.completed"))

ANTHROPIC = Dialect(
    "anthropic", "/v1/messages",
    {"model": "m", "stream": True, "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]},
    "text/event-stream",
    [sse({"type": "message_start", "message": {"id": "m", "role": "assistant", "content": []}},
         "message_start"),
     sse({"type": "content_block_start", "index": 0,
          "content_block": {"type": "text", "text": ""}}, "content_block_start"),
     sse({"type": "ping"}, "ping")],
    lambda t: sse({"type": "content_block_delta", "index": 0,
                   "delta": {"type": "text_delta", "text": t}}, "content_block_delta"),
    sse({"type": "content_block_stop", "index": 0}, "content_block_stop")
    + sse({"type": "message_stop"}, "message_stop"),
    [("anthropic-version", "2023-06-01")])

GEMINI = Dialect(
    "gemini", "/v1beta/models/g:streamGenerateContent",
    {"contents": [{"parts": [{"text": "hi"}]}]},
    "text/event-stream",
    [],
    lambda t: sse({"candidates": [{"content": {"parts": [{"text": t}], "role": "model"}}]}),
    sse({"candidates": [{"content": {"parts": [{"text": "."}]}, "finishReason": "STOP"}]}))

OLLAMA = Dialect(
    "ollama", "/api/chat",
    {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]},
    "application/x-ndjson",
    [b'{"model":"m","message":{"role":"assistant","content":""},"done":false}\n'],
    lambda t: json.dumps({"model": "m", "message": {"role": "assistant", "content": t},
                          "done": False}).encode() + b"\n",
    b'{"model":"m","message":{"role":"assistant","content":""},"done":true}\n')

UNKNOWN = Dialect(
    "unknown", "/events/feed", {"stream": True}, "text/event-stream",
    [b": hello\n\n"],
    lambda t: sse(t, "tick"),
    b"")

ALL = [CHAT, COMPLETIONS, RESPONSES, ANTHROPIC, GEMINI, OLLAMA, UNKNOWN]
WITH_END = [d for d in ALL if d is not UNKNOWN]
