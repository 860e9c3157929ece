# SPDX-License-Identifier: Apache-2.0
"""WebSockets (OpenAI Realtime): a place in the gate while they last, and an honest end."""

import random
import signal

import pytest

from harness.deadline import eventually
from harness.websocket import (BINARY, CLOSE, GOING_AWAY, NORMAL, RESTART, SHAKE, SWITCH, TRY_LATER, ask, frame,
                               read_close, read_frame, routes, said, switched)

ONE_PLACE = {"pool": {"queue": {"max_wait": "0s"}}, "each": {"max_streams": 1}, "enforce": True, "workers": 1}


def inflight(w):
    return w.metrics().sum("weir_inflight")


# admission

def test_a_websocket_has_a_place_in_the_gate_until_it_ends(rig):
    w, c, peer = switched(rig, **ONE_PLACE)
    assert inflight(w) == 1
    for target, fields in (("/ws", SHAKE), ("/", [])):
        refused = w.client().ask(target=target, fields=fields)
        assert (refused.status, refused.code) == (503, "overloaded")
        assert 1 <= int(refused.get("retry-after")) <= 59
        assert not refused.head.has("upgrade") and not refused.head.has("sec-websocket-accept")
    c.send(frame(CLOSE, NORMAL.to_bytes(2, "big"), mask=b"mask"))
    assert read_close(peer, masked=True) == (NORMAL, "")
    peer.send(frame(CLOSE, NORMAL.to_bytes(2, "big")))
    assert read_close(c) == (NORMAL, "")
    peer.close()
    assert c.wait_end() == "fin"
    eventually(lambda: inflight(w) == 0)
    entry = eventually(lambda: [e for e in w.log.entries() if e.status == 101])[0]
    assert (entry.decision, entry.outcome, entry.get("cause") or "") == ("admitted", "ok", "")


def test_a_refused_upgrade_leaves_the_connection_as_it_was(rig):
    w, _, _ = switched(rig, **ONE_PLACE)
    c = w.client()
    for _ in range(2):
        a = c.ask(target="/ws", fields=SHAKE)
        assert a.status == 503 and int(a.get("retry-after")) >= 1


def test_an_upgrade_while_weir_drains_is_refused(rig):
    w, c, peer = switched(rig, drain_timeout="5s")
    other = w.client()
    other.send(b"GET /ws HTTP/1.1\r\nHost: weir.test\r\n")
    eventually(lambda: w.metrics().sum("weir_connections", side="client") == 2)
    w.signal(signal.SIGTERM)
    eventually(lambda: not _connects(w))
    other.send("".join(f"{n}: {v}\r\n" for n, v in SHAKE).encode() + b"\r\n")
    a = other.answer()
    assert (a.status, a.code) == (503, "draining") and int(a.get("retry-after")) >= 1
    peer.close()
    read_close(c)
    w.wait_exit()


def _connects(w):
    try:
        w.client().close()
    except OSError:
        return False
    return True


# ends that weir makes

def test_a_drain_closes_what_still_runs_at_its_deadline(rig):
    w, c, peer = switched(rig, drain_timeout="1s")
    w.signal(signal.SIGTERM)
    c.send(said(b"still here"))  # until then both sides go on
    assert read_frame(peer) == (1, b"still here", True)
    peer.send(frame(BINARY, b"and here"))
    assert read_frame(c) == (BINARY, b"and here", False)
    code, reason = read_close(c)
    assert code == RESTART and reason.startswith("draining: ")
    assert read_close(peer, masked=True) == (GOING_AWAY, "")
    assert c.wait_end() == peer.wait_end() == "fin"
    c.close()
    w.wait_exit()
    assert w.log.entry(path="/ws").cause == "draining"


def test_what_both_still_send_does_not_take_the_close_frame_away(rig):
    """An end while bytes wait to be read is a reset, which may come before the frame."""
    w, c, peer = switched(rig, drain_timeout="1s")
    w.signal(signal.SIGTERM)
    seen = b""
    while not seen:  # both speak at every moment, that of the end included
        c.send_or_break(said(b"up" * 500))
        peer.send_or_break(frame(BINARY, b"down" * 250))
        assert read_frame(peer)[0] in (1, CLOSE)
        kind, payload, _ = read_frame(c)
        seen = payload if kind == CLOSE else b""
    assert int.from_bytes(seen[:2], "big") == RESTART
    c.close()
    peer.close()
    w.wait_exit()


@pytest.mark.parametrize("kept", [1, 2, 5])
def test_within_a_frame_there_is_only_the_cut(rig, kept):
    w, c, peer = switched(rig, drain_timeout="1s")
    part = frame(BINARY, b"half of it")[:kept]
    peer.send(part)
    assert c.read_exact(kept) == part
    w.signal(signal.SIGTERM)
    rest = c.read_to_end()
    assert not rest and c.ended == "rst"
    assert read_close(peer, masked=True) == (GOING_AWAY, "")  # this side was between frames
    w.wait_exit()


def test_a_client_within_a_frame_leaves_the_upstream_a_cut(rig):
    w, c, peer = switched(rig, drain_timeout="1s")
    c.send(said(b"half of it")[:8])
    assert peer.read_exact(8)
    w.signal(signal.SIGTERM)
    code, _ = read_close(c)
    assert code == RESTART
    assert peer.read_to_end() == b""
    w.wait_exit()


def test_nothing_follows_a_close_frame(rig):
    w, c, peer = switched(rig, drain_timeout="1s")
    peer.send(frame(CLOSE, NORMAL.to_bytes(2, "big")))
    assert read_close(c) == (NORMAL, "")
    w.signal(signal.SIGTERM)
    assert c.wait_end() == "fin"
    w.wait_exit()


# ends of the upstream

@pytest.mark.parametrize("how", ["fin", "rst"])
def test_an_upstream_that_is_lost_is_told_to_the_client(rig, how):
    w, c, peer = switched(rig)
    peer.send(frame(BINARY, b"last words"))
    assert read_frame(c)[1] == b"last words"
    peer.close() if how == "fin" else peer.reset()
    code, reason = read_close(c)
    cause = {"fin": "upstream_truncated", "rst": "upstream_reset"}[how]
    assert code == TRY_LATER and reason.startswith(f"{cause}: ")
    assert c.wait_end() == "fin"
    entry = w.log.entry(path="/ws")
    assert (entry.status, entry.cause) == (101, cause)
    assert entry.outcome == {"fin": "ok", "rst": "failed"}[how]


def test_an_upstream_that_is_lost_within_a_frame_is_a_cut(rig):
    w, c, peer = switched(rig)
    peer.send(frame(BINARY, b"x" * 1000)[:600])
    assert c.read_exact(600)
    peer.close()
    c.read_to_end()
    assert c.ended == "rst"


def test_an_upstream_that_closes_in_words_is_passed_on_as_it_is(rig):
    w, c, peer = switched(rig)
    peer.send(frame(CLOSE, (4000).to_bytes(2, "big") + b"session expired"))
    peer.close()
    assert read_close(c) == (4000, "session expired")
    assert c.wait_end() == "fin"
    assert not w.log.entry(path="/ws").get("cause")


def test_an_upstream_that_ends_after_the_clients_close_is_no_fault(rig):
    w, c, peer = switched(rig)
    c.send(frame(CLOSE, NORMAL.to_bytes(2, "big"), mask=b"mask"))
    assert read_close(peer, masked=True) == (NORMAL, "")
    peer.close()
    assert c.wait_end() == "fin"
    entry = w.log.entry(path="/ws")
    assert entry.outcome == "ok" and not entry.get("cause")


def test_a_client_that_closes_and_leaves_has_its_last_frame_arrive(rig):
    """Also where weir has bytes of the upstream unread."""
    w, c, peer = switched(rig)
    c.send(said(b"bye") + frame(CLOSE, NORMAL.to_bytes(2, "big"), mask=b"mask"))
    c.close()
    assert read_frame(peer) == (1, b"bye", True)
    assert read_close(peer, masked=True) == (NORMAL, "")
    assert peer.wait_end() == "fin"


def test_a_client_that_vanishes_is_a_visible_end_for_the_upstream(rig):
    w, c, peer = switched(rig)
    c.reset()
    assert peer.read_to_end() == b""
    assert w.log.entry(path="/ws").cause == "client_gone"


# what passes through

def test_frames_of_every_length_pass_unchanged_both_ways(rig):
    w, c, peer = switched(rig)
    rng = random.Random(7)
    for n in (0, 1, 125, 126, 127, 65535, 65536, 300000):
        data = rng.randbytes(n)
        peer.send(frame(BINARY, data), [3, 5])
        assert read_frame(c) == (BINARY, data, False)
        c.send(frame(BINARY, data, mask=b"\x01\x02\x03\x04"), [1, 4])
        assert read_frame(peer) == (BINARY, data, True)
    peer.close()
    assert read_close(c)[0] == TRY_LATER  # where frames end was followed through all of it


def test_early_bytes_behind_the_switch_are_followed(rig):
    b = rig.backend()
    w = rig.weir(b, routes=routes(websocket=True), workers=1)
    c = w.client()
    ask(c)
    peer = b.accept()
    peer.head()
    peer.send(SWITCH + frame(BINARY, b"early")[:4])
    assert c.head().status == 101
    peer.close()
    c.read_to_end()
    assert c.ended == "rst"


def test_a_reload_lets_websockets_be(rig):
    w, c, peer = switched(rig)
    w.settings["pools"][0]["upstreams"] = [{"name": "other", "url": rig.backend().url}]
    w.write_file(w.settings)
    w.admin("reload")
    c.send(said(b"still"))
    assert read_frame(peer) == (1, b"still", True)
