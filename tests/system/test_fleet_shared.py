# SPDX-License-Identifier: Apache-2.0
"""Several weirs before one backend as if they were one: its places, its breaker, its probes, its fairness."""

import json
import subprocess
import threading
import time

import pytest

from harness.backend import always
from harness.deadline import eventually, secs
from harness.redis import Redis
from harness.simulated import BENCH, Simulated
from harness.weir import sanitizer_env

NODES = 4


@pytest.fixture
def redis(rig):
    return rig.keep(Redis())


def nodes(rig, backend, redis, n=NODES, each=None, **more):
    weirs = [rig.weir(backend, enforce=True, each={"shared": True, **(each or {})}, workers=1,
                      fleet={"redis": redis.unix_url, "name": "test", "node": f"n{i}"}, **more) for i in range(n)]
    for w in weirs:
        eventually(lambda w=w: w.admin.status()["fleet"]["nodes"] == n, 5, "every node knows of every other")
    return weirs


class Loads:
    """weir-bench load at each node; rates in requests a second."""

    def __init__(self, weirs, rates, seconds):
        self.processes = [subprocess.Popen(
            [BENCH, "load", "--url", "http://%s:%d" % w.address, "--rate", str(rate), "--duration", f"{seconds}s", "--engine",
             "A", "--output", "40", "--prompt", "50", "--seed", str(i + 1), "--json", "-", "--quiet"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=sanitizer_env())
            for i, (w, rate) in enumerate(zip(weirs, rates))]

    def wait(self, within=90):
        self.said = [json.loads(p.communicate(timeout=secs(within))[0]) for p in self.processes]
        self.good = sum(s["ends"]["good"] for s in self.said)
        self.hard = sum(s["failed_hard"] for s in self.said)
        return self

    def close(self):
        for p in self.processes:
            if p.poll() is None:
                p.kill()
                p.wait()


def overload(rig, weirs, rate, seconds=8, shares=None):
    shares = shares or [1] * len(weirs)
    return rig.keep(Loads(weirs, [rate * s / sum(shares) for s in shares], seconds))


def small(rig, slots=8):
    return rig.keep(Simulated("--engine", "A", "--slots", str(slots)))


def test_places_that_are_known_are_never_passed_and_every_node_has_a_part(rig, redis):
    b = small(rig)
    weirs = nodes(rig, b, redis, each={"max_streams": 8})
    load = overload(rig, weirs, 24, 10, shares=[5, 1, 1, 1])
    held = eventually(lambda: b.numbers()["open"] == 8 and [w.admin.upstream()["fleet"] for w in weirs], 10,
                      "all places are in use")
    assert all(v["limit"] == 8 for v in held)
    load.wait()
    assert load.good > 0 and load.hard == 0
    assert b.numbers()["max_open"] <= 8
    assert all(s["served"] > 0 for s in load.said), "each node has a part of them"


def test_without_redis_the_places_are_not_passed_either(rig, redis):
    b = small(rig)
    weirs = nodes(rig, b, redis, each={"max_streams": 8})
    load = overload(rig, weirs, 24, 14)
    eventually(lambda: b.numbers()["open"] == 8, 10, "all places are in use")
    redis.kill()
    eventually(lambda: all(w.admin.status()["fleet"]["state"] == "alone" for w in weirs), 8)
    load.wait()
    assert load.hard == 0 and load.good > 0
    assert b.numbers()["max_open"] <= 8


def test_what_a_node_held_is_the_others_when_it_goes(rig, redis):
    b = small(rig)
    weirs = nodes(rig, b, redis, n=2, each={"max_streams": 8})
    load = overload(rig, weirs, 20, 3)
    eventually(lambda: b.numbers()["open"] == 8, 10)
    load.wait()
    weirs[0].stop()
    more = overload(rig, weirs[1:], 24, 8)
    eventually(lambda: weirs[1].admin.upstream()["fleet"]["limit"] == 8, 5, "nothing is kept back for who has left")
    eventually(lambda: b.numbers()["open"] == 8, 10, "one node has all the places")
    more.wait()
    assert b.numbers()["max_open"] <= 8


class Dead:
    """Answers 500 at once and remembers when."""

    def __init__(self, backend):
        self.at, self.lock = [], threading.Lock()
        backend.serve(self._answer)

    def _answer(self, peer, _):
        with self.lock:
            self.at.append(time.monotonic())
        peer.answer(500, b"broken")


class Knocking:
    """A request after the other at each node."""

    def __init__(self, weirs):
        self.ends = False
        self.threads = [threading.Thread(target=self._run, args=(w,), daemon=True) for w in weirs]
        for t in self.threads:
            t.start()

    def _run(self, w):
        c = w.client()
        while not self.ends:
            c.ask("POST", "/", body=b"x")

    def close(self):
        self.ends = True
        for t in self.threads:
            t.join(secs(10))


def test_a_dead_backend_sees_the_probes_of_one_node(rig, redis):
    b = rig.backend()
    dead = Dead(b)
    weirs = nodes(rig, b, redis, limits={"keepalive_requests": 1000000000},
                  pool={"breaker": {"open_min": "1s", "open_max": "1s"}, "queue": {"max_wait": "0s"}})
    knocking = rig.keep(Knocking(weirs))
    eventually(lambda: all(w.admin.upstream()["fleet"]["state"] in ("open", "half_open") for w in weirs), 10,
               "the fleet's breaker is open")
    assert len(dead.at) < 60, "it opened by what all have seen"
    eventually(lambda: time.monotonic() - dead.at[-1] > 0.3, 10)
    begun, before = time.monotonic(), len(dead.at)
    eventually(lambda: time.monotonic() - begun > 8, 20)
    probes = len(dead.at) - before
    assert 2 <= probes <= 9, f"{probes} probes of four nodes in 8 s"
    knocking.close()


def test_a_backend_that_comes_back_is_back_for_all(rig, redis):
    b = rig.backend()
    good = threading.Event()

    def answer(peer, _):
        peer.answer(200 if good.is_set() else 500, b"x")
    b.serve(answer)
    weirs = nodes(rig, b, redis, limits={"keepalive_requests": 1000000000}, pool={
        "breaker": {"open_min": "300ms", "open_max": "300ms"}, "ramp": {"dwell": "100ms", "rest": "0s"},
        "queue": {"max_wait": "0s"}})
    knocking = rig.keep(Knocking(weirs))
    eventually(lambda: all(w.admin.upstream()["fleet"]["state"] in ("open", "half_open") for w in weirs), 10)
    good.set()
    eventually(lambda: all(w.admin.upstream()["fleet"]["state"] == "closed" and w.admin.upstream()["state"] == "closed"
                           for w in weirs), 30, "closed everywhere")
    knocking.close()


def test_a_broken_path_of_one_node_opens_nobody_elses(rig, redis):
    b = rig.backend()
    b.serve(always(200, b"x"))
    weirs = nodes(rig, b, redis, n=3, limits={"keepalive_requests": 1000000000})
    knocking = rig.keep(Knocking(weirs))
    refused = rig.backend()
    url = refused.url
    refused.close()
    # The same upstream, by name, at an address where nothing listens: as if this node's way were cut.
    odd = rig.weir(url, enforce=True, each={"shared": True}, workers=1,
                   fleet={"redis": redis.unix_url, "name": "test", "node": "odd"})
    eventually(lambda: odd.admin.status()["fleet"]["nodes"] == 4, 5)
    for _ in range(20):
        odd.client().ask("POST", "/", body=b"x")
    eventually(lambda: odd.admin.upstream()["state"] != "closed", 5)
    begun = time.monotonic()
    eventually(lambda: time.monotonic() - begun > 2, 5)
    assert all(w.admin.upstream()["state"] == "closed" and w.admin.upstream()["fleet"]["state"] == "closed" for w in weirs)
    knocking.close()
