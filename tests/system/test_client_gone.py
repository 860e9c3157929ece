# SPDX-License-Identifier: Apache-2.0
"""A client that goes away is noticed wherever its request is, and costs the upstream no more."""

import statistics
import time

import pytest

from harness.ask import end_stream, exchange, has_request, open_stream, post
from harness.deadline import eventually, secs
from harness.dialects import CHAT
from harness.http1 import request

LEAVE = {"fin": lambda c: c.close(), "rst": lambda c: c.reset(), "half": lambda c: c.finish()}
PROMISE = 0.1


@pytest.fixture(params=["fin", "rst", "half"])
def leave(request):
    return LEAVE[request.param]


def _waiting(w, b, path):
    c = w.client()
    c.send(post(CHAT, target=path))
    peer, _ = b.request()
    return c, peer


def _held(w, b, path):
    c, peer = _waiting(w, b, path)
    peer.begin()
    peer.chunk(b"".join(CHAT.preamble))
    return c, peer


def _streaming(w, b, path):
    c, _, _, peer = open_stream(w, b, target=path)
    return c, peer


def _uploading(w, b, path):
    c = w.client()
    c.send(request("POST", path, [("Content-Length", 100000)]) + b"x" * 50000)
    peer = b.accept()
    peer.head()
    peer.read_exact(50000)
    return c, peer


def _plain(w, b, path):
    c = w.client()
    c.send(request(target=path))
    peer, _ = b.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    _, body = c.begin()
    assert body.exactly(3) == b"abc"
    return c, peer


MOMENTS = {"before the head": _waiting, "head held": _held, "streaming": _streaming,
           "uploading": _uploading, "plain answer": _plain}


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda m: m.replace(" ", "_"))
def test_a_gone_client_cancels_upstream_within_100_ms(rig, leave, moment):
    b = rig.backend()
    w = rig.weir(b, limits={"spool": "0B"})
    took = []
    for i in range(5):
        c, peer = MOMENTS[moment](w, b, f"/gone/{i}")
        start = time.monotonic()
        leave(c)
        peer.wait_end()
        took.append(time.monotonic() - start)
    # the machine may be busy once; weir may not be late as a habit
    assert statistics.median(took) < secs(PROMISE), took
    for i in range(5):
        e = w.log.entry(path=f"/gone/{i}")
        assert (e.decision, e.outcome, e.why) == ("admitted", "neutral", "client_gone")
    m = w.metrics()
    assert m.sum("weir_upstream_outcomes_total", outcome="neutral") == 5
    assert m.sum("weir_upstream_outcomes_total") == 5


@pytest.mark.parametrize("how", ["fin", "rst", "half"])
def test_a_client_that_leaves_the_queue_is_never_sent(rig, how):
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"max_streams": 1}, pool={"queue": {"max_wait": "10s"}})
    first, _, body, peer = open_stream(w, b)
    second, third = w.client(), w.client()
    second.send(post(CHAT, target="/second"))
    eventually(lambda: w.metrics().sum("weir_queue_length") == 1)
    third.send(post(CHAT, target="/third"))
    eventually(lambda: w.metrics().sum("weir_queue_length") == 2)
    LEAVE[how](second)
    e = w.log.entry(path="/second", within=1)
    assert (e.decision, e.why, e.upstream, e.outcome) == ("gone", "client_gone", None, None)
    assert w.metrics().sum("weir_queue_length") == 1
    end_stream(CHAT, body, peer)
    nxt = peer if has_request(peer) else b.accept()
    assert nxt.request().target == "/third"
    nxt.answer(200, b"x")
    assert third.answer().status == 200
    assert w.log.entry(path="/third").decision == "queued"


def test_a_half_closed_client_gets_its_answer_if_configured(rig):
    b = rig.backend()
    w = rig.weir(b, client_fin="keep")
    c = w.client()
    c.send(request())
    peer, _ = b.request()
    c.finish()
    peer.quiet_for(0.15)
    peer.answer(200, b"in spite of it")
    assert c.answer().body == b"in spite of it"
    assert c.wait_end() == "fin"


def test_a_half_closed_client_gets_its_stream_if_configured(rig):
    b = rig.backend()
    w = rig.weir(b, client_fin="keep")
    c, _, body, peer = open_stream(w, b)
    c.finish()
    for i in range(3):
        peer.chunk(CHAT.content(str(i)))
        assert body.event() == CHAT.content(str(i))
    end_stream(CHAT, body, peer)
    assert c.wait_end() == "fin"


def test_a_reset_is_a_leave_even_where_half_closing_is_not(rig):
    b = rig.backend()
    w = rig.weir(b, client_fin="keep")
    c, _, _, peer = open_stream(w, b)
    c.reset()
    assert peer.time_to_end(3) < secs(1)


def test_an_end_after_the_last_request_is_no_leave(rig):
    """All that was asked has been answered: the FIN concerns nothing."""
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    answer, _ = exchange(c, b)
    c.close()
    e = w.log.entry(answer.id)
    assert (e.decision, e.outcome, e.why) == ("admitted", "ok", "")


def test_a_client_that_leaves_in_the_middle_of_a_head_leaves_no_trace_upstream(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(b"GET / HTTP/1.1\r\nHost: we")
    c.close()
    exchange(w.client(), b, "/next")


def test_clients_that_leave_are_no_evidence_against_the_upstream(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, pool={"breaker": {"min_requests": 1, "consecutive": 1}})
    for i in range(8):
        c, peer = (_waiting, _streaming)[i % 2](w, b, f"/{i}")
        c.reset()
        peer.wait_end()
    assert w.admin.upstream()["state"] == "closed"
    assert w.admin.upstream()["window"]["failed"] == 0


def test_the_place_of_a_gone_client_is_free_at_once(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"max_streams": 1}, pool={"queue": {"max_wait": "10s"}})
    c, _, _, peer = open_stream(w, b)
    waiting = w.client()
    waiting.send(request(target="/waiting"))
    eventually(lambda: w.metrics().sum("weir_queue_length") == 1)
    c.close()
    other, head = b.request(2)
    assert head.target == "/waiting"
    other.answer(200, b"x")
    assert waiting.answer().status == 200


def test_a_connection_of_a_cancelled_request_is_never_reused(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c, peer = _waiting(w, b, "/gone")
    c.close()
    peer.wait_end()
    _, other = exchange(w.client(), b, "/next")
    assert other is not peer


@pytest.mark.parametrize("gap", [False, True], ids=["at_once", "while_the_first_is_asked"])
def test_whoever_ends_its_side_behind_pipelined_requests_gets_all_their_answers(rig, gap):
    b = rig.backend()
    w = rig.weir(b, client_fin="keep", workers=1)
    c = w.client()
    c.send(request(target="/0"))
    peer = None
    if gap:
        peer, _ = b.request()
    c.send(request(target="/1") + request(target="/2") + b"GET@ / HTTP/1.1\r\n\r\n")
    c.finish()
    peer = peer or b.request()[0]
    peer.answer(200, b"0" * 100000)
    for n in (1, 2):
        assert peer.request().target == f"/{n}"
        peer.answer(200, b"%d" % n * 100000)
    for n in range(3):
        assert c.answer().body == b"%d" % n * 100000
    assert c.answer().status == 400
    c.assert_closed()
