# SPDX-License-Identifier: Apache-2.0
"""What runs out in weir is no evidence about a backend, and does not lock the operator out."""

import os
import re
import socket
import subprocess

import pytest

from harness.backend import always
from harness.deadline import eventually
from harness.weir import run, weirctl


def few_descriptors(w, n):
    """weir with so many descriptors at most."""
    shell = f"ulimit -n {n}; exec \"$0\" \"$@\""
    w.args = ["/bin/sh", "-c", shell, *w.args]
    return w.start()


def test_too_few_descriptors_are_told_at_the_start(rig):
    w = rig.weir(rig.backend(), start=False)
    done = subprocess.run(["/bin/sh", "-c", "ulimit -n 30; exec \"$0\" \"$@\"", *w.args],
                          capture_output=True, text=True, timeout=20, env=w.env)
    assert done.returncode == 1 and "LimitNOFILE" in done.stderr


@pytest.mark.parametrize("descriptors", [64, 256])
def test_clients_that_take_all_descriptors_leave_backend_and_operator_alone(rig, descriptors):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = few_descriptors(rig.weir(b, start=False), descriptors)
    held = [socket.create_connection(w.address) for _ in range(descriptors + 16)]
    for _ in range(5):
        assert weirctl(w.socket_path, "status")[0] == 0
    for s in held:
        s.close()
    eventually(lambda: w.client().ask().status == 200, 5)
    u = w.admin.status()["pools"][0]["upstreams"][0]
    assert u["state"] == "closed" and u["window"]["connect_failed"] == u["window"]["failed"] == 0


def test_the_connection_that_was_idle_longest_makes_room(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, workers=1, limits={"connections": 4})
    first = w.client()
    assert first.ask().status == 200
    others = [w.client() for _ in range(3)]
    for c in others:
        assert c.ask().status == 200
    assert w.client().ask().status == 200
    assert first.wait_end() == "fin"
    assert others[0].ask().status == 200


def test_answers_that_nobody_reads_are_not_made(rig):
    w = rig.weir(rig.backend(), workers=1, pages={"status_path": "/s"},
                 routes=[{"path": "/v1/", "pool": "chat"}])
    before = w.resident_kib()
    ask = b"GET /s HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\n\r\n"
    clients = []
    for _ in range(60):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.connect(w.address)
        s.settimeout(0.2)
        try:
            for _ in range(300):
                s.sendall(ask * 20)
        except OSError:
            pass
        clients.append(s)
    # What was read at once and what was made of it, both at most twice 64 KiB, and what realloc()
    # leaves between them: as much for ten times the requests.  All answers would be 2 GiB.
    w.assert_grew_less(before, 60 * 640)
    for s in clients:
        s.close()
    w.check_books = False


def test_the_memory_that_was_set_is_printed_and_kept(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, limits={"memory": "12MiB"})
    eventually(lambda: re.search(r"memory at most 12 MiB", w.errors.text()))
    eventually(lambda: "nothing new is taken" in w.errors.text().split("memory at most 12 MiB")[1], 5)
    w.check_books = False


@pytest.mark.skipif(os.getuid() != 0, reason="gives up being root")
def test_a_start_as_root_without_a_user_is_warned_of(rig):
    w = rig.weir(rig.backend())
    eventually(lambda: "runs as root" in w.errors.text())
    assert "runs as root" in run("--check", "-c", w.file)[1]
