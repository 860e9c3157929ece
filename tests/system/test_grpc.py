# SPDX-License-Identifier: Apache-2.0
"""gRPC through weir: the library itself on both ends, and a scripted server where it is too polite."""

import queue
import threading
import time

import pytest

from harness.deadline import secs
from harness.http2 import Server, connect2
from harness.rpc import RpcClient, RpcServer, grpc
from harness.weir import HOST

CALL = [("content-type", "application/grpc"), ("te", "trailers")]
CANCEL, INTERNAL = 8, 2


def before(rig, *upstreams, each=None, **settings):
    w = rig.weir(*upstreams, start=False, each={"http2": "clear", **(each or {})}, **settings)
    w.settings["listeners"] = [{"address": f"{HOST}:{w.address[1]}", "http2": "clear"}]
    w.write_file(w.settings)
    return w.start()


@pytest.fixture
def real(rig):
    server = RpcServer()
    w = before(rig, server.url, workers=1)
    client = RpcClient(w.address)
    yield w, server.service, client
    client.close()
    server.stop()


def test_a_unary_call_with_its_metadata_and_trailers(real):
    _, service, c = real
    answer, call = c.unary.with_call(b"hello", timeout=5, metadata=(("x-mine", "1"),))
    assert answer == b"hello" and dict(call.trailing_metadata())["x-after"] == "yes"
    assert service.metadata.get(timeout=5)["x-mine"] == "1"


def test_a_message_of_a_megabyte(real):
    _, _, c = real
    body = bytes(range(256)) * 4096
    assert c.unary(body, timeout=10) == body


def test_streams_of_the_server_and_of_the_client(real):
    _, _, c = real
    assert list(c.down(b"100", timeout=5)) == [b"%d" % i for i in range(100)]
    assert c.up(iter([b"a" * 70_000] * 5), timeout=5) == b"350000"


def test_both_directions_at_once(real):
    _, _, c = real
    said = queue.Queue()
    call = c.both(iter(said.get, None), timeout=10)
    for i in range(20):  # each is sent when the one before has come back
        said.put(b"%d" % i)
        assert next(call) == b"%d" % i
    said.put(None)
    assert list(call) == [] and call.code() == grpc.StatusCode.OK


def test_a_cancelled_call_ends_at_the_server_within_100_ms(real):
    _, service, c = real
    call = c.hang(b"", timeout=10)
    assert next(call) == b"first"
    begun = time.monotonic()
    call.cancel()
    assert service.cancelled.get(timeout=5)
    assert time.monotonic() - begun < secs(0.1)


def test_a_deadline_ends_the_call_on_both_sides(real):
    _, service, c = real
    with pytest.raises(grpc.RpcError) as e:
        list(c.hang(b"", timeout=0.5))
    assert e.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert service.cancelled.get(timeout=5)


@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "INTERNAL",
                                  "INVALID_ARGUMENT", "NOT_FOUND"])
def test_what_the_server_says_reaches_the_client(real, code):
    _, service, c = real
    service.status = (grpc.StatusCode[code], "said: 100 %")
    with pytest.raises(grpc.RpcError) as e:
        c.fail(b"", timeout=5)
    assert (e.value.code(), e.value.details()) == (grpc.StatusCode[code], "said: 100 %")


def test_a_refusal_by_weir_is_a_status_with_its_message(rig):
    gone = rig.backend()
    gone.close()
    w = before(rig, gone, workers=1)
    c = RpcClient(w.address)
    with pytest.raises(grpc.RpcError) as e:
        c.unary(b"", timeout=5)
    c.close()
    assert e.value.code() == grpc.StatusCode.UNAVAILABLE
    assert "could not be reached" in e.value.details()
    fields = dict(e.value.trailing_metadata())
    assert int(fields["grpc-retry-pushback-ms"]) > 0 and fields["x-request-id"]
    assert "connect_failed" in fields["proxy-status"]


def test_a_backend_without_http_2_is_named_as_the_reason(rig):
    b = rig.backend()
    w = before(rig, b, each={"http2": "off"}, workers=1)
    c = RpcClient(w.address)
    with pytest.raises(grpc.RpcError) as e:
        c.unary(b"", timeout=5)
    c.close()
    assert e.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "gRPC needs HTTP/2" in e.value.details()


# A scripted server

@pytest.fixture
def pair(rig):
    b = rig.backend()
    return before(rig, b, workers=1), b


def called(w, b):
    """A call whose answer has begun, with one whole message: client, its stream, server, request."""
    c = connect2(w)
    st = c.open("POST", "/p.S/M", CALL, end=False)
    s = Server(b.accept())
    s.until(lambda: s.requests)
    r = s.requests[1]
    s.begin(r, 200, [("content-type", "application/grpc")])
    s.data(r, b"\0\0\0\0\1m")
    c.body_until(st, b"m")
    return c, st, s, r


def test_head_and_messages_come_while_the_request_is_open(pair):
    c, st, s, r = called(*pair)
    assert st.status == 200 and not r.ended
    c.data(st, b"\0\0\0\0\1q", end=True)
    s.until(lambda: r.ended)
    assert bytes(r.body) == b"\0\0\0\0\1q"
    s.trailers(r, [("grpc-status", "0")])
    assert c.answer(st).end == "end" and dict(st.trailers) == {"grpc-status": "0"}


def test_a_cut_between_messages_is_told_in_trailers(pair):
    c, st, s, r = called(*pair)
    s.reset(r, INTERNAL)
    c.answer(st)
    assert st.end == "end" and dict(st.trailers)["grpc-status"] == "14"


def test_a_cut_inside_a_message_is_a_reset(pair):
    c, st, s, r = called(*pair)
    s.data(r, b"\0\0\0\0\5ha")
    c.body_until(st, b"ha")
    s.reset(r, INTERNAL)
    assert c.answer(st).end == INTERNAL and st.trailers is None


def test_an_end_without_a_status_is_truncated(pair):
    c, st, s, r = called(*pair)
    s.data(r, b"", end=True)
    c.answer(st)
    assert dict(st.trailers)["grpc-status"] == "14"


@pytest.mark.parametrize("ended", [True, False], ids=["request over", "request open"])
def test_a_call_that_stands_still_ends(rig, ended):
    b = rig.backend()
    w = before(rig, b, pool={"timeouts": {"tunnel_idle": "1s"}})
    c, st, s, r = called(w, b)
    if ended:
        c.data(st, b"", end=True)
    c.answer(st)
    assert dict(st.trailers)["grpc-status"] == "4"


def test_a_request_without_post_is_no_call(rig):
    b = rig.backend()
    w = before(rig, b, workers=1)
    c = connect2(w)
    st = c.open("PUT", "/p.S/M", CALL)
    s = Server(b.accept())
    s.until(lambda: s.requests)
    s.begin(s.requests[1], 200, [("content-type", "text/plain")])
    s.data(s.requests[1], b"fine", end=True)
    assert c.answer(st).status == 200


def test_a_quiet_call_is_not_taken_for_abuse_by_its_server(real):
    _, _, c = real
    said, over = queue.Queue(), threading.Event()
    call = c.both(iter(said.get, None), timeout=100)
    call.add_callback(over.set)
    said.put(b"1")
    assert next(call) == b"1"
    assert not over.wait(50), call.details()
    said.put(b"2")
    assert next(call) == b"2"
    said.put(None)
