# SPDX-License-Identifier: Apache-2.0
"""A node whose Redis is found by Sentinels: failovers, and Sentinels that are dead, silent, out of date or lie."""

import time

import pytest

from harness.backend import always, closed_port
from harness.deadline import eventually, secs
from harness.redis import Redis
from harness.sentinel import Scripted, Sentinel
from harness.traffic import Traffic, assert_untroubled
from harness.weir import HOST


@pytest.fixture
def backend(rig):
    b = rig.backend()
    b.serve(always(body=b"fine"))
    return b


def node(rig, backend, *ports):
    hosts = ",".join(f"{HOST}:{p}" for p in ports)
    return rig.weir(backend, each={"shared": True}, workers=1, limits={"keepalive_requests": 1000000000},
                    fleet={"name": "test", "node": "n", "redis": f"redis+sentinel://{hosts}/main"})


def joined(w):
    return w.admin.status()["fleet"]["state"] == "joined"


def connects(w):
    return w.metrics().sum("weir_fleet_connects_total")


def nodes_at(redis):
    """Connections that are not redis-cli's."""
    return sum("cmd=client" not in line for line in redis.cli("client", "list").splitlines())


def test_a_master_is_found_by_a_sentinel_and_again_after_a_failover(rig, backend):
    first = rig.keep(Redis())
    second = rig.keep(Redis("--replicaof", HOST, str(first.port), "--replica-announce-ip", HOST))
    sentinel = rig.keep(Sentinel(first))
    eventually(lambda: sentinel.replicas() == 1 and "master_link_status:up" in second.cli("info", "replication"), 20,
               "the Sentinel knows the replica")
    nobody = rig.keep(closed_port(HOST)).getsockname()[1]
    w = node(rig, backend, nobody, sentinel.port)
    eventually(lambda: joined(w), 5, "by way of the Sentinel, the second of the two that are named")
    w.admin("incident chat set known for 10m")
    eventually(lambda: "known" in first.cli("hvals", "weir:{test}:orders"), 2)
    eventually(lambda: sentinel.cli("sentinel", "failover", "main") == "OK", 10, "the Sentinel begins")
    eventually(lambda: sentinel.master() == second.port, 20, "the other one is master")
    eventually(lambda: "weir:{test}:leader" in second.cli("keys", "*") and "role:master" in second.cli("info", "replication"), 10)
    eventually(lambda: connects(w) == 2, 3, "the node has followed, long before the old one is made a replica")
    eventually(lambda: joined(w), 10)
    assert "known" in second.cli("hvals", "weir:{test}:orders")
    assert w.client().ask().head.status == 200


def test_a_demoted_master_is_left_though_it_takes_what_is_written(rig, backend):
    """A Sentinel makes it a replica only some ten seconds later: until then all that is written there is lost."""
    first, second = rig.keep(Redis()), rig.keep(Redis())
    master = [first]
    sentinel = rig.keep(Scripted(lambda n: master[0].port))
    w = node(rig, backend, sentinel.port)
    eventually(lambda: joined(w), 5)
    w.admin("incident chat set known for 10m")
    eventually(lambda: "known" in first.cli("hvals", "weir:{test}:orders"), 2)
    t = Traffic([w])
    master[0] = second
    eventually(lambda: "weir:{test}:leader" in second.cli("keys", "*"), 2, "it is left within two seconds")
    eventually(lambda: nodes_at(first) == 0 and nodes_at(second) == 1, 2, "one connection, to the new one")
    eventually(lambda: "known" in second.cli("hvals", "weir:{test}:orders"), 2, "which is told all")
    assert_untroubled(t)
    assert joined(w) and connects(w) == 2
    assert [e["cause"] for e in w.admin.json("events")].count("fleet_joined") == 1, "it was never alone"


ODD = {
    "silent": lambda port, odd, n: None,
    "out of date": lambda port, odd, n: odd,
    "lying": lambda port, odd, n: 1,
    "lying each time anew": lambda port, odd, n: 1 + n % 1000,
    "speaking something else": lambda port, odd, n: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "naming nobody": lambda port, odd, n: b"*-1\r\n",
    "naming by name": lambda port, odd, n: b"*2\r\n$7\r\nredis-1\r\n$4\r\n6379\r\n",
    "speaking without end": lambda port, odd, n: b"*2\r\n$2000000000\r\n" + b"x" * 1000000,
    "asking for a login": lambda port, odd, n: b"-NOAUTH Authentication required.\r\n",
}


@pytest.mark.parametrize("how", ODD)
def test_one_of_three_sentinels_may_be_odd(rig, backend, how):
    first, second = rig.keep(Redis()), rig.keep(Redis())
    master = [first]
    good = [rig.keep(Scripted(lambda n: master[0].port)) for _ in range(2)]
    odd = rig.keep(Scripted(lambda n: ODD[how](master[0].port, first.port, n)))
    w = node(rig, backend, odd.port, *(g.port for g in good))
    eventually(lambda: joined(w) and odd.asked > 0, 5, "by the word of the two")
    eventually(lambda: nodes_at(first) == 1, 5)
    master[0] = second
    eventually(lambda: nodes_at(first) == 0 and nodes_at(second) == 1, 2, "the two have named another one")
    before, asked = connects(w), good[0].asked
    eventually(lambda: good[0].asked >= asked + 3, 8, "they are asked on and on")
    assert connects(w) == before, "and the connection stays"
    assert joined(w)


def test_sentinels_that_are_gone_change_nothing(rig, backend):
    redis = rig.keep(Redis())
    sentinels = [rig.keep(Scripted(lambda n: redis.port)) for _ in range(2)]
    w = node(rig, backend, *(s.port for s in sentinels))
    eventually(lambda: joined(w) and all(s.asked for s in sentinels), 5)
    for s in sentinels:
        s.close()
    redis.kill()
    eventually(lambda: not joined(w), 8)
    redis.start()
    eventually(lambda: joined(w), 12, "whom they named last is found again")


def test_a_sentinel_that_names_another_master_each_time_makes_no_storm(rig, backend):
    both = [rig.keep(Redis()), rig.keep(Redis())]
    sentinel = rig.keep(Scripted(lambda n: both[n % 2].port))
    w = node(rig, backend, sentinel.port)
    begun = time.monotonic()
    eventually(lambda: sentinel.asked >= 9, 30)
    assert connects(w) <= 5 + (time.monotonic() - begun), "one a second at most, but for the first few"
    assert w.client().ask().head.status == 200


def test_whom_a_sentinel_names_has_to_be_a_master(rig, backend):
    master = rig.keep(Redis())
    replica = rig.keep(Redis("--replicaof", HOST, str(master.port)))
    named = [replica]
    sentinel = rig.keep(Scripted(lambda n: named[0].port))
    w = node(rig, backend, sentinel.port)
    eventually(lambda: "it is no master" in (w.admin.status()["fleet"]["error"] or ""), 5)
    named[0] = master
    eventually(lambda: joined(w), 3)
