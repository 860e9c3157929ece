# SPDX-License-Identifier: Apache-2.0
"""Everything breaks, over and over, while weir serves: backends are killed, stopped, reset and garbled,
upstreams are added and removed by reloads, logs are opened anew, clients leave.  What must hold: no wrong
answer, no clean half, no hang, no leak, and all is well again when the backends are.

WEIR_SOAK: how many seconds (./dev soak MINUTES says them); a short form by default."""

import collections
import os
import random
import signal
import threading
import time

from harness.ask import post
from harness.client import connect
from harness.deadline import eventually, secs
from harness.dialects import CHAT
from harness.http1 import LAST_CHUNK, chunk
from harness.weir import weirctl
from harness.wire import Ended

SECONDS = float(os.environ.get("WEIR_SOAK", "20"))
CLIENTS, BACKENDS = 12, 3
SEED = int(os.environ.get("WEIR_SOAK_SEED", "13"))


def stream_parts(marker):
    """The events of an answer; how many follows from the marker."""
    return [*CHAT.preamble, *[CHAT.content(marker)] * (1 + int(marker) % 7), CHAT.end]


class Wild:
    """A backend that does anything.  What it says of its own will is right, up to where it breaks."""

    def __init__(self, rig, rng):
        self.rng, self.calm = rng, False
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.backend = rig.backend()
        self.backend.serve(self._on_request)
        self.did = collections.Counter()

    def _on_request(self, peer, r):
        self.goes_on.wait(secs(3))  # a process that was stopped
        if r.target == "/health":
            peer.answer(200 if self.calm or self.rng.random() < .8 else 500)
            return
        whole = [r.get("x-case")]
        deed = self._serve if self.calm else self.rng.choices(
            [self._serve, self._plain, self._refuse, self._cut, self._reset, self._garble, self._stall],
            [60, 10, 6, 8, 8, 6, 2])[0]
        self.did[deed.__name__[1:]] += 1
        deed(peer, *whole)

    def _serve(self, peer, marker):
        peer.begin(fields=[("x-case", marker)])
        for part in stream_parts(marker):
            peer.chunk(part)
        peer.last_chunk()

    def _plain(self, peer, marker):
        peer.answer(200, marker.encode() * 2000, [("x-case", marker), ("Content-Type", "text/plain")])

    def _refuse(self, peer, marker):
        peer.answer(self.rng.choice([429, 503, 500, 529]), b"{}", [("x-case", marker), ("Retry-After", "1")])

    def _beginning(self, peer, marker):
        raw = (f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nx-case: {marker}\r\n"
               "Transfer-Encoding: chunked\r\n\r\n").encode()
        raw += b"".join(chunk(p) for p in stream_parts(marker)) + LAST_CHUNK
        return raw, self.rng.randrange(len(raw))

    def _cut(self, peer, marker):
        raw, at = self._beginning(peer, marker)
        peer.send(raw[:at])
        peer.close()

    def _reset(self, peer, marker):
        raw, at = self._beginning(peer, marker)
        peer.send(raw[:at])
        peer.reset()

    def _garble(self, peer, marker):
        """Bytes that are no HTTP, between chunks or in place of a head: never inside what is said."""
        raw, _ = self._beginning(peer, marker)
        places = [0] + [i + 2 for i in range(len(raw)) if raw[i:i + 4] == b"\n\n\r\n"]
        at = self.rng.choice(places)
        at += 2 if at else 0
        peer.send_or_break(raw[:at] + b"zz\x00garbage" + self.rng.randbytes(50))
        peer.close()

    def _stall(self, peer, marker):
        raw, at = self._beginning(peer, marker)
        peer.send(raw[:at])
        peer.wait_end(30)


class Asker(threading.Thread):
    """A client that asks until it is told to stop, and looks at every answer."""

    def __init__(self, weir, number, stop):
        super().__init__(daemon=True)
        self.weir, self.stop_event = weir, stop
        self.rng = random.Random(f"{SEED} {number}")
        self.number, self.asked = number, 0
        self.seen, self.wrong, self.longest = collections.Counter(), [], 0.0

    def run(self):
        c = None
        while not self.stop_event.is_set():
            try:
                c = c or connect(self.weir.address)
                c = self._one(c)
            except OSError:
                self.seen["connection lost"] += 1
                c = None
            except (AssertionError, ValueError) as e:
                if not isinstance(e, Ended):
                    self.wrong.append(repr(e)[:500])
                self.seen["cut before the head"] += 1
                c = None

    def _one(self, c):
        self.asked += 1
        marker = str(self.number * 1000000 + self.asked)
        began = time.monotonic()
        c.send(post(CHAT, [("x-case", marker)]))
        if self.rng.random() < .07:
            self.seen["left"] += 1
            c.reset() if self.rng.random() < .5 else c.close()
            return None
        a = c.answer("POST", within=60, cut=True)
        self.longest = max(self.longest, time.monotonic() - began)
        self._judge(marker, a)
        if a.how != "end" or "close" in a.head.tokens("connection"):
            c.close()
            return None
        return c

    def _judge(self, marker, a):
        told = b"event: error" in a.body
        kind = f"{a.status} {'own' if a.cause else a.how}{' told' if told else ''}"
        self.seen[kind] += 1
        if a.cause or a.status in (429, 500, 503, 529):
            return
        wants = b"".join(stream_parts(marker))
        if a.get("x-case") != marker:
            self.wrong.append(f"the answer to {marker} is that to {a.get('x-case')}")
        elif a.how == "end" and a.body not in (wants, marker.encode() * 2000):
            self.wrong.append(f"{marker}: a clean end after {a.body[-300:]!r}")
        elif a.how != "end" and not told and not wants.startswith(a.body) \
                and not (marker.encode() * 2000).startswith(a.body):
            self.wrong.append(f"{marker}: bytes nobody said: {a.body[-300:]!r}")


class Chaos:
    def __init__(self, weir, wilds, rng):
        self.weir, self.wilds, self.rng = weir, wilds, rng
        self.did = collections.Counter()

    def one(self):
        deed = self.rng.choice([self._kill, self._stop, self._reload, self._hangup, self._look])
        self.did[deed.__name__[1:]] += 1
        deed()

    def _kill(self):
        w = self.rng.choice(self.wilds)
        w.backend.refuse()
        for peer in list(w.backend.peers):
            if not peer.ended and self.rng.random() < .7:
                peer.reset()
        self.later(lambda: (w.backend.listen(), w.backend.serve(w._on_request)))

    def _stop(self):
        w = self.rng.choice(self.wilds)
        w.goes_on.clear()
        self.later(w.goes_on.set)

    def _reload(self):
        rows = self.weir.settings["pools"][0]["upstreams"]
        if len(rows) < len(self.wilds):
            rows[:] = self.all_rows
        else:
            self.all_rows = list(rows)
            rows.pop(self.rng.randrange(len(rows)))
        self.weir.write_file(self.weir.settings)
        code, _, err = weirctl(self.weir.socket_path, "reload")
        assert code == 0, err

    def _hangup(self):
        self.weir.signal(signal.SIGHUP)

    def _look(self):
        for command in ("status", "sessions", "metrics"):
            self.weir.admin(command)

    def later(self, fn):
        """What was broken is mended before the next thing breaks."""
        threading.Event().wait(self.rng.random() * 1.5)
        fn()


def open_descriptors(w):
    return len(os.listdir(f"/proc/{w.pid}/fd"))


def _start(rig, rng):
    wilds = [Wild(rig, random.Random(f"{SEED} backend {i}")) for i in range(BACKENDS)]
    w = rig.weir(*[x.backend for x in wilds], workers=2, enforce=True, pool={
        "retry": {"budget": 0.5}, "timeouts": {"stall": "2s", "first_token": "5s"},
        "health": {"path": "/health", "interval": "500ms"}, "breaker": {"open_min": "300ms", "open_max": "1s"}})
    return w, wilds


def test_whatever_breaks_nobody_gets_a_wrong_answer(rig, capsys):
    rng = random.Random(SEED)
    w, wilds = _start(rig, rng)
    w.log.forget()
    stop = threading.Event()
    askers = [Asker(w, i + 1, stop) for i in range(CLIENTS)]
    for a in askers:
        a.start()
    chaos, began, level = Chaos(w, wilds, rng), time.monotonic(), None
    while time.monotonic() - began < SECONDS:
        chaos.later(chaos.one)
        for x in wilds:  # memory of the harness, not of weir
            x.backend.peers[:] = [p for p in x.backend.peers if not p.ended]
            for p in x.backend.peers:
                p.remember = False
        if level is None and time.monotonic() - began > SECONDS / 4:
            level = w.resident_kib()
    stop.set()
    for x in wilds:
        x.calm = True
        x.goes_on.set()
    for a in askers:
        a.join(secs(70))
        assert not a.is_alive(), "a client waits for ever"
    _all_is_well(w, level)
    _tell(capsys, askers, chaos, wilds, time.monotonic() - began, level, w)
    wrong = [x for a in askers for x in a.wrong]
    assert not wrong, wrong[:5]


def _all_is_well(w, level):
    """Ten in a row, by the breakers' own time; and nothing is left of what was."""
    def ten():
        c = connect(w.address)
        for i in range(10):
            c.send(post(CHAT, [("x-case", str(i))]))
            a = c.answer("POST", within=20, cut=True)
            assert a.status == 200 and a.how == "end" and a.body == b"".join(stream_parts(str(i)))
        c.close()
        return True
    eventually(ten, 40, "ten requests in a row are served")
    eventually(lambda: open_descriptors(w) < 120, 10, "descriptors are given back")
    w.assert_books(within=60)
    if level:
        w.assert_grew_less(level, max(16 << 10, level // 4))


def _tell(capsys, askers, chaos, wilds, took, level, w):
    seen = sum((a.seen for a in askers), collections.Counter())
    did = sum((x.did for x in wilds), collections.Counter())
    text = (f"soak: {took:.0f} s, {sum(a.asked for a in askers)} requests, longest answer "
            f"{max(a.longest for a in askers):.1f} s; memory {level} then {w.resident_kib()} KiB, "
            f"{open_descriptors(w)} descriptors\n  clients saw {dict(seen)}\n"
            f"  backends did {dict(did)}\n  and {dict(chaos.did)}")
    with capsys.disabled():
        print("\n" + text, flush=True)
