# SPDX-License-Identifier: Apache-2.0
"""Who reaches a limit is an event, and that it is over another: in `events`, the log, JSON and the metrics; not each refusal."""

import json
import re

from harness.backend import always
from harness.deadline import eventually
from harness.dialects import CHAT

JSON = [("Content-Type", "application/json")]
ANSWER = json.dumps({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}],
                     "usage": {"prompt_tokens": 3, "completion_tokens": 4}}).encode()
KEY = "sk-secret-"


def limited(rig, **pool):
    b = rig.backend()
    b.serve(always(200, ANSWER, JSON))
    return rig.weir(b, enforce=True, pool=pool)


def ask(w, key="one", model="m"):
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]}).encode()
    return w.client().ask("POST", CHAT.path, [("Authorization", f"Bearer {KEY}{key}"), *JSON], body).status


def news(w, cause=None):
    return [e for e in w.admin.json("events") if e["cause"].startswith("limit_") and cause in (None, e["cause"])]


def until(w, cause, n=1, within=5):
    return eventually(lambda: len(news(w, cause)) >= n and news(w, cause), within, f"{n} {cause}")


def test_a_user_that_reaches_a_limit_is_an_event_and_not_each_refusal(rig):
    w = limited(rig, users={"requests_per_minute": 2})
    assert [ask(w) for _ in range(22)] == [200, 200] + [429] * 20
    assert ask(w, "another") == 200
    [e] = until(w, "limit_begins")
    user = w.admin.json("users")[0]["user"]
    assert e["sentence"] == (f"chat: user {user} has reached users.requests_per_minute: 2 of 2 requests a minute are used, "
                             "what comes beyond is refused")
    assert (e["pool"], e["upstream"], e["from"]) == ("chat", "", e["to"])
    assert w.metrics().sum("weir_limits_reached", pool="chat") == 1
    assert w.admin.status()["pools"][0]["limits_reached"] == 1 and "; 1 at a limit\n" in w.admin("status")
    assert ask(w) == 429
    assert len(news(w)) == 1
    log = eventually(lambda: (log := w.errors.text()) and "has reached users.requests_per_minute" in log and log, 5)
    assert log.count("has reached") == 1
    for told in (log, json.dumps(w.admin.json("events"))):
        assert KEY not in told, "no key is told"


def test_a_limit_that_models_and_classes_share_is_named_by_its_row(rig):
    w = limited(rig, limits=[{"model": "big*", "per": "all", "requests_per_minute": 1},
                             {"model": "small", "requests_per_minute": 1}])
    assert [ask(w, k, "big-1") for k in "abc"] == [200, 429, 429]
    assert [ask(w, "d", "small") for _ in range(3)] == [200, 429, 429]
    shared, own = sorted((e["sentence"] for e in until(w, "limit_begins", 2)), key=len)
    assert shared == ("chat: limits[0].requests_per_minute is reached: 1 of 1 requests a minute are used, "
                      "what comes beyond is refused")
    assert re.match(r"chat: user [0-9a-f]{16} has reached limits\[1\]\.requests_per_minute: ", own)


def test_it_ends_when_the_limit_is_taken_away(rig):
    w = limited(rig, users={"requests_per_minute": 1})
    assert [ask(w) for _ in range(4)] == [200, 429, 429, 429]
    until(w, "limit_begins")
    w.settings["pools"][0]["users"] = {"requests_per_minute": 0, "max_streams": 50}
    w.write_file(w.settings)
    w.admin("reload")
    [e] = until(w, "limit_ends")
    assert re.match(r"chat: user [0-9a-f]{16} is no longer at users\.requests_per_minute: 3 refused within \d+ s, "
                    "and it is in force no more", e["sentence"])
    assert ask(w) == 200


def test_it_ends_when_nothing_was_refused_for_a_minute(rig):
    w = limited(rig, users={"requests_per_minute": 1})
    assert [ask(w) for _ in range(3)] == [200, 429, 429]
    until(w, "limit_begins")
    [e] = until(w, "limit_ends", within=90)
    assert e["sentence"].endswith("2 refused within 0 s, nothing in the last 60 s")
    assert w.metrics().sum("weir_limits_reached", pool="chat") == 0


def test_a_thousand_strangers_at_their_limits_write_no_thousand_lines(rig):
    w = limited(rig, users={"requests_per_minute": 1})
    for i in range(300):
        assert [ask(w, i) for _ in range(2)] == [200, 429]
    [others] = until(w, "limit_others")[:1]
    assert "more users or shared limits have reached a limit" in others["sentence"]
    assert 1 <= len(news(w, "limit_begins")) <= 40
    eventually(lambda: w.metrics().sum("weir_limits_reached", pool="chat") >= 1, 5)
    assert len(news(w)) < 50


def test_what_is_only_looked_at_reaches_no_limit(rig):
    w = limited(rig, users={"max_streams": 50, "requests_per_minute": 100})
    assert [ask(w) for _ in range(20)] == [200] * 20
    assert news(w) == [] and w.metrics().sum("weir_limits_reached", pool="chat") == 0
