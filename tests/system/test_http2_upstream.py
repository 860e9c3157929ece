# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 towards upstreams: streams on few connections, ends, refusals, what is told of them."""

import pytest

from harness.client import Client
from harness.deadline import eventually, secs
from harness.dialects import CHAT
from harness.http1 import request
from harness.http2 import Server, connect2, fill_window
from harness.weir import HOST

REFUSED, CANCEL, INTERNAL, PROTOCOL = 7, 8, 2, 1


def before(rig, *backends, each=None, listener=None, **settings):
    w = rig.weir(*backends, start=False, each={"http2": "clear", **(each or {})}, **settings)
    w.settings["listeners"] = [{"address": f"{HOST}:{w.address[1]}", "http2": "clear",
                                **(listener or {})}]
    w.write_file(w.settings)
    return w.start()


@pytest.fixture
def pair(rig):
    b = rig.backend()
    return before(rig, b, workers=1), b


def asked(w, b, text=None, **how):
    """A client of HTTP/1 with a request that has reached the backend: client, server, request."""
    c = w.client()
    c.send(text or request(target="/a?b", fields=[("Accept", "x"), ("Cookie", "a=1")]))
    s = Server(b.accept(), **how)
    return c, s, s.request()


def test_a_request_of_http_1_is_passed_on(pair):
    w, b = pair
    c, s, r = asked(w, b)
    assert [r.get(n) for n in (":method", ":path", ":scheme")] == ["GET", "/a?b", "http"]
    assert r.get(":authority") and r.get("host") is None and r.get("cookie") == "a=1"
    assert r.get("via") == "1.1 weir" and r.get("te") == "trailers"
    s.answer(r, 200, b"fine", [("x-thing", "1")])
    a = c.answer()
    assert (a.status, a.body, a.get("x-thing")) == (200, b"fine", "1")
    assert a.get("via") == "2.0 weir"


def test_a_body_passes_whole_and_counted(pair):
    w, b = pair
    body = bytes(range(256)) * 2000
    c, s, r = asked(w, b, request("POST", "/", [("Content-Length", len(body))], body))
    assert r.body == body and r.get("content-length") == str(len(body))
    s.answer(r, 200, body[:60000])
    assert c.answer().body == body[:60000]


def test_tls_agrees_on_http_2(rig, authority):
    pem, key = authority.issue("one.test", "one.test", "127.0.0.1")
    b = rig.backend(tls=authority.server(pem, key, alpn=["h2", "http/1.1"]))
    w = rig.weir(b, each={"ca": authority.pem, "server_name": "one.test"})
    c = w.client()
    c.send(request())
    peer = b.accept()
    assert peer.sock.selected_alpn_protocol() == "h2"
    s = Server(peer)
    r = s.request()
    assert r.get(":scheme") == "https"
    s.answer(r, 200, b"fine")
    assert c.answer().body == b"fine"


def test_where_tls_agrees_on_http_1_that_is_spoken(rig, authority):
    pem, key = authority.issue("one.test", "one.test", "127.0.0.1")
    b = rig.backend(tls=authority.server(pem, key, alpn=["http/1.1"]))
    w = rig.weir(b, each={"ca": authority.pem, "server_name": "one.test"})
    c = w.client()
    c.send(request())
    peer = b.accept()
    assert peer.request().target == "/"
    peer.answer(200, b"fine")
    assert c.answer().body == b"fine"


def test_requests_share_a_connection_and_heed_its_limit(pair):
    w, b = pair
    c, s, r = asked(w, b, streams=2)
    more = [w.client() for _ in range(2)]
    more[0].send(request(target="/1"))
    r1 = s.request()
    assert r1.get(":path") == "/1"
    more[1].send(request(target="/2"))  # beyond the limit: a further connection, no queue
    s2 = Server(b.accept())
    r2 = s2.request()
    for server, req, client in ((s, r, c), (s, r1, more[0]), (s2, r2, more[1])):
        server.answer(req, 200, req.get(":path").encode())
        assert client.answer().body == req.get(":path").encode()


def test_events_pass_one_by_one(pair):
    w, b = pair
    c, s, r = asked(w, b, request("POST", CHAT.path, CHAT.fields, CHAT.body))
    s.begin(r, 200, [("content-type", "text/event-stream")])
    s.data(r, CHAT.content("0"))
    _, body = c.begin()
    assert body.event() == CHAT.content("0")
    for i in range(1, 10):
        s.data(r, CHAT.content(str(i)))
        assert body.event() == CHAT.content(str(i))
    s.data(r, CHAT.end, end=True)
    assert body.rest() == CHAT.end


def test_a_client_that_leaves_resets_its_stream_and_nothing_else(pair):
    w, b = pair
    c, s, r = asked(w, b, request("POST", CHAT.path, CHAT.fields, CHAT.body))
    s.begin(r, 200, [("content-type", "text/event-stream")])
    s.data(r, CHAT.content("0"))
    c.begin()
    other = w.client()
    other.send(request(target="/other"))
    r2 = s.request()
    c.reset()
    s.until(lambda: r.reset == CANCEL, 1)
    s.answer(r2, 200, b"fine")
    assert other.answer().body == b"fine"


def test_a_reset_after_the_head_is_a_visible_cut(pair):
    w, b = pair
    c, s, r = asked(w, b)
    s.begin(r, 200, [("content-length", "10")])
    s.data(r, b"half")
    c.begin()
    s.reset(r, INTERNAL)
    assert c.read_to_end() is not None and c.ended in ("fin", "rst")
    assert b"half" in c.seen and not c.seen.endswith(b"half" + b"0" * 6)


def test_a_refused_stream_is_tried_elsewhere(rig):
    a, b = rig.backend(), rig.backend()
    w = before(rig, a, b, workers=1)
    c = w.client()
    c.send(request("POST", "/", [("Content-Length", 4)], b"body"))
    servers = {}

    def arrived():
        for x in (a, b):
            x.sock.settimeout(0)
            try:
                servers[x] = Server(x.peer_of(x.sock.accept()[0]))
                return x
            except BlockingIOError:
                continue
        return None

    first = eventually(arrived)
    s = servers[first]
    s.reset(s.request(), REFUSED)
    second = b if first is a else a
    s = Server(second.accept())
    r = s.request()
    assert r.body == b"body"
    s.answer(r, 200, b"fine")
    assert c.answer().body == b"fine"
    assert w.metrics().sum("weir_upstream_outcomes_total", outcome="refused") == 1
    assert w.metrics().sum("weir_upstream_outcomes_total", outcome="failed") == 0


def test_a_goaway_below_a_request_has_it_sent_again(pair):
    w, b = pair
    c, s, r = asked(w, b)
    s.answer(r, 200, b"one")
    assert c.answer().body == b"one"
    c.send(request("POST", "/2", [("Content-Length", 4)], b"body"))
    s.request()
    s.goaway(1)
    s2 = Server(b.accept())
    r2 = s2.request()
    assert (r2.get(":path"), bytes(r2.body)) == ("/2", b"body")
    s2.answer(r2, 200, b"two")
    assert c.answer().body == b"two"


def test_streams_below_a_goaway_end_in_full_and_later_ones_go_elsewhere(pair):
    w, b = pair
    c, s, r = asked(w, b)
    s.goaway(2 ** 31 - 1)
    s.goaway(1)
    other = w.client()
    eventually(lambda: s.h2 is not None)
    s.begin(r, 200, [("content-length", "4")])
    head, body = c.begin()
    other.send(request(target="/2"))
    s2 = Server(b.accept())
    r2 = s2.request()
    s2.answer(r2, 200, b"two")
    assert other.answer().body == b"two"
    s.data(r, b"full", end=True)
    assert body.rest() == b"full"


def test_an_upstream_that_is_dead_is_found_by_a_ping(pair):
    w, b = pair
    c, s, r = asked(w, b, request("POST", CHAT.path, CHAT.fields, CHAT.body))
    s.begin(r, 200, [("content-type", "text/event-stream")])
    s.data(r, CHAT.content("0"))
    c.begin()
    s.until(lambda: s.pings == 1, 12)  # answered
    s.mute = True
    c.read_to_end(25)
    assert b"upstream_truncated" in c.seen


def test_large_answers_wait_for_the_client(pair):
    w, b = pair
    c, s, r = asked(w, b)
    s.begin(r, 200)
    sent = fill_window(s, r, b"z")
    assert sent < 32 << 20
    head, body = c.begin()
    assert body.exactly(sent) == b"z" * sent
    s.data(r, b"", end=True)
    assert body.rest() == b""


@pytest.mark.parametrize("fields", [[("connection", "close")], [("transfer-encoding", "chunked")],
                                    [("content-length", "1"), ("content-length", "2")]])
def test_a_head_that_http_2_does_not_allow_is_a_bad_gateway(pair, fields):
    w, b = pair
    c, s, r = asked(w, b)
    s.begin(r, 200, fields)
    assert c.answer().status == 502


def test_it_can_be_turned_off(rig, authority):
    pem, key = authority.issue("one.test", "one.test", "127.0.0.1")
    b = rig.backend(tls=authority.server(pem, key, alpn=["h2", "http/1.1"]))
    w = rig.weir(b, each={"ca": authority.pem, "server_name": "one.test", "http2": "off"})
    c = w.client()
    c.send(request())
    peer = b.accept()
    assert peer.sock.selected_alpn_protocol() in (None, "http/1.1")
    peer.request()
    peer.answer(200, b"fine")
    assert c.answer().body == b"fine"


def test_the_gate_counts_streams_and_not_connections(rig):
    b = rig.backend()
    w = before(rig, b, workers=1, enforce=True, each={"max_streams": 3}, pool={"queue": {"max_wait": "0s"}})
    first, s, r = asked(w, b)
    s.until(lambda: s.h2.open_inbound_streams == 1)
    more = [w.client() for _ in range(2)]
    for c in more:
        c.send(request())
        s.request()
    assert w.metrics().sum("weir_inflight") == 3
    assert w.metrics().sum("weir_connections", side="upstream") == 1
    assert w.client().ask().status == 503
    for request_, c in zip(s.requests.values(), (first, *more)):
        s.answer(request_, 200, b"fine")
        assert c.answer().body == b"fine"


def test_websockets_stay_on_http_1(rig, authority):
    pem, key = authority.issue("one.test", "one.test", "127.0.0.1")
    b = rig.backend(tls=authority.server(pem, key, alpn=["h2", "http/1.1"]))
    w = rig.weir(b, each={"ca": authority.pem, "server_name": "one.test"},
                 routes=[{"path": "/", "pool": "chat", "websocket": True}])
    c = w.client()
    c.send(request("GET", "/ws", [("Connection", "Upgrade"), ("Upgrade", "websocket"),
                                  ("Sec-WebSocket-Version", "13"),
                                  ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]))
    peer = b.accept()
    assert peer.sock.selected_alpn_protocol() in (None, "http/1.1")
    assert peer.head().get("upgrade") == "websocket"


# HTTP/2 on both sides: gRPC

def test_trailers_pass_from_http_2_to_http_2(pair):
    w, b = pair
    c = connect2(w)
    st = c.open("POST", "/pkg.Service/Call", [("content-type", "application/grpc"),
                                              ("te", "trailers")], end=False)
    c.data(st, b"\0\0\0\0\2hi", end=True)
    s = Server(b.accept())
    r = s.request()
    assert bytes(r.body) == b"\0\0\0\0\2hi" and r.get("te") == "trailers"
    assert r.get("content-type") == "application/grpc"
    s.begin(r, 200, [("content-type", "application/grpc")])
    s.data(r, b"\0\0\0\0\3you")
    s.trailers(r, [("grpc-status", "0"), ("grpc-message", "OK"), ("content-type", "x/y")])
    c.answer(st)
    assert (st.status, bytes(st.body), st.end) == (200, b"\0\0\0\0\3you", "end")
    assert dict(st.trailers) == {"grpc-status": "0", "grpc-message": "OK"}


def test_trailers_of_a_request_pass_from_http_2_to_http_2(pair):
    w, b = pair
    c = connect2(w)
    st = c.open("POST", "/up", end=False)
    c.data(st, b"body")
    c.h2.send_headers(st.id, [("x-sum", "abc"), ("authorization", "Bearer x"), ("host", "evil"),
                              ("x-forwarded-for", "1.2.3.4")], end_stream=True)
    c.flush()
    s = Server(b.accept())
    r = s.request()
    assert bytes(r.body) == b"body" and r.trailers == [("x-sum", "abc")]
    s.answer(r, 200, b"fine")
    assert bytes(c.answer(st).body) == b"fine"


def test_trailers_of_a_large_counted_body_come_behind_its_last_octet(rig):
    b = rig.backend()
    w = before(rig, b, workers=1, limits={"spool": "0B"})
    body = b"b" * 150_000  # more than is kept: it is sent on as it comes
    c = connect2(w)
    st = c.open("POST", "/up", [("content-length", len(body))], end=False)
    c.data(st, body[:80_000])
    s = Server(b.accept())
    c.data(st, body[80_000:])
    c.h2.send_headers(st.id, [("x-sum", "abc")], end_stream=True)
    c.flush()
    r = s.request()
    assert bytes(r.body) == body and r.trailers == [("x-sum", "abc")]


@pytest.mark.parametrize("trailer", [("x-bad", "a\0b"), ("X-Upper", "a"), (":path", "/"),
                                     ("connection", "close")])
def test_a_bad_trailer_cuts_the_request_and_does_not_end_it(rig, trailer):
    b = rig.backend()
    w = before(rig, b, workers=1, limits={"spool": "0B"})
    c = connect2(w)
    st = c.open("POST", "/up", end=False)
    c.data(st, b"b" * 150_000)  # more than is kept: it is under way upstream
    s = Server(b.accept())
    s.until(lambda: s.requests)
    r = s.requests[1]
    c.h2.send_headers(st.id, [trailer], end_stream=True)
    c.flush()
    s.until(lambda: r.reset is not None or r.ended)
    assert (r.reset, r.ended) == (CANCEL, False)
    assert c.answer(st).end == PROTOCOL


@pytest.mark.parametrize("trailer", [("x-bad", "a\0b"), ("X-Upper", "a"), (":status", "200")])
def test_a_bad_trailer_of_an_answer_is_a_visible_cut(pair, trailer):
    w, b = pair
    c = connect2(w)
    st = c.open()
    s = Server(b.accept())
    r = s.request()
    s.begin(r, 200)
    s.data(r, b"half")
    c.body_until(st, b"half")
    s.trailers(r, [trailer])
    assert c.answer(st).end == INTERNAL


def test_trailers_end_where_http_1_is_spoken(rig):
    b = rig.backend()
    w = before(rig, b, each={"http2": "off"}, workers=1)
    c = connect2(w)
    st = c.open("POST", "/up", end=False)
    c.data(st, b"body")
    c.h2.send_headers(st.id, [("x-sum", "abc")], end_stream=True)
    c.flush()
    peer = b.accept()
    asked = peer.request()
    assert asked.body == b"body" and asked.get("x-sum") is None
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\nx: y\r\n\r\n")
    c.answer(st)
    assert (bytes(st.body), st.trailers, st.end) == (b"fine", None, "end")


def test_an_answer_of_trailers_alone_passes(pair):
    w, b = pair
    c = connect2(w)
    st = c.open("POST", "/pkg.Service/Call", [("content-type", "application/grpc")], end=False)
    c.data(st, b"", end=True)
    s = Server(b.accept())
    r = s.request()
    s.begin(r, 200, [("content-type", "application/grpc"), ("grpc-status", "5")], end=True)
    c.answer(st)
    assert (st.status, st.get("grpc-status"), st.end) == (200, "5", "end")
