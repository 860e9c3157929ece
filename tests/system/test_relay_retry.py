# SPDX-License-Identifier: Apache-2.0
"""Second tries: stale connections, other upstreams; never twice where something may have begun."""

import pytest

from harness.ask import arrived, exchange, post
from harness.backend import always, closed_port
from harness.deadline import eventually
from harness.dialects import ANTHROPIC, CHAT, sse
from harness.http1 import request
from harness.weir import HOST


def _dead(rig):
    sock = rig.keep(closed_port(HOST))
    return f"http://{HOST}:{sock.getsockname()[1]}"


# stale connections

def test_a_get_on_a_connection_that_was_just_closed_is_sent_again(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    _, peer = exchange(c, b, "/1")
    c.send(request(target="/2"))
    peer.request()
    peer.close()
    other, head = b.request()
    assert head.target == "/2"
    other.answer(200, b"second try")
    answer = c.answer()
    assert answer.body == b"second try"
    assert w.log.entry(answer.id).outcome == "ok"


def test_a_post_that_was_read_is_never_sent_again(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    _, peer = exchange(c, b, "/1")
    c.send(request("POST", "/2", body=b"do it once"))
    assert peer.request().body == b"do it once"
    peer.close()
    answer = c.answer()
    assert (answer.status, answer.code) == (502, "upstream_reset")
    b.assert_untouched()


def test_a_fresh_connection_is_not_tried_a_second_time(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    _, peer = exchange(c, b, "/1")
    c.send(request(target="/2"))
    peer.request()
    peer.close()
    other, _ = b.request()
    other.close()
    answer = c.answer()
    assert (answer.status, answer.code) == (502, "upstream_reset")
    b.assert_untouched()


def test_nothing_is_sent_again_after_a_byte_of_the_answer(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    _, peer = exchange(c, b, "/1")
    c.send(request(target="/2"))
    peer.request()
    peer.send(b"HTTP/1.1 2")
    peer.close()
    answer = c.answer()
    assert answer.status == 502
    b.assert_untouched()


# other upstreams

def test_another_upstream_is_tried_when_no_connection_can_be_made(rig):
    b = rig.backend()
    b.serve(always(200, b"alive"))
    w = rig.weir(_dead(rig), b)
    ids = [w.client().ask("POST", "/", body=b"x").id for _ in range(4)]
    entries = [w.log.entry(i) for i in ids]
    assert {(e.status, e.upstream, e.outcome, e.why) for e in entries} == {(200, "b", "ok", "")}
    assert sum(e.retries for e in entries) >= 1
    m = w.metrics()
    assert m.sum("weir_retries_total") == sum(e.retries for e in entries)
    assert m.sum("weir_upstream_outcomes_total", upstream="a", outcome="connect_failed") == sum(
        e.retries for e in entries)
    assert m.sum("weir_requests_total") == 4


def _refuses(peer, _):
    peer.answer(503, b'{"error":{"message":"busy"}}', [("Content-Type", "application/json")])


def _limits(peer, _):
    peer.answer(429, b"slow down", [("Retry-After", "5")])


def _in_band(peer, r):
    peer.begin()
    peer.chunk(sse({"error": {"message": "busy", "code": 503}}))
    peer.last_chunk()


def _resets(peer, _):
    peer.reset()


@pytest.mark.parametrize("fault, method", [
    (_refuses, "POST"), (_limits, "POST"), (_in_band, "POST"), (_resets, "GET")],
    ids=["503", "429", "in_band", "reset"])
def test_another_upstream_is_tried_after_a_refusal_or_a_reset(rig, fault, method):
    a, b = rig.backend(), rig.backend()
    a.serve(fault)
    b.serve(lambda p, r: p.answer(200, b"alive " + r.body))
    w = rig.weir(a, b)
    for _ in range(4):
        answer = w.client().ask(method, "/v1/chat/completions", body=b"x" * (method == "POST"))
        assert (answer.status, answer.body[:6]) == (200, b"alive ")
        assert (answer.body[6:] == b"x") == (method == "POST")
    assert w.metrics().sum("weir_retries_total") >= 1


@pytest.mark.parametrize("status", [500, 502, 504, 400, 404])
def test_no_other_upstream_is_tried_after_another_status(rig, status):
    a, b = rig.backend(), rig.backend()
    for x in (a, b):
        x.serve(always(status, b"own words"))
    w = rig.weir(a, b)
    answers = [w.client().ask("POST", "/", body=b"x") for _ in range(4)]
    assert {(r.status, r.body) for r in answers} == {(status, b"own words")}
    assert w.metrics().sum("weir_retries_total") == 0


def test_at_most_one_other_upstream_is_tried(rig):
    seen = []
    backends = [rig.backend() for _ in range(3)]
    for i, x in enumerate(backends):
        x.serve(lambda p, r, i=i: (seen.append(i), _refuses(p, r)))
    w = rig.weir(*backends)
    answer = w.client().ask("POST", "/", body=b"x")
    assert answer.status == 503 and b"busy" in answer.body
    assert len(seen) == 2 and len(set(seen)) == 2
    e = w.log.entry(answer.id)
    assert (e.outcome, e.why, e.retries) == ("refused", "upstream_refused", 1)


def test_the_last_answer_is_given_when_both_refuse(rig):
    a, b = rig.backend(), rig.backend()
    a.serve(always(503, b"first words"))
    b.serve(always(503, b"first words"))
    w = rig.weir(a, b)
    answer = w.client().ask("POST", "/", body=b"x")
    assert (answer.status, answer.body) == (503, b"first words")
    assert answer.cause is None


def test_nothing_is_tried_again_after_the_commit_point(rig):
    a = rig.backend()
    b = rig.backend()
    w = rig.weir(a, b)
    c = w.client()
    c.send(post(CHAT))
    first = eventually(lambda: arrived(a) or arrived(b))
    other = b if first in a.peers else a
    first.request()
    first.begin()
    first.chunk(CHAT.content("half an "))
    _, body = c.begin()
    body.event()
    first.reset()
    _, how = body.rest_or_cut()
    other.assert_untouched()
    assert w.metrics().sum("weir_retries_total") == 0


@pytest.mark.parametrize("settings", [
    {"pool": {"retry": {"budget": 0}}},
    {"routes": [{"path": "/", "pool": "chat", "class": "batch"}]},
], ids=["no_budget", "batch"])
def test_nobody_tries_again_without_budget_or_for_batch(rig, settings):
    a, b = rig.backend(), rig.backend()
    for x in (a, b):
        x.serve(_refuses)
    w = rig.weir(a, b, **settings)
    assert w.client().ask("POST", "/", body=b"x").status == 503
    assert w.metrics().sum("weir_retries_total") == 0


def test_the_budget_ends(rig):
    """Ten tokens at the start, a tenth more for each first attempt."""
    a, b = rig.backend(), rig.backend()
    for x in (a, b):
        x.serve(_refuses)
    w = rig.weir(a, b, pool={"retry": {"budget": 0.1, "burst": 3}})
    c = w.client()
    for _ in range(40):
        c.ask("POST", "/", body=b"x")
    retries = w.metrics().sum("weir_retries_total")
    assert 3 <= retries <= 3 + 40 * 0.1 + 1


def test_a_large_body_that_has_gone_is_not_sent_to_another(rig):
    """What was passed on and not kept cannot be told again."""
    a, b = rig.backend(), rig.backend()
    for x in (a, b):
        x.serve(_refuses)
    w = rig.weir(a, b, limits={"spool": "0B"})
    body = b"x" * (4 << 20)
    c = w.client()
    c.send(request("POST", "/", body=body))
    answer = c.answer()
    assert answer.status == 503 and b"busy" in answer.body
    assert w.metrics().sum("weir_retries_total") == 0


def test_the_least_loaded_upstream_is_chosen(rig):
    a, b = rig.backend(), rig.backend()
    w = rig.weir(a, b)
    streams, counts = [], {"a": 0, "b": 0}
    for i in range(8):
        c = w.client()
        c.send(post(CHAT))
        peer = eventually(lambda: arrived(a) or arrived(b))
        peer.request()
        counts["a" if peer in a.peers else "b"] += 1
        peer.begin()
        peer.chunk(CHAT.content("x"))
        _, body = c.begin()
        body.event()
        streams.append((c, body, peer))
    assert counts == {"a": 4, "b": 4}


def test_a_request_goes_where_there_is_room(rig):
    a, b = rig.backend(), rig.backend()
    w = rig.weir(pools=[{"name": "chat", "queue": {"max_wait": "0s"}, "upstreams": [
        {"name": "a", "url": a.url, "max_streams": 1}, {"name": "b", "url": b.url,
                                                        "max_streams": 2}]}])
    kept = []
    for _ in range(3):
        c = w.client()
        c.send(post(CHAT))
        peer = eventually(lambda: arrived(a) or arrived(b))
        peer.request()
        peer.begin()
        peer.chunk(CHAT.content("x"))
        c.begin()
        kept.append(peer)
    assert (len(a.peers), len(b.peers)) == (1, 2)
    assert w.client().ask("POST", "/", body=b"x").code == "overloaded"


def test_an_anthropic_overload_is_retried_elsewhere_too(rig):
    a, b = rig.backend(), rig.backend()
    a.serve(always(529, b'{"type":"error","error":{"type":"overloaded_error"}}'))
    b.serve(always(200, b"alive"))
    w = rig.weir(a, b)
    for _ in range(4):
        c = w.client()
        c.send(post(ANTHROPIC))
        assert c.answer("POST").body == b"alive"
