# SPDX-License-Identifier: Apache-2.0
"""Time in tests: deadlines that stretch on slow builds, and the one place that polls.

Tests never sleep.  They wait for something to happen, with a deadline; a deadline that passes is a
failure, except in quiet-for checks, which say for how long nothing may happen.
"""

import os
import time

SLOW = float(os.environ.get("WEIR_SLOW", "1"))
USUAL = 5.0


class Late(AssertionError):
    """Something did not happen in time."""


def secs(seconds):
    """Seconds on this build: sanitizers make everything slower."""
    return seconds * SLOW


class Deadline:
    """A moment that all the waiting of one operation shares."""

    def __init__(self, within=USUAL):
        self.within = secs(within)
        self.at = time.monotonic() + self.within

    def left(self):
        return max(0.0, self.at - time.monotonic())

    def passed(self):
        return time.monotonic() >= self.at


def eventually(claim, within=USUAL, what=None):
    """Calls claim until it returns something true; AssertionErrors count as not yet."""
    deadline = Deadline(within)
    last = None
    while True:
        try:
            last = claim()
            if last:
                return last
        except AssertionError as e:
            last = e
        if deadline.passed():
            name = what or getattr(claim, "__name__", "the claim")
            raise Late(f"after {deadline.within:.1f} s still not true: {name}; last: {last!r}")
        time.sleep(0.005)  # poll-ok: the only polling line of the suite
