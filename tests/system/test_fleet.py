# SPDX-License-Identifier: Apache-2.0
"""Several weirs as one fleet, by a real Redis: who is there, operators' commands, and Redis gone, slow, empty, strange."""

import threading
import time
from datetime import datetime, timedelta, timezone

import pytest

from harness.backend import always
from harness.deadline import eventually, secs
from harness.redis import Redis
from harness.traffic import Traffic, assert_untroubled
from harness.weir import HOST, weirctl

SHARED = {"shared": True}


def node(rig, backend, redis, name, **more):
    fleet = {"redis": redis if isinstance(redis, str) else redis.unix_url, "name": "test", "node": name}
    return rig.weir(backend, each=SHARED, workers=1, fleet={**fleet, **more.pop("fleet", {})},
                    limits={"keepalive_requests": 1000000000}, **more)


def fleet(w):
    return w.admin.status()["fleet"]


def joined(w, nodes=None):
    f = fleet(w)
    return f["state"] == "joined" and (nodes is None or f["nodes"] == nodes)


def all_joined(weirs):
    for w in weirs:
        eventually(lambda w=w: joined(w, len(weirs)), 5, "every node knows of every other")


def say(w, *words):
    code, out, err = weirctl(w.socket_path, *words)
    assert code == 0, err
    return out


def overrides(w, name="a"):
    return [o["what"] for o in w.admin.upstream(name)["override"]]


@pytest.fixture
def redis(rig):
    return rig.keep(Redis())


@pytest.fixture
def backend(rig):
    b = rig.backend()
    b.serve(always(body=b"fine"))
    return b


# --- who is there


def test_nodes_find_each_other_and_one_leads(rig, redis, backend):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(3)]
    all_joined(weirs)
    leaders = {fleet(w)["leader"] for w in weirs}
    assert all(w.metrics().sum("weir_fleet_state", state="joined") == 1 for w in weirs)
    assert all(w.metrics().sum("weir_fleet_state", state="alone") == 0 for w in weirs)
    assert len(leaders) == 1 and leaders <= {"n0", "n1", "n2"}
    rows = weirs[1].admin.json("fleet")["nodes"]
    assert sorted(r["node"] for r in rows) == ["n0", "n1", "n2"]
    assert [r["node"] for r in rows if r["leads"]] == list(leaders)
    assert [r["node"] for r in rows if r["self"]] == ["n1"]
    assert all(r["settings_agree"] and r["age_ms"] < 3000 for r in rows)
    text = say(weirs[2], "fleet")
    assert "n0" in text and "this node" in text and "leads" in text


def test_a_node_that_ends_in_good_order_is_gone_at_once_and_a_killed_one_soon(rig, redis, backend):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(3)]
    all_joined(weirs)
    leader = next(w for w in weirs if fleet(w)["leader"] == w.settings["fleet"]["node"])
    others = [w for w in weirs if w is not leader]
    leader.stop()
    assert all(r["node"] != leader.settings["fleet"]["node"] for r in others[0].admin.json("fleet")["nodes"])
    for w in others:
        eventually(lambda w=w: fleet(w)["leader"] in ("n0", "n1", "n2") and joined(w, 2)
                   and fleet(w)["leader"] != leader.settings["fleet"]["node"], 3, "another one leads")
    others[0].process.kill()
    others[0].process.wait()
    others[0].process = None
    eventually(lambda: joined(others[1], 1), 6, "the killed one is forgotten")


@pytest.mark.parametrize("how", ["at once", "joined", "hanging", "alone", "gone", "between two tries"])
def test_a_node_ends_in_good_order_whatever_its_redis_does(rig, redis, backend, how):
    """Rig's end looks at it: books, exit code, the last line."""
    for i in range(3):
        w = node(rig, backend, redis, f"n{i}")
        t = Traffic([w])
        if how != "at once":
            eventually(lambda w=w: joined(w), 5)
        if how in ("hanging", "alone"):
            redis.hang()
        if how in ("gone", "between two tries"):
            redis.kill()
        if how in ("alone", "between two tries"):
            eventually(lambda w=w: fleet(w)["state"] == "alone", 8)
        t.more(5)
        assert_untroubled(t)
        w.stop()
        if how in ("hanging", "alone"):
            redis.go_on()
        if how in ("gone", "between two tries"):
            redis.start()


def test_without_the_block_there_is_no_fleet(rig, backend):
    w = rig.weir(backend)
    assert fleet(w) == {"state": "off", "name": "", "node": "", "leader": "", "nodes": 0, "sync_age_ms": 0,
                        "rtt_ms": 0, "mismatch": False, "error": None}
    code, _, err = weirctl(w.socket_path, "fleet")
    assert code == 1 and "in no fleet" in err
    assert "weir_fleet" not in w.admin("metrics")


def test_other_settings_are_told(rig, redis, backend):
    a = node(rig, backend, redis, "a")
    eventually(lambda: joined(a), 5)
    b = node(rig, backend, redis, "b", pool={"breaker": {"mode": "observe", "consecutive": 9}})
    eventually(lambda: fleet(b)["mismatch"], 5, "b says that its settings are others")
    assert any(e["cause"] == "fleet_mismatch" for e in b.admin.json("events"))
    rows = {r["node"]: r for r in a.admin.json("fleet")["nodes"]}
    assert rows["a"]["settings_agree"] and not rows["b"]["settings_agree"]


# --- operators' commands


def test_a_command_holds_on_all_nodes_within_a_second(rig, redis, backend):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(3)]
    all_joined(weirs)
    begun = time.monotonic()
    said = say(weirs[0], "ramp", "chat/a", "set", "30", "for", "10m")
    assert "on all nodes of the fleet" in said
    for w in weirs:
        eventually(lambda w=w: overrides(w) == ["ramp hold"], 1, "the share is held everywhere")
    assert time.monotonic() - begun < secs(1)
    assert weirs[2].admin.upstream("a")["share"] == pytest.approx(0.3)
    [o] = weirs[2].admin.upstream("a")["override"]
    assert o["by"].endswith(" at n0") and o["until"]
    say(weirs[1], "ramp", "chat/a", "resume")
    for w in weirs:
        eventually(lambda w=w: overrides(w) == [], 1, "and let go everywhere")


def test_drains_modes_limits_breakers_and_texts_are_everywhere(rig, redis, backend):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(2)]
    all_joined(weirs)
    a, b = weirs
    say(a, "limit", "chat/a", "streams", "7", "for", "10m")
    say(a, "breaker", "chat/a", "close", "for", "10m")
    say(a, "mode", "chat", "queue", "observe", "for", "10m")
    say(a, "incident", "chat", "set", 'Wir "wissen" davon\u00a0…', "for", "10m")

    def on(w):
        p = w.admin.status()["pools"][0]
        return (sorted(overrides(w)) == ["breaker close", "limit streams 7"] and p["incident"] == 'Wir "wissen" davon\u00a0…'
                and [o["what"] for o in p["override"]] == ["mode queue observe"])
    eventually(lambda: on(b), 1, "all of it is on the other node")
    say(b, "upstream", "chat/a", "drain")
    eventually(lambda: a.admin.upstream("a")["state"] == "drained", 1)
    say(b, "incident", "chat", "clear")
    say(a, "upstream", "chat/a", "undrain")
    eventually(lambda: b.admin.upstream("a")["state"] != "drained" and not a.admin.status()["pools"][0]["incident"], 1)


def test_here_is_on_one_node_only(rig, redis, backend):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(2)]
    all_joined(weirs)
    assert "on this node only" in say(weirs[0], "--here", "limit", "chat/a", "streams", "5")
    say(weirs[0], "mode", "chat", "queue", "observe", "--here")
    say(weirs[1], "incident", "chat", "set", "both")
    eventually(lambda: weirs[0].admin.status()["pools"][0]["incident"] == "both", 1, "a later command came through")
    assert overrides(weirs[0]) == ["limit streams 5"]
    assert overrides(weirs[1]) == [] and weirs[1].admin.status()["pools"][0]["override"] == []
    code, _, err = weirctl(weirs[0].socket_path, "reload", "--here")
    assert code == 2 and "--here is for commands that a whole fleet carries out" in err


def test_who_joins_later_is_told_and_the_giver_need_not_live(rig, redis, backend):
    a, b = (node(rig, backend, redis, n) for n in "ab")
    all_joined([a, b])
    say(a, "limit", "chat/a", "streams", "9", "for", "10m")
    say(a, "upstream", "chat/a", "drain")
    eventually(lambda: b.admin.upstream("a")["state"] == "drained", 1)
    a.stop()
    c = node(rig, backend, redis, "c")
    eventually(lambda: c.admin.upstream("a")["state"] == "drained" and "limit streams 9" in overrides(c), 3)


def test_a_command_lapses_everywhere(rig, redis, backend):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(2)]
    all_joined(weirs)
    say(weirs[0], "limit", "chat/a", "streams", "9", "for", "1s")
    eventually(lambda: overrides(weirs[1]) == ["limit streams 9"], 1)
    for w in weirs:
        eventually(lambda w=w: overrides(w) == [], 3, "it has ended")
    c = node(rig, backend, redis, "c")
    eventually(lambda: joined(c, 3), 5)
    assert overrides(c) == []


def test_a_command_for_a_month_holds_for_a_month_everywhere_and_none_for_longer(rig, redis, backend):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(2)]
    all_joined(weirs)
    say(weirs[0], "limit", "chat/a", "streams", "9", "for", "30d")

    def days(w):
        [o] = w.admin.upstream("a")["override"]
        return (datetime.fromisoformat(o["until"].replace("Z", "+00:00")) - datetime.now(timezone.utc)) / timedelta(days=1)
    eventually(lambda: overrides(weirs[1]) == ["limit streams 9"], 1)
    assert all(29.99 < days(w) <= 30 for w in weirs)
    redis.cli("flushall")
    weirs[0].stop()
    late = node(rig, backend, redis, "late")
    eventually(lambda: overrides(late) == ["limit streams 9"], 5, "who was not told it by the giver has all of it")
    assert 29.9 < days(late) <= 30
    now = int(time.time() * 1000)
    redis.cli("hset", "weir:{test}:orders", "chat/a/limit", f"{now + 500} {now + 10 ** 11} n0 0 11 7 ")
    redis.cli("incr", "weir:{test}:orders.v")
    eventually(lambda: overrides(late) == ["limit streams 7"], 3, "a stranger's")
    assert 29.9 < days(late) <= 30


def test_a_command_without_redis_holds_here_and_reaches_the_others_later(rig, redis, backend):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(2)]
    all_joined(weirs)
    redis.kill()
    eventually(lambda: all(fleet(w)["state"] == "alone" for w in weirs), 6)
    said = say(weirs[0], "limit", "chat/a", "streams", "9", "for", "10m")
    assert "Redis does not answer" in said
    given = time.monotonic()  # which is newer is known to half a round trip, and this machine may be busy
    eventually(lambda: time.monotonic() - given > 1, 3)
    say(weirs[1], "limit", "chat/a", "streams", "8", "for", "10m")
    redis.start()
    for w in weirs:
        eventually(lambda w=w: joined(w, 2) and overrides(w) == ["limit streams 8"], 20, "the newer one holds everywhere")


# --- Redis gone, slow, empty, strange


def test_redis_killed_under_load_refuses_and_stalls_nothing(rig, redis, backend):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(2)]
    all_joined(weirs)
    t = Traffic(weirs)
    t.more()
    redis.kill()
    eventually(lambda: all(fleet(w)["state"] == "alone" for w in weirs), 6, "they are alone")
    t.more()
    redis.start()
    eventually(lambda: all(joined(w, 2) for w in weirs), 12, "and together again")
    t.more()
    assert_untroubled(t)
    said = [e["cause"] for e in weirs[0].admin.json("events") if e["cause"].startswith("fleet")]
    assert said.count("fleet_alone") == 1 and said.count("fleet_joined") == 2, said


def test_redis_hanging_under_load_refuses_and_stalls_nothing(rig, redis, backend):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(2)]
    all_joined(weirs)
    t = Traffic(weirs)
    t.more()
    redis.hang()
    eventually(lambda: all(fleet(w)["state"] == "alone" for w in weirs), 8, "they are alone")
    assert "answer" in fleet(weirs[0])["error"]
    t.more()
    redis.go_on()
    eventually(lambda: all(joined(w, 2) for w in weirs), 12, "and together again")
    assert_untroubled(t)


def test_redis_restarted_empty_gets_all_of_it_again(rig, redis, backend):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(2)]
    all_joined(weirs)
    say(weirs[0], "incident", "chat", "set", "still known", "for", "10m")
    eventually(lambda: weirs[1].admin.status()["pools"][0]["incident"] == "still known", 1)
    t = Traffic(weirs)
    redis.kill()
    redis.start()
    eventually(lambda: "still known" in redis.cli("hvals", "weir:{test}:orders"), 8, "Redis has it again")
    eventually(lambda: all(joined(w, 2) for w in weirs), 8)
    redis.cli("flushall")
    eventually(lambda: "still known" in redis.cli("hvals", "weir:{test}:orders"), 8, "and after it was emptied")
    redis.cli("script", "flush")
    t.more()
    assert all(w.admin.status()["pools"][0]["incident"] == "still known" for w in weirs)
    assert_untroubled(t)
    eventually(lambda: all(joined(w, 2) for w in weirs), 8, "both are there")


GARBAGE = [
    ("hset", "weir:{test}:rec", "x.1", "garbage \x01\xff 99999999999999999999"),
    ("zadd", "weir:{test}:nodes", "9e15", "x.1"),
    ("zadd", "weir:{test}:nodes", "9e15", "y" * 5000),
    ("hset", "weir:{test}:plan", "chat/a", "1 -5 nan 9|zzz"),
    ("hset", "weir:{test}:p:chat/a", "sum", "-1 9e99 x y", "z.1", "junk"),
    ("hset", "weir:{test}:orders", "chat/a/drain", "1 2 3", "chat//incident", "9 0 n 0 1 0 bad \x07 bell", "/", "", "chat/a/limit",
     "1795979493386 0 n1 0 11 nan ", "chat/nobody/drain", "1795979493386 0 n1 0 9 0 ", "chat/a/ramp",
     "1795979493386 0 n1 0 9 0 ", "chat/a/breaker", "1795979493386 0 ../../etc 0 0 0 "),
    ("set", "weir:{test}:orders.v", "not a number"),
    ("set", "weir:{test}:leader", "\x02\x01 somebody", "px", "60000"),
    ("set", "weir:{test}:leader", "no-blank", "px", "1000"),
]


def test_redis_full_of_garbage_under_load_refuses_nothing_and_is_left_out(rig, redis, backend):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(2)]
    all_joined(weirs)
    t = Traffic(weirs)
    for words in GARBAGE:
        redis.cli(*words)
        t.more(20)
    eventually(lambda: weirs[0].metrics().sum("weir_fleet_rejected_total") > 0, 5, "it was seen and left out")
    for w in weirs:
        assert w.admin.upstream("a")["state"] == "closed" and overrides(w) == []
        assert w.admin.status()["pools"][0]["incident"] is None
    assert_untroubled(t)
    redis.cli("flushall")
    eventually(lambda: all(joined(w, 2) for w in weirs), 8, "all is well again")


OF_ANOTHER_TYPE = {
    "string": ("set", "x"), "list": ("rpush", "x", "y"), "set": ("sadd", "x"), "hash": ("hset", "x", "y"),
    "zset": ("zadd", "1", "x"), "stream": ("xadd", "*", "x", "y"),
}
KEYS = {"leader": "string", "nodes": "zset", "rec": "hash", "plan": "hash", "left": "zset", "orders": "hash", "orders.v": "string",
        "p:chat/a": "hash", "t:chat/a": "zset", "h:chat/a": "zset", "w:chat/a": "zset"}


def make_odd(redis, kind):
    """All keys that are of another type, at once."""
    command, *rest = OF_ANOTHER_TYPE[kind]
    keys = [f"weir:{{test}}:{k}" for k in KEYS if KEYS[k] != kind]
    redis.cli("eval", """for _, key in ipairs(KEYS) do
        redis.call('DEL', key)
        redis.call(ARGV[1], key, unpack(ARGV, 2))
    end""", str(len(keys)), *keys, command, *rest)


def odd(redis):
    """Keys that are there as another type."""
    return [k for k, kind in KEYS.items() if redis.cli("type", f"weir:{{test}}:{k}") not in (kind, "none")]


def test_keys_of_another_type_are_healed_under_load(rig, redis, backend):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(2)]
    all_joined(weirs)
    say(weirs[0], "limit", "chat/a", "streams", "9", "for", "10m")
    eventually(lambda: overrides(weirs[1]) == ["limit streams 9"], 1)
    t = Traffic(weirs)
    for kind in OF_ANOTHER_TYPE:
        healed = sum(w.metrics().sum("weir_fleet_rejected_total") for w in weirs)
        make_odd(redis, kind)
        eventually(lambda: not odd(redis), 3, f"none is a {kind}")
        assert sum(w.metrics().sum("weir_fleet_rejected_total") for w in weirs) > healed
        eventually(lambda: all(joined(w, 2) and fleet(w)["sync_age_ms"] < 1000 for w in weirs) and "streams" not in redis.cli("hvals", "weir:{test}:orders")
                   and redis.cli("hlen", "weir:{test}:orders") == "1", 3, "and what was there is written again")
    assert_untroubled(t)
    for w in weirs:
        assert [e["cause"] for e in w.admin.json("events")].count("fleet_alone") == 0, "no node was alone for it"
        assert overrides(w) == ["limit streams 9"]
    leader = fleet(weirs[0])["leader"]
    assert leader in ("n0", "n1") and fleet(weirs[1])["leader"] == leader


TOO_MUCH = "x" * 70000


@pytest.mark.parametrize("words", [
    ("set", "leader", TOO_MUCH), ("set", "leader", "somebody, for ever"), ("set", "orders.v", TOO_MUCH), ("set", "orders.v", "no number"),
    ("set", "orders.v", "9223372036854775807"), ("hset", "orders", "chat//incident", TOO_MUCH), ("hset", "orders", TOO_MUCH, "x"),
    ("hset", "plan", "chat/a", "99999999999999 1 1 9|" + TOO_MUCH), ("hset", "plan", "chat/a", "99999999999999 1 1 9|zzz"),
    ("hset", "plan", "chat/a", "9" * 300 + " " + "9" * 300 + " " + "9" * 300 + " 9|zzz"),
    ("zadd", "nodes", "inf", "x.1", "9e15", "y.1"), ("zadd", "nodes", "-inf", "x.1", "nil", "y.1"),
], ids=lambda w: "_".join(x[:20] for x in w))
def test_what_no_weir_writes_is_written_over(rig, redis, backend, words):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(2)]
    all_joined(weirs)
    command, key, *rest = words
    redis.cli(command, f"weir:{{test}}:{key}", *rest)
    say(weirs[0], "limit", "chat/a", "streams", "9", "for", "10m")
    eventually(lambda: overrides(weirs[1]) == ["limit streams 9"], 3, "commands still come through")
    eventually(lambda: all(joined(w, 2) for w in weirs) and len({fleet(w)["leader"] for w in weirs} & {"n0", "n1"}) == 1, 3,
               "one leads, of two")

    def planned():
        plan = redis.cli("hget", "weir:{test}:plan", "chat/a").split("|")
        return len(plan) == 2 and "zzz" not in plan[1] and len(plan[1]) < 2000 and plan[0].count(" ") == 3
    eventually(planned, 5, "and its plan is there")


REFUSES = {
    "READONLY": (("replicaof", HOST, "1"), ("replicaof", "no", "one")),
    "OOM": (("config", "set", "maxmemory", "1"), ("config", "set", "maxmemory", "0")),
    "NOREPLICAS": (("config", "set", "min-replicas-to-write", "1"), ("config", "set", "min-replicas-to-write", "0")),
}


@pytest.mark.parametrize("says", REFUSES)
def test_a_redis_that_cannot_write_is_left_and_come_back_to(rig, redis, backend, says):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(2)]
    all_joined(weirs)
    t = Traffic(weirs)
    begun = time.monotonic()
    redis.cli(*REFUSES[says][0])
    eventually(lambda: all(fleet(w)["state"] == "alone" and says in fleet(w)["error"] for w in weirs), 8, "alone, and why")
    redis.cli(*REFUSES[says][1])
    eventually(lambda: all(joined(w, 2) for w in weirs), 12, "and together again")
    assert_untroubled(t)
    for w in weirs:
        assert w.metrics().sum("weir_fleet_connects_total") <= 4 + (time.monotonic() - begun), "it is not tried over and over"
        said = [e["cause"] for e in w.admin.json("events")]
        assert said.count("fleet_alone") == 1 and said.count("fleet_joined") == 2, said


def test_weir_starts_without_redis_and_joins_when_it_is_there(rig, redis, backend):
    redis.kill()
    w = node(rig, backend, redis, "n")
    eventually(lambda: fleet(w)["state"] == "alone", 4)
    assert w.client().ask().head.status == 200
    redis.start()
    eventually(lambda: joined(w, 1), 12)


def test_calls_to_redis_do_not_grow_with_the_requests(rig, redis, backend):
    w = node(rig, backend, redis, "n")
    eventually(lambda: joined(w), 5)

    def calls_in(seconds):
        def both():
            return sum(n for name, n in redis.calls().items() if name in ("evalsha", "eval")), time.monotonic()
        before, at = both()
        eventually(lambda: time.monotonic() - at >= seconds, 20)
        after, end = both()
        return (after - before) / (end - at)
    idle = calls_in(3)
    t = Traffic([w] * 4)
    t.more(100)
    busy = calls_in(3)
    t.end()
    assert t.done > 500
    # a sync each 250 ms, a read and a plan of the one that leads; an ask each 50 ms at most
    assert idle <= 13 and busy <= 33, (idle, busy)


def test_a_reload_puts_the_node_into_another_fleet_or_none(rig, redis, backend):
    w = node(rig, backend, redis, "n")
    eventually(lambda: joined(w), 5)
    other = dict(w.settings, fleet={**w.settings["fleet"], "name": "other"})
    w.write_file(other)
    say(w, "reload")
    eventually(lambda: joined(w) and fleet(w)["name"] == "other", 5)
    w.write_file({k: v for k, v in other.items() if k != "fleet"})
    say(w, "reload")
    assert fleet(w)["state"] == "off"
    w.write_file(w.settings)
    say(w, "reload")
    eventually(lambda: joined(w) and fleet(w)["name"] == "test", 5)


def test_a_shared_connection_a_node_and_no_more(rig, redis, backend):
    weirs = [node(rig, backend, redis, f"n{i}") for i in range(2)]
    all_joined(weirs)
    own = [line for line in redis.cli("client", "list").splitlines() if "cmd=client" not in line]
    assert len(own) == 2, own


def test_what_comes_in_is_bounded(rig, backend):
    """A Redis that sends without end is hung up on."""
    stranger = rig.backend()
    sent = []

    def flood(peer):
        try:
            peer.sock.recv(65536)
            peer.sock.sendall(b"$2000000000\r\n")
            while True:
                sent.append(peer.sock.send(b"x" * 65536))
        except OSError:
            pass

    def accept():
        while True:
            try:
                peer = stranger.accept(within=30)
            except (OSError, AssertionError):
                return
            threading.Thread(target=flood, args=(peer,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    w = node(rig, backend, f"redis://{stranger.url.split('//')[1]}", "n")
    before = w.resident_kib()
    eventually(lambda: "64 KiB" in (fleet(w)["error"] or ""), 8)
    w.assert_grew_less(before, 8 * 1024)
    assert w.client().ask().head.status == 200


def test_a_hot_restart_is_a_node_that_comes_and_one_that_goes(rig, redis, backend):
    w = node(rig, backend, redis, "n")
    eventually(lambda: joined(w, 1), 5)
    say(w, "limit", "chat/a", "streams", "9", "for", "10m")
    before = w.admin.json("fleet")["nodes"][0]["start"]
    w.upgrade()

    def taken_over():
        rows = w.admin.json("fleet")["nodes"]
        return len(rows) == 1 and rows[0]["start"] != before and rows[0]["leads"]
    eventually(taken_over, 10, "the new process alone is the node, and leads")
    assert overrides(w) == ["limit streams 9"]
    assert w.client().ask().head.status == 200
