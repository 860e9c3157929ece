# SPDX-License-Identifier: Apache-2.0
"""Event streams: relayed as they come, byte for byte, held only until the first content."""

import asyncio
import random

import pytest

from harness.ask import end_stream, open_stream, pieces, post
from harness.deadline import eventually, secs
from harness.dialects import ALL, CHAT, GEMINI, OLLAMA, RESPONSES, UNKNOWN, WITH_END
from harness.http1 import LAST_CHUNK, chunk, request
from harness.weir import HOST


@pytest.fixture(params=ALL, ids=repr)
def dialect(request):
    return request.param


def test_each_event_arrives_before_the_next_is_sent(rig, dialect):
    b = rig.backend()
    w = rig.weir(b)
    c, head, body, peer = open_stream(w, b, dialect)
    assert head.get("content-type") == dialect.kind
    for i in range(50):
        event = dialect.content(f"event {i}")
        peer.chunk(event)
        assert body.exactly(len(event), 2) == event
    end_stream(dialect, body, peer)


def test_a_stream_without_chunks_is_relayed_as_it_comes(rig, dialect):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(dialect))
    peer, _ = b.request()
    peer.begin(kind=dialect.kind, chunked=False)
    first = b"".join(dialect.preamble) + dialect.content("first")
    peer.send(first)
    _, body = c.begin()
    assert body.exactly(len(first)) == first
    for i in range(10):
        event = dialect.content(f"event {i}")
        peer.send(event)
        assert body.exactly(len(event), 2) == event
    peer.send(dialect.end)
    peer.close()
    assert body.rest() == dialect.end


def test_half_an_event_is_not_held_back(rig, dialect):
    b = rig.backend()
    w = rig.weir(b)
    c, _, body, peer = open_stream(w, b, dialect)
    event = dialect.content("in two halves")
    peer.chunk(event[:9])
    assert body.exactly(9, 2) == event[:9]
    peer.chunk(event[9:])
    assert body.exactly(len(event) - 9, 2) == event[9:]
    end_stream(dialect, body, peer)


@pytest.mark.parametrize("dialect", WITH_END, ids=repr)
def test_the_client_sees_nothing_before_the_first_content(rig, dialect):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(dialect))
    peer, _ = b.request()
    peer.begin(kind=dialect.kind)
    if dialect.preamble:
        peer.chunk(b"".join(dialect.preamble))
    c.quiet_for(0.15)
    peer.chunk(dialect.content("now"))
    _, body = c.begin()
    want = b"".join(dialect.preamble) + dialect.content("now")
    assert body.exactly(len(want)) == want
    end_stream(dialect, body, peer)


@pytest.mark.parametrize("method, path", [("GET", "/mcp"), ("POST", "/api/pull"), ("POST", "/x")])
def test_a_stream_of_which_nothing_is_known_begins_at_once_and_may_be_silent(rig, method, path):
    b = rig.backend()
    w = rig.weir(b, pool={"timeouts": {"first_token": "200ms", "first_token_last": "300ms",
                                       "stall": "1s"}})
    c = w.client()
    c.send(request(method, path, [("Accept", "text/event-stream")]))
    peer, _ = b.request()
    peer.begin()
    _, body = c.begin()
    c.quiet_for(1.3)
    peer.chunk(b": still there\n\n")
    assert body.exactly(15) == b": still there\n\n"
    peer.last_chunk()
    assert body.rest() == b""
    assert w.log.entry(path=path).outcome == "ok"


def test_a_head_waits_no_longer_than_head_hold(rig):
    b = rig.backend()
    w = rig.weir(b, pool={"timeouts": {"head_hold": "200ms"}})
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    peer.begin()
    peer.chunk(b"".join(CHAT.preamble))
    _, body = c.begin()
    want = b"".join(CHAT.preamble)
    assert body.exactly(len(want)) == want
    peer.chunk(b": ping\n\n")
    assert body.exactly(8) == b": ping\n\n"
    peer.chunk(CHAT.content("now") + CHAT.end)
    peer.last_chunk()
    assert body.rest() == CHAT.content("now") + CHAT.end


@pytest.mark.parametrize("dialect", [d for d in WITH_END if d is not GEMINI], ids=repr)
@pytest.mark.parametrize("end", ["fin", "rst", "open"])
def test_behind_the_end_marker_nothing_matters(rig, dialect, end):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(dialect))
    peer, head = b.request()
    peer.begin(kind=dialect.kind)
    peer.chunk(dialect.whole("x"))
    _, body = c.begin()
    assert body.exactly(len(dialect.whole("x"))) == dialect.whole("x")
    if end == "fin":
        peer.close()
    elif end == "rst":
        peer.reset()
    assert body.rest(3) == b""
    entry = w.log.entry(head.get("x-request-id"))
    assert (entry.outcome, entry.status) == ("ok", 200)
    assert w.metrics().sum("weir_upstream_outcomes_total", outcome="failed") == 0


def test_a_client_that_leaves_at_the_end_marker_has_had_its_answer(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    c.send(post(CHAT))
    peer, head = b.request()
    peer.begin()
    peer.chunk(CHAT.whole("x"))
    _, body = c.begin()
    body.exactly(len(CHAT.whole("x")))
    c.close()
    eventually(lambda: w.admin.upstream("a")["inflight"] == 0)
    peer.last_chunk()
    assert w.log.entry(head.get("x-request-id")).outcome == "ok"
    c = w.client()
    c.send(post(CHAT))
    assert peer.request().method == "POST"


def test_comments_before_the_first_content_do_not_commit(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    peer.begin()
    for _ in range(5):
        peer.chunk(b": ping\n\n")
    c.quiet_for(0.1)
    peer.chunk(CHAT.content("now"))
    _, body = c.begin()
    assert body.until(b"now").startswith(b": ping\n\n" * 5)


def test_a_head_is_not_held_for_more_than_so_many_bytes(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    peer.begin()
    for _ in range(70):
        peer.chunk(b": " + b"x" * 1021 + b"\n")
    _, body = c.begin()
    assert body.exactly(1024).startswith(b": xxx")


@pytest.mark.parametrize("seed", range(10))
def test_a_stream_arrives_byte_for_byte_however_it_is_cut(rig, dialect, seed):
    if seed >= 3 and dialect not in (CHAT, RESPONSES):
        pytest.skip("three seeds are enough for this dialect")
    rng = random.Random(f"{seed} {dialect}")
    texts = ["".join(rng.choice("ab\"\\\n\u00e4\u20ac{}[]: ") for _ in range(rng.randrange(1, 80)))
             for _ in range(30)]
    events = b"".join(dialect.preamble)
    for t in texts:
        if dialect.kind == "text/event-stream" and rng.random() < 0.3:
            events += rng.choice([b": a comment\n\n", b"\n", b"retry: 5\n\n", b": [DONE]\n"])
        events += dialect.content("x" if dialect is UNKNOWN else t)
    events += dialect.end
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(dialect))
    peer, _ = b.request()
    peer.begin(kind=dialect.kind)
    raw = b"".join(chunk(p) for p in pieces(rng, events, 60) if p) + LAST_CHUNK
    points = sorted(rng.sample(range(1, len(raw)), 60))
    peer.send(raw, [b - a for a, b in zip([0, *points], points)])
    answer = c.answer("POST")
    assert answer.body == events
    entry = w.log.entry(answer.id)
    assert (entry.outcome, entry.why) == ("ok", "")


@pytest.mark.parametrize("newline", [b"\r\n", b"\r", b"\n"])
def test_any_line_end_of_event_streams_is_understood_and_kept(rig, newline):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    peer.begin()
    events = CHAT.whole("one", "two").replace(b"\n", newline)
    peer.chunk(events)
    peer.last_chunk()
    answer = c.answer("POST")
    assert answer.body == events
    entry = w.log.entry(answer.id)
    assert (entry.outcome, entry.why) == ("ok", "")


def test_data_over_several_lines_is_one_event(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    peer.begin()
    events = (b'data: {"choices":[{"index":0,\ndata: "delta":{"content":"x"}}]}\n\n'
              b"data: [DONE]\n\n")
    peer.chunk(events)
    peer.last_chunk()
    answer = c.answer("POST")
    assert answer.body == events
    entry = w.log.entry(answer.id)
    assert (entry.outcome, entry.events) == ("ok", 2)


def test_events_relayed_are_counted_and_comments_are_not(rig):
    b = rig.backend()
    w = rig.weir(b)
    c, head, body, peer = open_stream(w, b)
    for i in range(7):
        peer.chunk(CHAT.content(str(i)))
        peer.chunk(b": comment\n\n")
    end_stream_after = 7 * 2
    for _ in range(end_stream_after):
        body.event()
    end_stream(CHAT, body, peer)
    entry = w.log.entry(head.get("x-request-id"))
    # a role, a first content, seven more, a finish reason, [DONE]
    assert entry.events == 1 + 1 + 7 + 2
    assert entry.ttft_ms is not None and entry.ttft_ms >= 0
    assert entry.duration_ms >= entry.ttft_ms


def test_a_silent_stream_gets_a_comment_as_heartbeat(rig):
    b = rig.backend()
    w = rig.weir(b, pool={"heartbeat": "200ms"})
    c, head, body, peer = open_stream(w, b)
    for _ in range(2):
        beat = body.event(2)
        assert beat.startswith(b":") and beat.count(b"\n") == 2
    end_stream_raw = CHAT.end
    peer.chunk(end_stream_raw)
    peer.last_chunk()
    assert body.rest().endswith(end_stream_raw)
    entry = w.log.entry(head.get("x-request-id"))
    assert (entry.outcome, entry.events) == ("ok", 4)


def test_a_heartbeat_never_falls_into_an_event(rig):
    b = rig.backend()
    w = rig.weir(b, pool={"heartbeat": "100ms"})
    c, _, body, peer = open_stream(w, b)
    event = CHAT.content("in two halves")
    peer.chunk(event[:20])
    got = body.until(event[:20], 2)
    assert got.endswith(event[:20])
    c.quiet_for(0.35)
    peer.chunk(event[20:])
    assert body.until(event[20:]) == event[20:]


@pytest.mark.parametrize("where", ["waiting", "held"])
def test_there_is_no_heartbeat_before_the_commit_point(rig, where):
    b = rig.backend()
    w = rig.weir(b, pool={"heartbeat": "100ms"})
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    if where == "held":
        peer.begin()
        peer.chunk(b"".join(CHAT.preamble))
    c.quiet_for(0.35)


def test_there_is_no_heartbeat_if_it_is_off(rig):
    b = rig.backend()
    w = rig.weir(b, pool={"heartbeat": "0s"})
    c, _, body, peer = open_stream(w, b)
    c.quiet_for(0.3)


def test_an_ndjson_stream_gets_no_heartbeat(rig):
    b = rig.backend()
    w = rig.weir(b, pool={"heartbeat": "100ms"})
    c, _, body, peer = open_stream(w, b, OLLAMA)
    c.quiet_for(0.3)
    end_stream(OLLAMA, body, peer)


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_an_encoded_stream_is_passed_on_from_its_first_byte(rig, encoding):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    peer.begin(fields=[("Content-Encoding", encoding)])
    for piece in (b"\x1f", b"\x8b\x08", b"data: {\"error\"", b"\x00"):
        peer.chunk(piece)
        if piece == b"\x1f":
            head, body = c.begin()
            assert head.get("content-encoding") == encoding
        assert body.exactly(len(piece), 2) == piece
    peer.last_chunk()
    assert body.rest() == b""
    assert w.log.entry(head.get("x-request-id")).outcome == "ok"


def test_a_request_that_is_no_stream_is_relayed_at_once(rig):
    """A plain answer is not held for anything."""
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request("POST", "/v1/chat/completions", body=b'{"stream": false}'))
    peer, _ = b.request()
    peer.begin(kind="application/json")
    _, body = c.begin()
    peer.chunk(b'{"choices"')
    assert body.exactly(10, 2) == b'{"choices"'
    peer.chunk(b":[]}")
    peer.last_chunk()
    assert body.rest() == b":[]}"


# many at once

STREAMS, EVENTS = 1000, 8


def test_a_thousand_streams_at_once_lose_nothing_and_mix_nothing(rig):
    """Each client's words come back on its stream, in order, while all streams are open."""
    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        words = head.split(b" ", 2)[1].rsplit(b"/", 1)[1].decode()
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        state["open"] += 1
        if state["open"] == STREAMS:
            state["all"].set()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n")
        writer.write(chunk(CHAT.content(f"{words} first")))
        await state["all"].wait()
        for i in range(EVENTS):
            writer.write(chunk(CHAT.content(f"{words} {i}")))
            await writer.drain()
        writer.write(chunk(CHAT.end) + LAST_CHUNK)
        await writer.drain()
        writer.close()

    async def ask(i):
        reader, writer = await asyncio.open_connection(*w.address)
        writer.write(post(CHAT, target=f"{CHAT.path}/stream-{i}"))
        got = await reader.readuntil(b"\r\n" + LAST_CHUNK)
        writer.close()
        head, _, rest = got.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        want = b"".join(CHAT.content(f"stream-{i} {e}") for e in ["first", *range(EVENTS)])
        assert _joined(rest) == want + CHAT.end
        return True

    async def both():
        state["all"] = asyncio.Event()
        server = await asyncio.start_server(serve, HOST, port, backlog=2048)
        done = await asyncio.wait_for(asyncio.gather(*(ask(i) for i in range(STREAMS))), secs(40))
        server.close()
        return done

    b = rig.backend()
    b.refuse()
    port, state = b.address[1], {"open": 0}
    w = rig.weir(b, pool={"timeouts": {"first_token": "2m", "connect": "20s"}})
    assert asyncio.run(both()) == [True] * STREAMS
    entries = w.log.wait_count(STREAMS, 20)
    assert {(e.decision, e.outcome, e.events) for e in entries} == {("admitted", "ok", EVENTS + 3)}
    m = w.metrics()
    assert m.sum("weir_upstream_outcomes_total", outcome="ok") == STREAMS


def _joined(raw):
    """The body that a whole run of chunks carries."""
    out, at = b"", 0
    while True:
        end = raw.index(b"\r\n", at)
        size = int(raw[at:end], 16)
        if size == 0:
            return out
        out += raw[end + 2:end + 2 + size]
        at = end + 2 + size + 2


def test_a_counted_stream_has_room_for_the_error_that_its_end_is_missing(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(CHAT))
    peer, _ = b.request()
    events = b"".join(CHAT.preamble) + CHAT.content("half")
    peer.answer(200, events, [("Content-Type", CHAT.kind)])
    answer = c.answer("POST", cut=True)
    assert answer.framing == "chunked" and answer.body.startswith(events)
    assert answer.how != "end" and b'"code":"upstream_truncated"' in answer.body[len(events):]


def test_a_strange_stream_that_stops_inside_an_event_is_broken_off(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(post(UNKNOWN))
    peer, _ = b.request()
    peer.begin(chunked=False)
    peer.send(UNKNOWN.content("whole") + b"event: tick\ndata: ha")
    peer.close()
    answer = c.answer("POST", cut=True)
    assert answer.how != "end"
