# SPDX-License-Identifier: Apache-2.0
"""Routes, and what a route allows: which requests go where; WebSocket; what is never passed on."""

import random

import pytest

from harness.ask import exchange
from harness.deadline import Late, secs
from harness.http1 import request
from harness.websocket import GOING_AWAY, SHAKE, SWITCH, read_close, routes, switched

# upgrades

def test_a_websocket_carries_bytes_both_ways_where_the_route_allows_it(rig):
    _, c, peer = switched(rig)
    c.send(b"\x81\x85up\x00\x01\x02")
    assert peer.read_exact(7) == b"\x81\x85up\x00\x01\x02"
    peer.send(b"\x81\x04down")
    assert c.read_exact(6) == b"\x81\x04down"
    big = random.Random(1).randbytes(300000)
    peer.send(big)
    assert c.read_exact(len(big)) == big
    c.send(big)
    assert peer.read_exact(len(big)) == big


@pytest.mark.parametrize("who", ["client", "backend"])
def test_a_websocket_lives_as_long_as_one_side_speaks(rig, who):
    short = f"{secs(1):.0f}s"
    _, c, peer = switched(rig, pool={"timeouts": {"tunnel_idle": short, "unary": short,
                                                   "total": short}})
    speaks, hears = (c, peer) if who == "client" else (peer, c)
    for _ in range(6):
        speaks.send(b"\x82\x80abcd")
        assert hears.read_exact(6) == b"\x82\x80abcd"
        with pytest.raises(Late):
            speaks.read_exact(1, within=0.4)


def test_a_websocket_on_which_nobody_speaks_ends(rig):
    _, c, peer = switched(rig, pool={"timeouts": {"tunnel_idle": "1s"}})
    code, reason = read_close(c)
    assert code == GOING_AWAY and reason.startswith("gateway_timeout: ")
    assert read_close(peer, masked=True) == (GOING_AWAY, "")
    assert c.wait_end() == peer.wait_end() == "fin"


def test_bytes_right_behind_the_switch_are_not_lost(rig):
    b = rig.backend()
    w = rig.weir(b, routes=routes(websocket=True))
    c = w.client()
    c.send(request(target="/ws", fields=SHAKE))
    peer = b.accept()
    peer.head()
    peer.send(SWITCH + b"\x81\x05early")
    assert c.head().status == 101
    assert c.read_exact(7) == b"\x81\x05early"


@pytest.mark.parametrize("who", ["client", "backend"])
def test_a_websocket_ends_for_both_when_one_ends(rig, who):
    w, c, peer = switched(rig)
    first, second = (c, peer) if who == "client" else (peer, c)
    first.send(b"\x88\x00")
    first.close()
    assert second.read_exact(2) == b"\x88\x00"
    second.assert_closed() if who == "backend" else second.wait_end()
    assert w.log.entry(path="/ws").status == 101


def test_a_websocket_that_the_backend_refuses_gets_its_answer(rig):
    b = rig.backend()
    w = rig.weir(b, routes=routes(websocket=True), workers=1)
    c = w.client()
    c.send(request(target="/ws", fields=SHAKE))
    peer = b.accept()
    peer.head()
    peer.answer(403, b"no")
    answer = c.answer()
    assert (answer.status, answer.body) == (403, b"no")
    exchange(c, b, "/next", peer)


def test_a_websocket_is_refused_where_the_route_does_not_allow_it(rig):
    b = rig.backend()
    w = rig.weir(b, routes=routes())
    answer = w.client().ask(target="/ws", fields=SHAKE)
    assert 400 <= answer.status < 500 and answer.code == "not_allowed"
    assert answer.cause == "not_allowed" and "http_request_denied" in answer.get("proxy-status")
    b.assert_untouched()


def test_h2c_is_not_passed_on(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request(fields=[("Upgrade", "h2c"), ("Connection", "Upgrade, HTTP2-Settings"),
                           ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")]))
    peer, head = b.request()
    assert not head.has("upgrade") and not head.has("http2-settings")
    assert not head.tokens("connection")
    peer.answer(200, b"x")
    assert c.answer().status == 200


def test_a_switch_nobody_asked_for_is_a_bad_answer(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request())
    peer, _ = b.request()
    peer.send(SWITCH)
    answer = c.answer()
    assert (answer.status, answer.code) == (502, "bad_gateway")


@pytest.mark.parametrize("raw", [
    b"CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n",
    b"CONNECT / HTTP/1.1\r\nHost: other.test:443\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: weir.test\r\n\r\n",
])
def test_connect_and_trace_are_refused(rig, raw):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(raw)
    assert c.answer().status in (400, 403, 405, 501)
    b.assert_untouched()


# routes

ROUTES = [
    ("/v1/", "/v1/chat", True), ("/v1/", "/v1/", True), ("/v1/", "/v1", True),
    ("/v1/", "/v1x", False), ("/v1/x", "//v1///x/", True), ("/v1/x", "/v1/x/?y", True),
    ("/v1", "/v1", True), ("/v1", "/v1/chat", True), ("/v1", "/v1x", False), ("/v1", "/v1?x", True),
    ("/v1", "/a/../v1/x", True), ("/v1", "/./v1", True), ("/v1", "/%76%31/x", True),
    ("/v1", "/v1/../other", False), ("/v1", "/V1", False), ("/", "/anything", True)]


@pytest.mark.parametrize("path, target, matches", ROUTES)
def test_a_route_matches_as_written(rig, path, target, matches):
    b = rig.backend()
    w = rig.weir(b, routes=[{"path": path, "pool": "chat"}])
    c = w.client()
    if matches:
        exchange(c, b, target)
    else:
        answer = c.ask(target=target)
        assert (answer.status, answer.code) == (404, "not_found")
        b.assert_untouched()


def test_a_route_may_ask_for_host_and_method(rig):
    b = rig.backend()
    b.serve(lambda p, r: p.answer(200, b"x"))
    w = rig.weir(b, routes=[{"path": "/h", "host": "one.test", "pool": "chat"},
                            {"path": "/m", "method": "POST", "pool": "chat"}])
    c = w.client()
    assert c.ask(target="/h", host="one.test").status == 200
    assert c.ask(target="/h", host="ONE.test:8080").status == 200
    assert c.ask(target="/h", host="two.test").status == 404
    assert c.ask("POST", "/m").status == 200
    assert c.ask("GET", "/m").status == 404


def test_the_first_route_that_matches_wins(rig):
    a, b = rig.backend(), rig.backend()
    a.serve(lambda p, r: p.answer(200, b"first"))
    b.serve(lambda p, r: p.answer(200, b"second"))
    pools = [{"name": "p1", "upstreams": [{"name": "a", "url": a.url}]},
             {"name": "p2", "upstreams": [{"name": "a", "url": b.url}]}]
    w = rig.weir(pools=pools, routes=[{"path": "/x", "pool": "p2"}, {"path": "/", "pool": "p1"},
                                      {"path": "/x/y", "pool": "p2"}])
    c = w.client()
    assert [c.ask(target=t).body for t in ("/x", "/", "/y", "/x/y")] == [
        b"second", b"first", b"first", b"second"]


def test_without_routes_everything_goes_to_the_first_pool(rig):
    a, b = rig.backend(), rig.backend()
    a.serve(lambda p, r: p.answer(200, b"first"))
    w = rig.weir(pools=[{"name": "p1", "upstreams": [{"name": "a", "url": a.url}]}])
    assert w.client().ask(target="/any").body == b"first"
    b.assert_untouched()
