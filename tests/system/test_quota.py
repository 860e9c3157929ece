# SPDX-License-Identifier: Apache-2.0
"""Limits by user, model and class in the binary: who is refused, what is told, what is counted."""

import json
import re
import time

import pytest

from harness.ask import end_stream, open_stream
from harness.backend import always
from harness.deadline import eventually
from harness.dialects import ANTHROPIC, CHAT, sse
from harness.weir import weirctl

JSON = [("Content-Type", "application/json")]


def _ctl(w, *args):
    code, out, err = weirctl(w.socket_path, *args)
    assert code == 0, (code, out, err)
    return out


def _by(key):
    return [("Authorization", f"Bearer {key}"), *JSON]


def _body(model="m", **more):
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}], **more}).encode()


def _ask(w, key="one", model="m", path=CHAT.path, fields=()):
    return w.client().ask("POST", path, [*_by(key), *fields], _body(model))


def _whole(prompt, output):
    return json.dumps({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": {
        "prompt_tokens": prompt, "completion_tokens": output}}).encode()


def _limited(rig, answer=_whole(3, 4), fields=(), **pool):
    b = rig.backend()
    b.serve(always(200, answer, [*JSON, *fields]))
    return rig.weir(b, enforce=True, pool=pool)


def _seconds(go):
    """A duration as Go's time.ParseDuration reads it."""
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", go)
    assert "".join(n + u for n, u in parts) == go and parts, go
    return sum(float(n) * units[u] for n, u in parts)


def _as_litellm(answer):
    """What LiteLLM takes out of the fields of an answer."""
    names = [f"x-ratelimit-{what}-{of}" for what in ("limit", "remaining") for of in ("requests", "tokens")]
    return {n: int(answer.get(n)) for n in names if answer.get(n) is not None}


def test_nothing_is_told_where_nothing_is_limited(rig):
    w = _limited(rig)
    answer = _ask(w)
    assert not [n for n, _ in answer.head.fields if "ratelimit" in n.lower()]
    assert "prompt_tokens" not in w.log.entry(answer.id)
    assert "no pool has limits" in _ctl(w, "users")


def test_requests_a_minute_are_counted_told_and_refused(rig):
    w = _limited(rig, users={"requests_per_minute": 3})
    left = []
    for _ in range(3):
        answer = _ask(w)
        assert answer.status == 200
        left.append(_as_litellm(answer))
        assert 0 < _seconds(answer.get("x-ratelimit-reset-requests")) <= 61
    assert left == [{"x-ratelimit-limit-requests": 3, "x-ratelimit-remaining-requests": n} for n in (2, 1, 0)]
    refused = _ask(w)
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert refused.json["error"]["type"] == "rate_limit_error"
    assert "3 of 3 requests a minute are used" in refused.json["error"]["message"]
    assert 50 <= int(refused.get("retry-after")) <= 59
    assert refused.get("x-should-retry") is None
    assert _as_litellm(refused)["x-ratelimit-remaining-requests"] == 0
    assert _ask(w, "two").status == 200
    line = w.log.entry(refused.id)
    assert (line["cause"], line["limit"]) == ("rate_limited", "users.requests_per_minute")
    why = _ctl(w, "why", refused.id)
    assert "limit users.requests_per_minute: 3 of 3 requests a minute were used" in why
    assert w.metrics().sum("weir_limited_total", pool="chat", limit="requests_per_minute") == 1


def test_a_person_reads_a_page(rig):
    w = _limited(rig, users={"requests_per_day": 1})
    page = [("Accept", "text/html"), *_by("one")]
    assert w.client().ask(fields=page).status == 200
    refused = w.client().ask(fields=page)
    assert refused.status == 429 and refused.body.startswith(b"<!")
    assert refused.get("x-should-retry") == "false"
    assert _seconds(refused.get("x-ratelimit-reset-requests")) > 86000


def test_the_hint_is_kept_by_who_waits_as_long(rig):
    w = _limited(rig, users={"requests_per_minute": 2})
    began = time.monotonic()
    assert [_ask(w).status for _ in range(2)] == [200, 200]
    at = began + 58.5  # the end of a minute is near: what is told is short
    eventually(lambda: time.monotonic() >= at, 70)
    refused = _ask(w)
    told = int(refused.get("retry-after-ms")) / 1000
    assert refused.status == 429 and told <= 3
    at = time.monotonic() + told
    eventually(lambda: time.monotonic() >= at, 10)
    assert _ask(w).status == 200


def test_tokens_of_whole_answers_are_counted_by_their_usage(rig):
    w = _limited(rig, _whole(40, 70), users={"tokens_per_minute": 1000})
    first = _ask(w)
    assert _as_litellm(first)["x-ratelimit-limit-tokens"] == 1000
    eventually(lambda: w.log.entry(first.id))
    line = w.log.entry(first.id)
    assert (line["prompt_tokens"], line["output_tokens"], line["limit"]) == (40, 70, None)
    users = json.loads(_ctl(w, "--json", "users"))
    assert users[0]["minute"] == {"requests": 1, "prompt_tokens": 40, "output_tokens": 70}
    assert users[0]["limits"] == {"tokens_per_minute": 1000} and users[0]["used"] == 0.11
    assert users[0]["user"] == line["user"] and users[0]["streams"] == 0
    statuses = [_ask(w).status for _ in range(14)]
    assert statuses[0] == 200 and statuses[-1] == 429
    assert 6 <= statuses.count(200) <= 9
    metrics = w.metrics()
    assert metrics.sum("weir_output_tokens_total", pool="chat") == 70 * (1 + statuses.count(200))


@pytest.mark.parametrize("dialect, end, prompt, output", [
    (CHAT, sse({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 29}})
     + b"data: [DONE]\n\n", 11, 29),
    (CHAT, b"data: [DONE]\n\n", None, 1),
    (ANTHROPIC, sse({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                     "usage": {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 31}},
                    "message_delta") + sse({"type": "message_stop"}, "message_stop"), 12, 31),
], ids=["chat", "chat_without_usage", "anthropic"])
def test_tokens_of_streams(rig, dialect, end, prompt, output):
    b = rig.backend()
    w = rig.weir(b, enforce=True, pool={"users": {"tokens_per_day": 100000}})
    client, head, body, peer = open_stream(w, b, dialect, _by("one"))
    prefix = "anthropic-ratelimit-tokens-" if dialect.anthropic else "x-ratelimit-"
    assert head.get(prefix + ("limit" if dialect.anthropic else "limit-tokens")) == "100000"
    if dialect.anthropic:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", head.get(prefix + "reset"))
    peer.chunk(end)
    peer.last_chunk()
    body.rest()
    line = w.log.entry(head.get("x-weir-request-id"))
    assert (line["prompt_tokens"], line["output_tokens"]) == (prompt, output)


def test_a_stream_that_the_client_leaves_costs_what_it_has_sent(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, pool={"users": {"tokens_per_day": 100000}})
    client, head, body, peer = open_stream(w, b, CHAT, _by("one"))
    for i in range(4):
        peer.chunk(CHAT.content(f"t{i}"))
        assert body.event() == CHAT.content(f"t{i}")
    client.close()
    line = w.log.entry(head.get("x-weir-request-id"))
    assert (line["cause"], line["output_tokens"]) == ("client_gone", 5)


def test_places_are_limited_by_user_and_given_back(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1, enforce=True, pool={"users": {"max_streams": 1}})
    client, _, body, peer = open_stream(w, b, CHAT, _by("one"))
    refused = _ask(w)
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert w.log.entry(refused.id)["limit"] == "users.max_streams"
    end_stream(CHAT, body, peer)
    eventually(lambda: json.loads(_ctl(w, "--json", "users"))[0]["streams"] == 0)
    client, _, body, peer = open_stream(w, b, CHAT, _by("one"), peer=peer)
    end_stream(CHAT, body, peer)


def test_limits_of_a_model_a_class_and_one_user(rig):
    b = rig.backend()
    b.serve(always(200, _whole(1, 1), JSON))
    w = rig.weir(b, enforce=True, pool={
        "users": {"requests_per_minute": 2},
        "limits": [{"model": "big-*", "per": "all", "requests_per_minute": 1},
                   {"user": "Bearer gold", "requests_per_minute": 4}]})
    assert _ask(w, "a", "big-7b").status == 200
    refused = _ask(w, "b", "big-70b")
    assert refused.status == 429
    assert w.log.entry(refused.id)["limit"] == "limits[0].requests_per_minute"
    assert _ask(w, "b", "small").status == 200
    assert [_ask(w, "gold").status for _ in range(5)] == [200] * 4 + [429]
    shown = _ctl(w, "users")
    assert "limits[0]" in shown and "1 of 1" in shown and "4 of 4" in shown
    config = _ctl(w, "config", "limits")
    assert "gold" not in config and "not shown" in config


def test_the_backends_own_fields_about_limits_end_where_the_users_are_told(rig):
    theirs = [("x-ratelimit-remaining-requests", "9999"), ("X-RateLimit-Limit-Foo", "1"), ("x-rate", "2")]
    w = _limited(rig, fields=theirs, users={"requests_per_minute": 5})
    answer = _ask(w)
    assert [v for n, v in answer.head.fields if n.lower() == "x-ratelimit-remaining-requests"] == ["4"]
    assert answer.get("x-ratelimit-limit-foo") is None and answer.get("x-rate") == "2"
    w = _limited(rig, fields=theirs)
    assert _ask(w).get("x-ratelimit-remaining-requests") == "9999"


def test_a_reload_changes_the_numbers_and_keeps_the_counts(rig):
    w = _limited(rig, users={"requests_per_minute": 3})
    assert [_ask(w).status for _ in range(4)] == [200] * 3 + [429]
    for most, wanted in ((5, [200, 200, 429]), (0, [200] * 3), (5, [429])):
        pool = {**w.settings["pools"][0], "users": {"requests_per_minute": most}}
        w.write_file({**w.settings, "pools": [pool]})
        w.admin("reload")
        assert [_ask(w).status for _ in wanted] == wanted


def test_what_is_refused_for_want_of_room_is_not_counted(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1, enforce=True, each={"max_streams": 1},
                 pool={"queue": {"max_wait": "0s"}, "users": {"requests_per_minute": 3}})
    client, _, body, peer = open_stream(w, b, CHAT, _by("other"))
    assert {_ask(w).status for _ in range(6)} == {503}
    end_stream(CHAT, body, peer)
    for left in (2, 1, 0):
        client, head, body, peer = open_stream(w, b, CHAT, _by("one"), peer=peer)
        assert head.get("x-ratelimit-remaining-requests") == str(left)
        end_stream(CHAT, body, peer)


def test_counts_go_on_in_the_next_process(rig):
    w = _limited(rig, users={"requests_per_day": 4},
                 limits=[{"model": "m", "per": "all", "requests_per_minute": 3},
                         {"user": "Bearer one", "requests_per_day": 9}])
    assert [_ask(w).status for _ in range(3)] == [200] * 3
    w.upgrade()
    refused = _ask(w)
    assert refused.status == 429
    assert w.log.entry(refused.id)["limit"] == "limits[0].requests_per_minute"
    assert _as_litellm(_ask(w, "one", "other"))["x-ratelimit-remaining-requests"] == 5


def test_four_workers_never_let_more_through_together(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, workers=4, enforce=True, pool={"users": {"requests_per_minute": 50}})
    clients = [w.client() for _ in range(16)]
    statuses = [c.ask(fields=_by("one")).status for _ in range(6) for c in clients]
    assert statuses.count(200) == 50 and set(statuses) == {200, 429}
