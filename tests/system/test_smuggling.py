# SPDX-License-Identifier: Apache-2.0
"""One reading: what weir sends on is what a strict reader finds in what weir got, or a beginning of it.

Each payload of harness/payloads.py is sent, with a request behind it that must not change its meaning.
Then the bytes that the other side saw are read by harness/reference.py and by h11.
"""

import random
import threading

import h11
import pytest

from harness import payloads, reference
from harness.deadline import eventually
from harness.http1 import Malformed, request

LAST = request(target="/last", fields=[("Connection", "close")])


class Reader:
    """A backend that answers what it is asked, and keeps what it saw on each connection."""

    def __init__(self, rig):
        self.lock = threading.Lock()
        self.backend = rig.backend()
        self.served = []
        self.backend.serve(self._on_request)
        self.weir = rig.weir(self.backend, workers=1, client_fin="keep")

    def _on_request(self, peer, r):
        with self.lock:
            self.served.append((peer, r))
        peer.answer(200, b"" if r.method == "HEAD" else b"seen")

    def begin(self):
        self.before = {id(p): len(p.seen) for p in self.backend.peers}
        self.from_served = len(self.served)

    def wholes(self):
        """What became whole at the backend since begin, read from the bytes; by both readers the same."""
        found = []
        for peer in self.backend.peers:
            raw = bytes(peer.seen[self.before.get(id(peer), 0):])
            if not raw:
                continue
            own, how = reference.requests(raw)
            assert how != "malformed", raw
            assert how == "end" or peer.ended, raw
            second = reference.second_requests(raw)
            assert second[:len(own)] == [(m.head.method, m.head.target.encode('latin-1').translate(reference.HIGH).decode(), m.body)
                                         for m in own], raw
            found += own
        return found


@pytest.fixture
def reader(standing):
    s = standing(lambda rig: _reader_of(rig))
    yield s.get().reader
    s.look()


def _reader_of(rig):
    r = Reader(rig)
    r.weir.reader = r
    return r.weir


def _say(weir, raw, sizes):
    """Sends it, ends the sending side, and reads what comes: statuses of the whole answers."""
    c = weir.client()
    try:
        c.send(raw, sizes)
        c.finish()
    except OSError:
        pass
    got = c.read_to_end()
    weir.clients.remove(c)
    c.close()
    return got


def _answers(got, sent):
    """All answers in got; the methods follow from the whole requests that a strict reader finds."""
    methods = [m.head.method for m in reference.requests(sent, mended=True)[0]]
    statuses = []
    while got:
        method = methods[len(statuses)] if len(statuses) < len(methods) else "GET"
        message, got = reference.answer(got, method)
        statuses.append(message.head.status)
    return statuses


def _is_what_was_sent(seen, m):
    """HTTP/1.0 needs no Host; then weir gives one of its own."""
    return ((seen.head.method, seen.head.path, seen.body) == (m.head.method, m.head.path, m.body)
            and (seen.head.authority == m.head.authority or not m.head.has("host")))


def _look(reader, sent, got):
    expected, how = reference.requests(sent, mended=True)
    statuses = _answers(got, sent)
    seen = reader.wholes()
    assert len(seen) <= len(expected), (sent, [m.head for m in seen])
    refused = [s for s in statuses if s != 200]
    # a request that weir answers itself (TRACE, CONNECT, a path without route) is not seen there
    left = iter(expected)
    for s in seen:
        assert any(_is_what_was_sent(s, m) for m in left), (sent, s.head)
    assert len(seen) == statuses.count(200), (sent, statuses)
    if how == "malformed" and statuses:
        assert refused, (sent, statuses)
    return len(seen)


@pytest.mark.parametrize("family", payloads.REQUESTS)
def test_the_backend_sees_what_a_strict_reader_finds(reader, family):
    rng = random.Random(family)
    served, wrong = 0, []
    for head, body in payloads.REQUESTS[family]():
        raw = head + body + LAST
        for sizes in ([], [rng.randrange(1, len(raw))], [len(head)]):
            reader.begin()
            got = _say(reader.weir, raw, sizes)
            try:
                served += _look(reader, raw, got)
            except (AssertionError, reference.Short, h11.RemoteProtocolError) as e:
                wrong.append((raw, repr(e)[:300]))
    assert not wrong
    # a family of which nothing were served would prove nothing, but for those that say it twice
    assert (served > 0) == (family not in payloads.NEVER_SERVED)


# --- answers

class Teller:
    """A backend that answers /bad with the bytes it is told, and everything else with "good"."""

    def __init__(self, rig):
        self.raw, self.closes = b"", True
        self.backend = rig.backend()
        self.backend.serve(self._on_request)
        self.weir = rig.weir(self.backend, workers=1, pool={"breaker": {"min_requests": 1000000}})

    def _on_request(self, peer, r):
        if r.target != "/bad":
            peer.answer(200, b"good")
            return
        peer.send_or_break(self.raw)
        if self.closes:
            peer.close()


def _teller_of(rig):
    t = Teller(rig)
    t.weir.teller = t
    return t.weir


@pytest.fixture
def teller(standing):
    s = standing(_teller_of)
    yield s.get().teller
    s.look()


def _expected(raw, closes):
    """(status, body, what follows) as a strict reader finds it; None if it is short or malformed."""
    try:
        m, rest = reference.answer(raw, ended=closes, mended=True)
    except (Malformed, reference.Short):
        return None
    return m.head.status, m.body, rest


def _tell(teller, raw, closes, want):
    """One answer and the next request; 1 if the answer was passed on as whole."""
    teller.raw, teller.closes = raw, closes
    c = teller.weir.client()
    c.send(request(target="/bad"))
    a = c.answer(cut=True)
    second = reference.second_answer(bytes(c.seen))
    assert not c.buf, bytes(c.buf)
    whole = a.how == "end" and a.cause is None
    if a.cause is not None:
        assert a.status == 502, a
    elif whole:
        assert want and (a.status, a.body) == want[:2], a
        assert second == (a.status, a.body, True)
    again = c if a.how == "end" and "close" not in a.head.tokens("connection") else teller.weir.client()
    good = again.ask(target="/good")
    assert (good.status, good.body) == (200, b"good"), good
    for done in {c, again}:
        teller.weir.clients.remove(done)
        done.close()
    return whole


@pytest.mark.parametrize("family", payloads.ANSWERS)
def test_the_client_sees_what_a_strict_reader_finds(teller, family):
    passed, wrong = 0, []
    for raw in payloads.ANSWERS[family]():
        want = _expected(raw, True)
        modes = [True] if want is None or _expected(raw, False) is None else [True, False]
        for closes in modes:
            try:
                passed += _tell(teller, raw, closes, want)
            except (AssertionError, h11.RemoteProtocolError) as e:
                wrong.append((raw, closes, repr(e)[:300]))
    assert not wrong
    assert passed > 0, "nothing of the family was passed on: the test proves nothing"
