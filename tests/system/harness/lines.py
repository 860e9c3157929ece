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
                self.lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.closed = True
            self.news.notify_all()

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


class AccessLog(Lines):
    """The access log, which the harness lets weir write to its standard output."""

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
