# SPDX-License-Identifier: Apache-2.0
"""The night test: docs/runbook.md, its commands as they stand there, against a backend that dies
and comes back."""

import json
import os
import re
import shlex
import subprocess

from harness.deadline import eventually, secs
from harness.http1 import request
from harness.simulated import Load, Simulated
from harness.weir import WEIRCTL, sanitizer_env, weirctl

RUNBOOK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/runbook.md")


def _sections():
    """Number of the step: its commands, indented ones and those within sentences."""
    steps, at = {0: []}, 0
    for line in open(RUNBOOK):
        head = re.match(r"## (\d+)\.", line)
        if head or line.startswith("## "):
            at = int(head.group(1)) if head else 99
            steps[at] = []
        steps[at] += re.findall(r"^    weirctl (.*)$", line.rstrip())
        steps[at] += re.findall(r"`weirctl ([^`]*)`", line)
    return steps


class Night:
    def __init__(self, w):
        self.w = w
        self.steps = _sections()
        self.done = []

    def type(self, step, beginning, **values):
        """The command of that step that begins so, with its placeholders filled in."""
        found = [c for c in self.steps[step] if c.startswith(beginning)]
        assert found, f"step {step} of the runbook has no {beginning!r}: {self.steps[step]}"
        self.done.append((step, found[0]))
        command = found[0]
        for name, value in values.items():
            command = command.replace(name, value)
        code, out, err = weirctl(self.w.socket_path, *shlex.split(command))
        assert code == 0, (command, code, err)
        return out

    def left(self):
        return [(s, c) for s, commands in self.steps.items() for c in commands
                if (s, c) not in self.done]


def _refused_of_many(w):
    """One after the other might all be let in: who came last is served first."""
    clients = [w.client() for _ in range(24)]
    for i, c in enumerate(clients):
        c.send(request("POST", "/v1/chat/completions", [("Authorization", f"Bearer {i}")],
                       b'{"stream":true}'))
    return next((a for a in [c.answer("POST", within=20) for c in clients] if a.status == 503), None)


def test_the_night_runbook_from_its_first_line_to_its_last(rig):
    backends = [rig.keep(Simulated("--slots", "16")) for _ in range(2)]
    w = rig.weir(*backends, enforce=True)
    w.check_books = False
    rig.keep(Load(w, 10, 120, "--output", "60", "--sdk", "openai"))
    night = Night(w)
    eventually(lambda: w.admin.upstream("a")["known_good_streams"] > 3, 15)

    # the outage, and a look at it
    for b in backends:
        b.fault("down")
    eventually(lambda: re.search("DOWN|RECOVERING", night.type(0, "status")), 15)
    eventually(lambda: "circuit_open" in night.type(1, "status"), 10)
    assert re.search("nothing to say|warning|hint", night.type(1, "doctor"))
    assert re.search("chat/[ab]: closed -> open", night.type(1, "events 20"))
    assert "UPSTREAM" in night.type(1, "top")
    night.type(2, "incident chat set")
    asked = lambda: w.client().ask(  # a probe of the half-open breaker would get a 502
        "POST", "/v1/chat/completions", body=b'{"stream":true}', within=20)
    refused = eventually(lambda: next((a for a in [asked()] if a.status == 503), None), 20)
    assert "working on it" in refused.json["error"]["incident"]

    # it comes back: held at 30 %, with a text, until it is trusted
    for b in backends:
        b.fault("up-cold")
    eventually(lambda: {w.admin.upstream(u)["state"] for u in "ab"} <= {"ramping", "closed"}, 20)
    night.type(3, "ramp chat set 30")
    night.type(3, "incident chat set")
    for name in "ab":
        u = w.admin.upstream(name)
        assert (u["share"], u["ramp_held"]) == (0.3, True) and u["override"][0]["until"]
    assert "Coming back step by step" in w.admin.status()["incident"]
    assert "commanded by uid" in night.type(99, "status")

    # why a given user was refused, from what the user can see
    refused = eventually(lambda: _refused_of_many(w), 30)
    assert "step by step" in refused.json["error"]["incident"]
    why = eventually(lambda: night.type(4, "why", **{"REQUEST-ID": refused.json["request_id"]}))
    assert f"refused, cause {refused.code}" in why and "it would have taken:" in why
    logged = eventually(lambda: [e for e in w.log.entries() if e.request_id == refused.id])
    assert logged[0].decision == "refused" and json.dumps(logged[0].user)

    # trusted again
    night.type(3, "ramp chat resume")
    watch = [c for c in night.steps[3] if c == "watch"]
    assert watch
    night.done.append((3, "watch"))
    p = subprocess.Popen([WEIRCTL, "--socket", w.socket_path, "watch"], stdout=subprocess.PIPE,
                         text=True, env=sanitizer_env())
    try:
        eventually(lambda: w.admin.upstream("a")["state"] == "closed", 60)
        assert "chat/" in p.stdout.readline()
    finally:
        p.terminate()
        assert p.wait(secs(5)) == 0
        p.stdout.close()
    night.type(3, "incident chat clear")
    assert w.admin.status()["incident"] is None
    night.type(0, "ramp POOL set 30", POOL="chat")
    night.type(3, "ramp chat abort")
    assert w.admin.upstream("a")["state"] in ("open", "half_open")
    night.type(3, "ramp chat finish")
    assert w.admin.upstream("a")["state"] == "closed"

    # the other chapters
    assert "allowed" in night.type(5, "upstreams")
    night.type(5, "limit chat/a streams 64")
    assert w.admin.upstream("a")["limits"]["streams"] == 64
    night.type(6, "upstream chat/b drain")
    assert w.admin.upstream("b")["state"] == "drained"
    night.type(6, "upstream chat/b undrain")
    assert w.admin.upstream("b")["state"] in ("ramping", "closed")
    night.type(6, "breaker chat/b open")
    night.type(7, "mode chat breaker observe")
    assert w.admin.upstream("a")["modes"]["breaker"] == "observe"
    assert "chat/b" in night.type(99, "events")
    assert not night.left(), "the runbook has commands that nobody tried"
