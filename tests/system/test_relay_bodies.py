# SPDX-License-Identifier: Apache-2.0
"""Bodies both ways, whole and in pieces; answers without a body; 1xx and Expect."""

import random

import pytest

from harness.ask import exchange, noise, pieces
from harness.body import Body
from harness.http1 import chunked, request, response

SIZES = [0, 1, 2, 4095, 4096, 4097, 16384, 32767, 32768, 32769, 65536, 1 << 20]


def _echo(rig):
    def handler(peer, r):
        if r.get("x-way") == "chunked":
            peer.begin(kind="application/octet-stream")
            for piece in pieces(random.Random(len(r.body)), r.body) if r.body else []:
                if piece:
                    peer.chunk(piece)
            peer.last_chunk()
        elif r.get("x-way") == "close":
            peer.begin(kind="application/octet-stream", chunked=False)
            peer.send(r.body)
            peer.close()
        else:
            peer.answer(200, r.body)

    return rig.weir(rig.backend().serve(handler))


@pytest.fixture
def echo(standing):
    """weir before a backend that gives the request's body back, counted or chunked as asked."""
    s = standing(_echo)
    yield s.get()
    s.look()


@pytest.mark.parametrize("back", ["counted", "chunked", "close"])
@pytest.mark.parametrize("there", ["counted", "chunked"])
@pytest.mark.parametrize("size", SIZES)
def test_a_body_arrives_as_it_was_sent(echo, size, there, back):
    body = noise(size, size)
    c = echo.client()
    fields = [("X-Way", back)]
    if there == "counted":
        raw = request("POST", "/", [*fields, ("Content-Length", size)]) + body
    else:
        raw = request("POST", "/", fields, chunks=[body[:size // 3], body[size // 3:]])
    c.send(raw)
    answer = c.answer()
    assert answer.body == body
    entry = echo.log.entry(answer.id)
    assert (entry.bytes_in, entry.bytes_out) == (size, size)


@pytest.mark.parametrize("seed", range(12))
def test_a_chunked_body_arrives_however_it_is_cut(echo, seed):
    rng = random.Random(seed)
    body = rng.randbytes(rng.randrange(1, 20000))
    raw = request("POST", "/", [("X-Way", "chunked"), ("Transfer-Encoding", "chunked")])
    raw += chunked(pieces(rng, body, 30))
    points = sorted(rng.sample(range(1, len(raw)), 25))
    c = echo.client()
    c.send(raw, [b - a for a, b in zip([0, *points], points)])
    assert c.answer().body == body


def test_many_bodies_follow_each_other_on_one_connection(echo):
    rng = random.Random(7)
    c = echo.client()
    for i in range(40):
        body = rng.randbytes(rng.randrange(0, 5000))
        way = rng.choice(["counted", "chunked"])
        answer = c.ask("POST", "/", [("X-Way", way), ("Content-Length", len(body))] if not body
                       else [("X-Way", way)], body)
        assert answer.body == body


def test_a_request_body_streams_through_before_it_is_whole(rig):
    b = rig.backend()
    w = rig.weir(b, limits={"buffer": "4KiB", "spool": "0B"})
    c = w.client()
    first = noise(1, 6000)
    c.send(request("POST", "/", [("Content-Length", 6005)]) + first)
    peer = b.accept()
    head = peer.head()
    body = Body(peer, *head.framing())
    assert body.exactly(6000) == first
    c.send(b"67890")
    assert body.rest() == b"67890"
    peer.answer(200, b"x")
    assert c.answer().status == 200


def test_a_chunked_request_body_streams_through_before_it_is_whole(rig):
    b = rig.backend()
    w = rig.weir(b, limits={"buffer": "4KiB", "spool": "0B"})
    c = w.client()
    first = noise(1, 6000)
    c.send(request("POST", "/", [("Transfer-Encoding", "chunked")]) + chunked([first])[:-5])
    peer = b.accept()
    body = Body(peer, *peer.head().framing())
    assert body.exactly(6000) == first
    for i in range(3):
        c.send(b"3\r\nab%d\r\n" % i)
        assert body.exactly(3) == b"ab%d" % i
    c.send(b"0\r\n\r\n")
    assert body.rest() == b""
    peer.answer(200, b"x")
    assert c.answer().status == 200


def test_a_response_body_streams_through_before_it_is_whole(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request())
    peer, _ = b.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
    head, body = c.begin()
    assert body.exactly(5) == b"12345"
    peer.send(b"67890")
    assert body.rest() == b"67890"


def test_trailers_of_a_request_are_dropped(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request("POST", "/", [("Transfer-Encoding", "chunked")])
           + b"3\r\nabc\r\n0\r\nX-Trailer: secret\r\nContent-Length: 5\r\n\r\n")
    peer, head = b.request()
    assert head.body == b"abc"
    peer.answer(200, b"x")
    assert c.answer().status == 200
    assert b"secret" not in peer.seen
    exchange(c, b, "/next", peer)


def test_trailers_of_an_answer_are_dropped(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    c.send(request())
    peer, _ = b.request()
    peer.begin(kind="text/plain", fields=[("Trailer", "X-Sum")])
    peer.send(b"3\r\nabc\r\n0\r\nX-Sum: secret\r\n\r\n")
    assert c.answer().body == b"abc"
    exchange(c, b, "/next", peer)
    assert b"secret" not in c.seen and b"railer" not in c.seen


def test_chunk_extensions_are_not_passed_on(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request("POST", "/", [("Transfer-Encoding", "chunked")])
           + b'3;ext=secret;x="y"\r\nabc\r\n0;last\r\n\r\n')
    peer, head = b.request()
    assert head.body == b"abc" and b"secret" not in peer.seen
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;hidden=1\r\nxy\r\n0\r\n\r\n")
    assert c.answer().body == b"xy" and b"hidden" not in c.seen


def test_a_request_without_body_has_none_upstream(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request("GET"))
    peer, head = b.request()
    assert head.framing()[0] == "none"
    peer.answer(200, b"x")
    c.answer()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "M-SEARCH"])
def test_any_other_method_is_passed_on(rig, method):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request(method, "/x", body=b"with a body"))
    peer, head = b.request()
    assert (head.method, head.body) == (method, b"with a body")
    peer.answer(200, b"x")
    assert c.answer().status == 200


# answers without a body

@pytest.mark.parametrize("raw", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
])
def test_an_answer_to_head_has_no_body(rig, raw):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    c.send(request("HEAD", "/1"))
    peer, head = b.request()
    assert head.method == "HEAD"
    peer.send(raw)
    answer = c.answer("HEAD")
    assert answer.status == 200
    if b"5000" in raw:
        assert answer.get("content-length") == "5000"
    exchange(c, b, "/2", peer)


@pytest.mark.parametrize("raw, status", [
    (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
    (b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", 304),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
])
def test_an_answer_that_has_no_body_ends_with_its_head(rig, raw, status):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    c.send(request(target="/1"))
    peer, _ = b.request()
    peer.send(raw)
    assert c.answer().status == status
    exchange(c, b, "/2", peer)


def test_an_early_answer_is_relayed_while_the_body_is_still_coming(rig):
    b = rig.backend()
    w = rig.weir(b, limits={"spool": "0B"})
    c = w.client()
    c.send(request("POST", "/", [("Content-Length", 1000000)]) + b"x" * 100000)
    peer = b.accept()
    peer.head()
    peer.send(response(413, b"no", [("Connection", "close")]))
    answer = c.answer()
    assert (answer.status, answer.body) == (413, b"no")


def test_every_status_of_the_backend_is_relayed_untouched(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    peer = None
    for status in (200, 201, 206, 299, 301, 302, 307, 400, 401, 403, 404, 418, 422, 499):
        c.send(request(target=f"/{status}"))
        peer = peer or b.accept()
        peer.request()
        peer.answer(status, b"own words", [("Location", "/x"), ("X-Own", "1")], reason="Own Reason")
        answer = c.answer()
        assert (answer.status, answer.body, answer.get("x-own")) == (status, b"own words", "1")
        assert answer.get("location") == "/x" and answer.get("proxy-status") is None


# 1xx and Expect

def test_interim_answers_are_counted_for_each_answer_alone(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    c.send(request())
    peer, _ = b.request()
    for last in range(20):
        peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" + response(200, b"x"))
        assert c.answer().status == 200
        if last < 19:
            c.send(request())
            peer.request()


@pytest.mark.parametrize("interim", [
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
    b"HTTP/1.1 102 Processing\r\n\r\n" * 5,
])
def test_interim_answers_nobody_asked_for_are_swallowed(rig, interim):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request("POST", "/", body=b"abc"))
    peer, _ = b.request()
    peer.send(interim + response(200, b"true"))
    answer = c.answer()
    assert (answer.status, answer.body, answer.interim) == (200, b"true", [])


@pytest.mark.parametrize("backend_says_100", [True, False])
@pytest.mark.parametrize("how", ["counted", "chunked"])
@pytest.mark.parametrize("spool", ["64MiB", "0B"])
def test_a_client_that_expects_100_gets_it_once_and_then_its_answer(rig, backend_says_100, how,
                                                                    spool):
    """From weir itself: the backend is not asked before there is a body."""
    b = rig.backend()
    w = rig.weir(b, limits={"spool": spool})
    c = w.client()
    framing = ("Content-Length", 3) if how == "counted" else ("Transfer-Encoding", "chunked")
    c.send(request("POST", "/", [("Expect", "100-continue"), framing]))
    assert c.head().status == 100
    b.assert_untouched()
    c.send(b"abc" if how == "counted" else b"3\r\nabc\r\n0\r\n\r\n")
    peer, head = b.request()
    assert head.body == b"abc"
    if backend_says_100:
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    peer.answer(200, b"true")
    answer = c.answer()
    assert (answer.status, answer.interim) == (200, [])


def test_a_body_that_comes_without_waiting_for_100_is_taken(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request("POST", "/", [("Expect", "100-continue")], b"abc"))
    peer = b.accept()
    head = peer.head()
    if head.has("expect"):
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert peer.body(head).rest() == b"abc"
    peer.answer(200, b"true")
    answer = c.answer()
    assert answer.status == 200 and len(answer.interim) <= 1


def test_an_http_1_0_client_never_gets_100(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request("POST", "/", [("Expect", "100-continue"), ("Content-Length", 3)],
                   version="HTTP/1.0"))
    c.quiet_for(0.1)
    c.send(b"abc")
    peer = b.accept()
    head = peer.head()
    peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert peer.body(head).rest() == b"abc"
    peer.answer(200, b"true")
    answer = c.answer()
    assert (answer.status, answer.interim) == (200, [])


def test_a_refused_request_that_expects_100_gets_the_refusal_instead(rig):
    b = rig.backend()
    w = rig.weir(b, limits={"body": "1KiB"})
    c = w.client()
    c.send(request("POST", "/", [("Expect", "100-continue"), ("Content-Length", 5000)]))
    answer = c.answer()
    assert (answer.status, answer.code, answer.interim) == (413, "request_too_large", [])
    b.assert_untouched()
