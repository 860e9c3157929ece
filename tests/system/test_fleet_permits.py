# SPDX-License-Identifier: Apache-2.0
"""The permits that the script in Redis counts are those of the rules (fleet_permits), whatever is asked in whatever order."""

import os
import random
import subprocess

import pytest

from harness.redis import Redis
from harness.weir import BUILD

HERE = os.path.dirname(os.path.abspath(__file__))
LUA = os.path.join(HERE, "../../proxy/fleet/lua")
NO_RANK = 6


@pytest.fixture
def redis(rig):
    return rig.keep(Redis())


@pytest.fixture
def script(rig):
    path = rig.path("ask.lua")
    with open(path, "w") as out:
        for name in ("permits", "leases", "ask"):
            with open(os.path.join(LUA, f"{name}.lua")) as f:
                out.write(f.read())
    return path


def rules(rows):
    done = subprocess.run([os.path.join(BUILD, "tests/system/permits")], input="\n".join(rows) + "\n", text=True,
                          capture_output=True, check=True)
    return [int(line) for line in done.stdout.split()]


@pytest.mark.parametrize("seed", range(3))
def test_the_script_counts_as_the_rules_do(redis, script, seed):
    rng = random.Random(seed)
    total, p = rng.choice([(1, 1), (8, 4), (48, 9), (4096, 40)])
    held, rows, said = {}, [], []
    for name in "abcde":
        redis.cli("zadd", "weir:{t}:nodes", "1", f"{name}.1")
    for _ in range(150):
        node = rng.choice("abcde") + ".1"
        used = rng.randint(0, held.get(node, 0))
        pending = rng.randint(0, used)
        waiting = rng.choice([0, 0, 1, 3, 20])
        rank = rng.randrange(NO_RANK) if waiting else NO_RANK
        weight, most = rng.choice([0, 0, 500, 12345]), rng.choice([-1, -1, -1, 3])
        got = [int(x) for x in redis.cli(
            "--raw", "--eval", script, "weir:{t}:", ",", node, "600000", "600000", "", "", "chat/a", *map(str, (
                used, pending, waiting, rank, weight, most, total, p, 0))).split()]
        now, o_held, o_used, o_pending, o_weight, better, equal, _ = got[:8]
        held[node] = now
        others = [v for k, v in held.items() if k != node]
        assert o_held == sum(others) and now >= used
        assert sum(held.values()) <= max(total, sum(others) + used)
        rows.append(f"{total} {p} {o_held} {o_used} {o_pending} {o_weight} {better} {equal} 5 {used} {pending} {waiting} "
                    f"{weight} {most}")
        said.append(now)
    assert said == rules(rows)


def test_what_others_use_is_not_given_away_when_redis_has_lost_it(redis, script):
    def ask(node, used, waiting, epoch, most=-1):
        return int(redis.cli("--raw", "--eval", script, "weir:{t}:", ",", node, "600000", "300", "", "", "chat/a", str(used), "0",
                             str(waiting), "3", "0", str(most), "16", "16", str(epoch)).split()[0])
    assert ask("a.1", 4, 9, 0) == 16, "a fleet that begins"
    redis.cli("flushall")
    assert ask("a.1", 4, 9, 7) == 4, "it goes by a plan: there were others"
    assert ask("b.1", 4, 9, 7) == 4
    assert ask("b.1", 3, 9, 7) == 3
    assert ask("b.1", 3, 1, 7, most=-2) > 3, "half was free: nobody has to wait"


def test_who_is_silent_for_a_lease_holds_nothing(redis, script):
    def ask(node, lease):
        return [int(x) for x in redis.cli("--raw", "--eval", script, "weir:{t}:", ",", node, str(lease), "300", "", "", "chat/a",
                                          "4", "0", "0", str(NO_RANK), "0", "-1", "8", "8", "0").split()]
    assert ask("a.1", 600000)[0] >= 4
    assert ask("b.1", 600000)[1] >= 4, "b sees what a holds"
    assert ask("b.1", 0)[1] == 0, "and nothing of it when a is silent too long"
