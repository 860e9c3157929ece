# SPDX-License-Identifier: Apache-2.0
"""The fleet as one: `weirctl status --fleet` over several weirs and a real Redis."""

import json
import signal
import time

import pytest

from harness.ask import end_stream, open_stream
from harness.backend import always
from harness.deadline import eventually
from harness.dialects import CHAT
from harness.redis import Redis
from harness.weir import weirctl


def node(rig, backend, redis, name, shared=True, **more):
    return rig.weir(backend, each={"shared": shared}, workers=1, fleet={"redis": redis.unix_url, "name": "test", "node": name},
                    limits={"keepalive_requests": 1000000000}, **more)


def look(w):
    return w.admin.json("status --fleet")


def text(w):
    code, out, err = weirctl(w.socket_path, "status", "--fleet")
    assert code == 0, err
    return out


def says(w, *words, within=10):
    return eventually(lambda: (said := text(w)) and all(word in said for word in words) and said, within, f"it says {words}")


def fleet_of(rig, backend, redis, n, **more):
    weirs = [node(rig, backend, redis, f"n{i}", **more) for i in range(n)]
    for w in weirs:
        eventually(lambda w=w: look(w)["nodes_answered"] == n and look(w)["pools"] and look(w)["pools"][0]["nodes"] == n, 10,
                   "every node knows what every other tells")
    return weirs


def kill(w):
    w.process.kill()
    w.process.wait()
    w.process = None


@pytest.fixture
def redis(rig):
    return rig.keep(Redis())


@pytest.fixture
def backend(rig):
    return rig.backend()


def test_the_sums_are_those_of_the_nodes_whoever_is_asked(rig, redis, backend):
    weirs = fleet_of(rig, backend, redis, 3)
    streams = [open_stream(w, backend) for w in (weirs[0], weirs[0], weirs[1])]

    def sums(w):
        f = look(w)
        [pool] = f["pools"]
        [a] = pool["upstreams"]
        return f["inflight"], a["inflight"], a["nodes"], pool["nodes"], a["permits"] >= 3, a["shared"], a["state"]
    for w in weirs:
        eventually(lambda w=w: sums(w) == (3, 3, 3, 3, True, True, "closed"), 10, "three are in flight over all nodes")

    def sentence():
        f = look(weirs[2])
        [leader] = [n["node"] for n in f["nodes"] if n["leads"]] or [""]
        return f["sentence"] == f"fleet test: 3 nodes, all of them answer; {leader} leads; all are serving" and f
    f = eventually(sentence, 10, "how many answer, and who leads")
    assert [(n["node"], n["state"]) for n in f["nodes"]] == [(f"n{i}", "serving") for i in range(3)]
    said = says(weirs[2], "fleet test: 3 nodes, all of them answer; ", " leads; all are serving")
    assert "NODES" in said and "PERMITS" in said
    for client, _, body, peer in streams:
        end_stream(CHAT, body, peer)
        client.close()
    eventually(lambda: sums(weirs[2])[:2] == (0, 0), 10)
    eventually(lambda: look(weirs[2])["pools"][0]["upstreams"][0]["ok_per_s"] > 0, 10, "their ends were counted as well")


def test_rates_are_of_all_nodes(rig, redis, backend):
    backend.serve(always(body=b"fine"))
    weirs = fleet_of(rig, backend, redis, 2)
    clients = [w.client() for w in weirs]

    def more_than_any_alone():
        for c in clients:
            for _ in range(20):
                c.ask()
        f = look(weirs[0])
        own = [w.admin.status()["pools"][0]["admitted_per_s"] for w in weirs]
        return min(own) > 1 and f["admitted_per_s"] > max(own) and f["pools"][0]["upstreams"][0]["ok_per_s"] > max(own)
    eventually(more_than_any_alone, 20, "the rate of both is more than that of one")


def test_upstreams_that_are_not_shared_are_summed_as_well(rig, redis, backend):
    weirs = fleet_of(rig, backend, redis, 2, shared=False)
    client, _, body, peer = open_stream(weirs[1], backend)
    eventually(lambda: look(weirs[0])["pools"][0]["upstreams"][0]["inflight"] == 1, 10)
    [a] = look(weirs[0])["pools"][0]["upstreams"]
    assert (a["shared"], a["nodes"], a["state"]) == (False, 2, "closed")
    own = weirs[0].admin.upstream("a")["limits"]["streams"]
    assert a["limit"] == 2 * own, "the limits of both"
    end_stream(CHAT, body, peer)
    client.close()


def test_who_is_worst_and_whose_own_path_is_broken_is_named(rig, redis, backend):
    weirs = fleet_of(rig, backend, redis, 3)
    weirs[1].admin("breaker chat/a open --here")
    said = says(weirs[0], "the worst state is down, at n1", "closed, own path", "a: open on the own path of 1 of 3 nodes: n1")
    assert "pool chat: down at 1 of 3 nodes" in said
    f = look(weirs[2])
    assert (f["state"], f["at"], f["at_nodes"]) == ("down", "n1", 1)
    assert f["pools"][0]["upstreams"][0]["own"] == {"state": "open", "nodes": 1, "at": "n1"}
    assert {n["node"]: n["state"] for n in f["nodes"]} == {"n0": "serving", "n1": "down", "n2": "serving"}
    weirs[2].admin("breaker chat/a open --here")
    says(weirs[0], "and 1 more", "2 of 3 nodes")


def test_a_node_that_disagrees_with_the_leader_is_named(rig, redis, backend):
    a = node(rig, backend, redis, "a")
    b = node(rig, backend, redis, "b", pool={"breaker": {"mode": "observe", "consecutive": 9}})

    def named(w):
        f = look(w)
        leader, odd = f["fleet"]["leader"], [n["node"] for n in f["nodes"] if n["differs"]]
        return leader and [n for n in "ab" if n != leader] == odd and f"{odd[0]}: its pools' settings are others than those of {leader}" in text(w)
    for w in (a, b):
        eventually(lambda w=w: named(w), 10, "whoever is asked, it is the one that does not lead")
        eventually(lambda w=w: look(w)["pools"] and look(w)["pools"][0]["nodes"] == 2, 10, "and it is summed all the same")


def test_a_node_that_is_silent_is_named_at_once_and_when_it_is_gone(rig, redis, backend):
    weirs = fleet_of(rig, backend, redis, 3)
    weirs[2].process.send_signal(signal.SIGSTOP)
    try:
        says(weirs[0], "2 of 3 nodes answer", "n2: ")
        says(weirs[0], "n2: gone without a goodbye, heard last ")
        f = look(weirs[1])
        assert [lost["node"] for lost in f["lost"]] == ["n2"] and f["lost"][0]["age_ms"] >= 3000
        assert (f["nodes_known"], f["nodes_answered"], f["pools"][0]["nodes"]) == (3, 2, 2)
        code, out, _ = weirctl(weirs[1].socket_path, "fleet")
        assert code == 0 and "n2: gone without a goodbye" in out
    finally:
        weirs[2].process.send_signal(signal.SIGCONT)
    says(weirs[0], "3 nodes, all of them answer")
    assert look(weirs[0])["lost"] == [], "it is there again"


def test_who_comes_again_under_its_name_is_not_lost_and_who_said_goodbye_never_was(rig, redis, backend):
    weirs = fleet_of(rig, backend, redis, 3)
    kill(weirs[2])
    says(weirs[0], "n2: gone without a goodbye")
    node(rig, backend, redis, "n2")
    says(weirs[0], "3 nodes, all of them answer")
    assert look(weirs[0])["lost"] == []
    weirs[1].stop()
    says(weirs[0], "2 nodes, all of them answer")
    assert look(weirs[0])["lost"] == []
    assert int(redis.cli("pttl", "weir:{test}:lost")) > 0, "it lasts no longer than it is of interest"


def test_alone_it_says_so_and_shows_this_node(rig, redis, backend):
    weirs = fleet_of(rig, backend, redis, 2)
    client, _, body, peer = open_stream(weirs[0], backend)
    redis.kill()
    says(weirs[0], "fleet test: n0 is alone (Redis: ", "what follows is this node alone; it is serving", within=15)
    f = eventually(lambda: (f := look(weirs[0]))["inflight"] == 1 and f, 10)
    assert f["fleet"]["state"] == "alone" and f["pools"][0]["nodes"] == 1 and f["nodes"] == []
    end_stream(CHAT, body, peer)
    client.close()


def test_without_a_fleet_it_says_so_and_shows_this_node(rig, backend):
    w = rig.weir(backend)
    says(w, "no fleet (settings: the block fleet): what follows is this node alone; it is serving", "pool chat: serving")
    f = look(w)
    assert f["fleet"]["state"] == "off" and f["nodes_known"] == 1 and f["pools"][0]["upstreams"][0]["name"] == "a"


STRANGE = [
    "@ 9", "@ 1 2 3", "=chat 4 9 9 9 9", "=x\x1b[31m 0 0 0 0 0", "+chat/a 4 1 4294967295 4294967295 4294967295 1 1 1 1",
    "+chat/a 0 1 nan 1 1 1 1 1 1", "+../etc 0 1 1 1 1 1 1 1 1", *[f"=p{i} 1 1 1 1 1" for i in range(200)],
    *[f"+p{i}/a 4 1 1 1 1 1 1 1 1" for i in range(200)],
]


def test_what_a_stranger_writes_into_redis_is_shown_within_bounds(rig, redis, backend):
    weirs = fleet_of(rig, backend, redis, 2)
    start, _, version, settings, *_ = redis.cli("hvals", "weir:{test}:rec").split("\n")[0].split()
    record = "\n".join([f"{start} fe {version} {settings} 1 250 0", *STRANGE])
    for i in range(20):
        redis.cli("hset", "weir:{test}:rec", f"x{i}.1", record)

    def live():
        redis.cli("zadd", "weir:{test}:nodes", *[w for i in range(20) for w in (str(int(time.time() * 1000)), f"x{i}.1")])
        return True
    redis.cli("set", "weir:{test}:lost", "of another type")
    f = eventually(lambda: live() and (f := look(weirs[0]))["nodes_known"] == 22 and f, 10)
    assert f["pools"][0]["name"] == "chat", "the own ones stand first"
    assert len(f["pools"]) <= 64 and len(json.dumps(f)) < 100000
    assert "\x1b" not in text(weirs[0]) and "etc" not in text(weirs[0])
    kill(weirs[1])
    eventually(lambda: live() and weirs[0].admin.status()["fleet"]["nodes"] == 21, 10, "it goes on")
    assert weirs[0].admin.status()["fleet"]["state"] == "joined"


def test_who_sends_a_probe_is_named(rig, redis, backend):
    weirs = fleet_of(rig, backend, redis, 2, enforce=True, pool={"breaker": {"open_min": "500ms", "open_max": "1s"}})
    backend.close()
    clients = [w.client() for w in weirs]

    def probing():
        for c in clients:
            c.ask()
        [a] = look(weirs[0])["pools"][0]["upstreams"]
        return a["probes"] and a["state"] == "half_open" and a["probes"]
    [probe] = eventually(probing, 40, "a node has the probe")[:1]
    assert probe in ("n0", "n1")


def test_users_at_their_limits_are_summed(rig, redis, backend):
    backend.serve(always(body=b"fine"))
    weirs = fleet_of(rig, backend, redis, 2, enforce=True, pool={"users": {"requests_per_minute": 1}})
    for w in weirs:
        c = w.client()
        assert [c.ask("POST", "/", [("Authorization", "Bearer one")], b"{}").status for _ in range(3)][-1] == 429
    eventually(lambda: look(weirs[0])["pools"][0]["at_limit"] == 2, 10, "one at each node")
    says(weirs[1], "; 2 at a limit")
