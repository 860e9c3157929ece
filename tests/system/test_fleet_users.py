# SPDX-License-Identifier: Apache-2.0
"""Limits of users over four real nodes and a real Redis: exact, whoever dies, whatever stands in Redis."""

import json
import threading
import time

import pytest

from harness.ask import end_stream, open_stream
from harness.backend import always
from harness.deadline import eventually
from harness.dialects import CHAT
from harness.redis import Redis
from harness.weir import weirctl
from test_fleet_access import PASSWORD, acl, password_file

NODES = 4
SECRET = "0123456789abcdef0123456789abcdef\n"
USAGE = json.dumps({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 150, "completion_tokens": 50}}).encode()


@pytest.fixture
def redis(rig):
    return rig.keep(Redis())


@pytest.fixture
def backend(rig):
    b = rig.backend()
    b.serve(always(200, USAGE, [("Content-Type", "application/json")]))
    return b


def fleet(w):
    return w.admin.status()["fleet"]


def all_joined(weirs, n=None):
    for w in weirs:
        eventually(lambda w=w: fleet(w)["state"] == "joined" and fleet(w)["nodes"] == (n or len(weirs)), 10,
                   "every node knows of every other")


def nodes(rig, backend, redis, n=NODES, secret=SECRET, shared=True, **pool):
    path, more = rig.path("fleet.key"), {}
    if secret:
        with open(path, "w") as f:
            f.write(secret)
        more = {"secret_file": path}
    weirs = [rig.weir(backend, enforce=True, each={"shared": shared}, workers=1, pool=pool,
                      limits={"keepalive_requests": 1000000000},
                      fleet={"redis": redis.unix_url, "name": "test", "node": f"n{i}", **more}) for i in range(n)]
    all_joined(weirs)
    return weirs


def by(user):
    return [("Authorization", f"Bearer {user}"), ("Content-Type", "application/json")]


def ask(w, user, client=None):
    return (client or w.client()).ask("POST", CHAT.path, by(user), b'{"model":"m"}')


def stored(redis, kind="u"):
    """Of each count its sums: requests, prompt tokens, output tokens."""
    sums = []
    for key in redis.cli("keys", f"weir:{{test}}:{kind}:*").splitlines():
        numbers = [int(x) for x in redis.cli("get", key).split()] if key else []
        if numbers:
            sums.append(tuple(sum(numbers[i::4]) for i in (1, 2, 3)))
    return sums


def told(redis, *sums, kind="u"):
    eventually(lambda: sorted(stored(redis, kind)) == sorted(sums), 5, f"Redis has {sums}")


def refused_at(w, user):
    answer = ask(w, user)
    assert answer.status == 429, answer.status
    return answer


def test_what_one_node_lets_in_counts_at_the_others(rig, backend, redis):
    weirs = nodes(rig, backend, redis, users={"requests_per_minute": 8})
    for i in range(8):
        assert ask(weirs[i % NODES], "one").status == 200, i
    eventually(lambda: [s[0] for s in stored(redis)] == [8], 5)
    for w in weirs:
        refused = refused_at(w, "one")
        assert "8 of 8 requests a minute are used" in refused.json["error"]["message"]
        assert 40 <= int(refused.get("retry-after")) <= 61
        assert (refused.get("x-ratelimit-limit-requests"), refused.get("x-ratelimit-remaining-requests")) == ("8", "0")
    assert ask(weirs[0], "two").status == 200
    for key in redis.cli("keys", "weir:{test}:*").splitlines():
        most = 600000 if key.startswith("weir:{test}:l:") else 120000  # leases of users: as long as they last
        assert 0 < int(redis.cli("pttl", key)) <= most or key == "weir:{test}:orders.v", key


class Flood(threading.Thread):
    """A user's requests through all nodes in turn, so many a second; when each was sent and answered, by its status."""

    def __init__(self, weirs, user, per_s, seconds):
        super().__init__()
        self.user, self.per_s, self.seconds, self.done = user, per_s, seconds, []
        self.clients = [w.client() for w in weirs]

    def run(self):
        began = time.monotonic()
        for i in range(int(self.per_s * self.seconds)):
            pause = began + i / self.per_s - time.monotonic()
            if pause > 0:
                threading.Event().wait(pause)
            sent = time.monotonic()
            answer = ask(None, self.user, self.clients[i % len(self.clients)])
            self.done.append((sent, time.monotonic(), answer.status))

    def most_in_a_minute(self):
        """Let in for certain within some 60 s."""
        good = [d for d in self.done if d[2] == 200]
        return max(sum(1 for d in good if g[0] <= d[0] and d[1] < g[0] + 60) for g in good)


def test_the_limit_is_kept_at_three_and_at_forty_times_and_nobody_below_it_is_refused(rig, backend, redis):
    limit = 60
    weirs = nodes(rig, backend, redis, users={"requests_per_minute": limit})
    floods = [Flood(weirs, "three", 3, 66), Flood(weirs, "forty", 40, 66), Flood(weirs, "below", 0.8, 66)]
    for f in floods:
        f.start()
    for f in floods:
        f.join()
    for f in floods[:2]:
        assert f.most_in_a_minute() <= limit * 1.05
        assert sum(1 for d in f.done if d[2] == 200) >= limit * 0.95
    assert {d[2] for d in floods[2].done} == {200}


ANSWERS = always(200, USAGE, [("Content-Type", "application/json")])


def test_places_are_one_number_for_the_fleet(rig, redis):
    b = rig.backend()
    weirs = nodes(rig, b, redis, users={"max_streams": 3})
    streams = [open_stream(w, b, CHAT, by("one")) for w in (weirs[0], weirs[0], weirs[1])]
    for w in weirs:
        assert "3 of 3 requests at once are used" in refused_at(w, "one").json["error"]["message"]
    end_stream(CHAT, *streams[2][2:])
    b.serve(ANSWERS)
    eventually(lambda: ask(weirs[2], "one").status == 200, 5, "the place of a stream that ended is free")
    for _, _, body, peer in streams[:2]:
        end_stream(CHAT, body, peer)
    eventually(lambda: not redis.cli("keys", "weir:{test}:s:*"), 5)


def test_places_of_a_dead_node_are_free(rig, redis):
    b = rig.backend()
    weirs = nodes(rig, b, redis, users={"max_streams": 20})
    for _ in range(20):
        open_stream(weirs[0], b, CHAT, by("one"))
    refused_at(weirs[3], "one")
    weirs[0].process.kill()
    weirs[0].process.wait()
    weirs[0].process = None
    b.serve(ANSWERS)
    eventually(lambda: ask(weirs[3], "one").status == 200, 5, "they are free")


def test_tokens_of_a_minute_and_of_a_day_are_counted_over_the_fleet(rig, backend, redis):
    weirs = nodes(rig, backend, redis, users={"tokens_per_minute": 900, "tokens_per_day": 100000})
    for i in range(4):
        assert ask(weirs[i], "one").status == 200
        told(redis, (i + 1, 150 * (i + 1), 50 * (i + 1)))
    told(redis, (4, 600, 200), kind="d")
    for w in weirs:  # what is left is less than these requests are known to take
        refused = refused_at(w, "one")
        assert "800 of 900 tokens a minute are used" in refused.json["error"]["message"]
        assert refused.get("x-ratelimit-remaining-tokens") == "100"
    assert ask(weirs[0], "two").status == 200


def test_a_days_limit_holds_over_the_fleet(rig, backend, redis):
    weirs = nodes(rig, backend, redis, n=2, users={"requests_per_day": 6})
    for i in range(6):
        assert ask(weirs[i % 2], "one").status == 200
    eventually(lambda: [s[0] for s in stored(redis, "d")] == [6], 5)
    for w in weirs:
        refused = refused_at(w, "one")
        assert refused.get("x-should-retry") == "false"
    [key] = redis.cli("keys", "weir:{test}:d:*").splitlines()
    assert 86400000 < int(redis.cli("pttl", key)) <= 90000000


def test_without_redis_each_node_goes_by_its_part_and_charges_it_on_return(rig, backend, redis):
    weirs = nodes(rig, backend, redis, shared=False, users={"requests_per_minute": 8})
    redis.kill()
    for w in weirs:
        eventually(lambda w=w: fleet(w)["state"] == "alone", 10)
    for w in weirs:
        assert [ask(w, "one").status for _ in range(3)] == [200, 200, 429]
    redis.start()
    all_joined(weirs)
    eventually(lambda: [s[0] for s in stored(redis)] == [8], 5, "what was used meanwhile is known")
    for w in weirs:
        refused_at(w, "one")


def test_a_redis_that_hangs_holds_nobody_for_longer_than_the_timeout(rig, backend, redis):
    weirs = nodes(rig, backend, redis, n=2, shared=False, users={"requests_per_minute": 1000, "max_streams": 2})
    redis.hang()
    for w in weirs:
        assert ask(w, "one").status == 200  # asked in vain
        began = time.monotonic()
        assert [ask(w, "one").status for _ in range(20)] == [200] * 20
        assert fleet(w)["state"] == "alone" or time.monotonic() - began < 3
    redis.go_on()
    all_joined(weirs)
    assert ask(weirs[0], "one").status == 200


GARBAGE = ["", "x", "1 2 3", "99999999999999999999999999 9 9 9 " * 200, "1764456372 -5 0 0", "\x7f 1 2 3"]


def test_garbage_in_redis_refuses_nobody_and_is_written_over(rig, backend, redis):
    weirs = nodes(rig, backend, redis, n=2, users={"requests_per_minute": 8, "max_streams": 50})
    assert ask(weirs[0], "one").status == 200
    eventually(lambda: stored(redis), 5)
    [key] = redis.cli("keys", "weir:{test}:u:*").splitlines()
    places, hot = key.replace(":u:", ":s:"), "weir:{test}:hot"
    for i, text in enumerate(GARBAGE):
        redis.cli("set", key, text)
        redis.cli("set", places, text)
        redis.cli("set", hot, text)
        assert ask(weirs[i % 2], "one").status == 200
        eventually(lambda: redis.cli("get", key) != text, 5, "it is written over")
    redis.cli("del", key, places, hot)
    redis.cli("hset", key, "a", "b")
    redis.cli("hset", places, "n9.0", "-7", "n8.0", "many")
    redis.cli("zadd", hot, "9e15", "no id", "9e14", "zzzz")
    assert ask(weirs[0], "two").status == 200
    assert ask(weirs[1], "one").status in (200, 429)
    assert all(fleet(w)["state"] == "joined" for w in weirs)
    redis.cli("script", "flush")
    redis.cli("flushall")
    all_joined(weirs)
    assert ask(weirs[0], "three").status == 200
    eventually(lambda: (1, 150, 50) in stored(redis), 5)


def test_without_a_secret_each_node_counts_for_itself_and_says_so(rig, backend, redis):
    weirs = nodes(rig, backend, redis, n=2, secret=None, users={"requests_per_minute": 2})
    for w in weirs:
        assert [ask(w, "one").status for _ in range(3)] == [200, 200, 429]
        assert "each node's own" in w.errors.text()
        code, out, _ = weirctl(w.socket_path, "fleet")
        assert code == 0 and "each node's own" in out
    assert not stored(redis)


def test_other_secrets_are_other_users_and_none_is_written_down(rig, backend, redis):
    weirs = nodes(rig, backend, redis, n=1, users={"requests_per_minute": 2})
    ask(weirs[0], "one")
    eventually(lambda: stored(redis), 5)
    for text in (weirs[0].errors.text(), weirs[0].admin("config"), redis.cli("keys", "*")):
        assert SECRET.strip() not in text and "one" not in text.split()


def test_a_user_with_the_manuals_rights_can_count(rig, backend):
    redis = rig.keep(Redis("--user", *acl()))
    path = rig.path("fleet.key")
    with open(path, "w") as f:
        f.write(SECRET)
    w = rig.weir(backend, enforce=True, workers=1,
                 pool={"users": {"requests_per_minute": 2, "requests_per_day": 100, "max_streams": 1}},
                 fleet={"redis": redis.url("weir"), "name": "test", "node": "n", "secret_file": path,
                        "password_file": password_file(rig)})
    all_joined([w])
    assert [ask(w, "one").status for _ in range(3)] == [200, 200, 429]
    eventually(lambda: w.metrics().sum("weir_fleet_calls_total", call="users", result="ok") >= 3, 5)
    assert not w.metrics().sum("weir_fleet_calls_total", call="users", result="error")
    assert not [r for r in redis.cli("acl", "log").splitlines() if "denied" in r], PASSWORD


def test_a_reload_keeps_what_is_counted_and_takes_new_limits(rig, backend, redis):
    weirs = nodes(rig, backend, redis, n=2, users={"requests_per_minute": 20})
    assert [ask(w, "one").status for w in weirs * 2] == [200] * 4
    eventually(lambda: [s[0] for s in stored(redis)] == [4], 5)
    for w in weirs:
        w.settings["pools"][0]["users"]["requests_per_minute"] = 4
        w.write_file(w.settings)
        code, _, err = weirctl(w.socket_path, "reload")
        assert code == 0, err
    for w in weirs:
        eventually(lambda w=w: ask(w, "one").status == 429, 5, "the new limit holds")
        assert "of 4 requests a minute are used" in refused_at(w, "one").json["error"]["message"]
