# SPDX-License-Identifier: Apache-2.0
"""What operators are told, and what they may set."""

import os
import subprocess
import tempfile
import time

from harness.client import dial
from harness.weir import free_port
from scene import *  # noqa: F403


@row(45, 2, "a listener at `[::]`", "takes IPv4, too", 60)
def _(s):
    port = free_port()
    w = s.rig.weir(s.server(usual), start=False)
    w.settings["listeners"].append({"address": f"[::]:{port}"})
    w.write_file(w.settings)
    w.check_books = False
    w.start()
    got = []
    for host in ("127.0.0.1", "::1"):
        try:
            dial((host, port)).close()
            got.append(host)
        except OSError:
            pass
    return f"reached by {', '.join(got)}", len(got) == 2


@row(46, 2, "`why` of a request that still runs", "found", 60)
def _(s):
    gate = {"open": False}

    def answer(peer, request):
        peer.begin()
        peer.chunk(CHAT.content("one"))
        while not gate["open"]:
            time.sleep(0.02)
        peer.chunk(CHAT.end)
        peer.last_chunk()
    w = s.weir(s.server(answer))
    c = w.client()
    c.send(http1.request("POST", CHAT_PATH, JSON, question()))
    head, body = c.begin()
    key = head.get("x-weir-request-id") or head.get("x-request-id")
    try:
        said = w.admin(f"why {key}")
        found = True
    except AssertionError as e:
        said, found = str(e), False
    gate["open"] = True
    body.rest()
    return ("found: " if found else "") + said.splitlines()[0][:80], found


@row(47, 2, "`observe` at ten times the load", "named: what would have been refused", 60)
def _(s):
    w = s.weir(s.engine("demo"), pool={"limiter": {"mode": "observe"}})
    load(w, "--rate", 40, "--duration", "8s", "--output", 20)
    lines = [x for x in w.admin("metrics").splitlines() if x.startswith("weir_observed_total{")]
    n = sum(float(x.rsplit(" ", 1)[1]) for x in lines)
    logged = sum(1 for e in w.log.entries() if e.get("would"))
    return f"{n:.0f} in metrics, {logged} in the access log", n > 0 and logged > 0


@row(48, 2, "commands of operators that are refused", "logged as those that are done", 60)
def _(s):
    w = s.weir(s.server(usual))
    for command in ("open chat/nobody", "ramp chat/a set 900", "drain chat/nobody"):
        try:
            w.admin(command)
        except AssertionError:
            pass
    time.sleep(0.3)
    text = w.errors.text()
    n = sum(1 for c in ("nobody", "900") if c in text)
    return f"{n} of 2 kinds in the log", n == 2


@row(49, 2, "`/metrics` asked by a service name", "`admin.hosts` lists further names", 60)
def _(s):
    w = s.weir(s.server(usual), admin={"hosts": ["weir.monitoring.svc"]})
    got = []
    for host in ("weir.monitoring.svc", "weir.monitoring.svc:9901", "elsewhere.example"):
        c = w.client(w.admin_address)
        c.send(f"GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        got.append(c.answer().status)
    return f"{got}", got == [200, 200, 421]


@row(50, 2, "health checks behind authentication, and a 302",
     "`health.headers`, `health.status`; a 302 is no success", 60)
def _(s):
    checks = []

    def answer(peer, request):
        if request.target != "/health":
            usual(peer, request)
            return
        checks.append((request.get("authorization"), request.get("host")))
        peer.answer(204 if request.get("authorization") == "Bearer k" else 302)
    b = s.server(answer)
    w = s.weir(b, pool={"health": {"path": "/health", "interval": "200ms",
                                   "headers": ["Authorization: Bearer k"], "status": "204"}})
    eventually(lambda: len(checks) > 4, 8)
    kept = state(w)
    w2 = s.weir(b, pool={"health": {"path": "/health", "interval": "200ms"}})
    try:
        eventually(lambda: state(w2) != "closed", 8)
    except AssertionError:
        pass
    return (f"with the key {kept}, by 302 {state(w2)}, Host {checks[0][1]}",
            kept == "closed" and state(w2) != "closed" and ":" in (checks[0][1] or ""))


@row(51, 2, "`meson setup build` as the README says, without the tests' library",
     "`tests` is a feature option, auto", 60)
def _(s):
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "pkg-config")
        with open(config, "w") as f:  # a machine without Criterion
            f.write('#!/bin/sh\ncase "$*" in *criterion*) exit 1;; esac\nexec pkg-config "$@"\n')
        os.chmod(config, 0o755)
        done = subprocess.run(["meson", "setup", os.path.join(folder, "build"),
                               os.path.join(HERE, "../..")], capture_output=True, text=True,
                              env={**os.environ, "PKG_CONFIG": config})
    last = (done.stdout.strip().splitlines() or [done.stderr])[-1]
    return ("configured" if done.returncode == 0 else last[:120]), done.returncode == 0
