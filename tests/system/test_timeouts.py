# SPDX-License-Identifier: Apache-2.0
"""Every timeout, with small values: what happens, to whom, when, and that slow is not late."""

import threading
import time

import pytest

from harness.ask import open_stream, post
from harness.deadline import Late, secs
from harness.dialects import CHAT, OLLAMA, UNKNOWN, WITH_END
from harness.http1 import request


def drip(wire, data, every, step=1):
    """Sends a few bytes at a time until the peer has enough of it; True if all went."""
    tick = threading.Event()
    for i in range(0, len(data), step):
        if not wire.is_open() or wire.buf or not wire.send_or_break(data[i:i + step]):
            return False
        tick.wait(secs(every))
    return True


class Watch:
    """How long something takes, from before its cause: the lower bound is exact, the upper one as
    the machine allows."""

    def __init__(self):
        self.start = time.monotonic()

    @property
    def took(self):
        return time.monotonic() - self.start

    def is_about(self, least, most=None):
        took = self.took
        assert least * 0.98 <= took <= secs(most or least + 2.5), f"took {took:.3f} s"


# the client's side

def test_a_head_that_does_not_come_to_its_end_is_408(rig):
    w = rig.weir(rig.backend(), client_timeouts={"head": "300ms"})
    watch = Watch()
    c = w.client()
    c.send(b"GET / HTTP/1.1\r\nHost: weir.test\r\n")
    answer = c.answer()
    watch.is_about(0.3)
    assert (answer.status, answer.code, answer.cause) == (
        408, "request_timeout", "request_timeout")
    c.assert_closed()
    assert w.log.entry(answer.id).decision == "local"


def test_a_head_has_its_time_in_total_however_it_drips(rig):
    w = rig.weir(rig.backend(), client_timeouts={"head": "500ms"})
    watch = Watch()
    c = w.client()
    assert not drip(c, request(fields=[("X-A", "b" * 200)]), 0.03)
    answer = c.answer()
    watch.is_about(0.5)
    assert answer.status == 408


def test_a_connection_that_says_nothing_is_closed(rig):
    w = rig.weir(rig.backend(), client_timeouts={"head": "300ms", "keepalive": "300ms"})
    watch = Watch()
    c = w.client()
    rest = c.read_to_end()
    watch.is_about(0.3)
    assert rest == b"" or rest.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_stops_coming_is_408_and_nobody_hears_of_it(rig):
    b = rig.backend()
    w = rig.weir(b, client_timeouts={"body_idle": "300ms"})
    watch = Watch()
    c = w.client()
    c.send(request("POST", "/slow", [("Content-Length", 100000)]) + b"x" * 50000)
    answer = c.answer()
    watch.is_about(0.3)
    assert (answer.status, answer.code) == (408, "request_timeout")
    b.assert_untouched()
    e = w.log.entry(path="/slow")
    assert (e.why, e.upstream) == ("request_timeout", None)


def test_a_body_that_flows_through_and_stops_coming_is_408_and_cancels_upstream(rig):
    b = rig.backend()
    w = rig.weir(b, client_timeouts={"body_idle": "300ms"}, limits={"spool": "0B"})
    watch = Watch()
    c = w.client()
    c.send(request("POST", "/slow", [("Content-Length", 100000)]) + b"x" * 50000)
    peer = b.accept()
    peer.head()
    peer.read_exact(50000)
    answer = c.answer()
    watch.is_about(0.3)
    assert (answer.status, answer.code) == (408, "request_timeout")
    c.assert_closed()
    assert peer.time_to_end() < secs(1)
    e = w.log.entry(path="/slow")
    assert (e.outcome, e.why) == ("neutral", "request_timeout")


def test_a_body_that_comes_slowly_but_steadily_is_taken(rig):
    b = rig.backend()
    w = rig.weir(b, client_timeouts={"body_idle": "300ms", "head": "300ms"})
    b.serve(lambda p, r: p.answer(200, r.body))
    c = w.client()
    body = b"0123456789" * 3
    c.send(request("POST", "/", [("Content-Length", len(body))]))
    assert drip(c, body, 0.05 if secs(1) == 1 else 0.01, 2)
    assert c.answer().body == body


def test_a_body_slower_than_the_least_rate_is_408_after_ten_seconds(rig):
    b = rig.backend()
    w = rig.weir(b, client_timeouts={"body_rate": "1KiB", "body_idle": "5s"})
    watch = Watch()
    c = w.client()
    c.send(request("POST", "/", [("Content-Length", 100000)]))
    assert not drip(c, b"x" * 100000, 0.2, 100)
    answer = c.answer()
    assert 9 < watch.took < secs(13)
    assert (answer.status, answer.code) == (408, "request_timeout")


# the upstream's side

def _slow(rig, **timeouts):
    b = rig.backend()
    return b, rig.weir(b, pool={"timeouts": timeouts})


def test_an_upstream_that_takes_no_connection_is_a_failure_to_connect(rig):
    hole = rig.black_hole()
    w = rig.weir(hole.url, pool={"timeouts": {"connect": "300ms"}})
    watch = Watch()
    c = w.client()
    answer = c.ask()
    watch.is_about(0.3)
    assert (answer.status, answer.code, answer.cause) == (502, "connect_failed", "connect_failed")
    assert "error=connection_timeout" in answer.get("proxy-status")
    assert w.log.entry(answer.id).outcome == "connect_failed"


@pytest.mark.parametrize("moment", ["no head", "head", "preamble", "comments"])
@pytest.mark.parametrize("dialect", WITH_END, ids=repr)
def test_no_first_token_in_time_is_504(rig, dialect, moment):
    if moment == "preamble" and not dialect.preamble:
        pytest.skip("this dialect has none")
    b, w = _slow(rig, first_token="400ms", first_token_last="400ms")
    watch = Watch()
    c = w.client()
    c.send(post(dialect))
    peer, _ = b.request()
    stop = threading.Event()
    if moment != "no head":
        peer.begin(kind=dialect.kind)
    if moment == "preamble":
        peer.chunk(b"".join(dialect.preamble))
    if moment == "comments" and dialect is not OLLAMA:
        def comment():
            while not stop.wait(0.05) and peer.send_or_break(b"3\r\n:\n\n\r\n"):
                pass
        threading.Thread(target=comment, daemon=True).start()
    answer = c.answer("POST")
    stop.set()
    watch.is_about(0.4)
    assert (answer.status, answer.code, answer.cause) == (
        504, "gateway_timeout", "gateway_timeout")
    assert answer.json["error"]["type"] == "api_error"
    assert "error=http_response_timeout" in answer.get("proxy-status")
    assert 1 <= int(answer.get("retry-after")) <= 59
    assert peer.time_to_end() < secs(1)
    e = w.log.entry(answer.id)
    assert (e.outcome, e.why, e.status, e.ttft_ms) == ("failed", "gateway_timeout", 504, None)
    assert c.is_open()


@pytest.mark.parametrize("said", [b"", b"".join(UNKNOWN.preamble)], ids=["head", "comment"])
def test_a_stream_of_no_known_dialect_begins_at_once_and_may_be_silent(rig, said):
    b, w = _slow(rig, first_token="200ms", first_token_last="200ms", stall="1s")
    c = w.client()
    c.send(post(UNKNOWN))
    peer, _ = b.request()
    peer.begin(kind=UNKNOWN.kind)
    head, body = c.begin()
    assert head.status == 200
    if said:
        peer.chunk(said)
        assert body.exactly(len(said)) == said
    c.quiet_for(1.5 / secs(1))
    peer.chunk(UNKNOWN.content("late but fine"))
    peer.last_chunk()
    assert body.rest() == UNKNOWN.content("late but fine")
    assert w.log.entry(head.get("x-request-id")).outcome == "ok"


def test_the_last_candidate_has_more_patience(rig):
    b, w = _slow(rig, first_token="200ms", first_token_last="1s")
    watch = Watch()
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    answer = c.answer("POST")
    watch.is_about(1.0)
    assert answer.status == 504


def test_by_default_the_last_candidate_has_four_times_the_patience(rig):
    b, w = _slow(rig, first_token="200ms")
    watch = Watch()
    c = w.client()
    c.send(post(CHAT))
    b.request()
    assert c.answer("POST").status == 504
    watch.is_about(0.8)


@pytest.mark.parametrize("dialect", WITH_END, ids=repr)
def test_a_stream_that_falls_silent_is_stalled(rig, dialect):
    b, w = _slow(rig, stall="1s")
    watch = Watch()
    c, head, body, peer = open_stream(w, b, dialect)
    rest, how = body.rest_or_cut()
    watch.is_about(1.0)
    assert b"upstream_stalled" in rest or how != "end"
    assert b"[DONE]" not in rest and b"message_stop" not in rest and b'"done":true' not in rest
    assert peer.time_to_end() < secs(1)
    e = w.log.entry(head.get("x-request-id"))
    assert (e.outcome, e.why, e.status) == ("stalled", "upstream_stalled", 200)


def test_comments_are_signs_of_life_and_their_end_is_a_stall(rig):
    """A backend's own comments move the clock of silence; they are passed on as they come."""
    b, w = _slow(rig, stall="1s")
    c, head, body, peer = open_stream(w, b)
    for _ in range(6):
        c.quiet_for(0.4 / secs(1))
        peer.chunk(b":\n\n")
        assert body.exactly(3) == b":\n\n"
    watch = Watch()
    rest, how = body.rest_or_cut(6)
    watch.is_about(0.9, 4)
    assert b"upstream_stalled" in rest and how != "end"
    assert w.log.entry(head.get("x-request-id")).outcome == "stalled"


def test_a_slow_stream_is_not_stalled(rig):
    b, w = _slow(rig, stall="1s", first_token="300ms", first_token_last="300ms")
    c, head, body, peer = open_stream(w, b)
    for i in range(4):
        c.quiet_for(0.4 / secs(1))
        peer.chunk(CHAT.content(str(i)))
        body.event()
    peer.chunk(CHAT.end)
    peer.last_chunk()
    assert body.rest() == CHAT.end
    assert w.log.entry(head.get("x-request-id")).outcome == "ok"


def test_a_stream_has_its_time_in_total(rig):
    b, w = _slow(rig, total="1s")
    watch = Watch()
    c, head, body, peer = open_stream(w, b)
    stop = threading.Event()

    def go_on():
        while not stop.wait(0.05) and peer.send_or_break(b"%x\r\n%s\r\n" % (
                len(CHAT.content("x")), CHAT.content("x"))):
            pass

    threading.Thread(target=go_on, daemon=True).start()
    rest, how = body.rest_or_cut()
    stop.set()
    watch.is_about(1.0)
    assert b"event: error" in rest or how != "end"
    assert b"[DONE]" not in rest
    assert w.log.entry(head.get("x-request-id")).why == "gateway_timeout"


@pytest.mark.parametrize("moment", ["no head", "head"])
def test_a_plain_answer_has_its_time(rig, moment):
    b, w = _slow(rig, unary="1s")
    watch = Watch()
    c = w.client()
    c.send(request(target="/plain"))
    peer, _ = b.request()
    if moment == "head":
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        _, body = c.begin()
    if moment == "head":
        assert body.rest_or_cut()[1] in ("fin", "rst")
    else:
        answer = c.answer()
        assert (answer.status, answer.code) == (504, "gateway_timeout")
    watch.is_about(1.0)
    assert peer.time_to_end() < secs(1)
    e = w.log.entry(path="/plain")
    assert (e.outcome, e.why) == ("failed", "gateway_timeout")


def test_a_plain_answer_is_not_bound_by_the_first_token(rig):
    b, w = _slow(rig, first_token="100ms", first_token_last="100ms", stall="1s")
    c = w.client()
    c.send(request("POST", "/v1/embeddings", body=b'{"input":"x"}'))
    peer, _ = b.request()
    c.quiet_for(0.4)
    peer.answer(200, b"late but fine")
    assert c.answer().status == 200


@pytest.mark.parametrize("stream, bound", [("always", True), ("never", False), ("auto", False)])
def test_a_route_may_say_what_is_a_stream(rig, stream, bound):
    b = rig.backend()
    w = rig.weir(b, routes=[{"path": "/", "pool": "chat", "stream": stream}], pool={
        "timeouts": {"first_token": "200ms", "first_token_last": "200ms"}})
    c = w.client()
    c.send(request("POST", "/x", body=b"{}"))
    peer, _ = b.request()
    if bound:
        assert c.answer().code == "gateway_timeout"
    else:
        c.quiet_for(0.5)
        peer.answer(200, b"x")
        assert c.answer().status == 200


BODIES = {
    b'{"stream":true}': True, b'{ "a" : [1, {"stream": false}], "stream" : true }': True,
    b'{"stream":false}': False, b'{"messages":[{"stream":true}]}': False,
    b'{"text":"\\"stream\\":true"}': False, b'{"stream":"true"}': False, b'{"stream":1}': False,
    b'{"str\\u0065am":true}': True, b"stream=true": False, b"": False,
}


@pytest.mark.parametrize("body", BODIES, ids=repr)
@pytest.mark.parametrize("split", [False, True], ids=["whole", "split"])
def test_what_is_a_stream_is_read_from_the_body(rig, body, split):
    if split and not body:
        pytest.skip("nothing to split")
    b = rig.backend()
    w = rig.weir(b, pool={"timeouts": {"first_token": "200ms", "first_token_last": "200ms"}})
    c = w.client()
    raw = request("POST", CHAT.path, [("Content-Length", len(body))])
    c.send(raw + body, [len(raw)] + [1] * len(body) if split else None)
    peer, head = b.request()
    assert head.body == body
    if BODIES[body]:
        assert c.answer().code == "gateway_timeout"
    else:
        c.quiet_for(0.5)
        peer.answer(200, b"x")
        assert c.answer().status == 200


def test_a_path_of_no_known_dialect_has_no_first_token_whatever_its_body_says(rig):
    b, w = _slow(rig, first_token="200ms", first_token_last="200ms")
    c = w.client()
    c.send(request("POST", "/x", body=b'{"stream":true}'))
    peer, _ = b.request()
    c.quiet_for(0.5)
    peer.answer(200, b"x")
    assert c.answer().status == 200


def test_an_expired_wait_leaves_the_client_connection_usable(rig):
    b, w = _slow(rig, first_token="200ms", first_token_last="200ms")
    c = w.client()
    c.send(post(CHAT))
    b.request()
    assert c.answer("POST").status == 504
    c.send(request(target="/next"))
    peer, _ = b.request()
    peer.answer(200, b"x")
    assert c.answer().status == 200


def test_a_waiting_client_is_told_nothing_early(rig):
    b, w = _slow(rig, first_token="10s")
    c = w.client()
    c.send(post(CHAT))
    b.request()
    with pytest.raises(Late):
        c.head(0.2 / secs(1))
