# SPDX-License-Identifier: Apache-2.0
"""Small conversations that many tests begin with."""

import random

from .deadline import eventually
from .dialects import CHAT
from .http1 import request


def post(dialect, fields=(), **more):
    """A streaming request in a dialect."""
    return request("POST", more.pop("target", dialect.path), [*dialect.fields, *fields],
                   more.pop("body", dialect.body), **more)


def open_stream(weir, backend, dialect=CHAT, fields=(), peer=None, **more):
    """A stream whose first content event has reached the client: client, head, body, peer."""
    client = weir.client()
    client.send(post(dialect, fields, **more))
    peer = peer or backend.accept()
    peer.request()
    peer.begin(kind=dialect.kind)
    first = b"".join(dialect.preamble) + dialect.content("first")
    peer.chunk(first)
    head, body = client.begin()
    assert body.exactly(len(first)) == first
    return client, head, body, peer


def end_stream(dialect, body, peer):
    """The proper end of such a stream."""
    if dialect.end:
        peer.chunk(dialect.end)
    peer.last_chunk()
    rest = body.rest()
    assert rest.endswith(dialect.end)
    beats = rest[:len(rest) - len(dialect.end)]
    assert all(b.startswith(b":") for b in beats.split(b"\n\n")[:-1]), beats


def exchange(client, backend, target="/", peer=None, body=b"fine", **more):
    """A request through weir; over peer if given, else over a new connection: answer, peer."""
    client.send(request(target=target, **more))
    peer = peer or backend.accept()
    head = peer.request()
    assert head.target == target, f"{head.target} instead of {target}"
    peer.answer(200, body)
    answer = client.answer()
    assert (answer.status, answer.body) == (200, body)
    return answer, peer


def cuts(rng, length, most=12):
    """Sizes of single writes that split so many bytes at random."""
    if length < 2:
        return []
    points = sorted(rng.randrange(1, length) for _ in range(rng.randrange(0, most)))
    return [b - a for a, b in zip([0, *points], points) if b > a]


def pieces(rng, data, most=12):
    sizes, out = cuts(rng, len(data), most), []
    for size in sizes:
        out.append(data[:size])
        data = data[size:]
    return [*out, data]


def noise(seed, length):
    return random.Random(seed).randbytes(length)


def next_peer(backend, *kept):
    """Where the next request comes, on a connection that is kept or a new one; None if not yet."""
    for peer in kept:
        if peer.is_open() and peer.buf:
            return peer
    return arrived(backend)


def arrived(backend):
    """The next connection if it is there already."""
    backend.sock.settimeout(0)
    try:
        sock, _ = backend.sock.accept()
    except BlockingIOError:
        return None
    return backend.peer_of(sock)


def has_request(peer):
    """The next request comes on this kept connection; False: it went elsewhere."""
    try:
        return eventually(lambda: peer.is_open() and bool(peer.buf), 1)
    except AssertionError:
        return False
