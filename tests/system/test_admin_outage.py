# SPDX-License-Identifier: Apache-2.0
"""What an operator reads of an outage while it lasts."""

from harness.deadline import eventually
from harness.simulated import Load, Simulated


def test_an_outage_is_one_state_and_one_line_that_counts_the_probes(rig):
    backend = rig.keep(Simulated("--slots", "16"))
    w = rig.weir(backend, enforce=True, pages={"status_path": "/weir/status"}, pool={
        "breaker": {"mode": "enforce", "open_min": "100ms", "open_max": "200ms"}})
    w.check_books = False
    rig.keep(Load(w, 20, 60, "--output", "5", "--sdk", "openai"))
    eventually(lambda: w.admin.upstream("a")["window"]["ok"] > 3, 10)
    backend.fault("down")
    eventually(lambda: w.admin.status()["state"] == "down", 10)
    since = w.admin.status()["since"]

    def probed_often():
        s = w.admin.status()
        pool = s["pools"][0]
        assert (s["state"], s["since"], pool["state"]) == ("down", since, "down"), "it flaps"
        assert pool["expected_full_s"] is pool["upstreams"][0]["expected_full_s"] is None
        return [e for e in w.admin.json("events") if e["times"] > 5]

    last = eventually(probed_often, 20)[0]
    events = w.admin.json("events")
    assert [(e["from"], e["to"]) for e in events[:3]] == [
        ("closed", "open"), ("open", "half_open"), ("half_open", "open")] and len(events) <= 4
    assert f"{last['times']} times since {last['first_at'][11:19]}Z" in last["sentence"]
    assert "full: not before a probe is answered" in w.admin("status")
    page = w.client().ask("GET", "/weir/status", fields=[("Accept", "application/json")])
    assert page.json["state"] == "down" and page.json["expected_full_s"] is None
    assert [h["state"] for h in page.json["history"]].count("down") == 1
    backend.fault("up")
    eventually(lambda: w.admin.status()["state"] in ("recovering", "serving", "shedding"), 20)
