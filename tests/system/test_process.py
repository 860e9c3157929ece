# SPDX-License-Identifier: Apache-2.0
"""The process: start, reload, drain, signals, exit codes."""

import os
import signal
import socket
import stat
import subprocess
import time

import pytest

from harness import config
from harness.ask import end_stream, exchange, open_stream, post
from harness.backend import always
from harness.client import connect, dial
from harness.deadline import eventually, secs
from harness.dialects import CHAT
from harness.http1 import request
from harness.load import Counting, Crowd
from harness.weir import BINARY, HOST, Weir, free_port, sanitizer_env, weirctl


def _gone(address):
    try:
        dial(address).close()
        return False
    except OSError:
        return True


# starting

def test_weir_runs_without_a_file(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    port = free_port()
    # the search for leaks needs calls that the sandbox, which is on by default, does not allow
    env = {**sanitizer_env(), "RUNTIME_DIRECTORY": rig.folder, "ASAN_OPTIONS": "detect_leaks=0"}
    p = subprocess.Popen([BINARY, "--upstream", b.url, "--listen", f"{HOST}:{port}"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
    try:
        eventually(lambda: not _gone((HOST, port)), 10)
        c = connect((HOST, port))
        assert c.ask().body == b"x"
        c.close()
        path = os.path.join(rig.folder, "admin.sock")
        assert os.path.exists(path)
        code, out, _ = weirctl(path, "--json", "status")
        assert code == 0 and '"default"' in out
    finally:
        p.send_signal(signal.SIGTERM)
        err = p.communicate(timeout=secs(10))[1].decode()
    assert p.returncode == 0
    assert "admin.sock" in err, "the start says where the socket is"


def _has_admin(w):
    try:
        return w.admin("status")
    except OSError:  # the socket comes a moment after the ports
        return None


def test_a_signal_right_after_the_start_does_not_kill(rig):
    """From the moment on that the port is open, a reload or an end can be asked for."""
    w = rig.weir(rig.backend(), start=False)
    for number, how in ((signal.SIGHUP, None), (signal.SIGTERM, 0)):
        p = subprocess.Popen(w.args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             env=w.env)
        try:
            while _gone(w.address):
                assert p.poll() is None
            p.send_signal(number)
            if how is None:
                eventually(lambda: _has_admin(w))
                p.send_signal(signal.SIGTERM)
            assert p.wait(secs(5)) == 0
        finally:
            p.kill() if p.poll() is None else None


def test_a_port_that_is_taken_is_an_error_if_it_was_asked_for(rig):
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        file = rig.path("weir.cfg")
        with open(file, "w") as f:
            f.write(config.text({
                "listeners": [{"address": f"{HOST}:{port}"}],
                "pools": [config.pool(["http://127.0.0.1:9"])],
                "admin": {"socket": rig.path("a.sock"), "http": ""}}))
        done = subprocess.run([BINARY, "-c", file], capture_output=True, text=True,
                              env=sanitizer_env(), timeout=secs(10))
    assert done.returncode == 1 and str(port) in done.stderr


def test_two_weirs_do_not_share_a_port(rig):
    """SO_REUSEPORT is for weir's own workers; a second weir must not take half of the clients."""
    w = rig.weir(rig.backend())
    other = Weir(rig.path(""), {"pools": [config.pool(["http://127.0.0.1:9"])]})
    other.write_file({**other.settings, "listeners": w.settings["listeners"]})
    done = subprocess.run([BINARY, "-c", other.file], capture_output=True, text=True,
                          env=sanitizer_env(), timeout=secs(10))
    assert done.returncode == 1 and str(w.address[1]) in done.stderr


def test_the_admin_socket_is_for_its_owner_only(rig):
    w = rig.weir(rig.backend())
    assert stat.S_IMODE(os.stat(w.socket_path).st_mode) == 0o600


def test_a_stale_admin_socket_is_no_obstacle(rig):
    w = rig.weir(rig.backend(), start=False)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(w.socket_path)
    w.start()
    eventually(lambda: w.admin.status()["state"] == "serving")


def test_idle_weir_costs_no_time(rig):
    w = rig.weir(rig.backend())

    def used():
        with open(f"/proc/{w.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = used()
    w.client().quiet_for(1.0)
    assert used() - before < 0.15, "it spins"


# reloading

def _reload_by(w, how):
    if how == "signal":
        w.signal(signal.SIGHUP)
    else:
        w.admin("reload")


@pytest.fixture(params=["signal", "command"])
def how(request):
    return request.param


def test_a_reload_changes_the_settings(rig, how):
    a, b = rig.backend(), rig.backend()
    a.serve(always(200, b"old"))
    b.serve(always(200, b"new"))
    w = rig.weir(a)
    c = w.client()
    assert c.ask().body == b"old"
    w.write_file({**w.settings, "pools": [config.pool([b])]})
    _reload_by(w, how)
    eventually(lambda: w.client().ask().body == b"new")
    eventually(lambda: c.ask().body == b"new", what="connections that were open see it too")


def test_a_reload_cuts_nothing(rig, how):
    b = rig.backend()
    w = rig.weir(b)
    c, _, body, peer = open_stream(w, b)
    other = rig.backend()
    other.serve(always(200, b"new"))
    w.write_file({**w.settings, "pools": [config.pool([other])]})
    _reload_by(w, how)
    eventually(lambda: w.client().ask(within=0.3).body == b"new")
    for i in range(3):
        peer.chunk(CHAT.content(str(i)))
        assert body.event() == CHAT.content(str(i))
    end_stream(CHAT, body, peer)
    c.send(request())
    assert c.answer().body == b"new"


def test_a_bad_file_changes_nothing_and_is_told(rig, how):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b)
    w.write_file({**w.settings, "workrs": 3})
    if how == "command":
        with pytest.raises(AssertionError, match="error: "):
            w.admin("reload")
        code, out, err = weirctl(w.socket_path, "reload")
        assert code == 1 and "workrs" in out + err and "workers" in out + err
    else:
        w.signal(signal.SIGHUP)
    w.errors.wait(lambda lines: [s for s in lines if "workrs" in s], what="the complaint")
    assert w.client().ask().body == b"x"


def test_a_reload_keeps_what_is_known_of_an_upstream(rig, how):
    b = rig.backend()
    w = rig.weir(b, enforce=True)
    w.admin("breaker chat/a open")
    pool = {**w.settings["pools"][0], "heartbeat": "7s"}
    w.write_file({**w.settings, "pools": [pool]})
    _reload_by(w, how)
    eventually(lambda: "7s" in w.admin("config"))
    u = w.admin.upstream()
    assert u["state"] == "open" and u["override"]


def test_an_added_upstream_comes_in_by_the_ramp(rig, how):
    a, b = rig.backend(), rig.backend()
    w = rig.weir(a, enforce=True)
    w.write_file({**w.settings, "pools": [config.pool([a, b], enforce=True)]})
    _reload_by(w, how)
    eventually(lambda: w.admin.upstream("b"))
    assert w.admin.upstream("a")["state"] == "closed"
    assert w.admin.upstream("b")["state"] == "ramping"


def test_listeners_are_kept_added_and_given_up_by_address(rig, how):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b)
    kept = w.client()
    assert kept.ask().status == 200
    first = w.settings["listeners"]
    second = (HOST, free_port())
    row = {"address": f"{HOST}:{second[1]}"}
    w.write_file({**w.settings, "listeners": [*first, row]})
    _reload_by(w, how)
    eventually(lambda: not _gone(second))
    assert w.client(second).ask().status == 200
    assert w.client().ask().status == 200
    w.write_file({**w.settings, "listeners": [row]})
    _reload_by(w, how)
    eventually(lambda: _gone(w.address))
    assert w.client(second).ask().status == 200
    assert kept.ask().status == 200, "a connection outlives its listener"


def test_what_cannot_change_without_a_restart_is_told(rig):
    w = rig.weir(rig.backend(), workers=2)
    w.write_file({**w.settings, "workers": 3})
    said = w.admin("reload")
    assert "workers" in said and "restart" in said


def test_many_reloads_under_load_lose_nothing(rig):
    b = rig.backend()
    Counting(b, events=1, pause=0.001)
    w = rig.weir(b)
    crowd = Crowd(w, 6)
    for i in range(20):
        w.write_file({**w.settings, "pools": [config.pool([b], heartbeat=f"{i + 1}s")]})
        w.admin("reload")
    eventually(lambda: sum(crowd.statuses.values()) > 100, 15)
    assert crowd.end() == {200: len(crowd.answers)}


# ending

def _stop_by(w, how):
    if how == "signal":
        w.signal(signal.SIGTERM)
    else:
        w.admin("drain")


def test_an_idle_weir_ends_at_once(rig, how):
    w = rig.weir(rig.backend())
    idle = w.client()
    start = time.monotonic()
    _stop_by(w, how)
    assert w.wait_exit() == 0
    assert time.monotonic() - start < secs(2)
    assert idle.wait_end() == "fin"
    assert not os.path.exists(w.socket_path)


def test_a_drain_lets_streams_end(rig, how):
    b = rig.backend()
    w = rig.weir(b)
    c, _, body, peer = open_stream(w, b)
    _stop_by(w, how)
    eventually(lambda: _gone(w.address), what="no new connections")
    status, _, _ = w.http("/readyz")
    assert status == 503
    assert w.http("/healthz")[0] == 200
    assert w.admin.status()["state"] == "draining"
    for i in range(3):
        peer.chunk(CHAT.content(str(i)))
        assert body.event() == CHAT.content(str(i))
    end_stream(CHAT, body, peer)
    assert w.wait_exit() == 0
    assert c.wait_end() == "fin"


def test_a_drain_is_not_ready_before_it_closes(rig, how):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, drain_delay="1s")
    start = time.monotonic()
    _stop_by(w, how)
    eventually(lambda: w.http("/readyz")[0] == 503, 0.8)
    assert w.client().ask().status == 200, "a lame duck still serves"
    assert w.wait_exit() == 0
    assert time.monotonic() - start > 0.9


def test_streams_that_outlast_the_drain_get_an_honest_error(rig, how):
    b = rig.backend()
    w = rig.weir(b, drain_timeout="500ms")
    c, head, body, peer = open_stream(w, b)
    _stop_by(w, how)
    rest, end = body.rest_or_cut()
    assert b"event: error" in rest and b'"code":"draining"' in rest and end == "fin"
    assert b"[DONE]" not in rest
    assert w.wait_exit() == 0
    assert peer.wait_end() in ("fin", "rst")
    e = w.log.entry(head.get("x-request-id"))
    assert (e.outcome, e.why) == ("neutral", "draining")


@pytest.mark.parametrize("second", ["signal", "command"])
def test_a_second_term_or_a_stop_ends_it_at_once(rig, second):
    b = rig.backend()
    w = rig.weir(b)
    c, head, body, peer = open_stream(w, b)
    w.signal(signal.SIGTERM)
    eventually(lambda: _gone(w.address))
    start = time.monotonic()
    if second == "signal":
        w.signal(signal.SIGTERM)
    else:
        w.admin("stop")
    assert w.wait_exit() == 0
    assert time.monotonic() - start < secs(2)
    rest, end = body.rest_or_cut()
    assert b"[DONE]" not in rest and (b"event: error" in rest or end != "end")


def test_the_end_leaves_a_log_line_of_every_request(rig):
    """Also of those that no error could be told any more: their clients do not read."""
    b = rig.backend()
    w = rig.weir(b, workers=4)
    streams = [open_stream(w, b) for _ in range(8)]
    for _, _, _, peer in streams:
        peer.send_until_stuck(b"5\r\ndata:\r\n" * 8192, 64 << 20)
    w.signal(signal.SIGTERM)
    eventually(lambda: _gone(w.address))
    w.signal(signal.SIGTERM)
    assert w.wait_exit() == 0
    for _, head, _, _ in streams:
        w.log.entry(head.get("x-request-id"))


def test_who_left_with_a_whole_answer_has_a_log_line_at_the_end(rig):
    """The end marker has come, the end of the framing has not: the connection still waits for it."""
    b = rig.backend()
    w = rig.weir(b)
    client, _, body, peer = open_stream(w, b)
    peer.chunk(CHAT.end)
    assert body.exactly(len(CHAT.end)) == CHAT.end
    client.close()
    w.signal(signal.SIGTERM)
    w.signal(signal.SIGTERM)
    assert w.wait_exit() == 0
    assert [e.outcome for e in w.log.entries()] == ["ok"]


def test_waiting_clients_are_answered_when_weir_drains(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, each={"max_streams": 1}, pool={"queue": {"max_wait": "10s"}})
    _, _, body, peer = open_stream(w, b)
    c = w.client()
    c.send(post(CHAT))
    eventually(lambda: w.metrics().sum("weir_queue_length") == 1)
    w.signal(signal.SIGTERM)
    eventually(lambda: _gone(w.address))
    end_stream(CHAT, body, peer)
    if c.is_open() and not c.buf:
        try:
            nxt, _ = b.request(1)
            nxt.answer(200, b"x")
        except AssertionError:
            pass
    answer = c.answer("POST")
    assert answer.status == 200 or answer.code == "draining"
    assert w.wait_exit() == 0


def test_an_interrupt_from_the_keyboard_ends_it_too(rig):
    w = rig.weir(rig.backend())
    w.signal(signal.SIGINT)
    assert w.wait_exit() == 0


@pytest.mark.parametrize("number", [signal.SIGPIPE, signal.SIGUSR1])
def test_other_signals_do_not_hurt(rig, number):
    b = rig.backend()
    w = rig.weir(b)
    w.signal(number)
    exchange(w.client(), b)


def test_the_access_log_may_go_to_a_file_and_is_reopened(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    path = rig.path("access.log")
    w = rig.weir(b, log={"access": path})
    w.check_books = False
    c = w.client()
    first = c.ask().id
    eventually(lambda: first in open(path).read())
    os.rename(path, path + ".1")
    w.signal(signal.SIGUSR1)
    eventually(lambda: os.path.exists(path))
    second = c.ask().id
    eventually(lambda: second in open(path).read())
    assert second not in open(path + ".1").read()
    assert oct(os.stat(path).st_mode & 0o007) == "0o0", "nobody else reads it"


def test_weirctl_tells_by_its_exit_code_what_happened(rig):
    w = rig.weir(rig.backend())
    assert weirctl(w.socket_path, "status")[0] == 0
    code, out, err = weirctl(w.socket_path, "breaker", "chat/none", "open")
    assert code == 1 and "none" in err
    code, out, err = weirctl(w.socket_path, "--json", "breaker", "chat/none", "open")
    assert code == 1 and '"error"' in out + err and '"message"' in out + err
    assert weirctl(w.socket_path, "no-such-command")[0] in (1, 2)
    assert weirctl(w.socket_path)[0] == 2
    assert weirctl(rig.path("nothing.sock"), "status")[0] == 3
