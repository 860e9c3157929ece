# SPDX-License-Identifier: Apache-2.0
"""The upstream is as hostile as the client: 502 before the head is out, a visible cut after."""

import random

import pytest

from harness.ask import exchange, open_stream, post
from harness.deadline import eventually
from harness.dialects import CHAT
from harness.http1 import LAST_CHUNK, chunk, request

OK = b"HTTP/1.1 200 OK\r\n"

BAD_HEADS = {
    "noise": bytes(range(1, 200)),
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/0.9": b"<html>hello</html>\r\n\r\n",
    "a lower-case version": b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "status 099": b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "status 000": b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
    "two blanks": b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
    "a bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a bare LF after a field": OK + b"X-A: b\nContent-Length: 0\r\n\r\n",
    "a bare CR in a value": OK + b"X-A: b\rc\r\nContent-Length: 0\r\n\r\n",
    "a NUL in a value": OK + b"X-A: b\x00\r\nContent-Length: 0\r\n\r\n",
    "a CTL in the reason": b"HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n",
    "folding": OK + b"X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a blank before the colon": OK + b"X-A : b\r\nContent-Length: 0\r\n\r\n",
    "a name that is no token": OK + b"X(A): b\r\nContent-Length: 0\r\n\r\n",
    "no name": OK + b": b\r\nContent-Length: 0\r\n\r\n",
    "no colon": OK + b"rubbish\r\nContent-Length: 0\r\n\r\n",
    "CL with TE": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "differing CLs": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "differing CLs in a list": OK + b"Content-Length: 1, 2\r\n\r\nab",
    "CL that is no number": OK + b"Content-Length: many\r\n\r\nab",
    "CL with a sign": OK + b"Content-Length: +2\r\n\r\nab",
    "CL of 2^63": OK + b"Content-Length: 9223372036854775808\r\n\r\nab",
    "TE gzip": OK + b"Transfer-Encoding: gzip\r\n\r\nab",
    "TE gzip, chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "TE in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "101 unasked": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "an endless head": OK + b"X-A: " + b"x" * (70 << 10),
    "a head of many fields": OK + b"A: b\r\n" * 20000,
}


def test_of_many_malformed_answers_one_a_second_is_said(rig):
    w = rig.weir((b := rig.backend()), workers=1, pool={"breaker": {"mode": "observe"}})
    for _i in range(20):
        c = w.client()
        c.send(request(target="/bad"))
        peer, _ = b.request()
        peer.send_or_break(BAD_HEADS["no colon"])
        c.answer()
    said = eventually(lambda: w.errors.text().count("malformed answer"), what="a line")
    assert said < 10, w.errors.text()


@pytest.mark.parametrize("name", BAD_HEADS)
def test_a_bad_head_becomes_502(rig, name):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    c.send(request(target="/bad"))
    peer, _ = b.request()
    peer.send_or_break(BAD_HEADS[name])
    answer = c.answer()
    assert (answer.status, answer.code, answer.cause) == (502, "bad_gateway", "bad_gateway")
    eventually(lambda: "chat/a: malformed answer: " in w.errors.text(), what="the log tells why")
    assert answer.json["error"]["type"] == "api_error"
    assert "error=http_protocol_error" in answer.get("proxy-status")
    assert peer.wait_end() in ("fin", "rst")
    e = w.log.entry(answer.id)
    assert (e.outcome, e.why, e.status) == ("failed", "bad_gateway", 502)
    _, other = exchange(c, b, "/next")
    assert other is not peer


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 2", OK, OK + b"X-A: b\r\n"],
                         ids=["nothing", "part_of_a_line", "a_line", "a_field"])
@pytest.mark.parametrize("how", ["fin", "rst"])
def test_an_end_before_the_head_is_whole_becomes_502(rig, raw, how):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request("POST", "/", body=b"x"))
    peer, _ = b.request()
    peer.send(raw)
    peer.close() if how == "fin" else peer.reset()
    answer = c.answer()
    assert answer.status == 502
    assert answer.code in ("upstream_reset", "bad_gateway")
    if not raw:
        assert answer.code == answer.cause == "upstream_reset"
        assert "error=connection_terminated" in answer.get("proxy-status")
    assert w.log.entry(answer.id).outcome == "failed"
    b2 = exchange(c, b, "/next")
    assert b2[0].status == 200


BAD_BODIES = {
    "a chunk without size": chunk(b"half") + b"\r\nabc\r\n",
    "a chunk size that is no number": chunk(b"half") + b"zz\r\nabc\r\n",
    "a chunk size of 17 digits": chunk(b"half") + b"00000000000000003\r\nabc\r\n",
    "a chunk longer than its size": chunk(b"half") + b"1\r\nabc\r\n",
    "a bare LF after a size": chunk(b"half") + b"3\nabc\r\n0\r\n\r\n",
    "a bare LF at the end": chunk(b"half") + b"0\r\n\n",
    "a long extension": chunk(b"half") + b"3;" + b"x" * 300 + b"\r\nabc\r\n0\r\n\r\n",
    "a trailer without colon": chunk(b"half") + b"0\r\nrubbish\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_BODIES)
@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_a_bad_chunk_after_the_head_is_a_visible_cut(rig, name, version):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request(target="/cut", version=version))
    peer, _ = b.request()
    peer.begin(kind="text/plain")
    peer.send(chunk(b"first"))
    _, body = c.begin()
    assert body.exactly(5) == b"first"
    peer.send(BAD_BODIES[name])
    _, how = body.rest_or_cut()
    assert how in (("fin", "rst") if version == "HTTP/1.1" else ("rst",))
    assert peer.wait_end() in ("fin", "rst")
    e = w.log.entry(path="/cut")
    assert (e.outcome, e.status) == ("failed", 200) and e.why in (
        "bad_gateway", "upstream_truncated")


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("framing", ["counted", "chunked"])
def test_an_answer_that_ends_early_is_a_visible_cut(rig, framing, how):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request(target="/cut"))
    peer, _ = b.request()
    if framing == "counted":
        peer.send(OK + b"Content-Length: 10\r\n\r\nhalf")
    else:
        peer.begin(kind="text/plain")
        peer.chunk(b"half")
    _, body = c.begin()
    assert body.exactly(4) == b"half"
    peer.close() if how == "fin" else peer.reset()
    rest, cut = body.rest_or_cut()
    assert rest == b"" and cut in ("fin", "rst")
    e = w.log.entry(path="/cut")
    assert (e.outcome, e.why) == ("failed", "upstream_truncated")


def test_an_answer_to_the_end_of_the_connection_ends_with_it(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request())
    peer, _ = b.request()
    peer.begin(kind="text/plain", chunked=False)
    peer.send(b"all of it")
    peer.close()
    answer = c.answer()
    assert (answer.body, answer.framing) == (b"all of it", "chunked")
    assert w.log.entry(answer.id).outcome == "ok"
    exchange(c, b, "/next")


def test_an_answer_to_the_end_of_the_connection_that_is_reset_is_cut(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request(target="/cut"))
    peer, _ = b.request()
    peer.begin(kind="text/plain", chunked=False)
    peer.send(b"half")
    _, body = c.begin()
    assert body.exactly(4) == b"half"
    peer.reset()
    assert body.rest_or_cut()[1] in ("fin", "rst")
    assert w.log.entry(path="/cut").why == "upstream_truncated"


# random cuts and damage

def _whole_stream():
    head = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n")
    return head, head + b"".join(
        chunk(e) for e in [*CHAT.preamble, *(CHAT.content(f"word {i} ") for i in range(6)),
                           CHAT.end]) + LAST_CHUNK


def _looks_whole(body, how):
    return how == "end" and body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("seed", range(4))
def test_a_stream_cut_anywhere_never_looks_whole(rig, seed, how, version):
    """Sixteen cut points a run: an error of weir's own, or broken framing, behind an error frame or not."""
    rng = random.Random(f"{seed} {how} {version}")
    b = rig.backend()
    w = rig.weir(b)
    head, raw = _whole_stream()
    for at in rng.sample(range(len(raw)), 16):
        c = w.client()
        c.send(post(CHAT, version=version))
        peer, _ = b.request()
        peer.send(raw[:at])
        if how == "rst":
            # what the client already got shows that weir has read what it could
            first = raw.index(b"word 0")
            if at > first + 200:
                c.buf[:0] = c.read_until(b"word 0")
        peer.close() if how == "fin" else peer.reset()
        answer = c.answer("POST", cut=True)
        text = answer.body
        if answer.status != 200:
            assert answer.status == 502 and answer.cause and answer.how == "end"
        elif CHAT.end in raw[:at]:
            # it is whole: nothing is added, whatever became of the last chunk
            assert b"event: error" not in text, (at, answer)
            assert text.endswith(CHAT.end) or how == "rst" and answer.how != "end", (at, answer)
        else:
            assert b"[DONE]\n\n" not in text
            assert answer.how == "rst" or answer.how == "fin" and version == "HTTP/1.1", (at, answer)
            if b"event: error" in text:
                assert version == "HTTP/1.1" and text.endswith(b"\n\n")
                assert text.rsplit(b"event: error", 1)[0].endswith(b"\n\n")
        c.close()


@pytest.mark.parametrize("seed", range(6))
def test_damage_to_an_answers_head_is_502_or_as_sent_never_something_else(rig, seed):
    rng = random.Random(seed)
    b = rig.backend()
    w = rig.weir(b)
    raw = (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
           b"X-A: b\r\n\r\nhello")
    end = raw.index(b"\r\n\r\n") + 4
    for _ in range(20):
        at = rng.randrange(end)
        bad = raw[:at] + bytes([rng.randrange(256)]) + raw[at + 1:]
        c = w.client()
        c.send(request())
        peer, _ = b.request()
        peer.send(bad)
        peer.close()
        answer = c.answer(cut=True)
        assert answer.status == 502 or len(answer.body) <= 5 or answer.how != "end"
        c.close()


def test_a_hostile_answer_on_one_connection_hurts_no_other(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c, _, body, peer = open_stream(w, b)
    for name in ("noise", "an endless head", "CL with TE"):
        other = w.client()
        other.send(request())
        bad, _ = b.request()
        bad.send_or_break(BAD_HEADS[name])
        assert other.answer().status == 502
        peer.chunk(CHAT.content(name))
        assert body.event(1) == CHAT.content(name)
