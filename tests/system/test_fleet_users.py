# SPDX-License-Identifier: Apache-2.0
"""Limits of users over four real nodes and a real Redis: exact, without a wait, whoever dies."""

import json
import os
import threading
import time

import pytest

from harness.ask import end_stream, open_stream
from harness.backend import always
from harness.deadline import eventually, secs
from harness.dialects import CHAT
from harness.redis import Redis
from harness.weir import weirctl

NODES = 4
SECRET = "0123456789abcdef0123456789abcdef\n"


@pytest.fixture
def redis(rig):
    return rig.keep(Redis())


@pytest.fixture
def backend(rig):
    b = rig.backend()
    b.serve(always(body=b"fine"))
    return b


def fleet(w):
    return w.admin.status()["fleet"]


def nodes(rig, backend, redis, n=NODES, secret=SECRET, fleet_more=None, **pool):
    path = rig.path("fleet.key")
    with open(path, "w") as f:
        f.write(secret or "")
    more = {"secret_file": path} if secret else {}
    weirs = [rig.weir(backend, enforce=True, each={"shared": True}, workers=1, pool=pool,
                      limits={"keepalive_requests": 1000000000},
                      fleet={"redis": redis.unix_url, "name": "test", "node": f"n{i}", **more, **(fleet_more or {})})
             for i in range(n)]
    for w in weirs:
        eventually(lambda w=w: fleet(w)["state"] == "joined" and fleet(w)["nodes"] == n, 5, "every node knows of every other")
    return weirs


def by(user):
    return [("Authorization", f"Bearer {user}"), ("Content-Type", "application/json")]


def ask(w, user, client=None):
    return (client or w.client()).ask("POST", CHAT.path, by(user), b'{"model":"m"}')


def counts(redis):
    return [k for k in redis.cli("keys", "weir:{test}:u:*").splitlines() if k]


def told(redis, requests):
    """All that was let in is known to Redis."""
    def sum_of(key):
        numbers = [int(x) for x in redis.cli("get", key).split()]
        return sum(numbers[1::4])
    eventually(lambda: sum(sum_of(k) for k in counts(redis)) == requests, 3, f"Redis knows of {requests} requests")


def test_what_one_node_lets_in_counts_at_the_others(rig, backend, redis):
    weirs = nodes(rig, backend, redis, users={"requests_per_minute": 8})
    for i in range(8):
        answer = ask(weirs[i % NODES], "one")
        assert answer.status == 200, i
    told(redis, 8)
    for w in weirs:
        refused = ask(w, "one")
        assert refused.status == 429 and "8 of 8 requests a minute are used" in refused.json["error"]["message"]
        assert 50 <= int(refused.get("retry-after")) <= 61
        assert (refused.get("x-ratelimit-limit-requests"), refused.get("x-ratelimit-remaining-requests")) == ("8", "0")
        assert ask(w, "two").status == 200
    [key] = [k for k in counts(redis) if redis.cli("get", k).split()[1::4] == ["8"] or " 8 " in redis.cli("get", k)] or [None]
    assert 0 < int(redis.cli("pttl", counts(redis)[0])) <= 120000
