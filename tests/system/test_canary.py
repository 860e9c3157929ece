# SPDX-License-Identifier: Apache-2.0
"""weirctl canary: a good version is promoted, a bad one rolled back, by the evidence and by hand;
a reload changes nothing of it, and nobody's stream is cut."""

import itertools
import json

import pytest

from harness.ask import end_stream, open_stream
from harness.backend import always
from harness.deadline import eventually, secs
from harness.dialects import CHAT
from harness.weir import weirctl

NO_LIMIT = {"limiter": {"mode": "observe"}}


def _fine(peer, request):
    return always(200, b"fine")(peer, request)


def _now_and_then(status):
    """Every third answer is this one."""
    turn = itertools.count()
    bad = always(status, b"what?")

    def handler(peer, request):
        return (bad if next(turn) % 3 == 0 else _fine)(peer, request)
    return handler


def _two(rig, mine=_fine, theirs=_fine):
    """A pool of the peer a and the canary b."""
    a, b = rig.backend(), rig.backend()
    a.serve(theirs)
    b.serve(mine)
    return rig.weir(a, b, enforce=True, pool=NO_LIMIT)


def _canary(w):
    found = w.admin.json("canary chat/b")
    return found[0] if found else None


def _under_load(w, until, within):
    """Asks and asks, as many users, until that is so."""
    key = itertools.count()

    def once():
        client = w.client()
        for _ in range(50):
            client.ask("POST", "/", [("Authorization", f"Bearer user-{next(key)}")], b"x")
        return until()
    return eventually(once, within, "the canary comes so far")


def _is_over(w):
    c = _canary(w)
    return c if c["state"] != "running" else None


def test_a_version_like_its_peers_is_promoted(rig):
    w = _two(rig)
    said = w.admin("canary chat/b start for 40s")
    assert said.startswith("chat/b: canary begun: 1 % of the requests by lot, step by step up to "
                           "50 %; within 40 s it is promoted or rolled back")
    c = _under_load(w, lambda: _is_over(w), secs(60))
    assert (c["state"], c["why"]) == ("promoted", "no_worse"), c
    assert c["canary"]["failed"] == 0 and c["canary"]["finished"] >= 150
    for m in ("failures", "first_token"):
        assert c["measures"][m]["asked"] and c["measures"][m]["no_worse"] >= 20
    assert not c["measures"]["pace"]["asked"]  # nothing was streamed
    assert w.admin.upstream("b")["state"] == "closed"
    events = [e for e in w.admin.json("events") if e["upstream"] == "b"]
    assert events[-1]["cause"] == "canary_promoted"
    assert "canary promoted: it is no worse than its peers" in events[-1]["sentence"]
    assert [e["cause"] for e in events].count("canary") >= 5  # a step each


def test_a_version_that_answers_with_errors_is_rolled_back(rig):
    w = _two(rig, mine=_now_and_then(400))
    w.admin("canary chat/b start for 10m")
    c = _under_load(w, lambda: _is_over(w), secs(40))
    assert (c["state"], c["why"], c["measure"]) == ("rolled_back", "worse", "failures"), c
    assert c["worse"] >= c["worse_needed"] == 50
    u = w.admin.upstream("b")
    assert (u["state"], u["cause"]) == ("drained", "canary")
    assert [(o["what"], o["by"]) for o in u["override"]] == [("drain", "the canary")]
    assert "b: canary, rolled back at" in w.admin("status")
    assert "rolled back at" in w.admin("canary") and "more of its requests fail" in w.admin("canary")
    m = w.metrics()
    assert m.one("weir_canary_state", upstream="b", state="rolled_back") == 1
    assert m.one("weir_canary_share", upstream="b") == 0
    assert m.one("weir_canary_requests", upstream="b", side="canary", failed="yes") == \
        c["canary"]["failed"]
    assert all(w.client().ask("POST", "/", body=b"x").status == 200 for _ in range(20))
    assert w.admin("upstream chat/b undrain").startswith("chat/b: taken in again")
    assert "canary" not in w.admin("status")


def test_its_share_is_drawn_by_lot_and_why_tells(rig):
    w = _two(rig)
    w.admin("canary chat/b start for 10m")
    c = w.client()
    answers = [c.ask("POST", "/", body=b"x") for _ in range(200)]
    told = eventually(lambda: w.admin.json(f"why {answers[0].id}"))
    assert told["numbers"]["canary_share"] == 0.01
    assert "by lot: the canary of its pool gets 1 % of the requests" in \
        w.admin(f"why {answers[0].id}")
    seen = [w.admin.json(f"why {a.id}") for a in answers]
    mine = [s for s in seen if s["upstream"] == "b"]
    assert len(mine) <= 12  # of 200 at 1 %
    assert all(s["numbers"]["rule"] == "canary" for s in mine)
    assert "b: canary, 1 % of the requests by lot" in w.admin("status")


@pytest.mark.parametrize("word, state, upstream", [
    ("promote", "promoted", "ramping"), ("rollback", "rolled_back", "drained")])
def test_an_operator_ends_it_and_no_stream_is_cut(rig, word, state, upstream):
    a, b = rig.backend(), rig.backend()
    w = rig.weir(a, b, enforce=True, pool=NO_LIMIT)
    w.admin("upstream chat/a drain")
    _, _, body, peer = open_stream(w, b)
    w.admin("upstream chat/a undrain")
    w.admin("ramp chat/a finish")
    w.admin("canary chat/b start")
    assert _canary(w)["state"] == "running"
    w.admin(f"canary chat/b {word}")
    c = _canary(w)
    assert (c["state"], c["why"]) == (state, "by_hand")
    assert w.admin.upstream("b")["state"] == upstream
    end_stream(CHAT, body, peer)


def test_a_reload_changes_nothing_of_it(rig):
    w = _two(rig)
    w.admin("canary chat/b start to 30 for 10m")
    _under_load(w, lambda: _canary(w)["peers"]["finished"] > 100, secs(20))
    before = _canary(w)
    w.admin("reload")
    after = _canary(w)
    assert after["state"] == "running" and after["since"] == before["since"]
    assert after["peers"]["finished"] >= before["peers"]["finished"]
    assert (before["share_most"], after["share_most"]) == (0.3, 0.3)


def test_a_drained_version_comes_in_as_a_canary(rig):
    w = _two(rig)
    w.admin("upstream chat/b drain")
    w.admin("canary chat/b start")
    u = w.admin.upstream("b")
    assert (u["state"], u["cause"]) == ("closed", "canary")


def test_while_no_peer_is_well_it_serves_and_nothing_is_decided(rig):
    w = _two(rig)
    w.admin("canary chat/b start")
    w.admin("upstream chat/a drain")
    eventually(lambda: _canary(w)["paused"] == "no_peer")
    assert "nothing is decided: no peer is well enough" in w.admin("status")
    assert all(w.client().ask("POST", "/", body=b"x").status == 200 for _ in range(20))
    eventually(lambda: [e for e in w.admin.json("events") if e["cause"] == "canary_paused"], 15)
    w.admin("upstream chat/a undrain")
    w.admin("ramp chat/a finish")
    c = eventually(lambda: _canary(w) if _canary(w)["paused"] is None else None)
    assert c["state"] == "running"


def test_one_that_is_dead_is_rolled_back_by_its_breaker(rig):
    a, b = rig.backend(), rig.backend()
    a.serve(_fine)
    w = rig.weir(a, b, enforce=True, pool=NO_LIMIT)
    w.admin("canary chat/b start")
    w.admin("canary chat/b rollback")
    w.admin("canary chat/b start")
    b.close()
    c = _under_load(w, lambda: _is_over(w), secs(60))
    assert c["state"] == "rolled_back" and c["why"] in ("worse", "breaker_open")


@pytest.mark.parametrize("before, why", [
    ("upstream chat/a drain", "no other upstream of its pool is well"),
    ("breaker chat/b open", "its breaker is held by an operator"),
    ("mode chat breaker observe", "only looks on"),
    ("canary chat/a start", "another upstream of its pool is a canary"),
    ("canary chat/b start", "a canary runs there already")])
def test_where_it_makes_no_sense_it_is_refused(rig, before, why):
    w = _two(rig)
    w.admin(before)
    code, _, err = weirctl(w.socket_path, "canary", "chat/b", "start")
    assert code == 1 and why in err


def test_a_hot_restart_waits_for_its_end(rig):
    w = _two(rig)
    w.admin("canary chat/b start")
    code, _, err = weirctl(w.socket_path, "upgrade")
    assert code == 1 and "a canary runs" in err
    w.admin("canary chat/b promote")
    w.upgrade()
    assert w.client().ask("POST", "/", body=b"x").status == 200


def test_what_is_not_there_is_refused(rig):
    w = _two(rig)
    assert "no canary runs or ran there" in w.admin("canary")
    assert w.admin.json("canary") == []
    for words, why in ((("chat/c", "start"), "c"), (("chat/b", "promote"), "no canary runs there"),
                       (("chat/b", "rollback"), "no canary runs there")):
        code, _, err = weirctl(w.socket_path, "canary", *words)
        assert code == 1 and why in err
    code, _, err = weirctl(w.socket_path, "canary", "chat/b", "start", "to", "many")
    assert code == 2 and "a share of 1 to 100 percent" in err
    assert json.loads(w.admin("status --json"))["pools"][0]["canary"] is None
