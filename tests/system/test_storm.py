# SPDX-License-Identifier: Apache-2.0
"""Everything at once, at random but with a seed: clients that stay, leave, split and pipeline,
before backends that answer, break and lie.  Each client knows what its request must come to, and
the books must agree with all of them."""

import random
import threading

import pytest

from harness.client import connect
from harness.deadline import Deadline
from harness.dialects import ALL, OLLAMA, UNKNOWN
from harness.http1 import LAST_CHUNK, chunk, request
from harness.judge import in_band

CLIENTS, TURNS = 16, 14


class Course:
    """What one request's backend does, drawn from its number; both sides know it."""

    def __init__(self, seed, number):
        rng = self.rng = random.Random(f"{seed} {number}")
        self.number = number
        self.dialect = rng.choice(ALL)
        self.kind = rng.choice(["plain", "plain", "chunked", "close", "stream", "stream", "stream",
                                "stream", "cut", "reset", "status", "in_band", "in_band_later",
                                "empty", "bad_head", "204", "early_end"])
        words = [f"{number}-{i} " + "x" * rng.randrange(0, rng.choice([5, 500, 20000]))
                 for i in range(rng.randrange(1, 8))]
        d = self.dialect
        self.events = [*d.preamble, *map(d.content, words)]
        self.whole = b"".join(self.events) + d.end
        self.plain = rng.randbytes(rng.choice([0, 1, 100, 5000, 70000]))
        self.status = rng.choice([400, 404, 429, 500, 503, 529])
        self.error = "broken" if d is OLLAMA else {"message": "m", "code": 500}

    def answer(self, peer, head):
        d, rng = self.dialect, random.Random(self.number)
        getattr(self, "_" + self.kind.replace("204", "no_body"))(peer, d, rng, head)

    def _plain(self, peer, d, rng, head):
        peer.answer(200, self.plain)

    def _status(self, peer, d, rng, head):
        peer.answer(self.status, b"own words %d" % self.number)

    def _no_body(self, peer, d, rng, head):
        peer.answer(204, length=False)

    def _chunked(self, peer, d, rng, head):
        peer.begin(kind="text/plain")
        for at in range(0, len(self.plain), 3000):
            peer.chunk(self.plain[at:at + 3000])
        peer.last_chunk()

    def _close(self, peer, d, rng, head):
        peer.begin(kind="text/plain", chunked=False)
        peer.send(self.plain)
        peer.close()

    def _stream(self, peer, d, rng, head):
        peer.begin(kind=d.kind)
        raw = b"".join(chunk(e) for e in [*self.events, d.end] if e) + LAST_CHUNK
        step = rng.choice([7, 100, 5000, len(raw)])
        for at in range(0, min(len(raw), step * 40), step):
            peer.send(raw[at:at + step])
        peer.send(raw[step * 40:])

    def _cut(self, peer, d, rng, head):
        peer.begin(kind=d.kind)
        raw = b"".join(map(chunk, self.events))
        peer.send(raw[:rng.randrange(len(raw))])
        peer.close()

    def _early_end(self, peer, d, rng, head):
        peer.begin(kind=d.kind)
        peer.send(b"".join(map(chunk, self.events)) + LAST_CHUNK)

    def _reset(self, peer, d, rng, head):
        peer.reset()

    def _in_band(self, peer, d, rng, head):
        peer.begin(kind=d.kind)
        peer.chunk(in_band(d, self.error))
        peer.last_chunk()

    def _in_band_later(self, peer, d, rng, head):
        peer.begin(kind=d.kind)
        for e in self.events:
            peer.chunk(e)
        peer.chunk(in_band(d, self.error))
        peer.last_chunk()

    def _empty(self, peer, d, rng, head):
        peer.begin(kind=d.kind)
        peer.last_chunk()

    def _bad_head(self, peer, d, rng, head):
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")

    # what the client must see

    def judge(self, answer):
        getattr(self, "_saw_" + self.kind.replace("204", "no_body"))(answer, answer.body)

    def _saw_plain(self, a, body):
        assert (a.status, body, a.how) == (200, self.plain, "end")

    _saw_chunked = _saw_close = _saw_plain

    def _saw_status(self, a, body):
        assert (a.status, body) == (self.status, b"own words %d" % self.number)

    def _saw_no_body(self, a, body):
        assert (a.status, body) == (204, b"")

    def _saw_stream(self, a, body):
        assert (a.status, body, a.how) == (200, self.whole, "end")

    def _saw_cut(self, a, body):
        if a.status == 502:
            assert self.dialect is not UNKNOWN
            return
        assert a.status == 200 and a.how != "end"
        all_of_it = b"".join(self.events)
        if not all_of_it.startswith(body):
            assert self.dialect is not UNKNOWN
            at = body.rindex(b'{"error"' if self.dialect is OLLAMA else b"event: error\n")
            assert all_of_it.startswith(body[:at])

    def _saw_early_end(self, a, body):
        if self.dialect is UNKNOWN:
            assert (body, a.how) == (self.whole, "end")
        else:
            self._saw_cut(a, body)

    def _saw_reset(self, a, body):
        assert (a.status, a.code) == (502, "upstream_reset")

    def _saw_in_band(self, a, body):
        if self.dialect is UNKNOWN:
            assert (a.status, body, a.how) == (200, in_band(UNKNOWN, self.error), "end")
            return
        assert a.status in (500, 502) and b"error" in body

    def _saw_in_band_later(self, a, body):
        assert a.status == 200 and body.startswith(b"".join(self.events))

    def _saw_empty(self, a, body):
        if self.dialect is UNKNOWN:
            assert (a.status, body, a.how) == (200, b"", "end")
            return
        assert (a.status, a.code) == (502, "empty_stream")

    def _saw_bad_head(self, a, body):
        assert (a.status, a.code) == (502, "bad_gateway")


class Storm:
    def __init__(self, weir, seed):
        self.weir, self.seed = weir, seed
        self.lock = threading.Lock()
        self.asked, self.left, self.errors = 0, 0, []

    def number(self):
        with self.lock:
            self.asked += 1
            return self.asked

    def raw(self, course, rng):
        d = course.dialect
        target = f"{d.path}?n={course.number}"
        fields = [*d.fields, ("X-Number", course.number)]
        if rng.random() < 0.3:
            body = d.body + b" " * rng.choice([0, 1, 40000])
            return request("POST", target, fields, chunks=[body[:10], body[10:]])
        return request("POST", target, fields, d.body)

    def client(self, i):
        rng = random.Random(f"{self.seed} client {i}")
        try:
            c = connect(self.weir.address)
            for _ in range(TURNS):
                c = self.turn(c, rng)
            c.close()
        except Exception as e:
            self.errors.append(e)

    def turn(self, c, rng):
        courses = [Course(self.seed, self.number()) for _ in range(rng.choice([1, 1, 1, 3]))]
        raw = b"".join(self.raw(x, rng) for x in courses)
        points = sorted(rng.sample(range(1, len(raw)), rng.choice([0, 0, 3])))
        leaves = rng.random() < 0.15
        if not c.send_or_break(raw[:points[0]] if points else raw):
            raise AssertionError("the connection was closed before the request")
        for a, b in zip(points, [*points[1:], len(raw)]):
            c.send(raw[a:b])
        for n, course in enumerate(courses):
            if leaves:
                return self.leave(c, rng, len(courses) - n)
            answer = c.answer("POST", within=20, cut=True)
            try:
                course.judge(answer)
            except AssertionError as e:
                raise AssertionError(
                    f"{course.kind} {course.dialect} {course.number}: {e}\n{answer}") from e
            if answer.how != "end" or "close" in answer.head.tokens("connection"):
                with self.lock:
                    self.left += len(courses) - n - 1
                c.close()
                return connect(self.weir.address)
        return c

    def leave(self, c, rng, n):
        with self.lock:
            self.left += n
        if rng.random() < 0.7:
            c.read_some(within=20)
        c.reset() if rng.random() < 0.5 else c.close()
        return connect(self.weir.address)


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_mixes_nothing_loses_nothing_and_leaves_nothing_behind(rig, seed):
    def handler(peer, head):
        Course(seed, int(head.get("x-number"))).answer(peer, head)

    b = rig.backend()
    b.serve(handler)
    w = rig.weir(b, workers=3, pool={"retry": {"budget": 0}, "timeouts": {"stall": "20s"}})
    storm = Storm(w, seed)
    threads = [threading.Thread(target=storm.client, args=(i,), daemon=True)
               for i in range(CLIENTS)]
    for t in threads:
        t.start()
    deadline = Deadline(60)
    for t in threads:
        t.join(deadline.left())
        assert not t.is_alive(), "a client is stuck"
    assert not storm.errors, "\n".join(str(e)[:900] for e in storm.errors)
    counted = w.metrics().sum("weir_requests_total")
    assert storm.asked - storm.left <= counted <= storm.asked
