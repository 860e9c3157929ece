# SPDX-License-Identifier: Apache-2.0
"""Clients of HTTP/2 that make work for nothing: cut off, counted, cheaper than honest ones."""

import time

import pytest

from harness import floods
from harness.backend import always
from harness.deadline import eventually
from harness.http2 import (CONTINUATION, DATA, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS,
                           WINDOW_UPDATE, Raw, connect2, frame)
from harness.weir import HOST
from harness.wire import Ended
from test_http2_strict import GET, POST, instead

CALM = 11
CANCEL = b"\0\0\0\x08"
REQUESTS = 10000


def front(rig, b, **settings):
    w = rig.weir(b, start=False, **settings)
    w.settings["listeners"] = [{"address": f"{HOST}:{w.address[1]}", "http2": "clear"}]
    w.write_file(w.settings)
    return w.start()


def cut_off(w, kind):
    return w.metrics().one("weir_http2_cut_off_total", kind=kind)


@pytest.fixture
def pair(rig):
    b = rig.backend()
    return front(rig, b), b


def plain(count, *frames):
    return lambda raw: list(frames) * count


FLOODS = {
    "ping": plain(3000, frame(PING, 0, 0, b"weirtest")),
    "settings": plain(3000, frame(SETTINGS, 0, 0)),
    "priority": plain(3000, frame(PRIORITY, 0, 1, b"\0\0\0\0\x10")),
    "window_update": plain(3000, frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\x01")),
    "empty_data": lambda raw: [raw.head(1, POST, end=False), *[frame(DATA, 0, 1)] * 3000],
    "reset": lambda raw: [f for i in range(3000) for f in
                          (raw.head(1 + 2 * i, GET), frame(RST_STREAM, 0, 1 + 2 * i, CANCEL))],
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_is_cut_off_and_counted(pair, kind):
    w, b = pair
    raw = Raw(w)
    raw.ping()
    for f in chunks(FLOODS[kind](raw)):
        if not raw.send(f):
            break
    assert raw.wait_end(20) == CALM
    assert cut_off(w, kind) == 1
    b.serve(always())
    assert connect2(w, source="127.0.0.9").ask().status == 200, "others are served"


def test_a_flood_of_bad_requests_is_cut_off_and_counted(pair):
    w, b = pair
    raw = Raw(w)
    raw.ping()
    bad = instead(GET, ":authority", "u@a.test")
    try:
        for first in range(1, 6001, 100):
            raw.send(*[raw.head(first + i, bad) for i in range(0, 100, 2)])
            raw.until(lambda: first + 98 in raw.ends)
    except Ended:
        assert raw.goaways[-1][1] == CALM
    assert cut_off(w, "fault") == 1
    b.assert_untouched()


def chunks(frames, size=50):
    for i in range(0, len(frames), size):
        yield b"".join(frames[i:i + size])


def test_a_head_in_endless_pieces_is_cut_off(pair):
    w, b = pair
    raw = Raw(w)
    raw.ping()
    raw.send(frame(HEADERS, 1, 1, b"\x82"), *[frame(CONTINUATION, 0, 1)] * 100)
    assert raw.wait_end() == CALM
    assert cut_off(w, "head") == 1
    b.assert_untouched()


def test_a_head_that_unpacks_into_a_large_one_is_cut_off(pair):
    w, b = pair
    raw = Raw(w)
    raw.ping()
    before = w.resident_kib()
    bomb = [*GET, *[("x-bomb", "b" * 3500)] * 4000]  # one byte each, after the first
    block = raw.encoder.encode(bomb)
    pieces = [block[i:i + 16000] for i in range(0, len(block), 16000)]
    raw.send(frame(HEADERS, 1 | 4 * (len(pieces) == 1), 1, pieces[0]),
             *[frame(CONTINUATION, 4 * (p is pieces[-1]), 1, p) for p in pieces[1:]])
    assert raw.wait_end() == CALM
    assert cut_off(w, "head") == 1
    w.assert_grew_less(before, 4096)
    b.assert_untouched()


@pytest.mark.parametrize("kind", floods.FLOODS)
def test_a_unit_of_a_flood_costs_less_than_half_of_an_honest_one(rig, kind):
    """`./dev bench floods` prints what each of them costs.  Where a unit is a connection, it is compared with one."""
    upstream = floods.Upstream(rig.backend())
    w = front(rig, rig.backends[0], workers=1)
    is_connection = floods.FLOODS[kind][2] == 1
    each = floods.honest_connections(w, 1500) if is_connection else floods.honest(w, 2000)
    spent = floods.attack(w, upstream, kind, 1500 if is_connection else REQUESTS)
    assert spent.weir_s / spent.units < (each if is_connection else each / 2)
    assert spent.upstream <= 1500 * spent.units / REQUESTS
    assert connect2(w, source="127.0.0.9").ask().status == 200


def test_requests_that_begin_before_they_are_reset_get_no_further_than_the_budget_of_an_address(rig):
    """Nor does who comes again and again: the budget of the address is spent for five seconds."""
    upstream = floods.Upstream(rig.backend())
    upstream.holds = True  # a request that was answered before its reset has cost nothing
    w = front(rig, rig.backends[0], workers=1)
    start = time.monotonic()
    spent = floods.attack_begun(w, upstream, 2500)
    assert spent.upstream <= 1100 + 200 * (time.monotonic() - start)
    assert cut_off(w, "reset") >= 1 and cut_off(w, "again") >= 1
    upstream.holds = False
    c = connect2(w, source="127.0.0.9")
    assert c.ask().status == 200, "nobody else is kept out"


def test_who_leaves_a_connection_that_was_cut_off_open_begins_no_other_beside_it(rig):
    b = rig.backend()
    w = front(rig, b, workers=1)
    first = Raw(w)
    first.ping()
    for f in chunks(FLOODS["reset"](first)):
        if not first.send(f):
            break
    eventually(lambda: cut_off(w, "reset") == 1)
    assert Raw(w).wait_end(20) == CALM and cut_off(w, "again") == 1



def test_resets_one_by_one_get_no_further_than_the_budget(rig):
    """Each reset comes in a read of its own, when the request has begun."""
    b = rig.backend()
    w = front(rig, b, workers=1)
    b.serve(lambda peer, head: peer.read_to_end(60), loop=False)
    raw = Raw(w)
    raw.ping()
    begun, start = 0, time.monotonic()
    try:
        while begun < 4000:
            raw.send(raw.head(1 + 2 * begun, GET))
            raw.ping()
            raw.send(frame(RST_STREAM, 0, 1 + 2 * begun, CANCEL))
            begun += 1
    except Ended:
        assert raw.goaways[-1][1] == CALM
    assert begun <= 1000 + 200 * (time.monotonic() - start) + 1


def test_windows_that_never_open_hold_bounded_memory(rig):
    b = rig.backend()
    b.serve(always(200, b"w" * 1_000_000))
    w = front(rig, b, limits={"buffer": "32KiB"}, client_timeouts={"write": "2s"})
    before = w.resident_kib()
    clients = [connect2(w, window=0) for _ in range(5)]
    for c in clients:
        c.ping()
        for _ in range(100):
            c.open(flush=False)
        c.flush()
    eventually(lambda: w.metrics().sum("weir_http2_streams") == 500, 20)
    w.assert_grew_less(before, 500 * 400)
    eventually(lambda: w.metrics().sum("weir_http2_streams") == 0, 20)
