# SPDX-License-Identifier: Apache-2.0
"""Streams with a given course, and what log and metrics must say of them."""

import json

from .ask import post
from .dialects import ANTHROPIC, OLLAMA, sse
from .http1 import LAST_CHUNK, chunk
from .words import names

OUTCOMES = names("outcomes")


def assert_outcome(w, entry, outcome, cause="", status=200):
    assert (entry.outcome, entry.why, entry.status) == (outcome, cause, status), entry
    m = w.metrics()
    counted = {o: m.sum("weir_upstream_outcomes_total", outcome=o) for o in OUTCOMES}
    assert counted == {**dict.fromkeys(OUTCOMES, 0), outcome: 1}


def stream(rig, dialect, events, end="clean", **more):
    """A stream of these events, ended "clean", by "fin" or "rst": weir, the client's answer."""
    b = rig.backend()
    w = rig.weir(b, **more)
    c = w.client()
    c.send(post(dialect))
    peer, _ = b.request()
    peer.begin(kind=dialect.kind)
    for e in events:
        peer.send_or_break(chunk(e))
    if end == "clean":
        peer.send_or_break(LAST_CHUNK)
    elif end == "fin":
        peer.close()
    else:
        # a reset throws away what was not read yet: wait until the client has the content
        head, body = c.begin()
        want = b"".join(events)
        assert body.exactly(len(want)) == want
        peer.reset()
        rest, how = body.rest_or_cut()
        return w, head, want + rest, how
    answer = c.answer("POST", cut=True)
    return w, answer.head, answer.body, answer.how


def in_band(dialect, error):
    if dialect is ANTHROPIC:
        return sse({"type": "error", "error": error}, "error")
    if dialect is OLLAMA:
        return json.dumps({"error": error}).encode() + b"\n"
    return sse({"error": error})
