# SPDX-License-Identifier: Apache-2.0
"""Calls are cut short and fail, as a kernel may have it: what is whole stays whole, nothing hangs,
and what is short in weir is held against nobody."""

import errno
import mmap
import os
import random
import re
import signal
import struct
import threading

import pytest

from harness.ask import noise, post
from harness.client import connect
from harness.deadline import eventually
from harness.dialects import CHAT
from harness.http1 import request
from harness.ways import SIZES, STREAM, Ways, ask_all, serve
from harness.weir import BUILD, weirctl

MODULE = os.path.join(BUILD, "tests/system/faults.so")
CALLS = ["none", "accept", "recv", "send", "read", "write", "connect", "socket", "open", "watch"]
SHORT, ROW, ROWS = 0, struct.Struct("4I"), 16


class Faults:
    """The rows of faults.c: written while weir runs."""

    def __init__(self, path):
        with open(path, "w+b") as f:
            f.truncate(ROW.size * ROWS)
            self.memory = mmap.mmap(f.fileno(), ROW.size * ROWS)
        self.rows = []
        self.env = {"LD_PRELOAD": MODULE, "FAULTS": path}
        options = os.environ.get("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=86")
        self.env["ASAN_OPTIONS"] = options + ":verify_asan_link_order=0"

    def close(self):
        self.memory.close()

    def set(self, call, error, per_mille):
        at = len(self.rows) * ROW.size
        assert at < len(self.memory)
        ROW.pack_into(self.memory, at, CALLS.index(call), error, per_mille, 0)
        self.rows.append((call, error))

    def calm(self):
        for i in range(len(self.rows)):
            struct.pack_into("I", self.memory, i * ROW.size + 8, 0)

    def done(self):
        return {row: ROW.unpack_from(self.memory, i * ROW.size)[3] for i, row in enumerate(self.rows)}


@pytest.fixture
def faults(rig):
    return rig.keep(Faults(rig.path("faults")))


def _weir(rig, faults, **more):
    return rig.weir(rig.backend().serve(serve), env=faults.env, enforce=True, **more)


def _one(c, rng):
    """A request of some kind: what came, what had to come."""
    size = rng.choice(SIZES)
    kind = rng.randrange(3)
    if kind == 0:
        c.send(post(CHAT))
        return c.answer("POST", within=30, cut=True), b"".join(STREAM)
    if kind == 1:
        c.send(request("GET", "/", [("X-Size", size)]))
        return c.answer("GET", within=30, cut=True), noise(size, size)
    c.send(request("POST", "/echo", [("Content-Length", size)]) + noise(size, size))
    return c.answer("POST", within=30, cut=True), noise(size, size)


class Asker(threading.Thread):
    """So many requests, on connections that are kept while they last."""

    def __init__(self, address, seed, n, tls=None):
        super().__init__(daemon=True)
        self.address, self.rng, self.left, self.tls = address, random.Random(seed), n, tls
        self.whole, self.refused, self.cut, self.wrong = 0, [], 0, []

    def run(self):
        c = None
        while self.left:
            self.left -= 1
            try:
                c = c or connect(self.address, **({"tls": self.tls} if self.tls else {}))
                c = self._judge(c, *_one(c, self.rng))
            except (OSError, AssertionError) as e:
                self.cut += 1
                if "not" in repr(e) and "Late" in type(e).__name__:
                    self.wrong.append(repr(e)[:300])
                c = None

    def _judge(self, c, a, wanted):
        if a.cause:
            self.refused.append((a.status, a.cause))
        elif a.how == "end" and a.body != wanted:
            self.wrong.append(f"{len(a.body)} bytes of {len(wanted)} and a clean end")
        elif a.how == "end":
            self.whole += 1
        else:
            self.cut += 1
        if a.how == "end" and "close" not in a.head.tokens("connection"):
            return c
        c.close()
        return None


def _ask(w, n=60, clients=4):
    askers = [Asker(w.address, i, n) for i in range(clients)]
    for a in askers:
        a.start()
    for a in askers:
        a.join(240)
        assert not a.is_alive(), "a client waits for ever"
        assert not a.wrong, a.wrong[:3]
    return askers


def _upstream(w):
    return w.admin.status()["pools"][0]["upstreams"][0]


def test_short_and_interrupted_calls_change_nothing(rig, faults):
    w = _weir(rig, faults)
    for call in ("recv", "send", "read", "write"):
        faults.set(call, SHORT, 300)
        faults.set(call, errno.EINTR, 50)
    faults.set("accept", errno.EINTR, 200)
    askers = _ask(w)
    assert all(a.whole == 60 for a in askers), [(a.whole, a.refused, a.cut) for a in askers]

    reloads, answers = [], []

    def all_struck():
        reloads.append(weirctl(w.socket_path, "reload"))
        w.signal(signal.SIGUSR1)
        answers.append(w.client().ask(fields=[("X-Size", 5)]).status)
        return all(faults.done().values())

    eventually(all_struck, 60, what=f"a strike of each of {faults.rows}")
    assert {code for code, _, _ in reloads} == {0}, ("settings are read whole as well", reloads)
    assert set(answers) == {200}
    faults.calm()
    w.assert_books()


@pytest.mark.parametrize("error", ["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "ECONNABORTED"])
def test_accepting_rests_and_goes_on(rig, faults, error):
    w = _weir(rig, faults)
    faults.set("accept", getattr(errno, error), 500)
    for a in _ask(w, 15):
        assert a.whole and not a.refused
        assert a.cut == 0 or error == "ECONNABORTED"
    assert eventually(lambda: sum(faults.done().values()), 5)
    faults.calm()
    if error != "ECONNABORTED":
        assert "accepting clients rests" in w.errors.text()
    assert w.client().ask(fields=[("X-Size", 3)]).status == 200


@pytest.mark.parametrize("call,error", [
    ("socket", "EMFILE"), ("socket", "ENFILE"), ("socket", "ENOMEM"), ("socket", "ENOBUFS"),
    ("connect", "ENOBUFS"), ("connect", "ENOMEM"), ("connect", "EADDRNOTAVAIL"),
    ("recv", "ENOMEM"), ("recv", "ENOBUFS"), ("send", "ENOBUFS"), ("send", "ENOMEM")])
def test_what_is_short_in_weir_is_held_against_nobody(rig, faults, call, error):
    w = _weir(rig, faults, workers=1)
    faults.set(call, getattr(errno, error), 100 if call in ("recv", "send") else 400)
    askers = _ask(w, 25)
    struck = sum(faults.done().values())
    faults.calm()
    u = _upstream(w)
    assert struck and sum(a.whole for a in askers)
    assert u["state"] == "closed", u
    assert u["window"]["failed"] == u["window"]["connect_failed"] == 0, u["window"]
    assert all(status == 503 for a in askers for status, _ in a.refused), askers[0].refused[:3]
    assert w.client().ask(fields=[("X-Size", 3)]).status == 200


@pytest.mark.parametrize("call,error", [("recv", "ECONNRESET"), ("send", "EPIPE")])
def test_what_breaks_on_the_way_is_a_visible_cut(rig, faults, call, error):
    w = _weir(rig, faults)
    faults.set(call, getattr(errno, error), 30)
    askers = _ask(w, 40)
    faults.calm()
    assert sum(faults.done().values()) and sum(a.whole for a in askers)
    w.assert_books()


@pytest.mark.parametrize("call,error", [("open", "EMFILE"), ("open", "ENFILE"), ("open", "ENOMEM"),
                                        ("read", "EIO"), ("read", "EISDIR")])
def test_a_reload_that_cannot_read_is_refused_and_the_settings_stay(rig, faults, call, error):
    w = _weir(rig, faults)
    w.settings["limits"] = {"request_line": "9KiB"}
    w.write_file(w.settings)
    faults.set(call, getattr(errno, error), 1000)
    code, _, err = weirctl(w.socket_path, "reload")
    faults.calm()
    assert code == 1 and os.strerror(getattr(errno, error)) in err, err
    assert "9KiB" not in w.admin("config")
    assert weirctl(w.socket_path, "reload")[0] == 0
    assert "9KiB" in w.admin("config")
    assert w.client().ask(fields=[("X-Size", 3)]).status == 200


# The same by every way: HTTP/1 and HTTP/2, in the clear and over TLS, on both sides.

def test_short_and_interrupted_calls_change_nothing_by_any_way(rig, faults, authority):
    ways = Ways(rig, authority, env=faults.env)
    for call in ("recv", "send"):
        faults.set(call, SHORT, 300)
        faults.set(call, errno.EINTR, 50)
        faults.set(call, errno.EAGAIN, 50)
    seen = ask_all(ways, 8)
    assert all(set(v) == {"whole"} for v in seen.values()), seen
    assert all(faults.done().values()), faults.done()
    faults.calm()
    ways.w.assert_books()


@pytest.mark.parametrize("call,error", [("recv", "ECONNRESET"), ("send", "EPIPE"), ("recv", "ETIMEDOUT")])
def test_what_breaks_on_any_way_is_a_visible_cut(rig, faults, authority, call, error):
    ways = Ways(rig, authority, env=faults.env)
    faults.set(call, getattr(errno, error), 30)
    seen = ask_all(ways, 10)
    faults.calm()
    kinds = [v for row in seen.values() for v in row]
    assert sum(faults.done().values()) and "whole" in kinds and len(set(kinds)) > 1, kinds
    ways.w.assert_books()


@pytest.mark.parametrize("call,error", [("socket", "EMFILE"), ("connect", "ENOBUFS"), ("recv", "ENOMEM"),
                                        ("send", "ENOBUFS"), ("watch", "ENOSPC"), ("watch", "ENOMEM")])
def test_what_is_short_on_any_way_is_held_against_nobody(rig, faults, authority, call, error):
    ways = Ways(rig, authority, env=faults.env)
    faults.set(call, getattr(errno, error), 100 if call in ("recv", "send", "watch") else 400)
    seen = ask_all(ways, 8)
    struck = sum(faults.done().values())
    faults.calm()
    kinds = {v for row in seen.values() for v in row}
    # a descriptor that cannot be watched may be that of an answer under way
    cuts = {"cut", "502 upstream_reset"} if call == "watch" else set()
    assert struck and "whole" in kinds and kinds <= {"whole", "503 overloaded"} | cuts, kinds
    for p in ways.w.admin.status()["pools"]:
        for u in p["upstreams"]:
            assert u["state"] == "closed", u
            assert u["window"]["failed"] == u["window"]["connect_failed"] == 0, (p["name"], u["window"])


def test_a_full_disk_is_told_by_each_file_and_stops_nothing(rig, faults, tmp_path):
    log, state = tmp_path / "access.log", tmp_path / "learnt"
    w = _weir(rig, faults, log={"access": str(log)}, state={"path": str(state)})
    w.check_books = False
    faults.set("write", errno.ENOSPC, 1000)
    c = w.client()
    for _ in range(5):
        assert c.ask(fields=[("X-Size", 3)]).status == 200
    for said in ("the access log cannot be written .No space", "state.*No space"):
        eventually(lambda said=said: re.search(said, w.errors.text()), 40, f"it is said: {said}")
    assert weirctl(w.socket_path, "status")[0] == 0 and w.admin.status()["logs"]["access_error"]
    faults.calm()
    eventually(lambda: log.exists() and log.read_text().count("\n") == 5, 10, "what waited is written")
    eventually(state.exists, 40, "the state is kept again")


def test_a_limit_of_file_sizes_kills_nothing(rig, tmp_path):
    w = rig.weir(rig.backend().serve(serve), start=False, log={"access": str(tmp_path / "access.log")})
    w.check_books = False
    w.args = ["/bin/sh", "-c", "ulimit -f 2; exec \"$0\" \"$@\"", *w.args]
    w.start()
    c = w.client()
    for _ in range(20):
        assert c.ask(fields=[("X-Size", 3)]).status == 200
    eventually(lambda: "the access log cannot be written (File too large)" in w.errors.text(), 10)
    assert c.ask(fields=[("X-Size", 3)]).status == 200
