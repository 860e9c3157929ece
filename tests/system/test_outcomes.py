# SPDX-License-Identifier: Apache-2.0
"""What is told apart in the backend's answers: each kind, in each dialect, as log, metrics and
client see it."""

import json
import random

import pytest

from harness.ask import open_stream, post
from harness.backend import closed_port
from harness.dialects import (ALL, ANTHROPIC, CHAT, COMPLETIONS, GEMINI, OLLAMA, RESPONSES, UNKNOWN,
                              WITH_END, sse)
from harness.http1 import LAST_CHUNK, chunk, request
from harness.judge import assert_outcome, stream
from harness.weir import HOST

KNOWN_EVENTS = [d for d in WITH_END if d is not OLLAMA]
WITH_MARKER = [d for d in WITH_END if d is not GEMINI]


@pytest.fixture(params=ALL, ids=repr)
def dialect(request):
    return request.param


# ok

def test_content_and_a_proper_end_are_ok(rig, dialect):
    events = [*dialect.preamble, dialect.content("a"), dialect.content("b")]
    events += [dialect.end] if dialect.end else []
    w, head, body, how = stream(rig, dialect, events)
    assert (body, how) == (b"".join(events), "end")
    e = w.log.entry(head.get("x-request-id"))
    assert_outcome(w, e, "ok")
    assert e.pool == "chat" and e.upstream == "a" and e.decision == "admitted"


CONTENT = {
    "reasoning_content": (CHAT, sse({"choices": [{"delta": {"reasoning_content": "hm"}}]})),
    "reasoning": (CHAT, sse({"choices": [{"delta": {"reasoning": "hm"}}]})),
    "tool_calls": (CHAT, sse({"choices": [{"delta": {"tool_calls": [
        {"index": 0, "function": {"name": "f", "arguments": ""}}]}}]})),
    "text": (COMPLETIONS, sse({"choices": [{"text": "hm"}]})),
    "the second choice": (CHAT, sse({"choices": [{"delta": {}}, {"delta": {"content": "hm"}}]})),
    "refusal delta": (RESPONSES, sse({"type": "response.refusal.delta", "delta": "no"},
                                     "response.refusal.delta")),
    "function call arguments": (RESPONSES, sse(
        {"type": "response.function_call_arguments.delta", "delta": "{"},
        "response.function_call_arguments.delta")),
    "reasoning delta": (RESPONSES, sse({"type": "response.reasoning_text.delta", "delta": "{"},
                                       "response.reasoning_text.delta")),
    "input_json_delta": (ANTHROPIC, sse({"type": "content_block_delta", "index": 0, "delta": {
        "type": "input_json_delta", "partial_json": "{"}}, "content_block_delta")),
    "thinking_delta": (ANTHROPIC, sse({"type": "content_block_delta", "index": 0, "delta": {
        "type": "thinking_delta", "thinking": "hm"}}, "content_block_delta")),
    "a function call": (GEMINI, sse({"candidates": [{"content": {"parts": [
        {"functionCall": {"name": "f", "args": {}}}]}}]})),
    "thinking": (OLLAMA, b'{"message":{"role":"assistant","content":"","thinking":"hm"},'
                         b'"done":false}\n'),
    "response": (OLLAMA, b'{"model":"m","response":"hm","done":false}\n'),
    "an escaped quote": (CHAT, sse('{"choices":[{"delta":{"content":"\\"error\\":"}}]}')),
    "a word about errors": (CHAT, sse({"choices": [{"delta": {
        "content": 'data: {"error":{"code":503}}'}}]})),
    "spaces in the JSON": (CHAT, sse('{ "choices" : [ { "delta" : { "content" : "x" } } ] }')),
    "an error of null": (CHAT, sse('{"error":null,"choices":[{"delta":{"content":"x"}}]}')),
    "no blank after data": (CHAT, b'data:{"choices":[{"delta":{"content":"x"}}]}\n\n'),
}


@pytest.mark.parametrize("name", CONTENT)
def test_content_is_more_than_text(rig, name):
    d, event = CONTENT[name]
    w, head, body, how = stream(rig, d, [event, d.end])
    assert (body, how) == (event + d.end, "end")
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "ok")


@pytest.mark.parametrize("name, event", [
    ("incomplete", sse({"type": "response.incomplete", "response": {"status": "incomplete"}},
                       "response.incomplete")),
    ("completed without event name", sse({"type": "response.completed", "response": {}})),
])
def test_responses_may_end_in_more_than_one_way(rig, name, event):
    w, head, body, how = stream(rig, RESPONSES, [RESPONSES.content("x"), event])
    assert how == "end"
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "ok")


def test_an_unknown_event_stream_is_ok_when_its_framing_ends(rig):
    events = [sse("tick"), sse({"any": "thing"}, "named")]
    w, head, body, how = stream(rig, UNKNOWN, events)
    assert (body, how) == (b"".join(events), "end")
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "ok")


def test_a_binary_event_stream_is_passed_on_from_its_first_byte(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(UNKNOWN))
    peer, _ = b.request()
    peer.begin(kind="application/vnd.amazon.eventstream")
    peer.chunk(b"\x00\x00\x00\x10")
    head, body = c.begin()
    assert body.exactly(4) == b"\x00\x00\x00\x10"
    peer.last_chunk()
    assert body.rest() == b""
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "ok")


def test_a_plain_answer_is_ok(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request())
    peer, _ = b.request()
    peer.answer(200, b"hello")
    e = w.log.entry(c.answer().id)
    assert_outcome(w, e, "ok")
    assert (e.bytes_out, e.events, e.retries) == (5, e.events, 0)
    assert not e.events


# no connection

def test_a_refused_connection_is_a_failure_to_connect(rig):
    sock = rig.keep(closed_port(HOST))
    w = rig.weir(f"http://{HOST}:{sock.getsockname()[1]}")
    c = w.client()
    answer = c.ask("POST", "/v1/chat/completions", body=b"{}")
    assert (answer.status, answer.code, answer.cause) == (502, "connect_failed", "connect_failed")
    assert "error=connection_refused" in answer.get("proxy-status")
    assert_outcome(w, w.log.entry(answer.id), "connect_failed", "connect_failed", 502)


# statuses

@pytest.mark.parametrize("status, outcome, cause", [
    (200, "ok", ""), (201, "ok", ""), (204, "ok", ""), (301, "ok", ""), (304, "ok", ""),
    (400, "neutral", ""), (401, "neutral", ""), (403, "neutral", ""), (404, "neutral", ""),
    (408, "neutral", ""), (413, "neutral", ""), (422, "neutral", ""), (499, "neutral", ""),
    (429, "refused", "upstream_refused"), (503, "refused", "upstream_refused"),
    (529, "refused", "upstream_refused"),
    (501, "neutral", ""), (505, "neutral", ""), (511, "neutral", ""),
    (500, "failed", "upstream_error"),
    (502, "failed", "upstream_error"), (504, "failed", "upstream_error"),
    (507, "failed", "upstream_error"), (599, "failed", "upstream_error")])
def test_a_status_says_what_happened_and_is_passed_on(rig, status, outcome, cause):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request("POST", "/v1/chat/completions", body=b"{}"))
    peer, _ = b.request()
    body = b"" if status in (204, 304) else b'{"error":"own words"}'
    peer.answer(status, body, [("Retry-After", "7")], length=status not in (204, 304))
    answer = c.answer()
    assert (answer.status, answer.body) == (status, body)
    assert answer.get("retry-after") == "7" and answer.get("proxy-status") is None
    assert_outcome(w, w.log.entry(answer.id), outcome, cause, status)


def test_an_answer_that_is_no_stream_to_a_stream_request_is_judged_by_its_status(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    peer.answer(200, b'{"choices":[]}', [("Content-Type", "application/json")])
    answer = c.answer("POST")
    assert answer.body == b'{"choices":[]}'
    assert_outcome(w, w.log.entry(answer.id), "ok")


# truncation

@pytest.mark.parametrize("end", ["clean", "fin", "rst"])
@pytest.mark.parametrize("dialect", WITH_END, ids=repr)
def test_an_end_without_end_marker_is_truncation_and_visible(rig, dialect, end):
    events = [*dialect.preamble, dialect.content("half an")]
    w, head, body, how = stream(rig, dialect, events, end)
    want = b"".join(events)
    assert body.startswith(want) and how in ("fin", "rst")
    assert_error_frame(dialect, body[len(want):], "upstream_truncated",
                       head.get("x-request-id"))
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "failed", "upstream_truncated")


@pytest.mark.parametrize("end", ["fin", "rst"])
def test_an_unknown_stream_that_is_cut_is_truncated(rig, end):
    w, head, body, how = stream(rig, UNKNOWN, [sse("tick")], end)
    assert body == sse("tick") and how in ("fin", "rst"), "the cut alone"
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "failed", "upstream_truncated")


def assert_error_frame(dialect, rest, code, request_id):
    """What comes behind the relayed bytes, before the framing is broken: one error frame."""
    for marker in (b"[DONE]", b"message_stop", b'"done":true', b"response.completed"):
        assert marker not in rest
    if dialect.kind == "text/event-stream":
        lines = rest.decode().split("\n")
        assert lines[0] == "event: error" and lines[1].startswith("data: ")
        assert lines[2:] == ["", ""], "one event and nothing else"
        frame = json.loads(lines[1][6:])
    else:
        assert rest.endswith(b"\n") and rest.count(b"\n") == 1
        frame = json.loads(rest)
    error = frame["error"]
    if dialect is RESPONSES:
        assert frame["code"] == code and frame["message"] and "param" in frame
        assert isinstance(frame["sequence_number"], int)
    if isinstance(error, dict):
        assert error["code"] == code and error["message"]
    if dialect.kind == "text/event-stream":
        assert frame["type"] == "error" and frame["request_id"] == request_id
        assert error["type"] in ("overloaded_error", "api_error")


@pytest.mark.parametrize("dialect", KNOWN_EVENTS, ids=repr)
def test_an_end_at_an_event_boundary_gets_an_error_frame_and_then_a_cut(rig, dialect):
    """The frame can be sent, so it is; who does not know it sees the cut."""
    w, head, body, how = stream(rig, dialect, [*dialect.preamble, dialect.content("half")], "fin")
    assert how in ("fin", "rst") and body.count(b"event: error\n") == 1


def test_the_frame_on_responses_goes_on_counting(rig):
    events = [RESPONSES.preamble[0], sse(
        {"type": "response.output_text.delta", "sequence_number": 41, "delta": "x"},
        "response.output_text.delta")]
    w, head, body, how = stream(rig, RESPONSES, events, "fin")
    frame = json.loads(body.rsplit(b"data: ", 1)[1])
    assert how in ("fin", "rst") and frame["sequence_number"] == 42


@pytest.mark.parametrize("dialect", ALL, ids=repr)
def test_an_end_inside_an_event_breaks_the_framing(rig, dialect):
    half = dialect.content("half an event")[:-2]
    w, head, body, how = stream(rig, dialect, [dialect.content("whole"), half], "fin")
    assert how in ("fin", "rst")
    assert body == dialect.content("whole") + half
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "failed", "upstream_truncated")


def test_a_clean_end_inside_an_event_breaks_the_framing_too(rig):
    half = CHAT.content("half an event")[:-2]
    w, head, body, how = stream(rig, CHAT, [CHAT.content("whole"), half], "clean")
    assert how in ("fin", "rst")


def test_an_encoded_stream_that_is_cut_is_cut_in_its_framing(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    peer.begin(fields=[("Content-Encoding", "gzip")])
    peer.chunk(b"\x1f\x8bhalf")
    head, body = c.begin()
    assert body.exactly(6) == b"\x1f\x8bhalf"
    peer.close()
    assert body.rest_or_cut() in ((b"", "fin"), (b"", "rst"))
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "failed", "upstream_truncated")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dialect", WITH_END, ids=repr)
def test_a_stream_cut_at_any_byte_never_looks_complete(rig, dialect, seed):
    rng = random.Random(f"{seed}{dialect}")
    b = rig.backend()
    w = rig.weir(b)
    whole = dialect.whole("one", "two", "three")
    for at in rng.sample(range(len(whole)), 10):
        c = w.client()
        c.send(post(dialect))
        peer, _ = b.request()
        peer.begin(kind=dialect.kind)
        if at:
            peer.chunk(whole[:at])
        peer.last_chunk() if rng.random() < 0.5 else peer.close()
        answer = c.answer("POST", cut=True)
        e = w.log.entry(answer.id)
        c.close()
        if e.outcome == "ok":
            # only an end marker that is all there makes it so
            assert _marker_is_in(dialect, whole[:at]), (at, whole[:at][-80:])
            continue
        assert e.outcome == "failed"
        if answer.status == 200:
            assert answer.how in ("fin", "rst")


def _marker_is_in(dialect, data):
    marks = {CHAT: b"[DONE]", COMPLETIONS: b"[DONE]", RESPONSES: b'"response.completed"',
             ANTHROPIC: b'"message_stop"', GEMINI: b'"finishReason"', OLLAMA: b'"done":true'}
    return marks[dialect] in data


# empty streams

@pytest.mark.parametrize("end", ["clean", "fin"])
@pytest.mark.parametrize("what", ["nothing", "preamble", "comments"])
@pytest.mark.parametrize("dialect", WITH_END, ids=repr)
def test_a_stream_with_neither_content_nor_end_is_a_failure_before_the_commit_point(
        rig, dialect, what, end):
    events = {"nothing": [], "preamble": dialect.preamble, "comments": [b": ping\n\n"] * 3}[what]
    if what != "nothing" and not events or dialect is OLLAMA and what == "comments":
        pytest.skip("this dialect has none")
    w, head, body, how = stream(rig, dialect, events, end)
    assert (head.status, how) == (502, "end")
    code = json.loads(body)["error"]["code"]
    assert code in ("empty_stream", "upstream_reset", "bad_gateway")
    if end == "clean":
        assert code == "empty_stream"
        assert "error=http_response_incomplete" in head.get("proxy-status")
    e = w.log.entry(head.get("x-request-id"))
    assert_outcome(w, e, "failed", code, 502)


@pytest.mark.parametrize("end", ["clean", "fin"])
@pytest.mark.parametrize("dialect", WITH_MARKER, ids=repr)
def test_a_stream_with_its_end_marker_is_whole_without_content(rig, dialect, end):
    """Behind the marker the framing tells nothing."""
    events = [*dialect.preamble, dialect.end]
    w, head, body, how = stream(rig, dialect, events, end)
    assert (head.status, body, how) == (200, b"".join(events), "end")
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "ok")


@pytest.mark.parametrize("reason", ["STOP", "SAFETY", "MAX_TOKENS"])
def test_a_finish_reason_and_a_clean_end_are_whole_without_content(rig, reason):
    event = sse({"candidates": [{"finishReason": reason}]})
    w, head, body, how = stream(rig, GEMINI, [event])
    assert (head.status, body, how) == (200, event, "end")
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "ok")


def test_a_finish_reason_without_a_clean_end_is_truncation(rig):
    w, head, body, how = stream(rig, GEMINI, [GEMINI.end], "fin")
    assert body.startswith(GEMINI.end) and how in ("fin", "rst")
    assert_error_frame(GEMINI, body[len(GEMINI.end):], "upstream_truncated",
                       head.get("x-request-id"))
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "failed", "upstream_truncated")


@pytest.mark.parametrize("what", ["nothing", "comments"])
def test_an_unknown_stream_is_not_judged_by_its_content(rig, what):
    events = {"nothing": [], "comments": UNKNOWN.preamble * 3}[what]
    w, head, body, how = stream(rig, UNKNOWN, events)
    assert (head.status, body, how) == (200, b"".join(events), "end")
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "ok")


@pytest.mark.parametrize("what", ["nothing", "comments"])
def test_an_unknown_stream_without_content_is_cut_where_it_was_cut(rig, what):
    events = {"nothing": [], "comments": UNKNOWN.preamble * 3}[what]
    w, head, body, how = stream(rig, UNKNOWN, events, "fin")
    assert (head.status, body) == (200, b"".join(events)) and how in ("fin", "rst")
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "failed", "upstream_truncated")


def test_an_error_in_a_plain_200_is_no_business_of_weirs(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request("POST", "/v1/chat/completions", body=b"{}"))
    peer, _ = b.request()
    peer.answer(200, b'{"error":{"code":503}}', [("Content-Type", "application/json")])
    answer = c.answer()
    assert (answer.status, answer.body) == (200, b'{"error":{"code":503}}')


def test_the_path_tells_the_dialect_not_the_events(rig):
    """Half an Anthropic stream on a path that says nothing: its clean end is taken as one."""
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request("POST", "/proxy/anything", body=b'{"stream":true}'))
    peer, _ = b.request()
    peer.begin()
    half = b"".join([*ANTHROPIC.preamble, ANTHROPIC.content("hello")])
    peer.send(chunk(half) + LAST_CHUNK)
    answer = c.answer("POST")
    assert answer.body == half
    assert_outcome(w, w.log.entry(answer.id), "ok")


def test_an_outcome_is_provisionally_ok_and_taken_back(rig):
    """The window counts a stream at its first content; when it fails later, as a failure only."""
    b = rig.backend()
    w = rig.weir(b)
    c, head, body, peer = open_stream(w, b)
    window = w.admin.upstream()["window"]
    assert (window["ok"], window["failed"]) == (1, 0)
    assert w.metrics().sum("weir_upstream_outcomes_total") == 0
    peer.close()
    body.rest_or_cut()
    w.log.entry(head.get("x-request-id"))
    window = w.admin.upstream()["window"]
    assert (window["ok"], window["failed"]) == (0, 1)
