# SPDX-License-Identifier: Apache-2.0
"""A node's start: it asks the fleet before it answers anybody, and waits for that for a second at most."""

import threading

import pytest

from harness.backend import always
from harness.deadline import eventually
from harness.redis import Redis
from harness.simulated import Simulated

KEEP = {"keepalive_requests": 1000000000}
SLOTS = 4


@pytest.fixture
def redis(rig):
    return rig.keep(Redis())


def node(rig, backend, redis, name, each=None, **more):
    return rig.weir(backend, enforce=True, each={"shared": True, **(each or {})}, workers=1, limits=KEEP,
                    fleet={"redis": redis.unix_url, "name": "test", "node": name}, **more)


def state(w):
    return w.admin.status()["fleet"]["state"]


class Running:
    """So many requests at once at one weir, from its first moment on; each ends with its answer."""

    def __init__(self, w, n):
        self.w, self.statuses, self.lock = w, [], threading.Lock()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(n)]
        for t in self.threads:
            t.start()

    def _run(self):
        body = b'{"model": "m", "stream": true, "max_tokens": 40, "messages": []}'
        while True:
            try:
                c = self.w.client()
                break
            except OSError:
                continue  # it is not there yet
        answer = c.ask("POST", "/v1/chat/completions", [("content-type", "application/json")], body, within=60)
        with self.lock:
            self.statuses.append(answer.head.status)

    def wait(self, within):
        eventually(lambda: len(self.statuses) == len(self.threads), within, "every request has an answer")
        return self.statuses


def test_a_node_that_starts_in_a_full_fleet_sends_nothing_beyond_its_places(rig, redis):
    b = rig.keep(Simulated("--engine", "A", "--slots", str(SLOTS)))
    first = node(rig, b, redis, "a", each={"max_streams": SLOTS})
    eventually(lambda: state(first) == "joined", 5)
    there = Running(first, 3 * SLOTS)
    eventually(lambda: b.numbers()["open"] == SLOTS, 10, "all places are in use")
    second = node(rig, b, redis, "b", each={"max_streams": SLOTS}, start=False)
    come = Running(second, 3 * SLOTS)
    second.start()
    assert set(come.wait(60)) <= {200, 429, 503}
    assert "which did not come" not in second.errors.text()
    there.wait(60)
    assert b.numbers()["max_open"] <= SLOTS


def test_a_redis_that_does_not_answer_delays_the_start_by_a_second_and_the_log_says_so(rig, redis):
    b = rig.backend()
    b.serve(always(body=b"fine"))
    redis.hang()
    w = node(rig, b, redis, "a")
    assert w.client().ask().head.status == 200
    assert state(w) == "alone", "nobody is answered before that is known"
    eventually(lambda: "the start waited" in w.errors.text(), 5)
    line = next(x for x in w.errors.text().splitlines() if "the start waited" in x)
    waited = float(line.split("the start waited ")[1].split(" ")[0])
    assert 0.5 < waited and "did not come" in line
    redis.go_on()
    eventually(lambda: state(w) == "joined", 12)


def test_a_hot_restart_loses_no_request_while_the_new_process_joins(rig, redis):
    b = rig.backend()
    b.serve(always(body=b"fine"))
    w = node(rig, b, redis, "a")
    eventually(lambda: state(w) == "joined", 5)
    redis.hang()  # so that it waits for its whole second
    ends, statuses, bad = threading.Event(), [], []

    def knock():
        while not ends.is_set():
            try:
                statuses.append(w.client().ask().head.status)
            except (AssertionError, OSError) as e:
                bad.append(e)

    knocking = [threading.Thread(target=knock, daemon=True) for _ in range(4)]
    for t in knocking:
        t.start()
    w.upgrade()
    served = len(statuses)
    eventually(lambda: len(statuses) > served + 20, 10, "the new process answers")
    ends.set()
    for t in knocking:
        t.join(10)
    redis.go_on()
    assert not bad and set(statuses) == {200}
    eventually(lambda: state(w) == "joined", 12)
