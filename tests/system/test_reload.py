# SPDX-License-Identifier: Apache-2.0
"""A reload changes what the file changes, and nothing else: counts, users, queue and limits live on."""

import itertools
import json
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import config
from harness.ask import end_stream, open_stream
from harness.backend import always
from harness.deadline import eventually
from harness.dialects import CHAT
from harness.http1 import request
from harness.weir import HOST, free_port, weirctl


def _rows(*backends, a_streams=None):
    """Upstreams by name, a with its max_streams."""
    return [{**row, **({"max_streams": a_streams} if row["name"] == "a" and a_streams else {})}
            for row in config.pool(backends)["upstreams"]]


def _pool(w, rows, **more):
    return {**w.settings["pools"][0], "upstreams": rows, **more}


def _put(w, rows, **more):
    w.write_file({**w.settings, "pools": [_pool(w, rows, **more)]})
    w.admin("reload")


WAITS = {"queue": {"max_wait": "3s"}}


def test_open_streams_count_against_max_streams_after_the_list_has_changed(rig):
    a, b = rig.backend(), rig.backend()
    w = rig.weir(a, enforce=True, each={"max_streams": 1}, pool={"queue": {"max_wait": "0s"}})
    client, _, body, peer = open_stream(w, a)
    rows = _rows(a, b, a_streams=1)
    _put(w, [rows[1], rows[0]])
    assert w.admin.upstream("a")["inflight"] == 1
    w.admin("upstream chat/b drain")
    assert w.client().ask("POST", CHAT.path, body=CHAT.body).status == 503
    end_stream(CHAT, body, peer)
    eventually(lambda: w.admin.upstream("a")["inflight"] == 0)


def test_a_request_that_waits_goes_to_the_upstream_that_a_reload_adds(rig):
    a, b = rig.backend(), rig.backend()
    b.serve(always(200, b"from b"))
    w = rig.weir(a, enforce=True, each={"max_streams": 1}, pool=WAITS)
    client, _, body, peer = open_stream(w, a)
    waiting = w.client()
    waiting.send(request(target="/x"))
    eventually(lambda: w.admin.status()["pools"][0]["queue"]["length"] == 1)
    rows = _rows(a, b, a_streams=1)
    _put(w, [rows[1], rows[0]])
    answer = waiting.answer()
    assert (answer.status, answer.body) == (200, b"from b")
    end_stream(CHAT, body, peer)


@pytest.mark.parametrize("change", ["added", "taken out", "reordered", "none"])
def test_a_request_that_waits_ends_in_time_whatever_a_reload_does(rig, change):
    a, b, c = rig.backend(), rig.backend(), rig.backend()
    # The pool is cold: by default it waits as long as the test waits for the answer.
    wait = "10s" if change == "added" else "2s"
    w = rig.weir(a, b, enforce=True, each={"max_streams": 1},
                 pool={"queue": {"max_wait": wait, "cold_wait": wait}})
    held = [open_stream(w, first, peer=None) for first in (a, b)]
    waiting = w.client()
    waiting.send(request(target="/x"))
    eventually(lambda: w.admin.status()["pools"][0]["queue"]["length"] == 1)
    one, two = w.settings["pools"][0]["upstreams"]
    three = {**_rows(a, b, c)[2], "max_streams": 1}
    rows = {"added": [three, one, two], "taken out": [two], "reordered": [two, one], "none": [one, two]}
    _put(w, rows[change])
    if change == "added":
        peer = c.accept()
        peer.request()
        peer.answer(200, b"x")
    answer = waiting.answer()
    assert answer.status in (200, 503), answer
    for _, _, body, peer in held:
        end_stream(CHAT, body, peer)


def test_a_pool_that_is_taken_out_of_the_file_serves_who_waits_there(rig):
    a, b = rig.backend(), rig.backend()
    w = rig.weir(a, enforce=True, each={"max_streams": 1}, pool=WAITS)
    client, _, body, peer = open_stream(w, a)
    waiting = w.client()
    waiting.send(request(target="/x"))
    eventually(lambda: w.admin.status()["pools"][0]["queue"]["length"] == 1)
    w.write_file({**w.settings, "pools": [{**config.pool([b], enforce=True), "name": "other"}]})
    w.admin("reload")
    w.check_books = False  # the counters of a pool that is no more are shown no more
    client.close()  # its connection to the backend is not kept: the next one comes on its own
    peer = a.accept()
    peer.request()
    peer.answer(200, b"last")
    assert waiting.answer().body == b"last"


def test_a_quota_is_not_refilled_by_a_reload(rig):
    a, b = rig.backend(), rig.backend()
    for backend in (a, b):
        backend.serve(always(200, b"x"))
    w = rig.weir(a, enforce=True, pool={"users": {"requests_per_minute": 3}})
    fields = [("Authorization", "Bearer one")]
    before = [w.client().ask(fields=fields).status for _ in range(4)]
    assert before == [200, 200, 200, 429]
    _put(w, _rows(a, b))
    assert w.client().ask(fields=fields).status == 429
    assert w.client().ask(fields=[("Authorization", "Bearer two")]).status == 200


def test_many_reloads_under_an_open_stream_use_no_memory_of_the_old_settings(rig):
    a, b, c = rig.backend(), rig.backend(), rig.backend()
    for backend in (b, c):
        backend.serve(always(200, b"x"))
    w = rig.weir(a)
    client, _, body, peer = open_stream(w, a)
    one, two, three = _rows(a, b, c)
    for rows in ([one], [two, one], [three, two], [one], [two, three, one], [one]):
        _put(w, rows)
        if one not in rows:
            assert [w.client().ask().status for _ in range(3)] == [200, 200, 200]
        peer.chunk(CHAT.content("more"))
        assert body.event() == CHAT.content("more")
    end_stream(CHAT, body, peer)


def test_the_whole_list_is_replaced_under_load_and_nobody_is_refused(rig):
    backends = [rig.backend() for _ in range(4)]
    for backend in backends:
        backend.serve(always(200, b"x"))
    w = rig.weir(*backends[:2], enforce=True)
    rows = _rows(*backends)
    statuses, stop = [], threading.Event()

    def ask():
        client = w.client()
        while not stop.is_set():
            statuses.append(client.ask().status)

    crowd = [threading.Thread(target=ask) for _ in range(4)]
    for one in crowd:
        one.start()
    for chosen in itertools.islice(itertools.cycle([rows[2:], rows[:2]]), 8):
        seen = len(statuses)
        _put(w, chosen)
        eventually(lambda: len(statuses) > seen + 20)
    stop.set()
    for one in crowd:
        one.join()
    assert set(statuses) == {200}, statuses


def test_an_upstream_may_come_and_go_any_number_of_times(rig):
    a, b = rig.backend(), rig.backend()
    a.serve(always(200, b"x"))
    w = rig.weir(a)
    one, two = _rows(a, b)
    for i in range(300):
        _put(w, [one, two] if i % 2 == 0 else [one])
    assert w.client().ask().status == 200


def test_health_taken_out_of_the_file_is_no_verdict_any_more(rig):
    def handler(peer, head):
        peer.answer(503 if head.target == "/health" else 200, b"x")
    a = rig.backend()
    a.serve(handler)
    w = rig.weir(a, enforce=True, pool={"health": {"path": "/health", "interval": "100ms", "fall": 2}})
    eventually(lambda: w.admin.upstream()["state"] == "open")
    pool = {k: v for k, v in w.settings["pools"][0].items() if k != "health"}
    w.write_file({**w.settings, "pools": [pool]})
    w.admin("reload")
    eventually(lambda: w.client().ask().status == 200, what="it serves again")


def test_what_checks_have_shown_stays_over_a_reload(rig):
    def handler(peer, head):
        peer.answer(503 if head.target == "/health" else 200, b"x")
    a = rig.backend()
    a.serve(handler)
    health = {"path": "/health", "interval": "100ms", "fall": 2}
    w = rig.weir(a, enforce=True, pool={"health": health})
    eventually(lambda: w.admin.upstream()["state"] == "open")
    _put(w, _rows(a), health={**health, "interval": "1h"})
    assert w.admin.upstream()["state"] == "open"
    assert w.admin.upstream()["cause"] == "health_check"


# what a reload would do

def test_a_dry_run_tells_what_would_change_and_changes_nothing(rig):
    a, b, c = rig.backend(), rig.backend(), rig.backend()
    w = rig.weir(a, b, enforce=True, pool={"queue": {"max_wait": "2s"}})
    before = w.admin("config")
    w.admin("upstream chat/b drain")
    client, _, body, peer = open_stream(w, a)
    rows = _rows(a, b, c)
    port = free_port()
    w.write_file({**w.settings, "workers": 3,
                  "listeners": [*w.settings["listeners"], {"address": f"{HOST}:{port}"}],
                  "pools": [_pool(w, rows[1:], queue={"max_wait": "3s"})]})
    said = w.admin("reload --dry-run")
    for words in ('pools[chat].queue.max_wait: "3s", was "2s" (', "chat/a is taken out",
                  "the request there ends as it would", "chat/c is new at", "by the ramp",
                  f"the listener {HOST}:{port} opens", "workers stays", "nothing was changed"):
        assert words in said, (words, said)
    assert w.admin("config") == before
    assert [u["name"] for u in w.admin.status()["pools"][0]["upstreams"]] == ["a", "b"]
    told = json.loads(w.admin("reload --dry-run --json"))
    assert {"key": "pools[chat].queue.max_wait", "was": '"2s"', "is": '"3s"'}.items() <= next(
        change for change in told["changes"] if change["key"].endswith("max_wait")).items()
    end_stream(CHAT, body, peer)


def test_a_dry_run_of_the_settings_in_force_says_so(rig):
    w = rig.weir(rig.backend())
    assert "its settings are those in force" in w.admin("reload --dry-run")


@pytest.mark.parametrize("fault", ["key", "listener", "certificate"])
def test_a_dry_run_finds_what_a_reload_would_be_refused_for(rig, fault, tmp_path):
    a = rig.backend()
    w = rig.weir(a)
    taken = socket.create_server((HOST, 0))
    pem = tmp_path / "not.pem"
    pem.write_text("no certificate")
    address = f"{HOST}:{taken.getsockname()[1]}"
    listeners = {"key": [], "listener": [{"address": address}],
                 "certificate": [{"address": f"{HOST}:{free_port()}",
                                  "tls": {"certificate": str(pem), "key": str(pem)}}]}[fault]
    more = {"wrokers": 3} if fault == "key" else {}
    w.write_file({**w.settings, **more, "listeners": [*w.settings["listeners"], *listeners]})
    code, _, dry = weirctl(w.socket_path, "reload", "--dry-run")
    wet_code, _, wet = weirctl(w.socket_path, "reload")
    assert code == wet_code == 1
    assert dry == wet and {"key": "wrokers", "listener": address, "certificate": "not.pem"}[fault] in dry
    taken.close()


def test_a_hundred_reloads_at_once_are_made_together(rig):
    a = rig.backend()
    a.serve(always(200, b"x"))
    w = rig.weir(a)
    w.write_file({**w.settings, "pools": [_pool(w, _rows(a), heartbeat="7s")]})
    before = len(json.loads(w.admin("events --json")))
    with ThreadPoolExecutor(20) as crowd:
        said = list(crowd.map(lambda _: [w.admin("reload") for _ in range(5)], range(20)))
    for _ in range(100):
        w.signal(signal.SIGHUP)
    assert all("in force" in line for lines in said for line in lines)
    assert "7s" in w.admin("config heartbeat")
    made = len(json.loads(w.admin("events --json"))) - before
    assert 1 <= made <= 10, made
    assert w.client().ask().status == 200


def test_who_asks_for_a_reload_hears_of_the_file_as_it_was_then(rig):
    a = rig.backend()
    w = rig.weir(a)
    for i in range(1, 6):
        w.write_file({**w.settings, "pools": [_pool(w, _rows(a), heartbeat=f"{i}s")]})
        w.admin("reload")
        assert f'"{i}s"' in w.admin("config heartbeat")
