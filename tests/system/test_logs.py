# SPDX-License-Identifier: Apache-2.0
"""Logs hold nobody up, do not lie about what they lost, and carry neither secrets nor controls."""

import os
import re
import socket
import struct
import subprocess
import time

import pytest

from harness.backend import always
from harness.deadline import eventually, secs
from harness.weir import weirctl


def start_with(w, **streams):
    """weir with streams of the test's own, which the harness does not read."""
    w.process = None
    p = subprocess.Popen(w.args, stdin=subprocess.DEVNULL, env=w.env, cwd=w.folder,
                         **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **streams})

    def up():
        try:
            return w.admin("status")
        except (OSError, AssertionError):
            assert p.poll() is None, "weir ended"
            return False

    eventually(up, 10)
    return p


@pytest.mark.parametrize("log", [{"access": "stderr"}, {"access": "stdout", "level": "debug"}],
                         ids=["access log", "event log"])
def test_a_pipe_that_nobody_reads_stops_nothing(rig, log):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, start=False, log=log, workers=1)
    unread, end = os.pipe()
    p = start_with(w, stderr=end, stdout=end)
    os.close(end)
    try:
        c = w.client()
        for i in range(3000):
            assert c.ask(target=f"/{i}/{'p' * 200}").status == 200
        assert weirctl(w.socket_path, "status")[0] == 0
        assert "lines dropped" in weirctl(w.socket_path, "status")[1] or log.get("level") == "debug"
        c.close()
        p.terminate()
        assert p.wait(secs(5)) == 0
    finally:
        p.kill()
        p.wait()
        os.close(unread)


def test_a_full_disk_is_told_and_requests_go_on(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, log={"access": "/dev/full"})
    w.check_books = False
    c = w.client()
    for _ in range(20):
        assert c.ask().status == 200
    eventually(lambda: re.search(r"the access log cannot be written .No space", w.errors.text()), 5)
    assert "cannot be written" in weirctl(w.socket_path, "status")[1]
    assert w.admin.status()["logs"]["access_error"]


def test_secrets_in_a_query_are_in_no_log(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, log={"level": "debug", "access": "stdout"})
    c = w.client()
    id = c.ask(target="/v1beta/models?alt=sse&%4Bey=AIzaSECRET&x-goog-api-key=SECRET2").id
    assert w.log.entry(id).path == "/v1beta/models?alt=sse&%4Bey=***&x-goog-api-key=***"
    assert "SECRET" not in w.errors.text() + weirctl(w.socket_path, "why", id)[1]


def test_controls_and_directions_are_escaped(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    path = rig.path("access.log")
    w = rig.weir(b, log={"access": path})
    w.check_books = False
    c = w.client()
    c.send("GET /\u0085a\u202eb\u2066 HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    c.answer("GET")
    eventually(lambda: os.path.getsize(path))
    raw = open(path, "rb").read()
    assert not any(x.encode() in raw for x in "\u0085\u202e\u2066")


def test_ids_cannot_be_told_in_advance(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, workers=1)
    c = w.client()
    ids = [c.ask().id for _ in range(100)]
    assert len(set(ids)) == 100 and all(re.fullmatch("[0-9a-f]{32}", i) for i in ids)


def test_connections_that_are_reset_at_once_are_counted_off_again(rig):
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, start=False)
    w.settings["listeners"][0]["per_address"] = 5
    w.write_file(w.settings)
    w.start()
    for _ in range(60):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.setblocking(False)
        try:
            s.connect(w.address)
        except BlockingIOError:
            pass
        s.close()
    eventually(lambda: w.metrics().sum("weir_connections") <= 2, 5)

    def served():
        try:
            return w.client().ask().status == 200
        except (OSError, AssertionError):
            return False

    eventually(served, 5)


def test_idle_connections_do_not_keep_health_checks_out(rig):
    w = rig.weir(rig.backend())
    idle = [socket.create_connection(w.admin_address) for _ in range(64)]
    for path in ("/readyz", "/healthz", "/metrics"):
        assert w.http(path)[0] == 200
    for s in idle:
        s.close()
    idle = [socket.socket(socket.AF_UNIX) for _ in range(64)]
    for s in idle:
        s.connect(w.socket_path)
    assert weirctl(w.socket_path, "status")[0] == 0
    for s in idle:
        s.close()


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user to be")
def test_a_stranger_at_the_admin_socket_fills_no_log(rig):
    w = rig.weir(rig.backend(), admin={"uids": ["4242"]})
    code = ("import os,socket,sys\nos.setuid(65534)\nfor _ in range(300):\n"
            " s=socket.socket(socket.AF_UNIX)\n s.connect(sys.argv[1])\n s.recv(100)\n s.close()\n")
    for f in (rig.folder, w.folder):
        os.chmod(f, 0o755)
    begun = time.monotonic()
    subprocess.run(["/usr/bin/python3", "-c", code, w.socket_path], check=True, timeout=secs(20))
    lines = eventually(lambda: w.errors.text().count("uid 65534"))
    assert 1 <= lines <= 4 * (1 + (time.monotonic() - begun) // 10), "four in ten seconds"
