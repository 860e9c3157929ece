# SPDX-License-Identifier: Apache-2.0
"""What a refused client is told: the table of situations, each in each dialect, every field."""

import json
import re

import pytest

from harness.ask import open_stream, post
from harness.backend import always, closed_port
from harness.deadline import eventually
from harness.dialects import CHAT, GEMINI, RESPONSES
from harness.http1 import request
from harness.weir import HOST

PATHS = {
    "openai": (CHAT.path, [], False),
    "responses": (RESPONSES.path, [], False),
    "gemini": (GEMINI.path, [], False),
    "anthropic path": ("/v1/messages", [], True),
    "anthropic below": ("/prefix/v1/messages", [], True),
    "anthropic-version": ("/any", [("anthropic-version", "2023-06-01")], True),
}


def _full(rig, **queue):
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"max_streams": 1}, pool={"queue": queue})
    open_stream(w, b)
    return w, None


def overloaded(rig):
    return _full(rig, max_length=0)


def queue_timeout(rig):
    return _full(rig, max_wait="100ms", cold_wait="100ms")


def deadline(rig):
    w, _ = _full(rig, max_wait="10s")
    return w, [("X-Stainless-Timeout", "1")]


def circuit_open(rig):
    w = rig.weir(rig.backend(), enforce=True)
    w.admin("breaker chat/a open")
    return w, None


def recovering(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, pool={"queue": {"max_wait": "0s"}})
    w.admin("ramp chat/a set 1")
    for _ in range(2):  # the least a ramping upstream may carry
        open_stream(w, b)
    return w, None


def held(rig):
    """The client was refused for two models, so for all."""
    b = rig.backend()
    b.serve(always(429, b"later", [("Retry-After", "20")]))
    w = rig.weir(b, enforce=True, pool={"queue": {"max_wait": "0s"}})
    for model in (b'{"model":"a"}', b'{"model":"b"}'):
        assert w.client().ask("POST", CHAT.path, body=model).status == 429
    return w, None


def rate_limited(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, enforce=True, pool={"users": {"requests_per_minute": 1}})
    key = [("Authorization", "Bearer k")]
    assert w.client().ask("POST", "/", key, b"x").status == 200
    return w, key


def no_upstream(rig):
    w = rig.weir(rig.backend(), enforce=True)
    w.admin("upstream chat/a drain")
    return w, None


SITUATIONS = {
    # cause: (how, status, anthropic status, type, RFC 9209 error)
    "overloaded": (overloaded, 503, 529, "overloaded_error", "connection_limit_reached"),
    "queue_timeout": (queue_timeout, 503, 529, "overloaded_error", "connection_limit_reached"),
    "deadline": (deadline, 503, 529, "overloaded_error", "connection_limit_reached"),
    "held": (held, 503, 529, "overloaded_error", "destination_unavailable"),
    "circuit_open": (circuit_open, 503, 503, "overloaded_error", "destination_unavailable"),
    "recovering": (recovering, 503, 503, "overloaded_error", "destination_unavailable"),
    "no_upstream": (no_upstream, 503, 503, "overloaded_error", "destination_unavailable"),
    "rate_limited": (rate_limited, 429, 429, "rate_limit_error", "http_request_denied"),
}

# Words after which some SDKs never try again.
FATAL = ["billing", "usage quota", "credit balance", "will reset at", "quota"]


def assert_refusal(answer, status, kind, cause, proxy_error, retry=True):
    assert answer.status == status and answer.head.reason
    body = answer.json
    assert set(body) == {"type", "error", "request_id"} and body["type"] == "error"
    assert set(body["error"]) == {"type", "message", "param", "code"}
    assert body["error"]["type"] == kind and body["error"]["code"] == cause
    assert body["error"]["param"] is None
    message = body["error"]["message"]
    assert len(message) > 20 and not any(w in message.lower() for w in FATAL)
    assert body["request_id"] == answer.id == answer.get("request-id")
    assert answer.get("content-type").split(";")[0] == "application/json"
    assert answer.get("cache-control") == "no-store"
    assert answer.framing == "counted"
    assert re.match(rf'^weir; error={proxy_error}; details="{cause}"$', answer.get("proxy-status"))
    assert answer.get("x-should-retry") in (None, "false")
    assert not any(n.startswith("access-control-") for n in answer.head.names())
    if retry:
        s, ms = int(answer.get("retry-after")), answer.get("retry-after-ms")
        assert re.match(r"^[0-9]+$", ms)
        assert 1 <= s <= 59 and s == max(1, min(59, -(-int(ms) // 1000)))


@pytest.mark.parametrize("cause", SITUATIONS)
def test_a_refusal_is_what_every_sdk_understands(rig, cause):
    """All paths over one client connection: refusing keeps it."""
    how, status, anthropic_status, kind, proxy_error = SITUATIONS[cause]
    w, fields = how(rig)
    c = w.client()
    for path, own, anthropic in PATHS.values():
        answer = c.ask("POST", path, [*(fields or []), *own], b'{"stream":true}')
        assert_refusal(answer, anthropic_status if anthropic else status, kind, cause, proxy_error)
        e = w.log.entry(answer.id)
        assert (e.decision, e.why, e.status, e.outcome, e.upstream) == (
            "refused", cause, answer.status, None, None)
        assert "close" not in answer.head.tokens("connection")
    m = w.metrics()
    assert m.sum("weir_shed_total", cause=cause) == len(PATHS)
    assert m.sum("weir_requests_total", decision="refused") == len(PATHS)


@pytest.mark.parametrize("cause", ["overloaded", "queue_timeout", "held", "deadline"])
def test_overload_may_be_429_by_setting_but_never_on_anthropic_paths(rig, cause):
    how = SITUATIONS[cause][0]
    plain, rig.weir = rig.weir, lambda *a, **k: plain(
        *a, **{**k, "pool": {**k.get("pool", {}), "overload_status": 429}})
    w, fields = how(rig)
    c = w.client()
    assert c.ask("POST", CHAT.path, fields or [], b'{"stream":true}').status == 429
    assert c.ask("POST", "/v1/messages", fields or [], b'{"stream":true}').status == 529


@pytest.mark.parametrize("cause", ["circuit_open", "no_upstream"])
def test_the_overload_status_does_not_concern_broken_upstreams(rig, cause):
    how = SITUATIONS[cause][0]
    plain, rig.weir = rig.weir, lambda *a, **k: plain(*a, **{**k, "pool": {"overload_status": 429}})
    w, _ = how(rig)
    assert w.client().ask("POST", CHAT.path, body=b"x").status == 503


def test_a_draining_weir_refuses_new_requests_on_open_connections(rig):
    b = rig.backend()
    w = rig.weir(b, drain_delay="0s")
    stream, _, body, peer = open_stream(w, b)
    c = w.client()
    b.serve(always(200, b"x"))
    assert c.ask().status == 200
    held = w.client()
    held.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: weir.test\r\n")
    w.admin("drain")
    # its head had begun; whether it is served or refused, it is answered
    held.send(b"Content-Length: 1\r\n\r\nx")
    answer = held.answer()
    if answer.status != 200:
        assert_refusal(answer, 503, "overloaded_error", "draining", "destination_unavailable")
    assert "close" in answer.head.tokens("connection")
    peer.chunk(CHAT.end)
    peer.last_chunk()
    assert body.rest() == CHAT.end
    assert w.wait_exit() == 0


# failures before any byte

def _dead(rig):
    sock = rig.keep(closed_port(HOST))
    return rig.weir(f"http://{HOST}:{sock.getsockname()[1]}")


@pytest.mark.parametrize("path", PATHS)
def test_a_failure_to_connect_is_502_everywhere(rig, path):
    w = _dead(rig)
    target, fields, _ = PATHS[path]
    answer = w.client().ask("POST", target, fields, b'{"stream":true}')
    assert_refusal(answer, 502, "api_error", "connect_failed", "connection_refused")


def test_a_reset_before_the_head_is_502(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    peer.reset()
    answer = c.answer("POST")
    assert_refusal(answer, 502, "api_error", "upstream_reset", "connection_terminated")


def test_addresses_of_upstreams_are_not_told(rig):
    answer = _dead(rig).client().ask("POST", "/", body=b"x")
    assert HOST.encode() not in answer.body and HOST not in answer.get("proxy-status")


# forms

def test_head_gets_the_fields_only(rig):
    w, _ = circuit_open(rig)
    c = w.client()
    answer = c.ask("HEAD", "/v1/models")
    assert (answer.status, answer.body) == (503, b"")
    assert int(answer.get("content-length")) > 0
    assert c.ask("HEAD", "/").status == 503


def test_an_upgrade_that_is_refused_gets_the_plain_answer(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, routes=[{"path": "/", "pool": "chat", "websocket": True}])
    w.admin("breaker chat/a open")
    answer = w.client().ask(target="/ws", fields=[
        ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")])
    assert_refusal(answer, 503, "overloaded_error", "circuit_open", "destination_unavailable")


def test_problem_json_gains_what_rfc_9457_asks_for(rig):
    w, _ = circuit_open(rig)
    answer = w.client().ask("POST", "/v1/x", [("Accept", "application/problem+json")], b"x")
    body = answer.json
    assert answer.get("content-type").split(";")[0] == "application/problem+json"
    assert body["status"] == answer.status == 503
    assert body["title"] and body["detail"] and body["error"]["code"] == "circuit_open"


HTML = [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")]


@pytest.mark.parametrize("path, fields, html", [
    ("/", HTML, True), ("/chat", HTML, True), ("/", [], False), ("/", [("Accept", "*/*")], False),
    ("/v1", HTML, False), ("/v1/chat", HTML, False), ("/v1x", HTML, True), ("/api/x", HTML, False),
    ("/v1beta/x", HTML, False), ("/", [("Accept", "application/json, text/html;q=0.5")], False),
    ("/", [("Accept", "text/html;q=0")], False)])
def test_people_get_a_page_and_programs_json(rig, path, fields, html):
    w, _ = circuit_open(rig)
    answer = w.client().ask("GET", path, fields)
    kind = answer.get("content-type").split(";")[0]
    assert (answer.status, kind) == (503, "text/html" if html else "application/json")
    if not html:
        return
    assert len(answer.body) < 8192 and answer.id.encode() in answer.body
    assert b"<script" not in answer.body
    outside = re.findall(rb"""(?:src|href)=["'](?!data:|#|/)|url\((?!#|data:)""", answer.body)
    assert not outside, "a page needs nothing from elsewhere"
    assert int(answer.get("refresh").split(";")[0]) == int(answer.get("retry-after"))
    assert answer.get("content-security-policy")
    assert answer.get("proxy-status") and answer.get("cache-control") == "no-store"


@pytest.mark.parametrize("pages, path, kind", [
    ("html", "/v1/x", "text/html"), ("json", "/", "application/json")])
def test_a_route_may_say_which_form(rig, pages, path, kind):
    w = rig.weir(rig.backend(), enforce=True,
                 routes=[{"path": "/", "pool": "chat", "pages": pages}])
    w.admin("breaker chat/a open")
    answer = w.client().ask("GET", path, HTML)
    assert answer.get("content-type").split(";")[0] == kind


@pytest.mark.parametrize("language, tag", [
    ("de", "de"), ("fr-CA, en;q=0.5", "fr"), ("es;q=0.9, xx", "es"), ("xx", "en"), ("", "en")])
def test_pages_speak_the_readers_language(rig, language, tag):
    w, _ = circuit_open(rig)
    answer = w.client().ask("GET", "/", [*HTML, ("Accept-Language", language)])
    assert f'lang="{tag}"'.encode() in answer.body


def test_an_incident_text_is_told_beside_the_message(rig):
    w, _ = circuit_open(rig)
    w.admin("incident chat set Disks <are> being replaced & \"checked\"")
    answer = w.client().ask("POST", "/v1/x", body=b"x")
    error = answer.json["error"]
    assert error["incident"] == 'Disks <are> being replaced & "checked"'
    assert "Disks" not in error["message"]
    page = w.client().ask("GET", "/", HTML)
    assert b"Disks &lt;are&gt; being replaced &amp;" in page.body
    w.admin("incident chat clear")
    assert "incident" not in w.client().ask("POST", "/v1/x", body=b"x").json["error"]


# x-should-retry and the appointment

def test_an_operators_open_says_not_to_retry(rig):
    w, _ = circuit_open(rig)
    answer = w.client().ask("POST", CHAT.path, body=b"x")
    assert answer.get("x-should-retry") == "false"
    assert 30 <= int(answer.get("retry-after")) <= 59


@pytest.mark.parametrize("sent", [0, 1000])
def test_where_nobody_is_let_in_a_body_is_not_waited_for(rig, sent):
    w, _ = circuit_open(rig)
    c = w.client()
    body = b"x" * 100_000
    raw = request("POST", CHAT.path, body=body)
    here = len(raw) - len(body) + sent
    c.send(raw[:here])
    assert c.answer("POST", within=1).cause == "circuit_open"
    c.send(raw[here:])  # what comes of it is read away, and the connection is kept
    assert c.ask("POST", CHAT.path, body=b"x").status == 503


def test_a_long_body_that_nobody_waits_for_does_not_reset_the_answer_away(rig):
    w, _ = circuit_open(rig)
    c = w.client()
    raw = request("POST", CHAT.path, body=b"x" * 5_000_000)
    c.send(raw)
    answer = c.answer("POST")
    assert (answer.cause, answer.get("connection")) == ("circuit_open", None)
    assert c.ask("POST", CHAT.path, body=b"x").cause == "circuit_open", "the connection is kept"


def test_a_half_read_body_is_no_obstacle_when_the_breaker_is_given_back(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True)
    w.admin("breaker chat/a open")
    w.admin("breaker chat/a close")
    c = w.client()
    raw = request("POST", CHAT.path, body=b"x" * 1000)
    c.send(raw, pieces=[len(raw) - 500])
    peer, head = b.request()
    assert head.body == b"x" * 1000
    peer.answer(200, b"fine")
    assert c.answer("POST").body == b"fine"


def test_appointments_spread(rig):
    w, _ = overloaded(rig)
    c = w.client()
    hints = [int(c.ask("POST", "/", body=b"x").get("retry-after-ms")) for _ in range(30)]
    assert len(set(hints)) > 20
    assert max(hints) - min(hints) > 5000, "everybody is sent away for the same time"


@pytest.mark.parametrize("count, says", [("0", None), ("1", None), ("2", "false"), ("5", "false")])
def test_who_has_retried_enough_is_told_to_stop_while_the_breaker_is_open(rig, count, says):
    b = rig.backend()
    w = rig.weir(b, enforce=True, pool={"breaker": {"open_min": "3s", "open_max": "3s"}})
    b.serve(always(500, b"x"))
    c = w.client()
    for i in range(5):
        c.ask("POST", "/", [("Authorization", f"Bearer {i}")], b"x")
    # few retries among the arrivals, so that the rule about their share stays out of it
    for _ in range(10):
        assert c.ask("POST", "/", body=b"x").code == "circuit_open"
    answer = c.ask("POST", "/", [("X-Stainless-Retry-Count", count)], b"x")
    assert (answer.code, answer.get("x-should-retry")) == ("circuit_open", says)
    assert w.log.entry(answer.id).client_retry == int(count)


def test_when_most_arrivals_are_retries_they_are_told_to_stop(rig):
    w, _ = overloaded(rig)
    c = w.client()
    for _ in range(60):
        answer = c.ask("POST", "/", [("X-Stainless-Retry-Count", "1")], b"x")
    assert answer.get("x-should-retry") == "false"
    assert c.ask("POST", "/", body=b"x").get("x-should-retry") is None


# CORS

def _cors(rig, origins=("https://app.test",)):
    w = rig.weir(rig.backend(), enforce=True, cors={"origins": list(origins)})
    w.admin("breaker chat/a open")
    return w


def test_a_preflight_is_answered_by_weir_where_cors_is_configured(rig):
    w = _cors(rig)
    answer = w.client().ask("OPTIONS", "/v1/chat/completions", [
        ("Origin", "https://app.test"), ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization, content-type")])
    assert answer.status in (200, 204)
    assert answer.get("access-control-allow-origin") == "https://app.test"
    assert "POST" in answer.get("access-control-allow-methods")
    assert "authorization" in answer.get("access-control-allow-headers").lower()
    assert w.log.entry(answer.id).decision == "local"


def test_a_refusal_tells_the_browser_where_cors_is_configured(rig):
    w = _cors(rig)
    c = w.client()
    answer = c.ask("POST", "/v1/x", [("Origin", "https://app.test")], b"x")
    assert answer.get("access-control-allow-origin") == "https://app.test"
    assert "retry-after" in answer.get("access-control-expose-headers", "").lower()
    for fields in ([("Origin", "https://evil.test")], []):
        answer = c.ask("POST", "/v1/x", fields, b"x")
        assert not answer.head.has("access-control-allow-origin")


def test_a_preflight_is_an_ordinary_request_where_cors_is_not_configured(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request("OPTIONS", "/x", [("Origin", "https://app.test"),
                                     ("Access-Control-Request-Method", "POST")]))
    peer, head = b.request()
    assert head.method == "OPTIONS"
    peer.answer(204, b"", length=False)
    answer = c.answer()
    assert w.log.entry(answer.id)["class"] == "system"


# the status page

def test_the_status_page_is_answered_by_weir_alone(rig):
    w = rig.weir(rig.backend(), enforce=True, pages={"status_path": "/weir/status"})
    w.admin("breaker chat/a open")

    def down():
        answer = w.client().ask("GET", "/weir/status", [("Accept", "application/json")])
        assert answer.status == 200
        assert {"state", "since", "share", "expected_full_s", "message", "incident",
                "updated"} <= set(answer.json)
        return answer.json["state"] == "down" and answer

    answer = eventually(down)
    assert HOST.encode() not in answer.body and b'"a"' not in answer.body
    page = w.client().ask("GET", "/weir/status", HTML)
    assert page.status == 200 and page.get("content-type").startswith("text/html")
    assert w.log.entry(page.id).decision == "local"


def test_an_error_frame_in_a_stream_has_the_same_body(rig):
    b = rig.backend()
    w = rig.weir(b, pool={"timeouts": {"stall": "1s"}})
    _, head, body, peer = open_stream(w, b)
    rest, how = body.rest_or_cut()
    frame = json.loads(rest.decode().split("data: ", 1)[1])
    assert how == "fin", "who does not know the event sees the cut"
    assert set(frame) >= {"type", "error", "request_id"}
    assert set(frame["error"]) == {"type", "message", "param", "code"}
    assert frame["error"]["type"] == "overloaded_error"
    assert not any(word in frame["error"]["message"].lower() for word in FATAL)
    assert frame["request_id"] == head.get("x-request-id")
    assert rest.startswith(b"event: error\ndata: ")
