# SPDX-License-Identifier: Apache-2.0
"""The books: what the access log says of each request, and that nothing is lost between what came,
what was decided, what was logged and what was counted."""

import json
import os
import re
import socket

import pytest

from harness.ask import has_request, open_stream, post
from harness.backend import always
from harness.client import connect
from harness.deadline import eventually
from harness.dialects import CHAT
from harness.http1 import request
from harness.lines import KEYS
from harness.load import Counting, Crowd
from harness.promtool import assert_clean_metrics
from harness.weir import HOST
from harness.words import names

DECISIONS = set(names("decisions"))


def test_a_line_of_the_access_log_tells_the_whole_story(rig):
    b = rig.backend()
    w = rig.weir(b, routes=[{"path": "/v1/", "pool": "chat", "class": "paid"}])
    c = w.client(source=HOST)
    body = CHAT.body
    c.send(post(CHAT, [("Authorization", "Bearer secret-key"), ("X-Stainless-Retry-Count", "1")],
                target=CHAT.path + "?a=b"))
    peer, _ = b.request()
    whole = CHAT.whole("one", "two")
    peer.begin(fields=[("X-Request-Id", "backend-1")])
    peer.chunk(whole)
    peer.last_chunk()
    answer = c.answer("POST")
    e = w.log.entry(answer.get("x-weir-request-id"))
    assert set(e) == set(KEYS)
    assert e.upstream_request_id == "backend-1"
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$", e.time)
    assert (e.method, e.path, e.pool, e.upstream, e["class"]) == (
        "POST", CHAT.path + "?a=b", "chat", "a", "paid")
    assert e.client.split(":")[0] == HOST
    assert re.match(r"^[0-9a-f]{16}$", e.user)
    assert (e.decision, e.cause or "", e.status, e.outcome) == ("admitted", "", 200, "ok")
    assert (e.client_retry, e.retries, e.events) == (1, 0, 5)
    assert (e.bytes_in, e.bytes_out) == (len(body), len(whole))
    assert 0 <= e.connect_ms <= e.ttft_ms <= e.duration_ms < 5000
    assert "secret" not in w.log.text() and "secret" not in w.errors.text()


def test_a_line_says_what_a_rule_that_only_looks_on_would_have_done(rig):
    b = rig.backend()
    b.serve(always(500, b"broken"))
    w = rig.weir(b, pool={"breaker": {"mode": "observe"}})
    c = w.client()
    ids = [c.ask("POST", "/", [("Authorization", f"Bearer user-{i}")], b"x").id for i in range(20)]
    first, last = w.log.entry(ids[0]), w.log.entry(ids[-1])
    assert set(first) == set(KEYS)
    assert set(last) == {*KEYS, "would"}
    assert (last.decision, last.status, last.would) == ("admitted", 500, "circuit_open")


@pytest.mark.skipif(os.getuid() != 0 or os.path.exists("/dev/log"),
                    reason="needs to be the machine's log for a moment")
def test_the_access_log_may_go_to_syslog_which_is_never_waited_for(rig):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind("/dev/log")
        try:
            daemon.settimeout(5)
            b = rig.backend()
            b.serve(always(200, b"x"))
            w = rig.weir(b, log={"access": "syslog"})
            w.check_books = False
            c = w.client()
            request_id = c.ask().id
            line = daemon.recv(65536).decode()
            assert re.match(r"<30>\w{3} [ \d]\d \d\d:\d\d:\d\d weir\[%d\]: \{" % w.pid, line)
            assert json.loads(line[line.index("{"):])["request_id"] == request_id
            # nobody reads any more: lines are dropped and counted, and weir goes on
            eventually(lambda: c.ask().status == 200
                       and w.metrics().sum("weir_access_log_dropped_total") > 3, 20)
            counted = w.metrics().sum("weir_requests_total")
            assert w.admin.status()["state"] == "serving" and counted > 10
        finally:
            os.unlink("/dev/log")


def test_a_user_is_the_same_hash_each_time_and_another_for_another(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b)

    def user(*fields):
        return w.log.entry(w.client().ask(fields=fields).id).user

    one = user(("Authorization", "Bearer 1"))
    assert one == user(("Authorization", "Bearer 1")) != user(("Authorization", "Bearer 2"))
    assert user(("X-Api-Key", "k")) == user(("X-Api-Key", "k")) != one


def test_users_may_be_known_by_a_cookie(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, identity={"cookie": "sid", "address": False})

    def user(*fields):
        return w.log.entry(w.client().ask(fields=fields).id).user

    assert user(("Cookie", "a=b; sid=1; c=d")) == user(("Cookie", "sid=1")) is not None
    assert user(("Cookie", "sid=1")) != user(("Cookie", "sid=2"))
    assert user(("Cookie", "xsid=1")) is None and user() is None


def test_the_query_is_not_logged_if_so_configured(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, log={"query": False})
    e = w.log.entry(w.client().ask(target="/x?key=secret").id)
    assert "secret" not in w.log.text() and e.path.startswith("/x")


@pytest.mark.parametrize("target", ["/\"quotes\\", "/caf\xe9", "/%00%0a"])
def test_a_line_is_json_whatever_was_asked_for(rig, target):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b)
    answer = w.client().ask(target=target, fields=[("User-Agent", "\"\\\x7e")])
    if answer.status == 200:
        assert w.log.entry(answer.id).method == "GET"
    else:
        assert answer.status == 400


def test_every_kind_of_request_is_in_the_books_once(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"max_streams": 1}, pool={
        "queue": {"max_wait": "10s", "max_length": 1}, "users": {"fair_share": 1.0}})
    one, head, body, peer = open_stream(w, b)                           # admitted
    waits, leaves = w.client(), w.client()
    leaves.send(post(CHAT))
    eventually(lambda: w.metrics().sum("weir_queue_length") == 1)
    assert w.client().ask("POST", "/", body=b"x").code == "overloaded"  # refused
    leaves.close()                                                      # gone
    eventually(lambda: w.metrics().sum("weir_queue_length") == 0)
    waits.send(post(CHAT))
    eventually(lambda: w.metrics().sum("weir_queue_length") == 1)
    bad = w.client()
    bad.send(b"GET / HTTP/1.1\r\n\r\n")                                 # local
    assert bad.answer().status == 400
    peer.chunk(CHAT.end)
    peer.last_chunk()
    nxt = peer if has_request(peer) else b.accept()
    nxt.request()
    nxt.answer(200, b"x")                                               # queued
    assert waits.answer("POST").status == 200
    entries = w.log.wait_count(5)
    assert sorted(e.decision for e in entries) == sorted(DECISIONS)
    m = w.metrics()
    for d in DECISIONS:
        assert m.sum("weir_requests_total", decision=d) == 1, d
    assert m.sum("weir_shed_total") == 1
    assert m.sum("weir_upstream_outcomes_total", outcome="ok") == 2
    assert m.sum("weir_upstream_outcomes_total") == 2


def test_over_any_run_nothing_is_lost(rig):
    """Clients that stay, clients that leave, refusals and waits, over four workers: the clients'
    own count, the log and the metrics agree to the request."""
    b = rig.backend()
    counting = Counting(b, events=2, pause=0.002)
    w = rig.weir(b, enforce=True, workers=4, each={"max_streams": 3}, pool={
        "queue": {"max_wait": "30ms", "max_length": 4}, "users": {"fair_share": 1.0}})
    crowd = Crowd(w, 12, lambda i: [("Authorization", f"Bearer {i}")], times=25)
    left = 0
    for i in range(60):
        c = connect(w.address)
        c.send(request("POST", "/leaves", [("Authorization", f"Bearer x{i}")], CHAT.body))
        if i % 3:
            c.reset()
        else:
            c.close()
        left += 1
    statuses = crowd.join(30)
    asked = sum(statuses.values())
    assert asked == 12 * 25 and set(statuses) <= {200, 503}
    eventually(lambda: w.metrics().sum("weir_inflight") == 0)
    m = w.metrics()
    arrived = m.sum("weir_requests_total")
    entries = w.log.wait_count(arrived)
    # who reset at once may not even have been read
    assert asked <= arrived <= asked + left
    assert arrived == len(entries)
    by = {d: m.sum("weir_requests_total", decision=d) for d in DECISIONS}
    for d in DECISIONS:
        assert by[d] == sum(e.decision == d for e in entries), d
    stayed = [e for e in entries if e.path == CHAT.path]
    assert len(stayed) == asked
    assert sum(e.decision in ("admitted", "queued") for e in stayed) == statuses.get(200, 0)
    assert sum(e.decision == "refused" for e in stayed) == statuses.get(503, 0)
    assert m.sum("weir_shed_total") == by["refused"]
    assert m.sum("weir_upstream_outcomes_total") == sum(e.outcome is not None for e in entries)
    assert counting.most <= 3


def test_metrics_count_what_was_streamed(rig):
    b = rig.backend()
    w = rig.weir(b, each={"idle_connections": 0})
    for _ in range(4):
        _, _, body, peer = open_stream(w, b)
        peer.chunk(CHAT.content("x") + CHAT.end)
        peer.last_chunk()
        body.rest()
    eventually(lambda: w.metrics().sum("weir_upstream_outcomes_total", outcome="ok") == 4)
    m = w.metrics()
    assert m.sum("weir_stream_events_total") == 4 * 5
    assert m.sum("weir_time_to_first_token_seconds_count", upstream="a") == 4
    assert m.sum("weir_event_interval_seconds_count", upstream="a") == 4
    assert m.sum("weir_response_seconds_count", upstream="a") == 0
    w.client().send(request())
    peer, _ = b.request()
    peer.answer(200, b"x")
    eventually(lambda: w.metrics().sum("weir_response_seconds_count", upstream="a") == 1)


def test_the_metrics_are_what_promtool_calls_clean(rig):
    b = rig.backend()
    w = rig.weir(b)
    open_stream(w, b)
    status, fields, body = w.http("/metrics")
    assert status == 200 and fields["content-type"].startswith("text/plain; version=0.0.4")
    assert_clean_metrics(body.decode())


NAMES = ["requests_total", "shed_total", "upstream_outcomes_total", "upstream_state", "share",
         "limit", "pending", "inflight", "queue_length", "stream_events_total", "retries_total",
         "connections", "build_info", "time_to_first_token_seconds_bucket",
         "event_interval_seconds_bucket", "response_seconds_bucket"]


def test_the_promised_metrics_are_there(rig):
    b = rig.backend()
    w = rig.weir(b)
    _, _, body, peer = open_stream(w, b)
    peer.chunk(CHAT.content("x"))
    body.event()
    m = w.metrics()
    for name in NAMES:
        assert m.all(f"weir_{name}"), name
    assert m.one("weir_inflight", pool="chat", upstream="a") == 1
    assert m.one("weir_pending", pool="chat", upstream="a") == 0
    assert m.sum("weir_limit", pool="chat", upstream="a", kind="streams") == 4096
    assert m.all("process_resident_memory_bytes") and m.all("process_open_fds")


def test_the_state_forms_have_the_promised_names(rig):
    b = rig.backend()
    w = rig.weir(b)
    open_stream(w, b)
    s = w.admin.status()
    assert set(s) >= {"state", "since", "uptime_s", "version", "incident", "pools"}
    pool = s["pools"][0]
    assert set(pool) >= {"name", "state", "share", "queue", "shed_per_s", "upstreams"}
    assert set(pool["queue"]) >= {"length", "oldest_ms"}
    u = pool["upstreams"][0]
    assert set(u) >= {"name", "url", "state", "cause", "since", "until", "held_until", "override",
                      "share", "pending", "inflight", "limits", "window", "ttft_ms", "pace_ms",
                      "modes"}
    assert set(u["limits"]) >= {"pending", "streams"}
    assert set(u["window"]) >= {"seconds", "ok", "failed", "connect_failed", "stalled", "refused",
                                "neutral", "on_time", "late"}
    assert set(u["ttft_ms"]) >= {"p50", "p90", "p99"} and "p50" in u["pace_ms"]
    assert u["modes"] == {"breaker": "observe", "limiter": "observe", "ramp": "enforce",
                          "queue": "enforce"}
    assert (u["state"], u["inflight"], u["pending"], u["override"]) == ("closed", 1, 0, [])


def test_open_streams_are_listed_and_reasons_are_given(rig):
    b = rig.backend()
    w = rig.weir(b)
    _, head, _, _ = open_stream(w, b)
    request_id = head.get("x-request-id")
    sessions = w.admin.json("sessions")
    assert [s["request_id"] for s in sessions] == [request_id]
    assert set(sessions[0]) >= {"request_id", "pool", "upstream", "age_ms", "ttft_ms", "events",
                                "class", "client"}
    assert sessions[0]["events"] == 2
    w.admin("upstream chat/a drain")
    refused = w.client().ask("POST", "/", body=b"x")
    why = eventually(lambda: w.admin.json(f"why {refused.id}"))
    assert (why["request_id"], why["decision"], why["cause"], why["pool"]) == (
        refused.id, "refused", "no_upstream", "chat")
    assert set(why) >= {"user", "class", "numbers", "upstream"}


@pytest.mark.parametrize("path, status", [("/healthz", 200), ("/readyz", 200), ("/metrics", 200),
                                          ("/status.json", 200), ("/", 200), ("/none", 404)])
def test_the_http_endpoint_answers(rig, path, status):
    w = rig.weir(rig.backend(), enforce=True)
    w.admin("breaker chat/a open")
    assert w.http(path)[0] == status, "dead upstreams are no reason not to be ready"


def test_requests_on_the_admin_side_are_not_in_the_books(rig):
    w = rig.weir(rig.backend())
    for path in ("/metrics", "/healthz", "/none"):
        w.http(path)
    assert w.metrics().sum("weir_requests_total") == 0
