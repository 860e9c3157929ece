# SPDX-License-Identifier: Apache-2.0
"""Under a service manager: what it hears (sd_notify)."""

import ctypes
import fcntl
import os
import re
import signal
import socket
import time

import pytest

from harness.ask import end_stream, open_stream
from harness.backend import always
from harness.deadline import eventually
from harness.dialects import CHAT
from harness.http1 import request
from harness.manager import Manager
from harness.weir import HOST, free_port, weirctl

LATE = 12  # s that something may take which is told once a second


@pytest.fixture
def manager(rig):
    return rig.keep(Manager(rig.folder))


def test_the_manager_hears_of_the_start_the_state_and_the_end(rig, manager):
    b = rig.backend()
    w = rig.weir(b, env=manager.env())
    manager.next("READY", value="1")
    manager.next("STATUS", LATE, "serving")
    w.admin("upstream chat/a drain")
    manager.next("STATUS", LATE, "down: no upstream takes requests")
    w.admin("upstream chat/a undrain")
    assert re.match("recovering: [0-9]+ %|serving", manager.next("STATUS", LATE)["STATUS"])
    client, _, body, peer = open_stream(w, b)
    w.signal(signal.SIGTERM)
    manager.next("STOPPING", value="1")
    manager.next("STATUS", LATE, "draining: 1 client connections are left")
    end_stream(CHAT, body, peer)
    assert w.wait_exit() == 0


def test_a_reload_is_told_with_its_time_and_its_end_good_or_bad(rig, manager):
    w = rig.weir(rig.backend(), env=manager.env())
    manager.next("READY")
    for text, code in ((None, 0), ("nonsense = 1;", 1)):
        if text:
            with open(w.file, "a") as f:
                f.write(text)
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        assert weirctl(w.socket_path, "reload")[0] == code
        told = manager.next("RELOADING", value="1")
        assert before <= int(told["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        manager.next("READY", value="1")


def test_without_a_watchdog_no_sign_of_life_is_sent(rig, manager):
    rig.weir(rig.backend(), env=manager.env())
    manager.next("STATUS", LATE)
    assert not any("WATCHDOG" in m for m in manager.heard)


# a worker that hangs

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17


def _ptrace(request, tid):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_ulong, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, tid, None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of {tid}")


class Frozen:
    """A thread that stands still, and the others go on."""

    def __init__(self, tid):
        self.tid = tid

    def __enter__(self):
        _ptrace(PTRACE_SEIZE, self.tid)
        _ptrace(PTRACE_INTERRUPT, self.tid)
        os.waitpid(self.tid, 0x40000000)  # __WALL

    def __exit__(self, *_):
        _ptrace(PTRACE_DETACH, self.tid)


def _workers(pid):
    """Threads that wait as the control thread does: for descriptors."""
    def waits(tid):
        with open(f"/proc/{pid}/task/{tid}/syscall") as f:
            return f.read().split()[0]

    return [int(t) for t in os.listdir(f"/proc/{pid}/task") if int(t) != pid and waits(t) == waits(pid)]


def test_the_watchdog_hears_of_life_only_while_every_worker_lives(rig, manager):
    w = rig.weir(rig.backend(), env=manager.env(WATCHDOG_USEC="4000000"))
    for _ in range(3):
        manager.next("WATCHDOG", LATE, "1")
    try:
        frozen = Frozen(eventually(lambda: _workers(w.pid))[0])
        frozen.__enter__()
    except OSError as e:
        pytest.skip(f"a thread cannot be stopped here: {e}")
    try:
        eventually(lambda: "has not gone round its loop for" in w.errors.text(), LATE)
        assert manager.silent("WATCHDOG", 2.5)
    finally:
        frozen.__exit__()
    manager.next("WATCHDOG", LATE, "1")


def test_a_watchdog_that_is_too_quick_is_told(rig, manager):
    w = rig.weir(rig.backend(), env=manager.env(WATCHDOG_USEC="1000000"))
    assert "WatchdogSec" in w.errors.text()


def test_the_next_process_of_a_hot_restart_is_named_and_gives_signs_of_life(rig, manager):
    """Its environment names the process before it, as the manager's own did."""
    w = rig.weir(rig.backend(), env=manager.env(WATCHDOG_USEC="4000000"), start=False)
    w.args = ["bash", "-c", 'export WATCHDOG_PID=$$; exec "$0" "$@"', *w.args]
    w.start()
    manager.next("WATCHDOG", LATE, "1")
    first = w.pid
    w.upgrade()
    told = manager.next("MAINPID")
    assert int(told["MAINPID"]) == w.pid != first
    manager.read_to = len(manager.read())
    for _ in range(3):
        manager.next("WATCHDOG", LATE, "1")


# sockets that the manager opened

def _listening(address):
    """As systemd makes them: blocking, no SO_REUSEPORT."""
    s = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    if not isinstance(address, str):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(address)
    s.listen()
    return s


def _activated(rig, w, **sockets):
    """w with these sockets, by their FileDescriptorName, from descriptor 3 on."""
    fds = [rig.keep(s).fileno() for s in sockets.values()]
    first = 40  # out of the way of 3, 4, 5
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, first) for fd in fds]
    moves = " ".join(f"{3 + i}<&{fd} {fd}<&-" for i, fd in enumerate(high))
    script = f'exec {moves}; export LISTEN_PID=$$; exec "$0" "$@"'
    w.args = ["bash", "-c", script, *w.args]
    w.env.update(LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=":".join(sockets))
    w.pass_fds = tuple(high)
    try:
        return w.start()
    finally:
        for fd in high:
            os.close(fd)


def _inode(s):
    return os.fstat(s.fileno()).st_ino


def _link(path):
    try:
        return os.readlink(path)
    except FileNotFoundError:  # closed meanwhile, as connections are
        return None


def _has_socket(w, s):
    folder = f"/proc/{w.pid}/fd"
    return f"socket:[{_inode(s)}]" in [_link(f"{folder}/{fd}") for fd in os.listdir(folder)]


def test_weir_serves_on_the_sockets_of_the_manager_and_leaves_the_file(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, start=False)
    given = {"web": _listening(w.address), "admin": _listening(w.socket_path),
             "admin-http": _listening(w.admin_address)}
    # a client that came before weir did is served
    early = w.client()
    early.send(request("GET", "/", []))
    _activated(rig, w, **given)
    assert early.answer("GET").body == b"x"
    for s in given.values():
        assert _has_socket(w, s)
    assert w.client().ask().body == b"x"
    assert w.http("/healthz")[0] == 200
    assert weirctl(w.socket_path, "reload")[0] == 0
    assert w.client().ask().body == b"x"
    for c in w.clients:
        c.close()
    w.signal(signal.SIGTERM)
    assert w.wait_exit() == 0
    assert os.path.exists(w.socket_path), "the file is the manager's"


def test_a_socket_of_the_manager_is_known_by_its_address_and_a_strange_one_is_told(rig):
    w = rig.weir(rig.backend(), start=False)
    strange = _listening((HOST, free_port()))
    known = _listening(w.socket_path)
    _activated(rig, w, unknown=strange, unknown2=known)
    assert _has_socket(w, known) and not _has_socket(w, strange)
    assert f"{HOST}:{strange.getsockname()[1]}" in w.errors.text()


def test_the_sockets_of_the_manager_live_through_a_hot_restart(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, start=False)
    given = {"web": _listening(w.address), "admin": _listening(w.socket_path)}
    _activated(rig, w, **given)
    w.upgrade()
    assert _has_socket(w, given["web"]) and _has_socket(w, given["admin"])
    assert w.client().ask().body == b"x"
    for c in w.clients:
        c.close()
    w.signal(signal.SIGTERM)
    assert w.wait_exit() == 0
    assert os.path.exists(w.socket_path), "the file is the manager's"
