# SPDX-License-Identifier: Apache-2.0
"""A node and a Redis Cluster: whoever has the slot is followed."""

import pytest

from harness.backend import always
from harness.deadline import eventually
from harness.redis import Cluster
from harness.traffic import Traffic, assert_untroubled
from harness.weir import HOST


@pytest.fixture
def backend(rig):
    b = rig.backend()
    b.serve(always(body=b"fine"))
    return b


def node(rig, backend, hosts, name):
    return rig.weir(backend, each={"shared": True}, workers=1, limits={"keepalive_requests": 1000000000},
                    fleet={"name": "test", "node": name, "redis": f"redis+cluster://{hosts}"})


def fleet(w):
    return w.admin.status()["fleet"]


def joined(w, nodes=2):
    return fleet(w)["state"] == "joined" and fleet(w)["nodes"] == nodes


def connects(w):
    return w.metrics().sum("weir_fleet_connects_total")


def alone(w):
    return [e["cause"] for e in w.admin.json("events")].count("fleet_alone")


@pytest.fixture
def cluster(rig):
    return rig.keep(Cluster())


def test_nodes_meet_whomever_of_the_cluster_they_ask_first(rig, cluster, backend):
    urls = cluster.urls.split(",")
    weirs = [node(rig, backend, url, f"n{i}") for i, url in enumerate(urls)]
    for w in weirs:
        eventually(lambda w=w: joined(w, 3), 5)
        assert connects(w) <= 2 and not alone(w)
    assert {k for n in cluster.nodes for k in n.cli("keys", "*").splitlines()} == set(cluster.owner().cli("keys", "*").splitlines())
    weirs[0].admin("incident chat set known for 10m")
    eventually(lambda: all(w.admin.status()["pools"][0]["incident"] == "known" for w in weirs), 1)


def test_a_slot_that_moves_is_followed_under_load(rig, cluster, backend):
    weirs = [node(rig, backend, cluster.urls, f"n{i}") for i in range(2)]
    for w in weirs:
        eventually(lambda w=w: joined(w), 5)
    weirs[0].admin("incident chat set known for 10m")
    t = Traffic(weirs)
    asked = []

    def until_asked():
        """An error while it moves is a fault; what is between the two masters is not written anew in the wrong place."""
        eventually(lambda: "ASK" in (fleet(weirs[0])["error"] or ""), 3)
        asked.append(True)
    for n in [n for n in cluster.nodes if n is not cluster.owner()]:
        cluster.move(n, during=None if asked else until_asked)
        eventually(lambda n=n: all(joined(w) for w in weirs) and "weir:{test}:leader" in n.cli("keys", "*"), 8, "it is followed")
        assert "known" in n.cli("hvals", "weir:{test}:orders")
    assert_untroubled(t)
    assert asked and all(connects(w) < 20 for w in weirs)


def test_a_whole_reshard_by_rediss_own_tool_troubles_nobody(rig, cluster, backend):
    weirs = [node(rig, backend, cluster.urls, f"n{i}") for i in range(2)]
    for w in weirs:
        eventually(lambda w=w: joined(w), 5)
    owner = cluster.owner()
    to = next(n for n in cluster.nodes if n is not owner)
    t = Traffic(weirs)
    said = owner.cli("--cluster", "reshard", f"{HOST}:{owner.port}", "--cluster-from", owner.cli("cluster", "myid"), "--cluster-to",
                     to.cli("cluster", "myid"), "--cluster-slots", "5461", "--cluster-yes", within=120)
    assert "ERR" not in said and "***" not in said, said[-2000:]
    eventually(lambda: cluster.owner(to) is to and all(joined(w) for w in weirs) and "weir:{test}:leader" in to.cli("keys", "*"), 8)
    assert_untroubled(t)


def test_a_master_that_dies_is_replaced_and_its_replica_followed(rig, backend):
    cluster = rig.keep(Cluster(replicas=1))
    weirs = [node(rig, backend, cluster.urls, f"n{i}") for i in range(2)]
    for w in weirs:
        eventually(lambda w=w: joined(w), 8)
    weirs[0].admin("incident chat set known for 10m")
    t = Traffic(weirs)
    dead = cluster.owner()
    alive = next(n for n in cluster.nodes if n is not dead)
    eventually(lambda: joined(weirs[1]) and weirs[1].admin.status()["pools"][0]["incident"] == "known", 2)
    dead.kill()
    eventually(lambda: cluster.owner(alive) not in (None, dead), 30, "the cluster has another master for it")
    eventually(lambda: all(joined(w) for w in weirs), 12, "which is found")
    eventually(lambda: "known" in cluster.owner(alive).cli("hvals", "weir:{test}:orders"), 5)
    assert_untroubled(t)
    assert all(connects(w) < 40 for w in weirs)


@pytest.mark.parametrize("how", ["hostname", "unknown-endpoint"])
def test_a_cluster_may_name_its_nodes_by_name_or_not_at_all(rig, backend, how):
    """Redis 7: MOVED with a host name; or with no host, which is the one that said it."""
    named = ["--cluster-preferred-endpoint-type", how] + (["--cluster-announce-hostname", "localhost", "--bind", HOST, "127.0.0.1"] if how == "hostname" else [])
    cluster = rig.keep(Cluster(args=named))
    other = next(n for n in cluster.nodes if n is not cluster.owner())
    if how == "hostname":
        eventually(lambda: "localhost" in other.cli("get", "{test}"), 10, "the name is known to all")
    w = node(rig, backend, f"{HOST}:{other.port}", "n")
    eventually(lambda: joined(w, 1), 5)
    assert not alone(w)
