# SPDX-License-Identifier: Apache-2.0
"""The breaker's way round in the binary: what opens it, what does not, exactly three probes, the
ramp; holds that an upstream asks for; health checks."""

import threading
import time

import pytest

from harness.ask import end_stream, next_peer, open_stream, post
from harness.backend import always
from harness.deadline import eventually, secs
from harness.dialects import CHAT
from harness.http1 import request
from harness.load import Counting, Crowd

OBSERVE = {"mode": "observe"}
QUICK = {"breaker": {"open_min": "300ms", "open_max": "300ms"},
         "ramp": {"dwell": "100ms", "rest": "0s"}}


def _key(i):
    return [("Authorization", f"Bearer user-{i}")]


# refusals by the upstream

@pytest.mark.parametrize("fields, least, most", [
    ([("Retry-After", "1")], 1.0, 1.2),
    ([("retry-after-ms", "400"), ("Retry-After", "9")], 0.4, 0.5),
    ([], 1.0, 1.2)], ids=["seconds", "ms", "without"])
@pytest.mark.parametrize("status", [429, 503, 529])
def test_an_upstream_that_asks_to_be_left_alone_is_left_alone(rig, status, fields, least, most):
    b = rig.backend()
    w = rig.weir(b, enforce=True, workers=1, pool={"queue": {"max_wait": "0s"}})
    c = w.client()
    c.send(request("POST", "/", body=b"x"))
    peer, _ = b.request()
    start = time.monotonic()
    peer.answer(status, b"busy", fields)
    assert c.answer("POST").status == status
    held = c.ask("POST", "/", body=b"x")
    assert (held.status, held.code) == (503, "held")
    assert held.get("proxy-status").startswith("weir; error=destination_unavailable")
    whose = eventually(lambda: w.admin.json(f"why {held.id}"))["numbers"]["cooldown_of"]
    assert whose == ("user" if status == 429 else "model")
    b.serve(always(200, b"x"))

    def served():
        return w.client().ask("POST", "/", body=b"x").status == 200

    if peer.is_open():
        threading.Thread(target=lambda: peer.request(20) and peer.answer(200, b"x"),
                         daemon=True).start()
    eventually(served)
    assert least - 0.02 <= time.monotonic() - start <= secs(most + 1)
    assert w.admin.upstream()["state"] == "closed"


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_list_of_models_is_asked_for_while_a_model_is_left_alone(rig, status):
    b = rig.backend()
    w = rig.weir(b, enforce=True, workers=1, pool={"queue": {"max_wait": "0s"}})
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    peer.answer(status, b"busy", [("Retry-After", "30")])
    assert c.answer("POST").status == status
    c.send(request(target="/v1/models"))
    peer = eventually(lambda: next_peer(b, peer))
    peer.request()
    peer.answer(200, b"models")
    assert c.answer().body == b"models"


# the breaker

def _trip(w, b):
    """Five failures in a row, each of another user."""
    for i in range(5):
        c = w.client()
        c.send(post(CHAT, _key(i)))
        peer = eventually(lambda: next_peer(b, *b.peers[-1:]))
        peer.request()
        peer.answer(500, b"broken", [("Connection", "close")])
        assert c.answer("POST").status == 500


def test_failures_in_a_row_open_the_breaker(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, pool={"queue": {"max_wait": "0s"}})
    _trip(w, b)
    u = w.admin.upstream()
    assert u["state"] == "open" and u["window"]["failed"] == 5
    answer = w.client().ask("POST", "/", body=b"x")
    assert (answer.status, answer.code, answer.cause) == (503, "circuit_open", "circuit_open")
    b.assert_untouched()
    eventually(lambda: w.metrics().sum("weir_breaker_transitions_total", to="open") == 1)
    m = w.metrics()
    assert m.one("weir_upstream_state", upstream="a", state="open") == 1
    assert m.one("weir_upstream_state", upstream="a", state="closed") == 0
    events = w.admin.json("events")
    assert [(e["upstream"], e["from"], e["to"]) for e in events][-1] == ("a", "closed", "open")
    assert events[-1]["numbers"]["failed"] >= 5


def test_one_clients_bad_requests_answered_with_500_do_not_open_it(rig):
    b = rig.backend()
    good, bad = always(200, b"fine"), always(500, b"bad JSON")
    b.serve(lambda peer, request: (bad if request.body == b"x" else good)(peer, request))
    w = rig.weir(b, enforce=True)
    c = w.client()
    assert c.ask("POST", "/", _key("another"), b"good").status == 200
    for _ in range(8):
        assert c.ask("POST", "/", _key("the same"), b"x").status == 500
    assert w.admin.upstream()["state"] == "closed"


def test_neutral_answers_do_not_open_it(rig):
    b = rig.backend()
    b.serve(always(400, b"bad request"))
    w = rig.weir(b, enforce=True)
    c = w.client()
    for i in range(30):
        assert c.ask("POST", "/", _key(i), b"x").status == 400
    u = w.admin.upstream()
    assert u["state"] == "closed" and u["window"]["neutral"] == 30


def test_a_bad_error_rate_opens_it(rig):
    b = rig.backend()
    n = [0]

    def handler(peer, r):
        n[0] += 1
        peer.answer(200 if n[0] % 3 == 0 else 500, b"x")

    b.serve(handler)
    w = rig.weir(b, enforce=True, pool={
        "breaker": {"consecutive": 1000}, "queue": {"max_wait": "0s"}})
    c = w.client()
    codes = [c.ask("POST", "/", _key(i), b"x").status for i in range(25)]
    assert 503 in codes and codes.index(503) in (20, 21)
    assert eventually(lambda: w.admin.json("events"))[-1]["cause"] == "error_rate"


def test_broken_streams_in_a_row_open_it(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True)
    for _ in range(5):
        _, _, body, peer = open_stream(w, b)
        peer.reset()
        body.rest_or_cut()
    eventually(lambda: w.admin.upstream()["state"] == "open")


def test_silence_of_all_streams_opens_it(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, pool={"breaker": {"silence": "1s", "silence_streams": 3}})
    streams = [open_stream(w, b) for _ in range(3)]
    witness = w.client()
    witness.send(post(CHAT))  # sent into the silence, and never answered
    eventually(lambda: w.admin.upstream()["state"] == "open", 20)
    # streams under way are never cut by the breaker
    for c, _, body, peer in streams:
        peer.chunk(CHAT.content("still here"))
        assert body.event() == CHAT.content("still here")
        end_stream(CHAT, body, peer)


def test_streams_that_pause_without_a_witness_open_nothing(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, pool={"breaker": {"silence": "1s", "silence_streams": 3}})
    streams = [open_stream(w, b) for _ in range(3)]
    paused = time.monotonic()
    eventually(lambda: time.monotonic() - paused > 3)
    assert w.admin.upstream()["state"] == "closed"
    for c, _, body, peer in streams:
        end_stream(CHAT, body, peer)


def test_an_observed_breaker_opens_for_nobody(rig):
    b = rig.backend()
    b.serve(always(500, b"broken"))
    w = rig.weir(b, pool={"breaker": OBSERVE})
    c = w.client()
    assert {c.ask("POST", "/", _key(i), b"x").status for i in range(20)} == {500}


def _refused(crowd, n):
    """The crowd goes on asking: n more of it are refused."""
    before = sum(crowd.statuses.values())
    eventually(lambda: sum(crowd.statuses.values()) >= before + n, 8, what=f"{n} more refusals")


@pytest.mark.parametrize("workers", [2, 4])
def test_half_open_lets_one_probe_through_then_three_and_no_fourth(rig, workers):
    b = rig.backend()
    w = rig.weir(b, enforce=True, workers=workers, pool={
        **QUICK, "queue": {"max_wait": "0s"}, "users": {"fair_share": 1.0},
        "limiter": {"queue_target": "5s"}})  # no probe is late
    _trip(w, b)
    answer_first, answer_all = threading.Event(), threading.Event()
    lock, seen = threading.Lock(), []

    def handler(peer, r):
        with lock:
            seen.append(r)
            gate = answer_first if len(seen) == 1 else answer_all
        gate.wait(secs(10))
        peer.begin()
        peer.chunk(CHAT.content("x") + CHAT.end)
        peer.last_chunk()

    b.serve(handler)
    crowd = Crowd(w, 16, _key)
    eventually(lambda: len(seen) >= 1, 8)
    _refused(crowd, 100)
    assert len(seen) == 1
    answer_first.set()
    eventually(lambda: len(seen) >= 3, 8)
    _refused(crowd, 100)
    assert len(seen) == 3
    u = w.admin.upstream()
    assert (u["state"], u["inflight"]) == ("half_open", 2)
    answer_all.set()
    eventually(lambda: w.admin.upstream()["state"] != "half_open", 8)
    crowd.end()
    refusals = [a.code for a in crowd.answers if a.status == 503]
    assert set(refusals) <= {"circuit_open", "recovering", "overloaded"}


def test_the_breaker_goes_all_the_way_round(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, workers=2, pool=QUICK)
    _trip(w, b)
    Counting(b)
    crowd = Crowd(w, 4, _key)
    eventually(lambda: w.admin.upstream()["state"] == "closed", 15)
    crowd.end()
    went = [(e["from"], e["to"]) for e in w.admin.json("events") if e["from"] != e["to"]]
    assert went == [("closed", "open"), ("open", "half_open"), ("half_open", "ramping"),
                    ("ramping", "closed")]
    assert w.metrics().one("weir_share", upstream="a") == 1


def test_a_failing_probe_opens_it_again(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, pool=QUICK)
    _trip(w, b)
    b.serve(always(500, b"still broken"))
    crowd = Crowd(w, 3, _key)
    eventually(lambda: [e for e in w.admin.json("events") if e["times"] >= 2], 10)
    statuses = crowd.end()
    assert 200 not in statuses
    went = [(e["from"], e["to"]) for e in w.admin.json("events") if e["from"] != e["to"]]
    assert set(went) == {("closed", "open"), ("open", "half_open"), ("half_open", "open")}


def test_a_ramp_may_be_held_by_hand(rig):
    b = rig.backend()
    Counting(b)
    w = rig.weir(b, enforce=True, pool=QUICK)
    w.admin("ramp chat/a set 30")
    u = w.admin.upstream()
    assert (u["state"], u["share"]) == ("ramping", 0.3)
    assert u["override"] and u["override"][0]["by"].startswith("uid ")
    crowd = Crowd(w, 6, _key)
    eventually(lambda: sum(crowd.statuses.values()) > 50)
    assert w.admin.upstream()["share"] == 0.3
    w.admin("ramp chat/a resume")
    eventually(lambda: w.admin.upstream()["state"] == "closed", 15)
    crowd.end()


# several pools, health

def test_a_health_check_takes_an_upstream_out_and_lets_it_back(rig):
    healthy = [False]
    b = rig.backend()

    def handler(peer, r):
        if r.target == "/health":
            peer.answer(200 if healthy[0] else 500, b"")
        else:
            peer.answer(200, b"x")

    b.serve(handler)
    w = rig.weir(b, enforce=True, pool={**QUICK, "health": {
        "path": "/health", "interval": "100ms", "timeout": "500ms", "rise": 1, "fall": 3}})
    eventually(lambda: w.admin.upstream()["state"] == "open")
    u = w.admin.upstream()
    assert u["cause"] == "health_check"
    assert w.client().ask("POST", "/", body=b"x").code == "circuit_open"
    healthy[0] = True

    def served():
        return w.client().ask("POST", "/", body=b"x").status == 200

    eventually(served, 10)
    eventually(lambda: served() and w.admin.upstream()["state"] == "closed", 15)


def test_health_checks_are_no_requests(rig):
    asked = threading.Event()
    b = rig.backend()

    def handler(peer, r):
        peer.answer(200, b"")
        asked.set() if len(b.peers) else None

    b.serve(handler)
    w = rig.weir(b, pool={"health": {"path": "/health", "interval": "100ms"}})
    assert asked.wait(secs(3))
    m = w.metrics()
    assert m.sum("weir_requests_total") == 0
    assert m.sum("weir_upstream_outcomes_total") == 0


def test_pools_do_not_touch_each_other(rig):
    a, b = rig.backend(), rig.backend()
    a.serve(always(500, b"broken"))
    b.serve(always(200, b"fine"))
    w = rig.weir(pools=[{"name": n, "upstreams": [{"name": "a", "url": u.url}],
                         "breaker": {"open_min": "60s", "open_max": "60s"}}
                        for n, u in (("one", a), ("two", b))],
                 routes=[{"path": "/one", "pool": "one"}, {"path": "/", "pool": "two"}])
    c = w.client()
    for i in range(6):
        c.ask("POST", "/one", _key(i), b"x")
    assert w.admin.upstream("a", "one")["state"] in ("open", "half_open")
    assert w.admin.upstream("a", "two")["state"] == "closed"
    assert c.ask("POST", "/two", body=b"x").body == b"fine"


def test_an_open_upstream_leaves_the_work_to_the_others(rig):
    a, b = rig.backend(), rig.backend()
    a.close()
    b.serve(always(200, b"fine"))
    w = rig.weir(a, b, enforce=True, pool={"breaker": {
        "open_min": "60s", "open_max": "60s", "consecutive": 1}})
    c = w.client()
    eventually(lambda: c.ask("POST", "/", _key(time.monotonic()), b"x")
               and w.admin.upstream("a")["state"] == "open", 10)
    assert {c.ask("POST", "/", body=b"x").status for _ in range(20)} == {200}


def test_one_clients_500s_take_nothing_from_the_others(rig):
    """An agent that sends the same broken request in a loop, four for each of another client."""
    def handler(peer, asked):
        status = 500 if "user-loop" in asked.get("authorization") else 200
        peer.answer(status, b"x")

    b = rig.backend()
    b.serve(handler)
    w = rig.weir(b, enforce=True, workers=1)
    calm, loop = w.client(), w.client()
    for _ in range(20):
        assert calm.ask("POST", "/", _key("calm"), b"x").status == 200
        for _ in range(4):
            assert loop.ask("POST", "/", _key("loop"), b"x").status == 500
    assert w.admin.upstream()["state"] == "closed"
    assert w.metrics().sum("weir_shed_total") == 0


def test_what_fails_with_500_for_everybody_opens(rig):
    b = rig.backend()
    b.serve(always(500, b"x"))
    w = rig.weir(b, enforce=True, workers=1)
    c = w.client()
    statuses = [c.ask("POST", "/", _key(i % 2), b"x").status for i in range(12)]
    assert statuses[0] == 500 and statuses[-1] == 503, statuses
    assert w.admin.upstream()["state"] == "open"
