# SPDX-License-Identifier: Apache-2.0
"""Watching costs the requests nothing: CPU time of weir's worker threads per request with the live
page, `weirctl top` and a scrape every second, beside without, in turns within one run.

    WEIR_WATCH_ROUNDS=10 python3 -m pytest -s tests/system/test_watching.py

prints the medians; docs/benchmarks.md has them."""

import os
import statistics
import threading

import pytest

from harness.client import dial
from harness.deadline import SLOW
from harness.simulated import Load, Simulated
from harness.terminal import Terminal
from harness.weir import WEIRCTL
from harness.wire import Wire

ROUNDS = int(os.environ.get("WEIR_WATCH_ROUNDS", "4"))
SECONDS = 3.0


class Scrapes:
    """GET /metrics every second, on a connection that stays."""

    def __init__(self, w):
        self.over = threading.Event()
        self.wire = Wire(dial(w.admin_address), "scrape")
        self.count = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.over.is_set():
            self.wire.sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while b"weir_build_info" not in self.wire.sock.recv(1 << 20):
                pass
            self.count += 1
            self.over.wait(1)

    def close(self):
        self.over.set()
        self.thread.join()
        self.wire.close()


class Page:
    """The live page, as far as weir sees it: a reader of /events."""

    def __init__(self, w):
        self.wire = Wire(dial(w.admin_address), "page")
        self.wire.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.bytes = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while data := self.wire.sock.recv(1 << 16):
            self.bytes += len(data)

    def close(self):
        self.wire.sock.shutdown(2)
        self.thread.join()
        self.wire.close()


class Top:
    def __init__(self, w):
        self.terminal = Terminal(WEIRCTL, "--socket", w.socket_path, "top")
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.bytes = 0
        self.thread.start()

    def _run(self):
        while self.terminal.process.poll() is None:
            try:
                self.bytes += len(os.read(self.terminal.master, 65536))
            except OSError:
                return

    def close(self):
        self.terminal.press("q")
        self.terminal.process.wait(10)
        self.terminal.close()
        self.thread.join()


def _cpu_us(pid, which):
    """Of the worker threads, or of the control thread, which is the process's first."""
    tids = [t for t in os.listdir(f"/proc/{pid}/task") if (t == str(pid)) == (which == "control")]
    return sum(int(open(f"/proc/{pid}/task/{t}/schedstat").read().split()[0]) for t in tids) / 1e3


def _window(w):
    """Microseconds of the workers' time a request, and of the control thread's a second."""
    def now():
        m = w.metrics()
        return (m.sum("weir_requests_total"), _cpu_us(w.pid, "workers"), _cpu_us(w.pid, "control"))

    before = now()
    threading.Event().wait(SECONDS)
    after = now()
    requests, workers, control = (a - b for a, b in zip(after, before))
    return workers / requests, control / SECONDS


def _show(title, values):
    middle = statistics.median(values)
    away = statistics.median(abs(v - middle) for v in values)
    print(f"{title:38} {middle:8.1f} ± {away:.1f}   ({min(values):.1f} to {max(values):.1f})")
    return middle, away


@pytest.mark.skipif(SLOW > 1, reason="a sanitizer's time is nobody's")
def test_watching_costs_the_requests_nothing(rig):
    w = rig.weir(rig.keep(Simulated("--engine", "fast")),
                 enforce=True, each={"max_streams": 1024}, log={"access": "off"},
                 pool={"limiter": {"mode": "observe"}})
    w.check_books = False
    load = rig.keep(Load(w, 250, 6 + 2 * ROUNDS * (SECONDS + 1), "--even", "--output", "12"))
    figures = {"without": [], "watched": []}
    _window(w)  # warm
    for i in range(ROUNDS):
        for how in ("without", "watched") if i % 2 == 0 else ("watched", "without"):
            watchers = [make(w) for make in (Page, Top, Scrapes)] if how == "watched" else []
            figures[how].append(_window(w))
            for x in watchers:
                x.close()
            if watchers:
                page, top, scrapes = watchers
                assert page.bytes > 2000 and top.bytes > 500 and scrapes.count >= 3
    load.close()
    print()
    plain, noise = _show("workers, us a request, without", [f[0] for f in figures["without"]])
    watched, more = _show("workers, us a request, watched", [f[0] for f in figures["watched"]])
    _show("control thread, us a second, without", [f[1] for f in figures["without"]])
    _show("control thread, us a second, watched", [f[1] for f in figures["watched"]])
    print(f"watched / without: {watched / plain:.3f}")
    assert watched - plain < max(3 * (noise + more), 0.05 * plain)
