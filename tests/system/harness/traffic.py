# SPDX-License-Identifier: Apache-2.0
"""Requests one after the other, each of which has to succeed: what goes on beside them troubles nobody."""

import threading
import time

from .deadline import eventually, secs


class Traffic:
    """Requests one after the other through each of some weirs, until it is told to end."""

    def __init__(self, weirs):
        self.slowest, self.bad, self.done, self.ends = 0, [], 0, False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(w,), daemon=True) for w in weirs]
        for t in self.threads:
            t.start()

    def _run(self, w):
        c = w.client()
        while not self.ends:
            begun = time.monotonic()
            try:
                answer = c.ask()
            except (AssertionError, OSError) as e:
                self.bad.append(e)
                return
            took = time.monotonic() - begun
            with self.lock:
                self.done += 1
                self.slowest = max(self.slowest, took)
                if answer.head.status != 200:  # none has to wait, none is refused
                    self.bad.append(answer)

    def end(self):
        self.ends = True
        for t in self.threads:
            t.join(secs(10))
        return self

    def more(self, n=50):
        """Waits for so many more."""
        goal = self.done + n
        eventually(lambda: self.done >= goal, 20, "requests go on")


def assert_untroubled(traffic):
    traffic.end()
    assert not traffic.bad, traffic.bad[:3]
    assert traffic.slowest < secs(1), f"one took {traffic.slowest:.2f} s"
