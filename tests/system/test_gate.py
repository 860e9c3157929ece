# SPDX-License-Identifier: Apache-2.0
"""The gate in the binary: exact limits over several workers, the queue's order, fairness, and
limits that only look on."""

import threading
import time

import pytest

from harness.ask import end_stream, exchange, next_peer, open_stream, post
from harness.backend import always
from harness.deadline import eventually, secs
from harness.dialects import CHAT
from harness.http1 import request
from harness.load import Counting, Crowd

OBSERVE = {"mode": "observe"}


def _queued(w, n):
    eventually(lambda: w.metrics().sum("weir_queue_length") == n, what=f"{n} wait")


def _key(i):
    return [("Authorization", f"Bearer user-{i}")]


# max_streams

@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("limit", [1, 4])
def test_a_limit_is_never_passed_whatever_the_load(rig, limit, workers):
    b = rig.backend()
    counting = Counting(b)
    w = rig.weir(b, workers=workers, enforce=True, each={"max_streams": limit},
                 pool={"queue": {"max_wait": "200ms"}, "users": {"fair_share": 1.0}})
    crowd = Crowd(w, 24, _key)
    eventually(lambda: counting.served > 60, 15)
    statuses = crowd.end()
    assert counting.most == limit
    assert statuses[200] == counting.served
    assert set(statuses) <= {200, 503}


def test_a_limit_is_used_to_the_full(rig):
    gate = threading.Event()
    b = rig.backend()
    counting = Counting(b, gate=gate)
    w = rig.weir(b, workers=4, enforce=True, each={"max_streams": 4},
                 pool={"queue": {"max_length": 0}})
    crowd = Crowd(w, 4, _key, times=1)
    eventually(lambda: counting.open == 4)
    refused = w.client().ask("POST", "/v1/chat/completions", body=b'{"stream":true}')
    assert (refused.status, refused.code) == (503, "overloaded")
    gate.set()
    assert crowd.join() == {200: 4}


def test_a_place_given_back_is_taken_by_thenext_peer(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"max_streams": 1}, pool={"queue": {"max_wait": "5s"}})
    c1, _, body, peer = open_stream(w, b)
    c2 = w.client()
    c2.send(post(CHAT, target="/second"))
    _queued(w, 1)
    start = time.monotonic()
    end_stream(CHAT, body, peer)
    nxt = eventually(lambda: next_peer(b, peer))
    assert time.monotonic() - start < secs(0.5)
    nxt.request()
    nxt.answer(200, b"x")
    assert c2.answer().status == 200
    e = w.log.entry(path="/second")
    assert e.decision == "queued" and e.queue_ms >= 0


@pytest.mark.parametrize("settings", [{"limiter": OBSERVE}])
def test_a_limiter_that_looks_on_lets_everything_through(rig, settings):
    gate = threading.Event()
    b = rig.backend()
    counting = Counting(b, gate=gate)
    w = rig.weir(b, each={"max_streams": 2}, pool=settings)
    crowd = Crowd(w, 12, _key, times=1)
    eventually(lambda: counting.open == 12)
    gate.set()
    assert crowd.join() == {200: 12}


# the queue

def _full(rig, **pool):
    """weir whose one place is taken: weir, backend, and how to end the stream that has it."""
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"max_streams": 1}, workers=1, trusted=["127.0.0.0/8"],
                 routes=[{"path": "/", "pool": "chat", "class_header": "x-class"}],
                 pool={"users": {"fair_share": 1.0}, **pool})
    _, _, body, peer = open_stream(w, b)
    return w, b, lambda: (end_stream(CHAT, body, peer), peer)[1]


def _serve_in_order(b, first, n):
    """Answers n requests as they come; returns their targets."""
    order, kept = [], [first]
    for _ in range(n):
        peer = eventually(lambda: next_peer(b, *kept))
        kept = [peer]
        order.append(peer.request().target)
        peer.answer(200, b"x")
    return order


def test_the_queue_is_served_in_order_of_class_and_the_newest_first(rig):
    w, b, end = _full(rig, queue={"max_wait": "10s", "batch_wait": "10s"})
    clients = []
    for i, (name, kind) in enumerate([
            ("batch1", "batch"), ("inter1", "interactive"), ("paid1", "paid"),
            ("inter2", "interactive"), ("paid2", "paid"), ("batch2", "batch")]):
        c = w.client()
        c.send(request("POST", f"/{name}", [("X-Class", kind), *_key(name)], b'{"stream":true}'))
        clients.append(c)
        _queued(w, i + 1)
    assert _serve_in_order(b, end(), 6) == [
        "/paid2", "/paid1", "/inter2", "/inter1", "/batch2", "/batch1"]
    for c in clients:
        assert c.answer().status == 200


def test_a_user_whose_last_turn_was_completed_comes_first(rig):
    w, b, end = _full(rig, queue={"max_wait": "10s"})
    peer = end()
    c = w.client()
    c.send(post(CHAT, _key("old")))
    nxt = eventually(lambda: next_peer(b, peer))
    nxt.request()
    nxt.begin()
    nxt.chunk(CHAT.content("x") + CHAT.end)
    nxt.last_chunk()
    c.answer("POST")
    # the place is taken again; then the old user comes first, the new one later
    blocker, _, body, held = _stream_over(w, b, nxt)
    clients = []
    for i, name in enumerate(["old", "new"]):
        q = w.client()
        q.send(request("POST", f"/{name}", _key(name), b'{"stream":true}'))
        clients.append(q)
        _queued(w, i + 1)
    end_stream(CHAT, body, held)
    assert _serve_in_order(b, held, 2) == ["/old", "/new"]
    for q in clients:
        q.answer()


def _stream_over(w, b, peer):
    c = w.client()
    c.send(post(CHAT, _key("blocker")))
    nxt = eventually(lambda: next_peer(b, peer))
    nxt.request()
    nxt.begin()
    first = b"".join(CHAT.preamble) + CHAT.content("first")
    nxt.chunk(first)
    head, body = c.begin()
    assert body.exactly(len(first)) == first
    return c, head, body, nxt


def test_batch_does_not_wait_by_default(rig):
    w, b, _ = _full(rig, queue={"max_wait": "10s"})
    answer = w.client().ask("POST", "/", [("X-Class", "batch")], b'{"stream":true}')
    assert (answer.status, answer.code) == (503, "overloaded")


def test_a_strangers_class_header_is_not_believed(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, routes=[{"path": "/", "pool": "chat", "class": "batch",
                             "class_header": "x-class"}])
    answer = w.client().ask(fields=[("X-Class", "paid")])
    assert w.log.entry(answer.id)["class"] == "batch"


def test_the_queue_has_a_length(rig):
    w, b, end = _full(rig, queue={"max_wait": "10s", "max_length": 2})
    clients = []
    for i in range(2):
        c = w.client()
        c.send(request("POST", f"/{i}", _key(i), b'{"stream":true}'))
        clients.append(c)
        _queued(w, i + 1)
    answer = w.client().ask("POST", "/over", _key("over"), b'{"stream":true}')
    assert (answer.status, answer.code) == (503, "overloaded")
    assert w.log.entry(answer.id).decision == "refused"
    assert sorted(_serve_in_order(b, end(), 2)) == ["/0", "/1"]
    for c in clients:
        assert c.answer().status == 200


def test_waiting_ends_when_its_time_is_up(rig):
    w, b, _ = _full(rig, queue={"max_wait": "300ms", "cold_wait": "300ms"})
    c = w.client()
    start = time.monotonic()
    c.send(post(CHAT))
    answer = c.answer("POST")
    assert 0.25 < time.monotonic() - start < secs(1.5)
    assert (answer.status, answer.code) == (503, "queue_timeout")
    e = w.log.entry(answer.id)
    assert (e.decision, e.why, e.upstream) == ("refused", "queue_timeout", None)
    assert e.queue_ms >= 250


def test_a_client_whose_own_deadline_cannot_be_met_is_told_at_once(rig):
    w, b, _ = _full(rig, queue={"max_wait": "10s"})
    c = w.client()
    start = time.monotonic()
    c.send(post(CHAT, [("X-Stainless-Timeout", "1"), *_key(1)]))
    answer = c.answer("POST", within=8)
    assert time.monotonic() - start < secs(2.5)
    assert (answer.status, answer.code) == (503, "deadline")


def test_waiting_clients_get_no_byte_before_they_are_served(rig):
    w, b, end = _full(rig, queue={"max_wait": "10s"}, heartbeat="100ms")
    c = w.client()
    c.send(post(CHAT))
    _queued(w, 1)
    c.quiet_for(0.4)
    _serve_in_order(b, end(), 1)
    assert c.answer("POST").status == 200


def test_a_route_may_begin_the_answer_while_it_waits(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"max_streams": 1},
                 routes=[{"path": "/", "pool": "chat", "early_stream": True}],
                 pool={"queue": {"max_wait": "10s"}, "heartbeat": "100ms"})
    _, _, body, peer = open_stream(w, b)
    c = w.client()
    c.send(post(CHAT))
    head, waiting = c.begin()
    assert head.status == 200 and head.get("content-type") == "text/event-stream"
    assert waiting.event().startswith(b":")
    end_stream(CHAT, body, peer)
    nxt = eventually(lambda: next_peer(b, peer))
    nxt.request()
    nxt.begin()
    nxt.chunk(CHAT.content("at last"))
    assert waiting.until(CHAT.content("at last")).endswith(CHAT.content("at last"))
    nxt.chunk(CHAT.end)
    nxt.last_chunk()
    assert waiting.rest() == CHAT.end


def test_an_answer_begun_early_that_comes_to_nothing_ends_in_an_error_frame(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"max_streams": 1},
                 routes=[{"path": "/", "pool": "chat", "early_stream": True}],
                 pool={"queue": {"max_wait": "300ms", "cold_wait": "300ms"}})
    open_stream(w, b)
    c = w.client()
    c.send(post(CHAT))
    answer = c.answer("POST", cut=True)
    assert (answer.status, answer.how) == (200, "fin") and answer.body.count(b"event: error\n") == 1
    assert b'"code":"queue_timeout"' in answer.body and b"[DONE]" not in answer.body
    e = w.log.entry(answer.id)
    assert (e.decision, e.why) == ("refused", "queue_timeout")


# users

def test_a_user_may_have_a_standing_limit_of_requests(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, enforce=True, pool={"users": {"requests_per_minute": 3}})
    c = w.client()
    codes = [c.ask("POST", "/", _key("a"), b"x").status for _ in range(6)]
    assert codes == [200] * 3 + [429] * 3
    assert c.ask("POST", "/", _key("b"), b"x").status == 200


def test_a_user_may_have_a_standing_limit_of_streams(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, pool={"users": {"max_streams": 1}})
    open_stream(w, b, fields=_key("a"))
    c = w.client()
    answer = c.ask("POST", "/", _key("a"), b'{"stream":true}')
    assert (answer.status, answer.code) == (429, "rate_limited")
    exchange(c, b, "/other", fields=_key("b"))


def test_one_users_flood_does_not_lock_others_out(rig):
    b = rig.backend()
    Counting(b, events=4, pause=0.01)
    w = rig.weir(b, enforce=True, each={"max_streams": 4}, pool={"queue": {"max_wait": "1s"}})
    flood = Crowd(w, 30, lambda i: _key("flood"))
    eventually(lambda: w.metrics().sum("weir_shed_total") > 20, 8)
    calm = Crowd(w, 2, _key, times=15)
    statuses = calm.join(30)
    flood.end()
    assert statuses.get(200, 0) >= 27, statuses
    assert 429 in flood.statuses
