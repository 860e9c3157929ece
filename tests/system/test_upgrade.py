# SPDX-License-Identifier: Apache-2.0
"""Hot restart: another process takes over, and nobody who is served notices."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

from harness import config
from harness.ask import end_stream, next_peer, open_stream, post
from harness.backend import always
from harness.client import connect, dial
from harness.deadline import eventually, secs
from harness.dialects import CHAT
from harness.http1 import request
from harness.http2 import connect2
from harness.load import Counting, Crowd
from harness.weir import BINARY, HOST, WEIRCTL, free_port, sanitizer_env, weirctl
from harness.wire import Wire


def _more(peer, body, text):
    """One more event of an open stream reaches its client."""
    peer.chunk(CHAT.content(text))
    assert body.exactly(len(CHAT.content(text))) == CHAT.content(text)


def _old_ends(w, within=5):
    return eventually(lambda: w.older[-1].poll() is not None, within, "the old process ends")


PATIENT = {"queue": {"max_wait": "10s", "cold_wait": "10s"}}


# what clients see

def test_another_process_takes_over_and_an_open_stream_is_not_cut(rig):
    b = rig.backend()
    w = rig.weir(b)
    first = w.pid
    client, _, body, peer = open_stream(w, b)
    said = w.upgrade()
    assert w.pid != first and str(first) in said
    _more(peer, body, "after the upgrade")
    other, _, other_body, other_peer = open_stream(w, b)
    assert w.admin.upstream()["inflight"] == 1, "the new one serves what is new"
    assert w.older[0].poll() is None, "the old one waits for its stream"
    end_stream(CHAT, body, peer)
    client.close()
    _old_ends(w)
    assert w.older[0].wait(1) == 0
    end_stream(CHAT, other_body, other_peer)


def test_a_kept_connection_is_served_once_more_and_then_closed_behind_its_answer(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, enforce=True)
    client = w.client()
    assert client.ask().status == 200
    w.upgrade()
    answer = client.ask()
    assert answer.status == 200 and "close" in answer.head.tokens("connection")
    client.assert_closed()
    assert w.client().ask().status == 200


def test_a_connection_that_waits_in_the_backlog_is_served_by_the_next_one(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b)
    waiting = [w.client() for _ in range(20)]
    w.upgrade()
    for client in waiting:
        assert client.ask().status == 200


def test_an_http2_client_finishes_its_streams_and_is_asked_to_come_back(rig):
    b = rig.backend()
    w = rig.weir(b, start=False)
    w.settings["listeners"][0]["http2"] = "clear"
    w.write_file(w.settings)
    w.start()
    client = connect2(w)
    stream = client.open()
    peer = b.accept()
    peer.request()
    w.upgrade()
    client.until(lambda: client.goaways)
    peer.answer(200, b"whole")
    assert client.answer(stream).body == b"whole"
    client.close()


@pytest.mark.parametrize("user", [None, "nobody"])
def test_nobody_is_refused_or_cut_while_processes_follow_each_other(rig, user):
    if user and os.getuid() != 0:
        pytest.skip("only root becomes another user")
    limit, clients = 8, 6
    backend = rig.backend()
    counting = Counting(backend, events=6)
    w = rig.weir(backend, enforce=True, each={"max_streams": limit}, pool=PATIENT,
                 **({"user": user} if user else {}))
    crowd = Crowd(w, clients)
    for _ in range(4):
        served = counting.served
        eventually(lambda: counting.served > served + 40, 20)
        w.upgrade()
    assert set(crowd.end()) == {200}, crowd.statuses
    assert len(crowd.answers) > 150
    assert counting.most <= limit
    for answer in crowd.answers:
        assert answer.body.endswith(CHAT.end), "a stream was cut"


# places at the backend

def test_streams_of_the_old_process_count_against_max_streams(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"max_streams": 2},
                 pool={"queue": {"max_wait": "9s", "cold_wait": "9s"}})
    held = [open_stream(w, b) for _ in range(2)]
    clients = [h[0] for h in held]
    w.upgrade()
    waiting = w.client()
    waiting.send(post(CHAT))
    eventually(lambda: w.admin.status()["pools"][0]["queue"]["length"] == 1)
    assert w.admin.upstream()["elsewhere"] == 2
    _, _, body, peer = held.pop()
    end_stream(CHAT, body, peer)
    _, _, body, peer = held.pop()
    third = b.accept()  # of another process, so never over a kept connection
    third.request()
    assert w.admin.upstream()["elsewhere"] == 1
    third.answer(200, b"served")
    assert waiting.answer("POST").body == b"served"
    end_stream(CHAT, body, peer)
    for client in clients:
        client.close()
    _old_ends(w)
    eventually(lambda: w.admin.upstream()["elsewhere"] == 0)


def test_a_request_on_an_old_connection_gets_a_place_from_the_next_process(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"max_streams": 1})
    client = w.client()
    client.send(request())
    peer = b.accept()
    peer.request()
    peer.answer(200, b"x")
    assert client.answer().status == 200
    w.upgrade()
    client.send(request())
    peer.request()
    assert w.admin.upstream()["elsewhere"] == 1
    peer.answer(200, b"y")
    assert client.answer().body == b"y"
    eventually(lambda: w.admin.upstream()["elsewhere"] == 0)


def test_who_waits_in_the_old_process_is_served_there(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"max_streams": 1},
                 pool={"queue": {"max_wait": "9s", "cold_wait": "9s"}})
    _, _, body, peer = open_stream(w, b)
    waiting = w.client()
    waiting.send(post(CHAT))
    eventually(lambda: w.admin.status()["pools"][0]["queue"]["length"] == 1)
    w.upgrade()
    end_stream(CHAT, body, peer)
    second = eventually(lambda: next_peer(b, peer))
    second.request()
    second.answer(200, b"served")
    assert waiting.answer("POST").body == b"served"


@pytest.mark.parametrize("limit", [1, 3, 16])
def test_two_processes_together_never_have_more_than_max_streams(rig, limit):
    backend = rig.backend()
    counting = Counting(backend, events=4)
    w = rig.weir(backend, enforce=True, each={"max_streams": limit},
                 pool=PATIENT)
    crowd = Crowd(w, 2 * limit + 2)
    for _ in range(3):
        served = counting.served
        eventually(lambda: counting.served > served + 10 * limit, 20)
        w.upgrade()
    assert set(crowd.end()) == {200}, crowd.statuses
    assert counting.most <= limit, counting.most


# what it knows

def test_what_the_operator_said_holds_in_the_next_process(rig):
    a, b = rig.backend(), rig.backend()
    w = rig.weir(a, b, enforce=True)
    w.admin("limit chat/a streams 5 for 2h")
    w.admin("breaker chat/b open for 1h")
    w.admin("incident chat set \"back soon\" for 3h")
    w.admin("mode chat ramp observe for 4h")

    def said():
        status = w.admin.status()["pools"][0]
        ends = (status["incident"], status["incident_until"], status["override"],
                [u["override"] for u in status["upstreams"]])
        return re.sub(r"\.\d+Z", "Z", json.dumps(ends))

    before = said()
    assert all(words in before for words in ("limit streams 5", "breaker open", "mode ramp observe"))
    for _ in range(2):
        w.upgrade()
        assert said() == before
        assert w.admin.upstream("b")["state"] == "open"
        assert w.admin.upstream("a")["limits"]["streams"] == 5


def test_an_override_ends_in_the_next_process_when_it_was_meant_to(rig):
    w = rig.weir(rig.backend(), enforce=True)
    w.admin("limit chat/a streams 5 for 2s")
    w.upgrade()
    assert w.admin.upstream()["limits"]["streams"] == 5
    eventually(lambda: w.admin.upstream()["limits"]["streams"] != 5, 4)


def test_a_drained_upstream_stays_drained(rig):
    a, b = rig.backend(), rig.backend()
    a.serve(always(200, b"a"))
    w = rig.weir(a, b)
    w.admin("upstream chat/b drain")
    w.upgrade()
    assert [w.client().ask().body for _ in range(4)] == [b"a"] * 4
    b.assert_untouched()


def test_a_dead_upstream_is_known_to_be_dead(rig):
    b = rig.backend()
    b.refuse()
    w = rig.weir(b, enforce=True, pool={"breaker": {"mode": "enforce", "open_min": "60s",
                                                    "open_max": "60s"}})
    eventually(lambda: w.client().ask("POST", CHAT.path, body=CHAT.body).status and
               w.admin.upstream()["state"] == "open")
    before = w.admin.upstream()
    w.upgrade()
    after = w.admin.upstream()
    for key in ("state", "cause", "window"):
        assert after[key] == before[key], key
    assert after["until"][:19] == before["until"][:19]


def test_a_ramp_goes_on_where_it_was(rig):
    w = rig.weir(rig.backend(), enforce=True)
    w.admin("ramp chat/a set 30 for 1h")
    w.upgrade()
    u = w.admin.upstream()
    assert (u["state"], u["share"], u["ramp_held"]) == ("ramping", 0.3, True)


def test_a_quota_is_not_refilled(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, enforce=True, pool={"users": {"requests_per_minute": 3}})
    fields = [("Authorization", "Bearer one")]
    assert [w.client().ask(fields=fields).status for _ in range(4)] == [200, 200, 200, 429]
    w.upgrade()
    assert w.client().ask(fields=fields).status == 429
    assert w.client().ask(fields=[("Authorization", "Bearer two")]).status == 200


def test_limits_that_were_learnt_hold_from_the_first_request_on(rig, tmp_path):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, enforce=True, state={"path": str(tmp_path / "learnt")})
    for _ in range(20):
        w.client().ask("POST", CHAT.path, body=CHAT.body)
    before = w.admin.upstream()
    w.upgrade()
    after = w.admin.upstream()
    for key in ("limits", "known_good_streams"):
        assert after[key] == before[key]
    for client in w.clients:
        client.close()
    _old_ends(w)
    assert "cannot be written" not in w.errors.text()


# what it has seen

def _history(w):
    """What a page that is opened now is told."""
    wire = Wire(dial(w.admin_address), "page")
    wire.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wire.read_until(b"event: history\ndata: ")
    history = json.loads(wire.read_until(b"\n"))
    wire.close()
    return history


def test_the_page_events_and_why_know_what_was_before(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, enforce=True, pool={"users": {"requests_per_minute": 1}})
    eventually(lambda: _history(w)["at"], 5, "there is a point")
    assert w.client().ask(fields=[("Authorization", "Bearer one")]).status == 200
    refused = w.client().ask(fields=[("Authorization", "Bearer one")])
    assert refused.status == 429
    w.admin("breaker chat/a open for 1h")
    eventually(lambda: sum(_history(w)["upstreams"][0]["ok"]) == 1 and
               1 in _history(w)["upstreams"][0]["state"], 8, "the page has a point of both")
    before, events, transitions = _history(w), w.admin.json("events"), w.metrics().sum(
        "weir_breaker_transitions_total")
    for turn in (1, 2):
        w.upgrade()
        after, now = _history(w), w.admin.json("events")
        k = after["at"].index(before["at"][0])
        assert after["at"][k:k + len(before["at"])] == before["at"]
        for column in ("state", "ok", "inflight", "share"):
            assert after["upstreams"][0][column][k:k + len(before["at"])] == before["upstreams"][0][column]
        assert now[:len(events)] == events
        assert [e["seq"] for e in now] == sorted({e["seq"] for e in now})
        assert [e["cause"] for e in now].count("upgrade") == turn
        assert w.metrics().sum("weir_breaker_transitions_total") == transitions
        why = w.admin.json("why " + refused.head.get("x-weir-request-id"))
        assert (why["cause"], why["pool"], why["numbers"]["rule"]) == ("rate_limited", "chat", "user_rate")
        eventually(lambda: _history(w)["at"][-1] > after["at"][-1], 5, "points go on")


def test_the_next_process_forgets_what_the_settings_lack(rig):
    a, b = rig.backend(), rig.backend()
    w = rig.weir(a, b)
    w.admin("breaker chat/b open for 1h")
    eventually(lambda: _history(w)["at"], 5)
    w.write_file({**w.settings, "pools": [config.pool([a])]})
    w.upgrade()
    eventually(lambda: [u["name"] for u in _history(w)["upstreams"]] == ["a"], 5)
    assert any("chat/b: closed -> open" in e["sentence"] and e["upstream"] == ""
               for e in w.admin.json("events"))


# new settings

def test_the_next_process_reads_the_file_as_it_is_now(rig):
    a, b = rig.backend(), rig.backend()
    b.serve(always(200, b"from b"))
    w = rig.weir(a)
    client, _, body, peer = open_stream(w, a)
    rows = config.pool([a, b])["upstreams"]
    port = free_port()
    w.write_file({**w.settings, "workers": 3,
                  "listeners": [*w.settings["listeners"], {"address": f"{HOST}:{port}"}],
                  "pools": [{**w.settings["pools"][0], "upstreams": rows[1:]}]})
    w.upgrade()
    assert '3 ' in w.admin("config workers")
    for address in (w.address, (HOST, port)):
        assert [w.client(address).ask().body for _ in range(6)] == [b"from b"] * 6
    end_stream(CHAT, body, peer)


@pytest.mark.parametrize("workers", [1, 4])
def test_more_or_fewer_workers_lose_no_connection(rig, workers):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, workers=5 - workers)
    waiting = [w.client() for _ in range(20)]
    w.write_file({**w.settings, "workers": workers})
    w.upgrade()
    assert all(client.ask().status == 200 for client in waiting)
    assert all(w.client().ask().status == 200 for _ in range(20))


def test_a_listener_that_is_gone_from_the_file_closes(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    extra = (HOST, free_port())
    w = rig.weir(b, start=False)
    one = w.settings["listeners"]
    w.settings["listeners"] = [*one, {"address": "%s:%d" % extra}]
    w.write_file(w.settings)
    w.start()
    waiting = w.client(extra)
    w.write_file({**w.settings, "listeners": one})
    w.upgrade()
    assert waiting.ask().status == 200, "who was connected is served"

    def is_closed():
        try:
            dial(extra).close()
        except ConnectionRefusedError:
            return True
    eventually(is_closed)


def test_a_unix_listener_and_the_admin_socket_keep_their_files(rig, tmp_path):
    b = rig.backend()
    b.serve(always(200, b"x"))
    path = str(tmp_path / "weir.sock")
    w = rig.weir(b, start=False)
    w.settings["listeners"] = [*w.settings["listeners"], {"address": f"unix:{path}"}]
    w.write_file(w.settings)
    w.start()
    files = [os.stat(p).st_ino for p in (path, w.socket_path)]
    for _ in range(2):
        w.upgrade()
        _old_ends(w)
        assert [os.stat(p).st_ino for p in (path, w.socket_path)] == files
        client = w.client(path)
        assert client.ask().status == 200
        client.close()


# starts that fail

def _program(w, tmp_path, text=None):
    """weir runs from a copy; later that is another program."""
    path = str(tmp_path / "weir")
    if text is None:
        shutil.copy(BINARY, path)
        w.args[0] = path
        return path
    os.rename(path, path + ".old")
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    return path


FAULTS = {
    "crashes": ("#!/bin/sh\nkill -SEGV $$\n", "ended by signal 11"),
    "is no weir": ("#!/bin/sh\nexit 3\n", "ended with status 3"),
    "cannot be run": ("\0", "ended with status 127"),
    "hangs": ("#!/bin/sh\nexec sleep 600\n", "was not ready within 10 s"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_program_that_does_not_start_leaves_the_old_one_serving(rig, tmp_path, fault):
    b = rig.backend()
    w = rig.weir(b, start=False)
    path = _program(w, tmp_path)
    w.start()
    client, _, body, peer = open_stream(w, b)
    text, words = FAULTS[fault]
    _program(w, tmp_path, text)
    code, out, err = weirctl(w.socket_path, "upgrade", within=20)
    assert code == 1 and words in err, (out, err)
    _more(peer, body, "goes on")
    other, _, other_body, other_peer = open_stream(w, b)
    os.rename(path + ".old", path)
    w.upgrade()
    _more(peer, body, "and on")
    end_stream(CHAT, body, peer)
    end_stream(CHAT, other_body, other_peer)


def test_a_bad_file_is_told_to_who_asked_and_the_old_one_goes_on(rig):
    b = rig.backend()
    w = rig.weir(b)
    client, _, body, peer = open_stream(w, b)
    w.write_file({**w.settings, "wrokers": 3})
    code, _, err = weirctl(w.socket_path, "upgrade")
    assert code == 1 and "wrokers" in err and os.path.basename(w.file) in err, err
    taken = socket.create_server((HOST, 0))
    address = f"{HOST}:{taken.getsockname()[1]}"
    w.write_file({**w.settings, "listeners": [*w.settings["listeners"], {"address": address}]})
    code, _, err = weirctl(w.socket_path, "upgrade")
    assert code == 1 and address in err, err
    taken.close()
    _more(peer, body, "goes on")
    w.write_file(w.settings)
    w.upgrade()
    _more(peer, body, "and on")
    end_stream(CHAT, body, peer)


def test_one_upgrade_at_a_time_and_none_while_it_drains(rig, tmp_path):
    w = rig.weir(rig.backend(), start=False, drain_delay="2s")
    path = _program(w, tmp_path)
    w.start()
    _program(w, tmp_path, f"#!/bin/sh\ntouch {tmp_path}/begun\nexec sleep 600\n")
    first = subprocess.Popen([WEIRCTL, "--socket", w.socket_path, "upgrade"],
                             stderr=subprocess.PIPE, text=True, env=sanitizer_env())
    eventually(lambda: os.path.exists(tmp_path / "begun"))
    code, _, err = weirctl(w.socket_path, "upgrade")
    assert code == 1 and "another upgrade is under way" in err
    w.admin("drain")
    assert "is ending" in first.communicate(timeout=secs(10))[1]
    code, _, err = weirctl(w.socket_path, "upgrade")
    assert code == 1 and "is ending" in err
    os.rename(path + ".old", path)


# who may

def _as_nobody(*args):
    def become():
        os.setgid(65534)
        os.setuid(65534)
    return subprocess.run([WEIRCTL, *args], preexec_fn=become, capture_output=True, text=True,
                          timeout=secs(20), env=sanitizer_env())


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("uids, words", [(["nobody:read"], "not allowed"), ([], "")])
def test_who_may_not_change_anything_may_not_upgrade(rig, uids, words):
    w = rig.weir(rig.backend(), admin={"uids": uids})
    for folder in (rig.folder, w.folder):
        os.chmod(folder, 0o755)
    first = w.pid
    done = _as_nobody("--socket", w.socket_path, "upgrade")
    assert done.returncode in (1, 3) and words in done.stderr, done
    assert "pid" not in done.stdout and w.admin("status")
    assert os.path.exists(f"/proc/{first}") and "starting the next weir" not in w.errors.text()


@pytest.mark.parametrize("value", ["0", "3", "99", "-1", "x", ""])
def test_a_start_that_nobody_hands_over_to_is_an_ordinary_one(rig, value):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, env={"WEIR_HANDOVER_FD": value})
    assert w.client().ask().status == 200


def test_a_socket_of_a_stranger_is_no_handover(rig):
    """Not of the launcher: SO_PEERCRED names another process than the parent."""
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, start=False)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    wrapper = ["/bin/sh", "-c", f'"$@" & wait', "sh"]
    p = subprocess.Popen([*wrapper, *w.args], pass_fds=[theirs.fileno()],
                         env={**w.env, "WEIR_HANDOVER_FD": str(theirs.fileno())},
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    theirs.close()
    try:
        eventually(lambda: _answers(w), 10)
        assert connect(w.address).ask().status == 200
        ours.setblocking(False)
        with pytest.raises(BlockingIOError):
            ours.recv(1)
    finally:
        w.admin("stop")
        p.wait(secs(10))


def _answers(w):
    try:
        return w.admin("status")
    except OSError:
        return None


# the manager

@pytest.mark.skipif("libsystemd" not in subprocess.run([BINARY, "--version", "--verbose"],
                    capture_output=True, text=True).stdout, reason="built without libsystemd")
def test_the_service_manager_is_told_the_new_main_process(rig, tmp_path):
    path = str(tmp_path / "notify")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(path)
    manager.settimeout(secs(5))
    w = rig.weir(rig.backend(), env={"NOTIFY_SOCKET": path})
    assert manager.recv(1000) == b"READY=1"
    for _ in range(2):
        w.upgrade()
        heard = [manager.recv(1000)]
        while not heard[-1].startswith(b"MAINPID"):
            heard.append(manager.recv(1000))
        assert heard[-1] == b"MAINPID=%d" % w.pid
        assert b"STOPPING=1" not in heard
        _old_ends(w)
    manager.close()


def test_the_end_of_the_service_does_not_cut_what_the_old_process_still_serves(rig):
    """A manager sends SIGTERM to all processes of a service."""
    b = rig.backend()
    w = rig.weir(b)
    client, _, body, peer = open_stream(w, b)
    w.upgrade()
    w.older[0].send_signal(signal.SIGTERM)
    w.signal(signal.SIGTERM)
    _more(peer, body, "goes on")
    end_stream(CHAT, body, peer)
    assert w.wait_exit() == 0


def test_the_launcher_ends_with_its_process(rig):
    w = rig.weir(rig.backend())
    child = subprocess.run(["pgrep", "-P", str(w.pid)], capture_output=True, text=True).stdout.split()
    assert len(child) == 1
    with open(f"/proc/{child[0]}/comm") as f:
        assert f.read().strip() == "weir-launcher"
    w.upgrade()
    _old_ends(w)

    def is_over():
        with open(f"/proc/{child[0]}/stat") as f:
            return f.read().split()[2] == "Z"
    try:
        eventually(is_over)
    except FileNotFoundError:
        pass


# chaos

# For a longer run: WEIR_RESTARTS=12 WEIR_RESTART_EVERY=5 has streams of 8 s cross one or two restarts.
RESTARTS = int(os.environ.get("WEIR_RESTARTS", "4"))
EVERY = float(os.environ.get("WEIR_RESTART_EVERY", "0.5"))


class Chaos:
    """What goes on beside the streams: clients that leave in the middle of theirs, short requests on
    new and on kept connections, reloads.  errors: whatever nobody may see."""

    def __init__(self, w):
        self.w, self.stop, self.errors = w, threading.Event(), []
        self.left = self.asked = self.reloads = 0
        self.threads = [threading.Thread(target=self._loop, args=(one,), daemon=True)
                        for one in (self._leave, self._leave, self._ask_anew, self._ask_on, self._reload)]
        for t in self.threads:
            t.start()

    def _loop(self, one):
        try:
            while not self.stop.is_set():
                one()
        except Exception as e:
            self.errors.append(e)

    def _leave(self):
        c = connect(self.w.address)
        c.send(post(CHAT))
        assert c.begin("POST")[0].status == 200
        c.close()
        self.left += 1

    def _ask_anew(self):
        c = connect(self.w.address)
        assert c.ask(target="/short").body == b"short"
        c.close()
        self.asked += 1

    def _ask_on(self):
        c, kept = connect(self.w.address), True
        while kept and not self.stop.is_set():
            answer = c.ask(target="/short")
            assert answer.body == b"short"
            kept = "close" not in answer.head.tokens("connection")
            self.asked += 1
        c.close()

    def _reload(self):
        self.w.signal(signal.SIGHUP)
        self.reloads += 1
        self.stop.wait(0.3)

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join(secs(20))
        assert not self.errors, self.errors[0]


def test_restarts_under_chaos(rig):
    backend, short = rig.backend(), rig.backend()
    short.serve(always(200, b"short"))
    counting = Counting(backend, events=12 if EVERY < 1 else 40, pause=0.02 if EVERY < 1 else 0.2)
    # Rules about load look on: what a busy machine makes of the scripted backend is no news here.
    pools = [config.pool([backend]), config.pool([short], name="short")]
    w = rig.weir(pools=pools, routes=[{"path": "/short", "pool": "short"},
                                      {"path": "/", "pool": "chat"}])
    crowd, chaos = Crowd(w, 12 if EVERY < 1 else 40), Chaos(w)
    open_at, took, at = 0, [], time.monotonic()
    for _ in range(RESTARTS):
        at += EVERY
        eventually(lambda: time.monotonic() >= at and counting.open > 5, EVERY + 10)
        open_at += counting.open
        took.append(float(re.search(r"after (\d+) ms", w.upgrade()).group(1)))
    chaos.end()
    statuses = crowd.end()
    cut = sum(not a.body.endswith(CHAT.end) for a in crowd.answers)
    print(f"{RESTARTS} restarts ({max(took):.0f} ms at most), {open_at} streams open at them, streams ended "
          f"{statuses}, cut {cut}, left by their clients {chaos.left}, short requests {chaos.asked}, "
          f"reloads {chaos.reloads}, errors {len(chaos.errors)}")
    assert set(statuses) == {200} and cut == 0, statuses
