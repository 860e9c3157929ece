# SPDX-License-Identifier: Apache-2.0
"""Conversations over several weirs: whose turn was completed at one node goes first at the others, too; what is told to
Redis of it, what is believed of what stands there, and that nobody waits for it."""

import os
import re
import threading

import pytest

from harness.ask import post
from harness.deadline import eventually, secs
from harness.dialects import CHAT
from harness.redis import Redis

HASH = re.compile(r"weir:\{test\}:l:[0-9a-f]{16}")
WAITS_LONG = {"queue": {"max_wait": "10s", "cold_wait": "10s"}, "users": {"fair_share": 1.0}}


@pytest.fixture
def redis(rig):
    return rig.keep(Redis())


class Talking:
    """A backend that begins each stream at once and ends those that it is told to: by the user's name in the target."""

    def __init__(self, backend):
        self.begun, self.ended = [], set()
        self.changed = threading.Condition()
        backend.serve(self._answer)

    def _answer(self, peer, request):
        who = request.target.partition("who=")[2]
        peer.begin()
        peer.chunk(b"".join(CHAT.preamble) + CHAT.content("first"))
        with self.changed:
            self.begun.append(who)
            self.changed.notify_all()
            self.changed.wait_for(lambda: who in self.ended, secs(30))
        peer.chunk(CHAT.end)
        peer.last_chunk()

    def end(self, *names):
        with self.changed:
            self.ended.update(names)
            self.changed.notify_all()

    def order(self, n):
        """The first n, in the order in which they came."""
        eventually(lambda: len(self.begun) >= n, 25, f"{n} were sent to the backend")
        return self.begun[:n]


@pytest.fixture
def talking(rig):
    backend = rig.backend()
    talking = Talking(backend)
    talking.backend = backend
    return talking


def secret(rig, text=b"0123456789abcdef0123456789abcdef"):
    path = rig.path("fleet.key")
    with open(path, "wb") as f:
        f.write(text)
    os.chmod(path, 0o600)
    return path


def nodes(rig, talking, redis, n=2, places=1, pool=None, fleet=None, **more):
    keys = {"secret_file": secret(rig)} if fleet is None else fleet
    weirs = [rig.weir(talking.backend, enforce=True, each={"shared": True, "max_streams": places}, workers=1,
                      pool={**WAITS_LONG, **(pool or {})}, log={"level": "debug"},
                      fleet={"redis": redis.unix_url, "name": "test", "node": f"n{i}", **keys}, **more) for i in range(n)]
    for w in weirs:
        eventually(lambda w=w: w.admin.status()["fleet"]["nodes"] == n, 5, "every node knows of every other")
    return weirs


def send(w, user, name=None):
    c = w.client()
    c.send(post(CHAT, [("Authorization", f"Bearer {user}")], target=f"{CHAT.path}?who={name or user}"))
    return c


def waits(w, n):
    eventually(lambda: w.metrics().sum("weir_queue_length") == n, 10, f"{n} wait")


def leases(w, kind):
    return w.metrics().sum("weir_fleet_leases_total", kind=kind)


def turn(w, talking, user):
    """A whole turn of a conversation."""
    talking.end(user)
    answer = send(w, user).answer("POST", within=25)
    assert answer.status == 200 and answer.body.endswith(CHAT.end)
    talking.begun.clear()
    talking.ended.discard(user)


def calls(w, kind="sync"):
    return w.metrics().sum("weir_fleet_calls_total", call=kind, result="ok")


def synced(w, n=2):
    """So many periods later."""
    before = calls(w)
    eventually(lambda: calls(w) >= before + n, 10, "the node has spoken with Redis")


def ask_next(w, user, n=1):
    """This user waits, as the n-th, and was asked about: with each call all that wait are."""
    c = send(w, user)
    waits(w, n)
    before = leases(w, "asked")
    synced(w)
    assert leases(w, "asked") > before
    return c


def is_told(w, n=1):
    eventually(lambda: leases(w, "told") == n, 10, f"{n} leases are told")


def blocked(w, talking):
    """The only place is taken, by way of this node."""
    c = send(w, "blocker")
    assert talking.order(1) == ["blocker"]
    return c


def keys(redis):
    return redis.cli("keys", "weir:{test}:l:*").split()


def finish(talking, clients, *more):
    talking.end("blocker", "old", "long", "late", "new", *more)
    for c in clients:
        assert c.answer("POST", within=25).status == 200


# --- who goes first

def test_whose_turn_was_completed_elsewhere_goes_before_strangers(rig, talking, redis):
    first, second = nodes(rig, talking, redis)
    turn(first, talking, "old")
    is_told(first)
    clients = [blocked(second, talking)]
    for i, user in enumerate(["long", "old", "late"]):
        clients.append(send(second, user))
        waits(second, i + 1)
    eventually(lambda: leases(second, "found") == 1, 10, "the node has heard of it")
    talking.end("blocker")
    assert talking.order(2) == ["blocker", "old"], "neither who waited longer nor the newest"
    finish(talking, clients)


def test_and_before_strangers_who_wait_where_the_place_is(rig, talking, redis):
    first, second = nodes(rig, talking, redis)
    turn(first, talking, "old")
    is_told(first)
    won, rounds = 0, 5
    for i in range(rounds):
        clients = [blocked(first, talking), send(first, f"stranger{i}")]
        waits(first, 1)
        clients.append(send(second, "old"))
        waits(second, 1)
        eventually(lambda: re.search(r"^n1\.\S+\n3$", redis.cli("zrange", "weir:{test}:h:chat/a", "0", "-1", "withscores"), re.M),
                   10, "the place is asked for with a better rank")
        synced(first)
        talking.end("blocker")
        won += talking.order(2) == ["blocker", "old"]
        finish(talking, clients, f"stranger{i}")
        talking.begun.clear()
        talking.ended.clear()
    assert won > rounds / 2, f"{won} of {rounds}: once may be a node that stood still for long"


def test_a_conversation_of_another_pool_is_none_here(rig, talking, redis):
    pools = [{"name": name, "limiter": {"mode": "enforce"}, **WAITS_LONG,
              "upstreams": [{"name": "a", "url": talking.backend.url, "shared": True, "max_streams": 1}]}
             for name in ("chat", "other")]
    weirs = [rig.weir(workers=1, pools=pools, routes=[{"path": CHAT.path, "pool": "chat"}, {"path": "/", "pool": "other"}],
                      fleet={"redis": redis.unix_url, "name": "test", "node": f"n{i}", "secret_file": secret(rig)})
             for i in range(2)]
    eventually(lambda: all(w.admin.status()["fleet"]["nodes"] == 2 for w in weirs), 5)
    turn(weirs[0], talking, "old")
    is_told(weirs[0])

    def to_other(user):
        c = weirs[1].client()
        c.send(post(CHAT, [("Authorization", f"Bearer {user}")], target=f"/x?who={user}"))
        return c
    clients = [to_other("blocker")]
    assert talking.order(1) == ["blocker"]
    before = leases(weirs[1], "asked")
    clients.append(to_other("old"))
    eventually(lambda: leases(weirs[1], "asked") > before, 10)
    assert leases(weirs[1], "found") == 0
    finish(talking, clients)


# --- what stands in Redis

def test_a_lease_is_a_hash_that_ends_by_itself(rig, talking, redis):
    w, _ = nodes(rig, talking, redis, pool={"lease": "90s"})
    turn(w, talking, "somebody-of-note")
    is_told(w)
    key, = keys(redis)
    assert HASH.fullmatch(key)
    assert 80000 < int(redis.cli("pttl", key)) <= 90000
    assert redis.cli("get", key).isdigit() and redis.cli("type", key) == "string"
    assert "somebody" not in redis.cli("--scan") and "somebody" not in redis.cli("get", key)


def test_a_user_is_told_once_a_minute_by_each_node(rig, talking, redis):
    w, other = nodes(rig, talking, redis)
    for _ in range(5):
        turn(w, talking, "old")
    turn(w, talking, "new")
    is_told(w, 2)
    turn(other, talking, "old")
    is_told(other)
    assert len(keys(redis)) == 2, "the same user has the same key at all nodes"


def test_a_turn_that_was_cut_is_none(rig, talking, redis):
    w, _ = nodes(rig, talking, redis)
    c = send(w, "gone")
    talking.order(1)
    c.close()
    turn(w, talking, "old")
    is_told(w)
    assert len(keys(redis)) == 1


def test_without_a_secret_leases_are_each_nodes_own(rig, talking, redis):
    first, second = nodes(rig, talking, redis, fleet={})
    turn(first, talking, "old")
    clients = [blocked(second, talking), send(second, "old")]
    waits(second, 1)
    synced(second)
    assert leases(first, "told") == leases(second, "asked") == 0 and keys(redis) == []
    assert "there is no fleet.secret_file" in first.errors.text()
    finish(talking, clients)


def test_another_secret_is_another_user(rig, talking, redis):
    first, = nodes(rig, talking, redis, n=1)
    second = rig.weir(talking.backend, enforce=True, each={"shared": True, "max_streams": 1}, workers=1, pool=WAITS_LONG, fleet={
        "redis": redis.unix_url, "name": "test", "node": "n1", "secret_file": secret(rig, b"f" * 40)})
    eventually(lambda: second.admin.status()["fleet"]["nodes"] == 2, 5)
    turn(first, talking, "old")
    is_told(first)
    turn(second, talking, "old")
    is_told(second)
    assert len(keys(redis)) == 2


# --- strange content

STRANGE = {
    "another type": lambda r, k: r.cli("rpush", k, "1", "2"),
    "a hash": lambda r, k: r.cli("hset", k, "a", "1"),
    "a word": lambda r, k: r.cli("set", k, "for ever"),
    "nothing": lambda r, k: r.cli("set", k, ""),
    "a number of no clock": lambda r, k: r.cli("set", k, "1e300"),
    "a negative one": lambda r, k: r.cli("set", k, "-1"),
    "too many digits": lambda r, k: r.cli("set", k, "9" * 400),
    "far too much": lambda r, k: r.cli("setrange", k, str(4 * 1024 * 1024), "x"),
}


@pytest.mark.parametrize("strange", STRANGE)
def test_what_no_weir_wrote_is_no_lease(rig, talking, redis, strange):
    first, second = nodes(rig, talking, redis)
    turn(first, talking, "old")
    is_told(first)
    key, = keys(redis)
    redis.cli("del", key)
    STRANGE[strange](redis, key)
    clients = [blocked(second, talking)]
    clients.append(ask_next(second, "old"))
    clients.append(ask_next(second, "late", 2))
    assert leases(second, "found") == 0
    assert second.metrics().sum("weir_fleet_rejected_total") > 0
    assert second.admin.status()["fleet"]["state"] == "joined"
    talking.end("blocker")
    assert talking.order(2) == ["blocker", "late"], "the newest, as if nothing stood there"
    finish(talking, clients)
    assert second.metrics().sum("weir_fleet_connects_total") == 1
    turn(second, talking, "old")
    is_told(second, 3)
    assert redis.cli("type", key) == "string", "and it is overwritten with the next turn"


def test_a_lease_that_never_ends_ends(rig, talking, redis):
    first, second = nodes(rig, talking, redis, pool={"lease": "1s"})
    turn(first, talking, "old")
    is_told(first)
    key, = keys(redis)
    redis.cli("set", key, "999999999999999")
    clients = [blocked(second, talking), send(second, "old")]
    eventually(lambda: leases(second, "found") > 0, 10, "whoever can write there may give precedence")
    finish(talking, clients)
    eventually(lambda: second.admin.status()["fleet"]["state"] == "joined", 5)


# --- Redis gone

def test_nobody_waits_for_a_redis_that_hangs(rig, talking, redis):
    _, w = nodes(rig, talking, redis, places=4)
    names = [f"blocker{i}" for i in range(4)]
    clients = []
    for i, name in enumerate(names):
        clients.append(send(w, name))
        talking.order(i + 1)
    redis.hang()
    for i, user in enumerate(["old", "new"]):
        clients.append(send(w, user))
        waits(w, 1)
        talking.end(names[i])
        talking.order(5 + i)
        waits(w, 0)
    eventually(lambda: w.admin.status()["fleet"]["state"] == "alone", 10)
    finish(talking, clients, *names)
    redis.go_on()
    eventually(lambda: w.admin.status()["fleet"]["state"] == "joined", 15)
    is_told(w, 6)
    assert len(keys(redis)) == 6, "what was given meanwhile is told afterwards"


def test_a_redis_that_was_emptied_is_told_anew(rig, talking, redis):
    first, second = nodes(rig, talking, redis, pool={"lease": "5s"})
    turn(first, talking, "old")
    is_told(first)
    redis.cli("flushall")
    assert keys(redis) == []

    def is_back():
        turn(first, talking, "old")
        return len(keys(redis)) == 1
    eventually(is_back, 20, "with a turn that ends a tenth of a lease later")
