# SPDX-License-Identifier: Apache-2.0
"""Backends that count how many requests they hold at once, and clients in numbers."""

import threading

from .ask import post
from .client import connect
from .deadline import Deadline, secs
from .dialects import CHAT
from .http1 import LAST_CHUNK, chunk


class Counting:
    """A backend that streams, and counts exactly: a request is open from its whole head until just
    before its last byte is sent, so that weir cannot know earlier that there is room."""

    def __init__(self, backend, events=3, pause=0.004, gate=None):
        self.lock = threading.Lock()
        self.open = self.most = self.served = 0
        self.events, self.pause, self.gate = events, pause, gate
        self.tick = threading.Event()
        backend.serve(self.handle)

    def handle(self, peer, _):
        with self.lock:
            self.open += 1
            self.most = max(self.most, self.open)
        try:
            peer.begin()
            peer.send(chunk(CHAT.content("first")))
            if self.gate:
                self.gate.wait(secs(20))
            for i in range(self.events):
                self.tick.wait(self.pause)
                peer.send(chunk(CHAT.content(str(i))))
        finally:
            with self.lock:
                self.open -= 1
                self.served += 1
        peer.send(chunk(CHAT.end) + LAST_CHUNK)


class Crowd:
    """Clients in threads, each asking over and over until the crowd is told to stop."""

    def __init__(self, weir, size, fields=lambda i: (), times=None, dialect=CHAT):
        self.weir, self.times, self.dialect = weir, times, dialect
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.statuses, self.answers, self.errors = {}, [], []
        self.threads = [threading.Thread(target=self._one, args=(fields(i),), daemon=True)
                        for i in range(size)]
        for t in self.threads:
            t.start()

    def _one(self, fields):
        try:
            c = connect(self.weir.address)
            n = 0
            while not self.stop.is_set() and (self.times is None or n < self.times):
                c.send(post(self.dialect, fields))
                answer = c.answer("POST", within=20)
                n += 1
                with self.lock:
                    self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
                    self.answers.append(answer)
                if "close" in answer.head.tokens("connection"):
                    c.close()
                    c = connect(self.weir.address)
            c.close()
        except Exception as e:
            self.errors.append(e)

    def join(self, within=20):
        deadline = Deadline(within)
        for t in self.threads:
            t.join(deadline.left())
            assert not t.is_alive(), "a client of the crowd is stuck"
        assert not self.errors, self.errors[0]
        return self.statuses

    def end(self, within=20):
        self.stop.set()
        return self.join(within)
