# SPDX-License-Identifier: Apache-2.0
"""Errors inside streams: restated before the commit point, passed on after, counted as their code
would be as a status."""

import json

import pytest

from harness.ask import post
from harness.dialects import ANTHROPIC, CHAT, COMPLETIONS, GEMINI, OLLAMA, RESPONSES, sse
from harness.http1 import request
from harness.judge import assert_outcome, in_band, stream

OVERLOADED = {"type": "overloaded_error", "message": "Overloaded"}
FIRST = {
    # name: (dialect, error, status, outcome)
    "code 503": (CHAT, {"message": "m", "code": 503}, 503, "refused"),
    "code '503'": (CHAT, {"message": "m", "code": "503"}, 503, "refused"),
    "code 529": (CHAT, {"message": "m", "code": 529}, 503, "refused"),
    "code 429": (CHAT, {"message": "m", "code": 429}, 429, "refused"),
    "rate_limit_error": (CHAT, {"message": "m", "type": "rate_limit_error"}, 429, "refused"),
    "overloaded_error": (CHAT, OVERLOADED, 503, "refused"),
    "code 500": (CHAT, {"message": "m", "code": 500}, 500, "failed"),
    "code 502": (CHAT, {"message": "m", "code": 502}, 502, "failed"),
    "code 400": (CHAT, {"message": "m", "type": "invalid_request_error", "code": 400}, 400,
                 "neutral"),
    "code 404": (CHAT, {"message": "m", "code": "404"}, 404, "neutral"),
    "no code": (CHAT, {"message": "m"}, 502, "failed"),
    "a type nobody knows": (CHAT, {"message": "m", "type": "strange"}, 502, "failed"),
    "anthropic overloaded": (ANTHROPIC, OVERLOADED, 529, "refused"),
    "anthropic rate limit": (ANTHROPIC, {"type": "rate_limit_error", "message": "m"}, 429,
                             "refused"),
    "anthropic invalid": (ANTHROPIC, {"type": "invalid_request_error", "message": "m"}, 400,
                          "neutral"),
    "anthropic api_error": (ANTHROPIC, {"type": "api_error", "message": "m"}, 500, "failed"),
    "completions 503": (COMPLETIONS, {"message": "m", "code": 503}, 503, "refused"),
    "gemini 503": (GEMINI, {"code": 503, "message": "m", "status": "UNAVAILABLE"}, 503, "refused"),
    "gemini 429": (GEMINI, {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}, 429,
                   "refused"),
    "gemini 500": (GEMINI, {"code": 500, "message": "m", "status": "INTERNAL"}, 500, "failed"),
    "ollama": (OLLAMA, "model runner has stopped", 502, "failed"),
    "a text for an error": (CHAT, "something broke", 502, "failed"),
}


@pytest.mark.parametrize("after", ["at once", "after the preamble"])
@pytest.mark.parametrize("name", FIRST)
def test_a_stream_that_begins_with_an_error_is_restated(rig, name, after):
    d, error, status, outcome = FIRST[name]
    event = in_band(d, error)
    events = [event] if after == "at once" else [*d.preamble, b"" if d is OLLAMA else b": ping\n\n",
                                                 event]
    w, head, body, how = stream(rig, d, [e for e in events if e])
    assert (head.status, how) == (status, "end")
    given = json.loads(body)
    assert given["error"] == error, "the backend's own error object"
    assert head.get("content-type").startswith("application/json")
    status_field = head.get("proxy-status")
    assert status_field.startswith("weir") and "received-status=200" in status_field
    assert_outcome(w, w.log.entry(head.get("x-request-id")), outcome, "in_band_error", status)


def test_sglang_says_503_in_a_200(rig):
    event = sse({"object": "error", "message": "The request queue is full.", "type": "503",
                 "code": 503})
    w, head, body, how = stream(rig, CHAT, [event])
    assert head.status == 503
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "refused", "in_band_error", 503)


def test_responses_that_fail_at_once_are_restated(rig):
    event = sse({"type": "response.failed", "sequence_number": 1, "response": {
        "status": "failed", "error": {"code": "server_error", "message": "m"}}}, "response.failed")
    w, head, body, how = stream(rig, RESPONSES, [*RESPONSES.preamble, event])
    assert head.status in (500, 502)
    assert "server_error" in body.decode()
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "failed", "in_band_error",
                   head.status)


def test_responses_that_are_limited_at_once_are_restated(rig):
    event = sse({"type": "response.failed", "sequence_number": 1, "response": {
        "status": "failed", "error": {"code": "rate_limit_exceeded", "message": "m"}}},
        "response.failed")
    w, head, body, how = stream(rig, RESPONSES, [event])
    assert head.status == 429
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "refused", "in_band_error", 429)


@pytest.mark.parametrize("end", ["clean", "fin"])
def test_what_comes_behind_a_first_error_does_not_matter(rig, end):
    events = [in_band(CHAT, {"message": "m", "code": 503}), b"data: [DONE]\n\n"]
    w, head, body, how = stream(rig, CHAT, events, end)
    assert (head.status, how) == (503, "end")
    assert json.loads(body) == {"error": {"message": "m", "code": 503}}


def test_a_restated_error_leaves_the_client_connection_usable(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    peer.begin()
    peer.chunk(in_band(CHAT, {"message": "m", "code": 500}))
    peer.last_chunk()
    assert c.answer("POST").status == 500
    c.send(request(target="/next"))
    nxt, _ = b.request() if not peer.is_open() else (peer, None)
    nxt.request() if nxt is peer else None
    nxt.answer(200, b"x")
    assert c.answer().status == 200


def test_errors_are_passed_on_as_they_came_if_configured(rig):
    event = in_band(CHAT, {"message": "m", "code": 503})
    w, head, body, how = stream(rig, CHAT, [event, b"data: [DONE]\n\n"],
                                pool={"restate_errors": False})
    assert (head.status, body, how) == (200, event + b"data: [DONE]\n\n", "end")
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "refused", "in_band_error")


@pytest.mark.parametrize("dialect, error, outcome", [
    (CHAT, {"message": "m", "code": 503}, "refused"),
    (CHAT, {"message": "m", "code": 500}, "failed"),
    (CHAT, {"message": "m"}, "failed"),
    (CHAT, {"message": "m", "code": 400}, "neutral"),
    (COMPLETIONS, {"message": "m", "code": 500}, "failed"),
    (ANTHROPIC, OVERLOADED, "refused"),
    (ANTHROPIC, {"type": "api_error", "message": "m"}, "failed"),
    (GEMINI, {"code": 503, "message": "m"}, "refused"),
    (OLLAMA, "it broke", "failed"),
], ids=lambda v: str(v)[:40])
@pytest.mark.parametrize("end", ["clean", "fin"])
def test_a_later_error_is_passed_on_and_counts_as_its_code_would(rig, dialect, error, outcome, end):
    events = [*dialect.preamble, dialect.content("half an"), in_band(dialect, error)]
    w, head, body, how = stream(rig, dialect, events, end)
    assert head.status == 200 and body.startswith(b"".join(events))
    assert_outcome(w, w.log.entry(head.get("x-request-id")), outcome, "in_band_error")


def test_a_later_error_is_not_followed_by_a_second_one(rig):
    """The backend has said it; weir has nothing to add."""
    events = [CHAT.content("half an"), in_band(CHAT, {"message": "m", "code": 500})]
    w, head, body, how = stream(rig, CHAT, events)
    assert (body, how) == (b"".join(events), "end")


def test_responses_that_fail_later_are_failures(rig):
    events = [RESPONSES.content("half"), sse(
        {"type": "response.failed", "response": {"error": {"code": "server_error"}}},
        "response.failed")]
    w, head, body, how = stream(rig, RESPONSES, events)
    assert (body, how) == (b"".join(events), "end")
    assert_outcome(w, w.log.entry(head.get("x-request-id")), "failed", "in_band_error")
