# SPDX-License-Identifier: Apache-2.0
"""Heads are written anew: what goes, what stays, what is added; ids, traces, upgrades."""

import random
import re

import pytest

from harness.ask import exchange
from harness.http1 import request, response
from harness.weir import HOST

TRACE = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")


@pytest.fixture
def one(rig):
    """One exchange with given heads: what the backend saw, what the client saw."""
    b = rig.backend()

    def ask(fields=(), back=(), target="/", peer_address=None, raw=None, **settings):
        w = rig.weir(b, **settings)
        c = w.client(source=peer_address)
        c.send(raw or request(target=target, fields=fields))
        peer, head = b.request()
        peer.answer(200, b"x", back)
        answer = c.answer()
        ask.weir, ask.peer = w, peer
        return head, answer

    return ask


HOP = [("Keep-Alive", "timeout=9"), ("Proxy-Connection", "keep-alive"), ("TE", "trailers"),
       ("Trailer", "X-Sum"), ("Upgrade", "foo/1")]


@pytest.mark.parametrize("name, value", HOP)
def test_hop_by_hop_fields_of_a_request_stay_here(one, name, value):
    head, _ = one([(name, value), ("Connection", name), ("X-Stays", "1")])
    assert not head.has(name) and head.get("x-stays") == "1"
    assert name.lower() not in head.tokens("connection")


@pytest.mark.parametrize("name, value", [h for h in HOP if h[0] != "TE"])
def test_hop_by_hop_fields_of_an_answer_stay_here(one, name, value):
    _, answer = one(back=[(name, value), ("X-Stays", "1")])
    assert not answer.head.has(name) and answer.get("x-stays") == "1"


def test_fields_that_connection_names_stay_here(one):
    head, answer = one(
        [("X-Secret", "1"), ("Connection", "x-secret, X-Other"), ("X-other", "2"), ("X-Not", "3")],
        [("X-Back", "1"), ("Connection", "X-Back"), ("X-Not", "4")])
    assert not head.has("x-secret") and not head.has("x-other") and head.get("x-not") == "3"
    assert not answer.head.has("x-back") and answer.get("x-not") == "4"


@pytest.mark.parametrize("name, value", [
    ("Host", "weir.test"), ("Authorization", "Bearer k"), ("Cookie", "a=b"),
    ("Content-Type", "text/x"), ("Content-Length", "3")])
def test_some_fields_cannot_be_taken_away_by_connection(one, name, value):
    fields = [("Connection", f"close, {name.lower()}"), ("Authorization", "Bearer k"),
              ("Cookie", "a=b"), ("Content-Type", "text/x")]
    head, _ = one(raw=request("POST", "/", fields, b"abc"))
    assert head.get(name) == value and head.body == b"abc"


def test_all_other_fields_arrive_in_their_order_with_their_values(one):
    fields = [("Accept", "a/b"), ("X-One", "1"), ("X-Two", "2, 3"), ("X-One", "4"),
              ("Accept-Encoding", "gzip, br"), ("User-Agent", "a (b; c)"), ("Range", "bytes=0-1"),
              ("X-Latin", "caf\xe9"), ("X-Empty", "")]
    head, answer = one(fields, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("ETag", '"x"'),
                                ("Server", "own/1"), ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                                ("Content-Type", "text/x")])
    for name in {n for n, _ in fields}:
        assert head.all(name) == [v for n, v in fields if n == name]
    names = [n for n in head.names() if n in {f.lower() for f, _ in fields}]
    assert names == [n.lower() for n, _ in fields]
    assert answer.head.all("set-cookie") == ["a=1", "b=2"]
    assert answer.get("server") == "own/1" and answer.get("etag") == '"x"'
    assert answer.get("date") == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert answer.get("content-type") == "text/x"


def test_blanks_around_values_do_not_matter(one):
    head, _ = one(raw=b"GET / HTTP/1.1\r\nHost:\t weir.test \t\r\nX-A:b\r\nX-C: \t d  \r\n\r\n")
    assert (head.get("host"), head.get("x-a"), head.get("x-c")) == ("weir.test", "b", "d")


@pytest.mark.parametrize("target", [
    "/", "/a/../b?c=/../d", "/%7Euser/%2e%2e/x", "//double//", "/a?b?c", "/a;p=1/b", "/?", "/a%00b",
    "/very/" + "long/" * 300, "/[]{}|\\^`\"<>"])
def test_the_target_is_passed_on_as_received(one, target):
    head, _ = one(target=target)
    assert head.target == target


def test_an_absolute_target_overrules_host(one):
    head, _ = one(raw=b"GET http://other.test:81/path?q HTTP/1.1\r\nHost: weir.test\r\n\r\n")
    assert (head.target, head.get("host")) == ("/path?q", "other.test:81")


def test_options_with_an_asterisk_is_passed_on(one):
    head, _ = one(raw=b"OPTIONS * HTTP/1.1\r\nHost: weir.test\r\n\r\n")
    assert (head.method, head.target) == ("OPTIONS", "*")


# who and where

def test_the_upstream_is_told_who_asked_and_how(one):
    head, _ = one(peer_address=HOST)
    assert head.get("x-forwarded-for") == HOST
    assert head.get("x-forwarded-proto") == "http"
    assert head.get("x-forwarded-host") == "weir.test"
    assert head.get("host") == "weir.test"


SAID = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "public.test"), ("X-Request-Id", "client-chose-this")]


def test_strangers_are_not_believed(one):
    head, answer = one(SAID, peer_address=HOST)
    assert head.get("x-forwarded-for").split(",")[-1].strip() == HOST
    assert head.get("x-forwarded-proto") == "http"
    assert head.get("x-forwarded-host") == "weir.test"
    assert head.get("x-request-id") != "client-chose-this"
    assert answer.id == head.get("x-request-id")
    assert one.weir.log.entry(answer.id).client.split(":")[0] == HOST


def test_strangers_do_not_choose_their_address(one):
    head, _ = one(SAID, peer_address=HOST)
    assert head.get("x-forwarded-for") == HOST


def test_trusted_peers_are_believed(one):
    head, answer = one(SAID, peer_address=HOST, trusted=[HOST + "/32"])
    assert [a.strip() for a in head.get("x-forwarded-for").split(",")] == ["203.0.113.9", HOST]
    assert head.get("x-request-id") == answer.id == "client-chose-this"
    assert one.weir.log.entry("client-chose-this").client == "203.0.113.9"


def test_trust_covers_a_network(one):
    head, _ = one(SAID, peer_address=HOST, trusted=["10.0.0.0/8", "127.0.0.0/8"])
    assert head.get("x-request-id") == "client-chose-this"


@pytest.mark.parametrize("bad", ["x" * 200, "a b", "a\"b", "ä"])
def test_even_a_trusted_request_id_must_be_presentable(one, bad):
    head, answer = one([("X-Request-Id", bad)], peer_address=HOST, trusted=["127.0.0.0/8"])
    assert answer.id == head.get("x-request-id") != bad


def test_every_request_has_an_id_of_its_own(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    ids, peer = set(), None
    for _ in range(50):
        answer, peer = exchange(c, b, peer=peer)
        ids.add(answer.id)
    assert len(ids) == 50 and all(8 <= len(i) <= 64 for i in ids)


def test_another_id_of_the_backend_is_kept_beside(one):
    head, answer = one(back=[("X-Request-Id", "backend-chose-this")])
    assert answer.id == head.get("x-request-id")
    assert answer.get("x-upstream-request-id") == "backend-chose-this"


def test_the_same_id_from_the_backend_is_not_repeated(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request())
    peer, head = b.request()
    peer.answer(200, b"x", [("X-Request-Id", head.get("x-request-id"))])
    answer = c.answer()
    assert answer.id == head.get("x-request-id")
    assert answer.get("x-upstream-request-id") is None


def test_via_names_weir_both_ways_after_what_was_there(one):
    head, answer = one([("Via", "1.0 first")], [("Via", "1.1 backend")])
    assert re.match(r"^1\.0 first, 1\.1 \S*weir", ", ".join(head.all("via")))
    assert re.match(r"^1\.1 backend, 1\.1 \S*weir", ", ".join(answer.head.all("via")))


def test_via_begins_with_weir(one):
    head, answer = one()
    assert re.match(r"^1\.1 \S*weir", head.get("via"))
    assert re.match(r"^1\.1 \S*weir", answer.get("via"))


def test_a_trace_is_begun(one):
    head, _ = one()
    m = TRACE.match(head.get("traceparent"))
    assert m and set(m.group(1)) != {"0"} and set(m.group(2)) != {"0"}


def test_a_trace_is_passed(one):
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    head, _ = one([("Traceparent", parent), ("Tracestate", "a=b")])
    m = TRACE.match(head.get("traceparent"))
    assert m and m.group(1) == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert head.get("tracestate") == "a=b"


@pytest.mark.parametrize("bad", [
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
    "rubbish"])
def test_a_trace_that_is_none_is_begun_anew(one, bad):
    head, _ = one([("Traceparent", bad)])
    m = TRACE.match(head.get("traceparent"))
    assert m and m.group(1) not in bad.lower()


def test_the_head_arrives_however_it_is_cut(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    raw = request("POST", "/some/path?x=y", [("X-A", "b" * 50), ("Accept", "*/*")], b"body")
    c = w.client()
    want = peer = None
    for seed in range(12):
        rng = random.Random(seed)
        points = sorted(rng.sample(range(1, len(raw)), min(seed * 3 + 1, 30)))
        c.send(raw, [b - a for a, b in zip([0, *points], points)])
        peer = peer or b.accept()
        head = peer.request()
        seen = (head.first, head.body, [f for f in head.fields
                                        if f[0].lower() not in ("x-request-id", "traceparent")])
        want = want or seen
        assert seen == want
        peer.answer(200, b"x")
        c.answer()


def test_an_answers_head_arrives_however_it_is_cut(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    raw = response(200, b"body", [("X-A", "b" * 50), ("Content-Type", "text/x")])
    c = w.client()
    peer = None
    for seed in range(12):
        rng = random.Random(seed)
        c.send(request())
        peer = peer or b.accept()
        peer.request()
        points = sorted(rng.sample(range(1, len(raw)), min(seed * 3 + 1, 30)))
        peer.send(raw, [b - a for a, b in zip([0, *points], points)])
        answer = c.answer()
        assert (answer.body, answer.get("x-a")) == (b"body", "b" * 50)


# upgrades

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
SHAKE = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", KEY),
         ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Protocol", "chat")]
SWITCH = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Accept: " + ACCEPT.encode() + b"\r\n\r\n")


def _routes(**more):
    return [{"path": "/", "pool": "chat", **more}]


def _switched(rig):
    b = rig.backend()
    w = rig.weir(b, routes=_routes(websocket=True))
    c = w.client()
    c.send(request(target="/ws", fields=SHAKE))
    peer = b.accept()
    head = peer.head()
    assert head.tokens("upgrade") == ["websocket"] and "upgrade" in head.tokens("connection")
    assert head.get("sec-websocket-key") == KEY and head.get("sec-websocket-protocol") == "chat"
    peer.send(SWITCH)
    answer = c.head()
    assert answer.status == 101 and answer.tokens("upgrade") == ["websocket"]
    assert "upgrade" in answer.tokens("connection")
    assert answer.get("sec-websocket-accept") == ACCEPT
    return w, c, peer


def test_a_websocket_carries_bytes_both_ways_where_the_route_allows_it(rig):
    _, c, peer = _switched(rig)
    c.send(b"\x81\x85up\x00\x01\x02")
    assert peer.read_exact(7) == b"\x81\x85up\x00\x01\x02"
    peer.send(b"\x81\x04down")
    assert c.read_exact(6) == b"\x81\x04down"
    big = random.Random(1).randbytes(300000)
    peer.send(big)
    assert c.read_exact(len(big)) == big
    c.send(big)
    assert peer.read_exact(len(big)) == big


def test_bytes_right_behind_the_switch_are_not_lost(rig):
    b = rig.backend()
    w = rig.weir(b, routes=_routes(websocket=True))
    c = w.client()
    c.send(request(target="/ws", fields=SHAKE))
    peer = b.accept()
    peer.head()
    peer.send(SWITCH + b"\x81\x05early")
    assert c.head().status == 101
    assert c.read_exact(7) == b"\x81\x05early"


@pytest.mark.parametrize("who", ["client", "backend"])
def test_a_websocket_ends_for_both_when_one_ends(rig, who):
    w, c, peer = _switched(rig)
    first, second = (c, peer) if who == "client" else (peer, c)
    first.send(b"\x88\x00")
    first.close()
    assert second.read_exact(2) == b"\x88\x00"
    second.assert_closed() if who == "backend" else second.wait_end()
    assert w.log.entry(path="/ws").status == 101


def test_a_websocket_that_the_backend_refuses_gets_its_answer(rig):
    b = rig.backend()
    w = rig.weir(b, routes=_routes(websocket=True), workers=1)
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
    w = rig.weir(b, routes=_routes())
    answer = w.client().ask(target="/ws", fields=SHAKE)
    assert 400 <= answer.status < 500 and answer.code == "not_allowed"
    assert answer.cause == "not_allowed" and "http_request_denied" in answer.get("proxy-status")
    b.assert_untouched()


def test_h2c_is_not_passed_on(one):
    head, answer = one([("Upgrade", "h2c"), ("Connection", "Upgrade, HTTP2-Settings"),
                        ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")])
    assert not head.has("upgrade") and not head.has("http2-settings")
    assert not head.tokens("connection")
    assert answer.status == 200


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
    ("/v1/", "/v1/chat", True), ("/v1/", "/v1/", True), ("/v1/", "/v1", False),
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
