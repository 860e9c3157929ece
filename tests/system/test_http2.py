# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 from clients: requests, streams, bodies, windows, refusals, cuts, ends."""

import signal

import pytest

from harness import config
from harness.backend import always
from harness.deadline import Deadline, Late, eventually, secs
from harness.dialects import ANTHROPIC, CHAT
from harness.http2 import (CONTINUATION, DATA, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, Http2,
                           connect2, fill_window, frame)
from harness.weir import HOST

NO_ERROR, PROTOCOL, INTERNAL, FLOW, SETTINGS_TIMEOUT, CLOSED, REFUSED, CANCEL, CALM = \
    0, 1, 2, 3, 4, 5, 7, 8, 11


def front(rig, *backends, listener=None, **settings):
    """weir that takes HTTP/2 in the clear."""
    w = rig.weir(*backends, start=False, **settings)
    w.settings["listeners"] = [{"address": f"{HOST}:{w.address[1]}", "http2": "clear",
                                **(listener or {})}]
    w.write_file(w.settings)
    return w.start()


@pytest.fixture
def pair(rig):
    b = rig.backend()
    return front(rig, b), b


def stream_begun(w, b, dialect=CHAT, client=None):
    """A stream whose first content has come: client, stream, peer."""
    c = client or connect2(w)
    s = c.post(dialect.path, dialect.body, dialect.fields)
    peer, _ = b.request()
    peer.begin(kind=dialect.kind)
    first = b"".join(dialect.preamble) + dialect.content("first")
    peer.chunk(first)
    c.body_until(s, first)
    return c, s, peer


# requests

def test_a_request_is_passed_on_in_http_1(pair):
    w, b = pair
    c = connect2(w)
    s = c.open("GET", "/a?b=c", [("accept", "text/plain"), ("x-thing", "1"), ("cookie", "a=1"),
                                 ("cookie", "b=2"), ("te", "trailers")])
    peer, head = b.request()
    assert (head.method, head.target) == ("GET", "/a?b=c")
    assert head.get("host") == "a.test" and head.get("cookie") == "a=1; b=2"
    assert head.get("x-thing") == "1" and head.get("te") is None
    assert head.get("via") == "2.0 weir" and head.get("x-forwarded-proto") == "http"
    assert head.get("content-length") is None and head.get("transfer-encoding") is None
    peer.answer(200, b"fine", [("X-Upper", "Yes"), ("Connection", "x-hop"), ("X-Hop", "1"),
                               ("Keep-Alive", "timeout=5")])
    c.answer(s)
    assert (s.status, bytes(s.body), s.end) == (200, b"fine", "end")
    assert s.get("x-upper") == "Yes" and s.get("content-length") == "4"
    assert s.get("x-weir-request-id") and not s.get("connection") and not s.get("x-hop")
    assert s.get("keep-alive") is None


def test_tls_agrees_on_http_2(rig, authority):
    b = rig.backend()
    pem, key = authority.issue("one.test", "one.test", "127.0.0.1")
    w = front(rig, b, listener={"http2": "auto", "tls": {"certificate": pem, "key": key}})
    c = connect2(w, tls=authority.client(alpn=["h2", "http/1.1"]))
    assert c.wire.sock.selected_alpn_protocol() == "h2"
    s = c.post("/x", b"y" * 100000)
    peer, head = b.request()
    assert head.get("x-forwarded-proto") == "https" and head.body == b"y" * 100000
    peer.answer(200, b"z" * 200000)
    assert c.answer(s).body == b"z" * 200000


def test_it_can_be_turned_off(rig, authority):
    b = rig.backend()
    pem, key = authority.issue("one.test", "one.test", "127.0.0.1")
    w = front(rig, b, listener={"http2": "off", "tls": {"certificate": pem, "key": key}})
    c = w.client(tls=authority.client(alpn=["h2", "http/1.1"]), server_name="one.test")
    assert c.sock.selected_alpn_protocol() == "http/1.1"


def test_without_tls_it_is_off_by_default(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(PREFACE)
    assert c.answer().status in (400, 505)
    b.assert_untouched()


def test_a_listener_that_takes_it_takes_http_1_as_well(pair):
    w, b = pair
    b.serve(always(200, b"one"))
    for pieces in (None, [1, 1, 1], [3, 20]):
        c = w.client()
        c.send(b"PUT /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", pieces)
        assert c.answer().body == b"one"
    assert connect2(w).ask().body == b"one"


@pytest.mark.parametrize("size, how", [(0, "counted"), (5, "counted"), (30000, "counted"),
                                       (3_000_000, "chunked")])
def test_a_body_without_a_length_is_counted_where_it_fits(rig, size, how):
    b = rig.backend()
    w = front(rig, b, limits={"body": "64MiB", "spool": "1MiB"})
    c = connect2(w)
    got = []

    def handler(peer, head):
        got.append(head)
        peer.answer(200, b"fine")

    b.serve(handler)
    s = c.open("POST", "/", end=False)
    c.data(s, b"q" * size, end=True, within=30)
    assert c.answer(s, 30).status == 200
    assert len(got[0].body) == size
    assert got[0].get("content-length") == (str(size) if how == "counted" else None)
    assert (got[0].get("transfer-encoding") == "chunked") == (how == "chunked")


def test_a_post_without_a_body_says_so(pair):
    w, b = pair
    c = connect2(w)
    s = c.open("POST", "/")
    peer, head = b.request()
    assert head.get("content-length") == "0"
    peer.answer(204)
    assert c.answer(s).status == 204 and s.body == b""


def test_a_counted_body_is_whole_upstream_only_when_its_end_is_confirmed(rig):
    b = rig.backend()
    w = front(rig, b, limits={"spool": "0B"})
    c = connect2(w)
    s = c.open("POST", "/", [("content-length", "100000")], end=False)
    c.data(s, b"q" * 100000)
    c.ping()
    peer = b.accept()
    head = peer.head()
    assert head.get("content-length") == "100000"
    body = peer.read_exact(99999)
    peer.quiet_for(0.2)
    c.data(s, b"", end=True)
    assert body + peer.read_exact(1) == b"q" * 100000
    peer.answer(200, b"fine")
    assert c.answer(s).body == b"fine"


@pytest.mark.parametrize("sent", [5, 15])
def test_a_body_that_is_not_as_long_as_it_said_reaches_nobody_whole(pair, sent):
    w, b = pair
    c = connect2(w)
    s = c.open("POST", "/", [("content-length", "10")], end=False)
    c.data(s, b"q" * sent, end=True)
    assert c.answer(s).end == PROTOCOL
    c.ping()
    b.assert_untouched()


def test_expect_is_answered(pair):
    w, b = pair
    c = connect2(w)
    s = c.open("POST", "/", [("expect", "100-continue"), ("content-length", "2")], end=False)
    c.until(lambda: s.interim == [100])
    c.data(s, b"hi", end=True)
    peer, head = b.request()
    assert head.body == b"hi"
    peer.answer(200, b"x")
    assert c.answer(s).status == 200


def test_head_and_empty_answers_have_no_data(pair):
    w, b = pair
    b.serve(lambda p, r: p.send(b"HTTP/1.1 200 Fine\r\nContent-Length: 7\r\n\r\n")
            if r.method == "HEAD" else p.answer(304 if r.target == "/3" else 200, b""))
    c = connect2(w)
    s = c.ask("HEAD", "/")
    assert (s.get("content-length"), bytes(s.body), s.end) == ("7", b"", "end")
    assert c.ask("GET", "/3").status == 304
    assert c.ask("GET", "/0").get("content-length") == "0"


# streams

def test_events_come_one_by_one(pair):
    w, b = pair
    c, s, peer = stream_begun(w, b)
    for i in range(20):
        peer.chunk(CHAT.content(str(i)))
        c.body_until(s, CHAT.content(str(i)))
    peer.chunk(CHAT.end)
    peer.last_chunk()
    assert c.answer(s).end == "end"
    assert bytes(s.body) == CHAT.whole("first", *map(str, range(20)))
    assert s.get("content-type") == "text/event-stream"


def test_a_hundred_streams_share_a_connection(pair):
    w, b = pair
    c = connect2(w)
    b.serve(lambda p, r: p.answer(200, r.target.encode() * 1000))
    c.ping()
    streams = [c.open("GET", f"/{i}") for i in range(100)]
    for i, s in enumerate(streams):
        assert c.answer(s, 20).body == f"/{i}".encode() * 1000
    c.ping()
    assert c.settings[3] == 100
    assert w.metrics().sum("weir_http2_connections") == 1
    eventually(lambda: w.metrics().sum("weir_http2_streams") == 0)


def test_who_does_not_read_a_stream_holds_up_that_stream_alone(rig):
    b = rig.backend()
    w = front(rig, b, limits={"buffer": "32KiB"})
    c = connect2(w, acknowledge=False)
    slow = c.open("GET", "/slow")
    peer, _ = b.request()
    peer.begin(kind="application/octet-stream")
    sent = peer.send_until_stuck(b"%x\r\n" % 65536 + b"s" * 65536 + b"\r\n", 64 << 20)
    assert sent < 32 << 20, "the backend feels that nobody reads"
    c.until(lambda: len(slow.body) == 65535)
    c.h2.increment_flow_control_window(1 << 20)  # of the connection
    c.flush()
    fast = c.open("GET", "/fast")
    peer2, _ = b.request()
    peer2.answer(200, b"f" * 50000)
    assert c.answer(fast).body == b"f" * 50000
    assert slow.end is None
    c.acknowledge = True
    c.h2.increment_flow_control_window(1 << 20, slow.id)
    c.flush()
    c.until(lambda: len(slow.body) > 1 << 20)


def test_an_upload_that_is_stuck_holds_up_no_other(rig):
    b = rig.backend()
    w = front(rig, b, limits={"buffer": "32KiB", "spool": "0B"})
    c = connect2(w)
    up = c.open("POST", "/up", end=False)
    room = c.h2.local_flow_control_window(up.id)
    for _ in range(0, room - 16384, 16384):
        c.h2.send_data(up.id, b"u" * 16384)
    c.flush()
    peer = b.accept()  # and never reads
    assert peer.head().target == "/up"
    other = None
    for i in range(3):
        s = c.open("POST", f"/{i}", end=False)
        c.data(s, b"v" * 30000, end=True)
        other = other or b.accept()
        head = other.request()
        assert head.body == b"v" * 30000
        other.answer(200, b"fine")
        assert c.answer(s).body == b"fine"


def test_a_large_upload_is_taken_as_fast_as_the_backend_takes_it(rig):
    b = rig.backend(rcvbuf=4096)
    w = front(rig, b, limits={"buffer": "32KiB", "spool": "0B"})
    c = connect2(w)
    up = c.open("POST", "/up", end=False)
    sent = fill_window(c, up, b"u")
    assert sent < 8 << 20
    peer = b.accept()
    head = peer.head()
    body = peer.body(head)
    assert body.exactly(sent) == b"u" * sent
    c.until(lambda: c.h2.local_flow_control_window(up.id) > 0)
    c.data(up, b"", end=True)
    assert body.rest() == b""
    peer.answer(200, b"fine")
    assert c.answer(up).body == b"fine"


# clients that leave

def test_a_reset_cancels_upstream_at_once(pair):
    w, b = pair
    c, s, peer = stream_begun(w, b)
    other = c.open("GET", "/other")
    peer2, _ = b.request()
    c.cancel(s)
    assert peer.time_to_end() < secs(0.1)
    peer2.answer(200, b"fine")
    assert c.answer(other).body == b"fine"
    assert w.log.entry(path=CHAT.path).cause == "client_gone"


def test_a_connection_that_closes_cancels_all_its_streams(pair):
    w, b = pair
    c, _, peer = stream_begun(w, b)
    c, _, peer2 = stream_begun(w, b, client=c)
    c.close()
    assert peer.time_to_end() < secs(0.5) and peer2.time_to_end() < secs(0.5)


def test_a_reset_in_the_same_read_costs_nobody_anything(pair):
    w, b = pair
    c = connect2(w)
    c.ping()
    s = c.open("GET", "/", flush=False)
    c.h2.reset_stream(s.id, CANCEL)
    c.flush()
    c.ping()
    b.assert_untouched()
    b.serve(always())
    assert c.ask().status == 200


# refusals and cuts

def test_a_refusal_is_a_plain_answer(rig):
    b = rig.backend()
    w = front(rig, b, routes=[{"path": "/only", "pool": "chat"}])
    c = connect2(w)
    s = c.ask("GET", "/v1/other")
    assert (s.status, s.end, s.reset) == (404, "end", None)
    assert s.json["error"]["type"] == "invalid_request_error"
    assert s.get("proxy-status").startswith("weir;")
    b.serve(always())
    assert c.ask("GET", "/only").status == 200


def test_an_answer_during_an_upload_is_whole_and_then_the_upload_is_ended(rig):
    b = rig.backend()
    w = front(rig, b, limits={"body": "100KiB"})
    c = connect2(w)
    s = c.open("POST", "/", [("content-length", "200000")], end=False)
    c.answer(s)
    assert (s.status, s.end) == (413, "end")
    assert s.json["error"]["type"] == "invalid_request_error"
    c.until(lambda: s.reset == NO_ERROR)
    b.serve(always())
    assert c.ask().status == 200, "the connection is kept"


def test_a_body_that_grows_too_large_is_refused(rig):
    b = rig.backend()
    w = front(rig, b, limits={"body": "100KiB"})
    c = connect2(w)
    s = c.open("POST", "/", end=False)
    c.data(s, b"q" * (100 * 1024 + 1))
    assert c.answer(s).status == 413


@pytest.mark.parametrize("dialect", [CHAT, ANTHROPIC])
def test_half_a_stream_ends_in_the_error_event_and_a_reset(pair, dialect):
    w, b = pair
    c, s, peer = stream_begun(w, b, dialect)
    peer.reset()
    c.answer(s)
    assert s.end == INTERNAL
    assert b"upstream_truncated" in s.body or b"upstream_reset" in s.body
    b.serve(always())
    assert c.ask().status == 200, "the connection is kept"


def test_half_an_answer_never_looks_whole(pair):
    w, b = pair
    c = connect2(w)
    s = c.open("GET", "/")
    peer, _ = b.request()
    peer.send(b"HTTP/1.1 200 Fine\r\nContent-Length: 10\r\n\r\nhalf")
    c.body_until(s, b"half")
    peer.close()
    assert c.answer(s).end == INTERNAL


# ends

def test_draining_says_goaway_twice_and_lets_streams_end(pair):
    w, b = pair
    c, s, peer = stream_begun(w, b)
    w.signal(signal.SIGTERM)
    c.until(lambda: c.goaways)
    assert c.goaways[0] == (2 ** 31 - 1, NO_ERROR)
    c.until(lambda: len(c.goaways) == 2)
    assert c.goaways[1] == (s.id, NO_ERROR)
    peer.chunk(CHAT.content("more"))
    c.body_until(s, CHAT.content("more"))
    peer.chunk(CHAT.end)
    peer.last_chunk()
    assert c.answer(s).end == "end"
    assert c.wait_end() == "fin"
    w.wait_exit()


def test_an_idle_connection_is_let_go_when_draining(pair):
    w, b = pair
    b.serve(always())
    c = connect2(w)
    assert c.ask().status == 200
    w.signal(signal.SIGTERM)
    assert c.wait_end() == "fin"
    assert [g[1] for g in c.goaways] == [NO_ERROR, NO_ERROR]
    w.wait_exit()


def test_a_reload_that_changes_what_was_announced_ends_connections_gracefully(pair):
    w, b = pair
    c, s, peer = stream_begun(w, b)
    kept = connect2(w)
    w.settings["limits"] = {"http2_streams": 7}
    w.write_file(w.settings)
    w.signal(signal.SIGHUP)
    c.until(lambda: len(c.goaways) == 2)
    peer.chunk(CHAT.end)
    peer.last_chunk()
    assert c.answer(s).end == "end"
    assert c.wait_end() == "fin"
    assert kept.wait_end() == "fin"
    fresh = connect2(w)
    fresh.ping()
    assert fresh.settings[3] == 7


def test_a_connection_ends_gracefully_after_its_share_of_requests(rig):
    b = rig.backend()
    b.serve(always())
    w = front(rig, b, limits={"keepalive_requests": 3})
    c = connect2(w)
    for _ in range(3):
        assert c.ask().status == 200
    assert c.wait_end() == "fin"
    assert c.goaways[-1] == (5, NO_ERROR)


# times

def test_a_client_that_says_nothing_is_sent_away(rig):
    b = rig.backend()
    w = front(rig, b, client_timeouts={"head": "300ms", "keepalive": "300ms"})
    c = w.client()
    c.send(PREFACE)
    c.read_to_end()
    c = w.client()
    c.send(PREFACE[:10])
    assert c.read_to_end() == b""


def test_a_head_that_does_not_end_is_cut_off(rig):
    b = rig.backend()
    w = front(rig, b, client_timeouts={"head": "300ms"})
    c = connect2(w)
    c.ping()
    c.raw(frame(HEADERS, 1, 1, b"\x82"))  # END_STREAM, no END_HEADERS
    assert c.wait_end() == "fin"
    assert c.goaways[-1][1] == CALM


def pinged(c):
    """One more PING without waiting for it; true once the connection is told to end."""
    if c.wire.is_open():
        c.raw(frame(PING, 0, 0, b"weirtest"))
    if c.wire.buf:
        c.receive(Deadline())
    return c.goaways


def test_an_idle_connection_ends_and_pings_do_not_keep_it(rig):
    b = rig.backend()
    b.serve(always())
    w = front(rig, b, client_timeouts={"keepalive": "500ms"})
    c = connect2(w)
    assert c.ask().status == 200
    eventually(lambda: pinged(c))
    assert c.goaways[-1][1] == NO_ERROR
    assert c.wait_end() == "fin"


def test_a_body_that_falls_silent_is_answered(rig):
    b = rig.backend()
    w = front(rig, b, client_timeouts={"body_idle": "300ms"})
    c = connect2(w)
    s = c.open("POST", "/", end=False)
    c.data(s, b"some")
    assert c.answer(s).status == 408
    b.serve(always())
    assert c.ask().status == 200


def test_a_window_that_stays_closed_ends_its_stream(rig):
    b = rig.backend()
    b.serve(always(200, b"w" * 100000))
    w = front(rig, b, client_timeouts={"write": "400ms"})
    c = connect2(w, window=0)
    s = c.open("GET", "/")
    c.until(lambda: s.status == 200)
    assert c.answer(s).end == CANCEL
    eventually(lambda: w.metrics().sum("weir_http2_streams") == 0)


def test_a_client_that_reads_nothing_is_let_go(rig):
    """Its windows are open: it is the kernel that takes no more."""
    b = rig.backend()
    b.serve(always(200, b"w" * 4_000_000))
    w = front(rig, b, client_timeouts={"write": "400ms"})
    c = connect2(w, window=1 << 24, acknowledge=False)
    c.h2.increment_flow_control_window(1 << 26)
    for _ in range(10):
        c.open("GET", "/")
    eventually(lambda: w.metrics().sum("weir_requests_total") == 10)
    eventually(lambda: w.metrics().sum("weir_http2_connections") == 0)


def test_a_body_that_trickles_is_answered(rig):
    b = rig.backend()
    w = front(rig, b, client_timeouts={"body_rate": "100KiB", "body_idle": "60s"})
    c = connect2(w)
    s = c.open("POST", "/", [("content-length", "1000")], end=False)
    other = c.open("GET", "/other")
    peer, _ = b.request()
    deadline = Deadline(20)
    while s.status is None:
        c.data(s, b"x")
        try:
            c.until(lambda: s.status is not None, 0.3)
        except Late:
            assert not deadline.passed()
    assert (s.status, s.code) == (408, "request_timeout")
    peer.answer(200, b"fine")
    assert c.answer(other).body == b"fine"


# limits

def test_a_head_that_is_too_large_is_refused_and_the_connection_kept(pair):
    w, b = pair
    c = connect2(w)
    s = c.ask("GET", "/", [(f"x-{i}", "v" * 3000) for i in range(12)])
    assert (s.status, s.end) == (431, "end")
    assert c.ask("GET", "/", [(f"x-{i}", "v") for i in range(120)]).status == 431
    assert c.ask("GET", "/" + "p" * 9000).status == 414
    b.serve(always())
    assert c.ask().status == 200


def test_streams_of_one_address_are_counted(rig):
    b = rig.backend()
    w = front(rig, b, listener={"per_address": 3})
    c = connect2(w)
    streams = [c.open("GET", f"/{i}") for i in range(3)]
    peers = [b.request()[0] for _ in streams]
    s = c.ask()
    assert (s.status, s.code) == (429, "rate_limited")
    for p, s in zip(peers, streams):
        p.answer(200, b"x")
    for s in streams:
        assert c.answer(s).status == 200
