# SPDX-License-Identifier: Apache-2.0
"""Lines that a process writes, read by a thread as they come, waited for without polling."""

import json
import threading

from .deadline import Deadline, Late, USUAL


class Lines:
    def __init__(self, stream):
        self.lines = []
        self.closed = False
        self.news = threading.Condition()
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream):
        for raw in stream:
            with self.news:
                self.take(raw.decode("utf-8", "replace").rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.closed = True
            self.news.notify_all()

    def take(self, line):
        self.lines.append(line)

    def wait(self, find, within=USUAL, what="a line"):
        """find(list of lines) until it gives something true."""
        deadline = Deadline(within)
        with self.news:
            while True:
                found = find(self.lines)
                if found:
                    return found
                if self.closed or deadline.passed():
                    tail = "\n".join(self.lines[-15:])
                    raise Late(f"{what} did not come; the last lines:\n{tail}")
                self.news.wait(deadline.left())

    def text(self):
        with self.news:
            return "\n".join(self.lines)


KEYS = ("time request_id upstream_request_id client user method path route pool upstream class "
        "decision cause status outcome client_retry retries queue_ms connect_ms ttft_ms "
        "duration_ms events bytes_in bytes_out pace_ms").split()  # always; "would" only sometimes


class Entry(dict):
    """One line of the access log; keys as attributes."""

    def __getattr__(self, key):
        return self[key] if key != "class_" else self["class"]

    @property
    def why(self):
        """The cause, "" where nothing went wrong."""
        return self["cause"] or ""


def faults_of(e):
    missing = [k for k in KEYS if k not in e]
    return [f"access log line without {missing}: {e}"] if missing or not e.request_id else []


class AccessLog(Lines):
    """The access log, which the harness lets weir write to its standard output."""

    forgets = False

    def forget(self):
        """From now on lines are judged and counted as they come, and not kept: for a million of them."""
        with self.news:
            lines, self.lines = self.lines, []
            self.counted, self.by, self.faults = 0, {}, []
            self.forgets = True
            for line in lines:
                self.take(line)

    def take(self, line):
        if not self.forgets:
            super().take(line)
        elif line.startswith("{"):
            self._count(Entry(json.loads(line)))

    def _count(self, e):
        self.counted += 1
        self.by[e.decision] = self.by.get(e.decision, 0) + 1
        if len(self.faults) < 5:
            self.faults += faults_of(e)

    def books(self):
        """How many lines, how many of each decision, and what is wrong with any of them."""
        if not self.forgets:
            entries = self.entries()
            by = {d: sum(e.decision == d for e in entries) for d in {e.decision for e in entries}}
            return len(entries), by, [f for e in entries for f in faults_of(e)]
        with self.news:
            return self.counted, dict(self.by), list(self.faults)

    def entries(self):
        with self.news:
            return [Entry(json.loads(line)) for line in self.lines if line.startswith("{")]

    def entry(self, request_id=None, path=None, within=USUAL):
        """The line of one request, by its id or its path."""
        def find(lines):
            for line in lines:
                e = Entry(json.loads(line)) if line.startswith("{") else {}
                if request_id and e.get("request_id") == request_id:
                    return e
                if path and (e.get("path") or "").split("?")[0] == path:
                    return e
            return None

        return self.wait(find, within, f"the access log line of {request_id or path}")

    def wait_count(self, n, within=USUAL):
        self.wait(lambda lines: len(lines) >= n, within, f"access log line number {n}")
        return self.entries()
