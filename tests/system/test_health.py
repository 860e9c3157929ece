# SPDX-License-Identifier: Apache-2.0
"""Active checks: what they send, what is healthy, and what outvotes them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.deadline import eventually
from harness.http2 import Server
from harness.weir import run

CHECKS = {"path": "/health", "interval": "100ms", "timeout": "100ms", "rise": 1, "fall": 2}


def _health(seen, status=200):
    def handler(peer, head):
        seen.append(head)
        peer.answer(status if head.target == "/health" else 200, b"x")
    return handler


@pytest.mark.parametrize("host, right", [(None, "{host}:{port}"), ("url", "{host}:{port}"),
                                         ("api.example.org", "api.example.org")])
def test_a_check_has_the_host_of_requests_and_the_fields_of_the_settings(rig, host, right):
    seen, b = [], rig.backend()
    b.serve(_health(seen))
    each = {"host": host} if host else None
    w = rig.weir(b, each=each, pool={"health": {**CHECKS, "headers": ["Authorization: Bearer check"]}})
    check = eventually(lambda: seen and seen[0])
    assert check.get("authorization") == "Bearer check"
    assert check.get("host") == right.format(host=b.address[0], port=b.address[1])
    assert w.client().ask(target="/x", fields=[]).status == 200
    sent = [h for h in seen if h.target == "/x"][0]
    assert sent.get("host") == (right.format(host=b.address[0], port=b.address[1]) if host else sent.get("host"))


def test_a_request_without_a_host_has_the_authority_of_the_upstream_that_was_chosen(rig):
    seen, b = [], rig.backend()
    b.serve(_health(seen))
    w = rig.weir(b)
    client = w.client()
    client.send(b"GET /old HTTP/1.0\r\n\r\n")
    assert client.answer().status == 200
    assert seen[0].get("host") == "{}:{}".format(*b.address)


@pytest.mark.parametrize("status, more, healthy", [
    (204, {}, True), (302, {}, False), (404, {}, False), (401, {"status": ["200-299", "401"]}, True),
    (200, {"status": ["204"]}, False)])
def test_health_status_says_what_is_healthy(rig, status, more, healthy):
    seen, b = [], rig.backend()
    b.serve(_health(seen, status))
    w = rig.weir(b, enforce=True, pool={"health": {**CHECKS, **more}})
    eventually(lambda: len(seen) > 4)
    wanted = ("closed", None) if healthy else ("open", f"status {status}")
    eventually(lambda: (w.admin.upstream()["state"], w.admin.upstream()["check"]) == wanted)
    assert healthy or f"status {status}" in w.admin("status")


def test_checks_without_an_answer_count_where_no_token_flows(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, pool={"health": CHECKS})
    eventually(lambda: w.admin.upstream()["state"] == "open")
    assert w.admin.upstream()["check"] == "no answer in time"


def test_one_whose_checks_pass_and_whom_nobody_asks_waits_for_the_first_request(rig):
    state = {"status": 503}

    def handler(peer, head):
        peer.answer(state["status"], b"x")
    b = rig.backend()
    b.serve(handler)
    w = rig.weir(b, enforce=True, pool={"health": CHECKS})
    eventually(lambda: w.admin.status()["state"] == "down")
    state["status"] = 200
    eventually(lambda: w.admin.status()["state"] == "recovering", 10)
    assert "waiting for the first request" in w.admin("status")
    assert "waiting for the first request" in w.admin("events")
    assert w.client().ask().status == 200


def _check_over_http2(b, status):
    """Answers one check over HTTP/2; what it asked."""
    s = Server(b.accept())
    s.until(lambda: s.requests)
    request = s.requests[1]
    s.begin(request, status, [])
    s.data(request, b"x", end=True)
    return dict(request.fields)


@pytest.mark.parametrize("status, state", [(200, "closed"), (503, "open")])
def test_who_speaks_http_2_alone_is_checked_in_it(rig, status, state):
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"http2": "clear"}, pool={"health": {
        **CHECKS, "timeout": "2s", "headers": ["Authorization: Bearer check"]}})
    for _ in range(4):
        asked = _check_over_http2(b, status)
    assert asked[":path"] == "/health" and asked[":authority"] == b.url.removeprefix("http://")
    assert asked["authorization"] == "Bearer check" and "connection" not in asked
    eventually(lambda: w.admin.upstream()["state"] == state)
    assert w.admin.upstream()["check"] == (None if status == 200 else "status 503")


def test_what_is_no_http_2_fails_the_check(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"http2": "clear"}, pool={"health": CHECKS})
    for _ in range(2):
        b.accept().send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    eventually(lambda: w.admin.upstream()["state"] == "open")


def test_online_checks_speak_it_too(rig):
    b = rig.backend()
    w = rig.weir(b, start=False, each={"http2": "clear"}, pool={"health": {"path": "/health"}})
    with ThreadPoolExecutor(1) as beside:
        said = beside.submit(run, "--check", "--online", "-c", w.write_file(w.settings) or w.file)
        b.accept().close()  # the connect alone
        _check_over_http2(b, 200)
        code, out, err = said.result()
    assert code == 0 and "GET /health" in out, out + err
