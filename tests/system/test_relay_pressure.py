# SPDX-License-Identifier: Apache-2.0
"""Back-pressure: nothing is stored beyond its share, whoever is slow; what becomes of them."""

import hashlib
import threading

import pytest

from harness.ask import noise, open_stream
from harness.body import Body
from harness.dialects import CHAT
from harness.http1 import chunk, request

MIB = 1 << 20
BIG = 96 * MIB
# What kernels keep on the way: send and receive buffers of two connections, grown as they like.
KERNELS = 64 * MIB
PIECE = noise(1, 256 * 1024)


def _answer_head(length):
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()


def test_a_client_that_does_not_read_stops_the_upstream(rig):
    b = rig.backend(sndbuf=64 * 1024)
    w = rig.weir(b)
    c = w.client(rcvbuf=16 * 1024)
    c.remember = False
    c.send(request())
    peer, _ = b.request()
    before = w.resident_kib()
    peer.send(_answer_head(BIG))
    sent = peer.send_until_stuck(PIECE, BIG)
    assert sent < KERNELS, "the whole body was taken though nobody reads"
    w.assert_grew_less(before, 1024)


def test_slow_clients_cost_a_buffer_each_and_no_more(rig):
    b = rig.backend(sndbuf=64 * 1024)
    w = rig.weir(b)
    held = []
    for _ in range(30):
        c = w.client(rcvbuf=8 * 1024)
        c.remember = False
        c.send(request())
        peer, _ = b.request()
        held.append((c, peer))
    before = w.resident_kib()
    for c, peer in held:
        peer.send(_answer_head(BIG))
        peer.send_until_stuck(PIECE, 4 * MIB, 0.02)
    w.assert_grew_less(before, 30 * 2 * 32 + 1024)


def test_a_slow_client_gets_everything_in_the_end(rig):
    size = 24 * MIB
    b = rig.backend()
    w = rig.weir(b)
    c = w.client(rcvbuf=32 * 1024)
    c.remember = False
    c.send(request())
    peer, _ = b.request()
    body = PIECE * (size // len(PIECE))
    sender = threading.Thread(target=lambda: peer.send(_answer_head(size) + body, within=30),
                              daemon=True)
    sender.start()
    _, reader = c.begin()
    digest, n = hashlib.sha256(), 0
    while n < size:
        data = reader.pull(20)
        digest.update(data)
        n += len(data)
    assert digest.digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("spool, share", [("0B", 0), ("16MiB", 4096)])
def test_an_upstream_that_does_not_read_stops_the_client(rig, spool, share):
    """One body has a quarter of the spool (share, KiB); the rest flows through."""
    b = rig.backend(rcvbuf=16 * 1024)
    w = rig.weir(b, limits={"body": "1GiB", "spool": spool}, client_timeouts={"body_idle": "1m"})
    c = w.client()
    c.sock.setsockopt(1, 7, 64 * 1024)  # SO_SNDBUF
    c.send(request("POST", "/", [("Content-Length", BIG)]))
    before = w.resident_kib()
    sent = c.send_until_stuck(PIECE, BIG)
    peer = b.accept()
    peer.remember = False
    head = peer.head()
    assert sent < KERNELS, "the whole body was taken though nobody reads"
    w.assert_grew_less(before, share + 1024)

    def send_rest():
        rest = BIG - sent
        at = sent % len(PIECE)
        c.send(PIECE[at:at + min(rest, len(PIECE) - at)], within=30)
        rest -= min(rest, len(PIECE) - at)
        while rest > 0:
            c.send(PIECE[:rest], within=30)
            rest -= len(PIECE)

    sender = threading.Thread(target=send_rest, daemon=True)
    sender.start()
    digest, n, reader = hashlib.sha256(), 0, Body(peer, *head.framing())
    while n < BIG:
        data = reader.pull(20)
        digest.update(data)
        n += len(data)
    want = hashlib.sha256()
    for _ in range(BIG // len(PIECE)):
        want.update(PIECE)
    assert digest.digest() == want.digest()
    peer.answer(200, b"x")
    assert c.answer().status == 200


def test_a_client_that_never_reads_is_cut_and_its_upstream_request_cancelled(rig):
    b = rig.backend(sndbuf=64 * 1024)
    w = rig.weir(b, client_timeouts={"write": "300ms"})
    c = w.client(rcvbuf=8 * 1024)
    c.remember = False
    c.send(request(target="/never-reads"))
    peer, _ = b.request()
    peer.send(_answer_head(BIG))
    with pytest.raises((ConnectionError, AssertionError)):
        for _ in range(BIG // len(PIECE)):
            peer.send(PIECE, within=3)
        raise AssertionError("it took everything")
    assert peer.wait_end() in ("fin", "rst")
    entry = w.log.entry(path="/never-reads")
    assert entry.outcome == "neutral" and entry.why == "client_gone"


def test_a_client_that_reads_slowly_but_steadily_is_not_cut(rig):
    b = rig.backend(sndbuf=64 * 1024)
    w = rig.weir(b, client_timeouts={"write": "300ms"})
    c = w.client(rcvbuf=8 * 1024)
    c.remember = False
    c.send(request())
    peer, _ = b.request()
    size = 8 * MIB
    peer.send(_answer_head(size))
    threading.Thread(target=lambda: peer.send(b"x" * size, within=30), daemon=True).start()
    _, reader = c.begin()
    n = 0
    tick = threading.Event()
    while n < size:
        n += len(reader.exactly(min(256 * 1024, size - n), 10))
        tick.wait(0.02)
    assert n == size


def test_a_slow_reader_of_a_stream_delays_nobody_else(rig):
    b = rig.backend(sndbuf=64 * 1024)
    w = rig.weir(b, workers=1)
    slow, _, _, slow_peer = open_stream(w, b)
    slow_peer.send_until_stuck(chunk(CHAT.content("x" * 60000)), 64 * MIB, 0.1)
    c, _, body, peer = open_stream(w, b)
    for i in range(20):
        event = CHAT.content(f"quick {i}")
        peer.chunk(event)
        assert body.event(1) == event


def test_a_stream_for_a_slow_reader_arrives_whole(rig):
    b = rig.backend()
    w = rig.weir(b)
    c, _, body, peer = open_stream(w, b)
    events = [CHAT.content(f"{i} " + "x" * 20000) for i in range(300)]
    sender = threading.Thread(
        target=lambda: [peer.chunk(e) for e in [*events, CHAT.end]] and peer.last_chunk(),
        daemon=True)
    sender.start()
    assert body.rest(20) == b"".join(events) + CHAT.end
