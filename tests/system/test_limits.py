# SPDX-License-Identifier: Apache-2.0
"""Every limit of what a stranger may send: exactly at it served, one over refused."""

import pytest

from harness.ask import post
from harness.body import Body
from harness.dialects import CHAT
from harness.http1 import chunk, chunked, request


@pytest.fixture
def served(rig):
    """A weir with these limits, before a backend that answers everything."""
    def start(**limits):
        b = rig.backend()
        b.serve(lambda p, r: p.answer(200, str(len(r.body)).encode()))
        start.backend = b
        return rig.weir(b, limits=limits)

    return start


def _refused(c, status, cause):
    answer = c.answer()
    assert (answer.status, answer.code, answer.cause) == (status, cause, cause)
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert "error=http_request_error" in answer.get("proxy-status")
    c.assert_closed()
    return answer


def _line(length):
    """A request line of so many bytes, its end not counted."""
    target = "/" + "x" * (length - len("GET / HTTP/1.1"))
    raw = request(target=target)
    assert raw.index(b"\r\n") == length
    return raw


@pytest.mark.parametrize("setting, size", [({}, 8192), ({"request_line": "256B"}, 256),
                                           ({"request_line": "16KiB"}, 16384)])
def test_a_request_line_may_be_as_long_as_the_limit(served, setting, size):
    w = served(**setting)
    c = w.client()
    c.send(_line(size))
    assert c.answer().status == 200
    c.send(_line(size + 1))
    answer = _refused(c, 414, "uri_too_long")
    assert w.log.entry(answer.id).why == "uri_too_long"


def test_a_request_line_without_end_is_refused_when_it_is_too_long(served):
    c = served().client()
    c.send_or_break(b"GET /" + b"x" * 9000)
    _refused(c, 414, "uri_too_long")


def _head(length):
    """A head of so many bytes with its empty line, in fields of at most 1000."""
    raw = b"GET / HTTP/1.1\r\nHost: weir.test\r\n"
    while len(raw) + 2 < length:
        room = length - len(raw) - 2
        size = room if room <= 1000 else min(1000, room - 20)
        raw += b"X-Fill: " + b"x" * (size - 10) + b"\r\n"
    raw += b"\r\n"
    assert len(raw) == length
    return raw


@pytest.mark.parametrize("setting, size", [
    ({}, 32768), ({"head": "1KiB", "request_line": "256B"}, 1024), ({"head": "64KiB"}, 65536)])
def test_a_head_may_be_as_long_as_the_limit(served, setting, size):
    w = served(**setting)
    c = w.client()
    c.send(_head(size))
    assert c.answer().status == 200
    c.send(_head(size + 1))
    answer = _refused(c, 431, "headers_too_large")
    assert w.log.entry(answer.id).why == "headers_too_large"


def test_a_head_without_end_is_refused_when_it_is_too_long(served):
    c = served().client()
    c.send_or_break(b"GET / HTTP/1.1\r\nHost: weir.test\r\nX-A: " + b"x" * 33000)
    _refused(c, 431, "headers_too_large")


@pytest.mark.parametrize("setting, most", [({}, 100), ({"fields": 8}, 8), ({"fields": 300}, 300)])
def test_a_head_may_have_as_many_fields_as_the_limit(served, setting, most):
    w = served(**setting)
    c = w.client()
    assert c.ask(fields=[("X-A", "b")] * (most - 1)).status == 200
    c.send(request(fields=[("X-A", "b")] * most))
    _refused(c, 431, "headers_too_large")


@pytest.mark.parametrize("setting, size", [({}, 32 << 20), ({"body": "1KiB"}, 1024),
                                           ({"body": "0B"}, 0)])
def test_a_counted_body_may_be_as_long_as_the_limit(served, setting, size):
    w = served(**setting)
    c = w.client()
    c.send(request("POST", "/", [("Content-Length", size)]) + b"x" * size, within=20)
    answer = c.answer(within=20)
    assert (answer.status, answer.body) == (200, str(size).encode())
    c.send(request("POST", "/", [("Content-Length", size + 1)]))
    answer = _refused(c, 413, "request_too_large")
    e = w.log.entry(answer.id)
    assert (e.why, e.decision, e.upstream) == ("request_too_large", "local", None)


@pytest.mark.parametrize("size", [1024, 65536])
def test_a_chunked_body_may_be_as_long_as_the_limit(rig, size):
    b = rig.backend()
    w = rig.weir(b, limits={"body": f"{size}B"})
    c = w.client()
    c.send(request("POST", "/", chunks=[b"x" * (size - 7), b"x" * 7]))
    peer, head = b.request()
    assert len(head.body) == size
    peer.answer(200, b"x")
    assert c.answer().status == 200


def test_a_chunked_body_beyond_the_limit_is_refused_and_never_whole(rig):
    size = 10000
    b = rig.backend()
    w = rig.weir(b, limits={"body": f"{size}B", "buffer": "4KiB", "spool": "0B"})
    c = w.client()
    c.send(request("POST", "/big", [("Transfer-Encoding", "chunked")]) + chunk(b"x" * 6000))
    peer = b.accept()
    body = Body(peer, *peer.head().framing())
    c.send(chunked([b"y" * (size - 6000), b"z"]))
    _refused(c, 413, "request_too_large")
    got, how = body.rest_or_cut()
    assert how in ("fin", "rst") and len(got) <= size
    e = w.log.entry(path="/big")
    assert (e.outcome, e.why) == ("neutral", "request_too_large")


def test_a_short_chunked_body_beyond_the_limit_is_refused_before_anything_is_sent(served):
    w = served(body="1KiB")
    c = w.client()
    c.send(request("POST", "/", chunks=[b"x" * 1000, b"y" * 24, b"z"]))
    answer = _refused(c, 413, "request_too_large")
    assert w.log.entry(answer.id).upstream is None


@pytest.mark.parametrize("setting, size", [({}, 65536), ({"response_head": "1KiB"}, 1024)])
def test_an_answers_head_may_be_as_long_as_the_limit(rig, setting, size):
    b = rig.backend()
    w = rig.weir(b, limits=setting)

    def head(length):
        raw = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
        while len(raw) + 2 < length:
            room = length - len(raw) - 2
            n = room if room <= 1000 else min(1000, room - 20)
            raw += b"X-Fill: " + b"x" * (n - 10) + b"\r\n"
        return raw + b"\r\n"

    for length, status in ((size, 200), (size + 1, 502)):
        c = w.client()
        c.send(request())
        peer, _ = b.request()
        assert len(head(length)) == length
        peer.send_or_break(head(length))
        answer = c.answer()
        assert answer.status == status
        assert status == 200 or answer.code == "bad_gateway"
        peer.close()


@pytest.mark.parametrize("length", [0, 1, 100000])
def test_bytes_behind_a_refused_body_are_no_request(served, length):
    """What follows a 413 is the body that was not wanted, whatever it looks like."""
    w = served(body="1KiB")
    c = w.client()
    c.send_or_break(request("POST", "/", [("Content-Length", 5000)])
                    + request(target="/smuggled") * (1 + length // 100))
    _refused(c, 413, "request_too_large")
    assert b"/smuggled" not in b"".join(bytes(p.seen) for p in served.backend.peers)


@pytest.mark.parametrize("size", ["4KiB", "1MiB"])
def test_bodies_pass_through_buffers_of_any_size(rig, size):
    b = rig.backend()
    b.serve(lambda p, r: p.answer(200, r.body))
    w = rig.weir(b, limits={"buffer": size})
    body = bytes(range(256)) * 2000
    assert w.client().ask("POST", "/", body=body).body == body


def test_the_least_buffer_still_carries_a_stream(rig):
    b = rig.backend()
    w = rig.weir(b, limits={"buffer": "4KiB"})
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    peer.begin()
    events = CHAT.whole(*(f"{i}" + "x" * 9000 for i in range(20)))
    peer.chunk(events)
    peer.last_chunk()
    assert c.answer("POST").body == events
