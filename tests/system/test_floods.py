# SPDX-License-Identifier: Apache-2.0
"""Too much of everything, from those who mean it: memory stays under the line that was printed at the
start, whoever asks honestly is served meanwhile, and afterwards all is as before."""

import re
import selectors
import socket
import threading

import pytest

from harness.backend import always
from harness.client import connect
from harness.deadline import eventually, secs
from harness.http1 import request
from harness.weir import HOST, is_sanitized, weirctl


def ceiling_kib(w):
    found = eventually(lambda: re.search(r"memory at most (\d+) MiB", w.errors.text()))
    return int(found.group(1)) << 10


class Gushing:
    """A backend in one thread that answers every request with more than anybody will read."""

    HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000000\r\n\r\n"

    def __init__(self, rig):
        self.sock = socket.create_server((HOST, 0), backlog=4096)
        self.sock.setblocking(False)
        self.url = f"http://{HOST}:{self.sock.getsockname()[1]}"
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.sock, selectors.EVENT_READ)
        self.begun, self.over = 0, False
        threading.Thread(target=self._run, daemon=True).start()
        rig.keep(self)

    def _run(self):
        while not self.over:
            for key, events in self.selector.select(0.2):
                try:
                    self._step(key.fileobj, events)
                except (BlockingIOError, InterruptedError):
                    pass
                except (OSError, ValueError):
                    self._drop(key.fileobj)

    def _step(self, s, events):
        if s is self.sock:
            peer, _ = s.accept()
            peer.setblocking(False)
            self.selector.register(peer, selectors.EVENT_READ)
        elif events & selectors.EVENT_READ:
            data = s.recv(65536)
            if not data:
                self._drop(s)
            elif b"\r\n\r\n" in data:
                self.begun += 1
                s.send(self.HEAD)
                self.selector.modify(s, selectors.EVENT_WRITE)
        else:
            s.send(b"x" * 65536)

    def _drop(self, s):
        try:
            self.selector.unregister(s)
        except (KeyError, ValueError):
            pass
        s.close()

    def close(self):
        self.over = True


def _stalled(w, n, ask):
    """Connections that ask and do not read."""
    held = []
    for _ in range(n):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(secs(10))
        s.connect(w.address)
        s.sendall(ask)
        held.append(s)
    return held


@pytest.mark.skipif(is_sanitized(), reason="a sanitizer's build takes all address space there is")
def test_readers_that_stall_by_the_thousand_stay_under_the_line(rig):
    """With as much address space as the line and what every process of this kind takes."""
    b = Gushing(rig)
    w = rig.weir(b.url, start=False, limits={"connections": 4500}, pool={
        "limiter": {"mode": "observe"}, "timeouts": {"stall": "1h"}}, each=None)
    shell = "ulimit -v 1500000; exec \"$0\" \"$@\""
    w.args = ["/bin/sh", "-c", shell, *w.args]
    w.start()
    most = ceiling_kib(w)
    held = _stalled(w, 4000, request(target="/much"))
    eventually(lambda: w.metrics().sum("weir_inflight") > 1000 or b.begun > 1000, 30)
    seen = [w.resident_kib() for _ in range(50)]
    assert max(seen) < most, f"{max(seen)} KiB, and {most} were promised"
    assert weirctl(w.socket_path, "status")[0] == 0
    for s in held:
        s.close()
    eventually(lambda: w.metrics().sum("weir_inflight") == 0, 20)


@pytest.mark.parametrize("piece", [b"X-A: b\r\n", b"X-%d: b\r\n", b"X-A: " + b"y" * 4000 + b"\r\n"],
                         ids=["the_same", "others", "long"])
def test_heads_without_end_are_refused_and_cost_what_a_head_may(rig, piece):
    w = rig.weir(rig.backend().serve(always(200, b"fine")), workers=1)
    before = w.resident_kib()
    clients = [w.client() for _ in range(100)]
    for c in clients:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        c.send_or_break(b"".join(piece % i if b"%d" in piece else piece for i in range(64)))
    w.assert_grew_less(before, 100 * 96)
    for c in clients:
        c.send_or_break(b"".join(piece % i if b"%d" in piece else piece for i in range(3000)))
        assert c.answer().status == 431
        c.assert_closed()
    assert w.client().ask().status == 200


def test_as_many_users_as_anybody_likes_cost_neither_time_nor_memory(rig):
    """Names that a client makes up, to fill a table or to meet in one place of it."""
    w = rig.weir(rig.backend().serve(always(200, b"fine")), workers=1,
                 identity={"header": "x-user"})

    def ask(first):
        c = w.client()
        began = _cpu(w)
        for i in range(first, first + 1500, 50):
            c.send(b"".join(request(fields=[("x-user", f"u{n}")]) for n in range(i, i + 50)))
            for _ in range(50):
                assert c.answer().status == 200
        c.close()
        return _cpu(w) - began

    ask(0)
    early, level = ask(10000), w.resident_kib()
    for k in range(2, 6):
        ask(k * 10000)
    late = ask(90000)
    assert late < 3 * early + 20, f"{late} ticks of the processor for what took {early}"
    w.assert_grew_less(level, 4096)


def _cpu(w):
    """Ticks the process has used."""
    with open(f"/proc/{w.pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_handshakes_that_go_nowhere_keep_nobody_out(rig, authority):
    pem, key = authority.issue("one.test", "one.test", "127.0.0.1")
    w = rig.weir(rig.backend().serve(always(200, b"fine")), start=False, workers=1,
                 limits={"connections": 200}, client_timeouts={"tls": "1s"})
    w.settings["listeners"] = [{"address": f"{HOST}:{w.address[1]}",
                                "tls": {"certificate": pem, "key": key}}]
    w.write_file(w.settings)
    w.start()
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(60)
    held = [socket.create_connection(w.address) for _ in range(150)]
    for i, s in enumerate(held):
        s.sendall([b"", hello, b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"][i % 4])
    c = connect(w.address, tls=authority.client(), server_name="one.test")
    w.clients.append(c)
    assert c.ask().status == 200
    eventually(lambda: w.metrics().sum("weir_client_connections") <= 1, 10, "they end by their time")
    for s in held:
        s.close()


def test_an_admin_socket_full_of_askers_still_answers(rig):
    w = rig.weir(rig.backend().serve(always(200, b"fine")))
    held = []
    for i in range(150):
        s = socket.socket(socket.AF_UNIX)
        s.connect(w.socket_path)
        s.settimeout(secs(5))
        s.sendall([b"", b"metrics\n" * 50, b"x" * 5000, b"watch\n", b"status\n"][i % 5])
        held.append(s)
    assert weirctl(w.socket_path, "status")[0] == 0
    assert w.client().ask().status == 200
    for s in held:
        s.close()
