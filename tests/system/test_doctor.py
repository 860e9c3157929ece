# SPDX-License-Identifier: Apache-2.0
"""weirctl doctor before a weir that is well, and before some that are not."""

import json
import re
from threading import Event

from harness.ask import open_stream
from harness.backend import always
from harness.deadline import eventually
from harness.dialects import CHAT
from harness.http1 import request
from harness.weir import HOST, free_port, weirctl


def _findings(w):
    found = json.loads(w.admin("doctor --json"))["findings"]
    for f in found:
        assert set(f) == {"rule", "level", "pool", "upstream", "seen", "why", "do"}
        assert f["level"] in ("warning", "hint") and f["seen"] and f["why"] and f["do"]
    return {f["rule"]: f for f in found}


def _found(w, rule, within=5):
    return eventually(lambda: _findings(w).get(rule), within, f"the doctor finds {rule}")


def test_a_weir_that_is_well_has_at_most_what_its_host_is_to_blame_for(rig):
    b = rig.backend()
    b.serve(always(200, b"fine"))
    w = rig.weir(b)
    c = w.client()
    for _ in range(20):
        c.ask("GET", "/")
    assert set(_findings(w)) <= {"root", "sandbox"}
    code, out, _ = weirctl(w.socket_path, "doctor")
    assert code == 0
    lines = out.strip().splitlines()
    assert all(re.match(r"(warning|hint) (root|sandbox): .+; .+; .+", line) for line in lines) \
        or lines == [lines[0]] and lines[0].startswith("nothing to say")


def test_commands_in_force_are_told_with_their_end(rig):
    w = rig.weir(rig.backend(), rig.backend())
    w.admin("upstream chat/a drain")
    w.admin("breaker chat/b open for 10m")
    w.admin("mode chat limiter enforce for 5m")
    told = w.admin("doctor")
    assert re.search(r"warning chat/a override: drain, commanded by uid \d+, without an end; ", told)
    assert re.search(r"warning chat/b override: breaker open, .*for another (9 min|10 min)", told)
    assert re.search(r"warning chat override: mode limiter enforce, .*for another [45] min", told)
    for undo in ("upstream chat/a undrain", "breaker chat/b auto", "mode chat limiter observe"):
        w.admin(undo)
    eventually(lambda: "drain" not in w.admin("doctor"))


def test_one_key_for_everybody(rig):
    b = rig.backend()
    b.serve(always(200, b"fine"))
    w = rig.weir(b)
    c = w.client()
    for _ in range(250):
        c.ask("GET", "/", [("Authorization", "Bearer one")])
    f = _found(w, "identity")
    assert f["level"] == "hint" and f["pool"] == "chat" and "identity.header" in f["do"]


def test_many_keys_are_many_users(rig):
    b = rig.backend()
    b.serve(always(200, b"fine"))
    w = rig.weir(b)
    c = w.client()
    for i in range(250):
        c.ask("GET", "/", [("Authorization", f"Bearer {i % 7}")])
    w.log.wait_count(250)
    assert "identity" not in _findings(w)


def test_a_rule_that_looks_on_and_what_it_would_have_done_in_the_hour(rig):
    b = rig.backend()
    w = rig.weir(b, each={"max_streams": 1}, pool={"queue": {"mode": "observe", "max_wait": "0s"}})
    stream = open_stream(w, b)
    b.serve(always(200, b"fine"))
    c = w.client()
    for _ in range(60):
        c.ask("GET", "/")
    status = w.admin.status()["pools"][0]["observed_last_hour"]
    assert status["requests"] >= 60 and status["would"]
    n = sum(r["requests"] for r in status["would"])
    assert n >= 30 and {r["rule"] for r in status["would"]}
    assert "rules would have refused or delayed in the last" in w.admin("status")
    f = _found(w, "observe")
    assert re.search(r"would have refused or delayed \d+ of \d+ requests", f["seen"])
    assert 'mode = "enforce"' in f["do"]
    stream[0].close()


def test_upstreams_that_are_one(rig):
    b = rig.backend()
    w = rig.weir(b, b)
    f = _found(w, "one_address")
    assert f["upstream"] == "b" and "upstream a" in f["seen"]


def test_a_check_that_fails_while_answers_are_well(rig):
    b = rig.backend()

    def answer(peer, r):
        peer.answer(404 if r.target == "/wrong" else 200, b"fine")

    b.serve(answer)
    w = rig.weir(b, pool={"health": {"path": "/wrong", "interval": "1s"}})
    c = w.client()
    for _ in range(20):
        c.ask("GET", "/")
    f = _found(w, "check_fails")
    assert "/wrong" in f["seen"] and "404" in f["seen"] and "health.path" in f["do"]


def test_max_streams_that_holds_the_load(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"max_streams": 1}, pool={"queue": {"max_wait": "10s"}})
    open_stream(w, b)
    waiting = w.client()
    waiting.send(request(target="/x"))
    f = _found(w, "max_streams")
    assert "max_streams = 1 are open" in f["seen"] and "raise max_streams" in f["do"]


def test_a_state_file_that_cannot_be_written(rig, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    w = rig.weir(rig.backend(), state={"path": str(folder / "learnt")})
    folder.rmdir()
    f = _found(w, "state_file", 15)
    assert "cannot be written" in f["seen"] and "state.path" in f["do"]


def test_a_certificate_near_its_end(rig, authority):
    pem, key = authority.issue("short", HOST, days="3")
    tls = {"address": f"{HOST}:{free_port()}", "tls": {"certificate": pem, "key": key}}
    w = rig.weir(rig.backend(), start=False)
    w.write_file({**w.settings, "listeners": [*w.settings["listeners"], tls]})
    w.start()
    assert re.search(r"ends in [23]\.\d days", _found(w, "certificate")["seen"])


def test_spans_nobody_takes(rig):
    b, k = rig.backend(), rig.backend()
    b.serve(always(200, b"fine"))
    k.serve(always(500, b"no"))
    w = rig.weir(b, tracing={"endpoint": k.url, "sample": 1})
    w.client().ask("GET", "/")
    assert "status 500" in _found(w, "tracing")["seen"]


def test_a_patience_that_good_first_tokens_nearly_need(rig):
    """What is seen is a measurement: the rule itself has tests of its own."""
    b = rig.backend()
    b.serve(_slow_first)
    w = rig.weir(b, pool={"timeouts": {"first_token": "100ms"}})
    c = w.client()
    for _ in range(110):
        c.send(request("POST", CHAT.path, CHAT.fields, CHAT.body))
        c.answer()
    f = _found(w, "first_token")
    assert "timeouts.first_token is 100 ms" in f["seen"]


def _slow_first(peer, r):
    peer.begin()
    Event().wait(0.08)
    peer.chunk(CHAT.content("x") + CHAT.end)
    peer.last_chunk()
