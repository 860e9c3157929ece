# SPDX-License-Identifier: Apache-2.0
"""What is ambiguous is refused: each kind of bad request, its status, a closed connection, and a
backend that saw nothing of it."""

import random

import pytest

from harness.http1 import chunk, request

H = b"Host: weir.test\r\n"


def get(fields=H, line=b"GET / HTTP/1.1"):
    return line + b"\r\n" + fields + b"\r\n"


def post(fields, body=b"", line=b"POST / HTTP/1.1"):
    return line + b"\r\n" + H + fields + b"\r\n" + body


BAD_HEADS = {
    # framing
    "CL with TE": (400, post(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n")),
    "TE with CL": (400, post(b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", b"0\r\n\r\n")),
    "differing CLs": (400, post(b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd")),
    "differing CLs in a list": (400, post(b"Content-Length: 3, 4\r\n", b"abcd")),
    "CL with a plus": (400, post(b"Content-Length: +3\r\n", b"abc")),
    "CL with a minus": (400, post(b"Content-Length: -3\r\n", b"abc")),
    "CL in hexadecimal": (400, post(b"Content-Length: 0x3\r\n", b"abc")),
    "CL of letters": (400, post(b"Content-Length: abc\r\n", b"abc")),
    "CL with a blank inside": (400, post(b"Content-Length: 1 2\r\n", b"a" * 12)),
    "CL empty": (400, post(b"Content-Length:\r\n", b"abc")),
    "CL with a dot": (400, post(b"Content-Length: 3.0\r\n", b"abc")),
    "CL of 2^63": (400, post(b"Content-Length: 9223372036854775808\r\n")),
    "CL of 2^64": (400, post(b"Content-Length: 18446744073709551616\r\n")),
    "CL of 2^64 + 3": (400, post(b"Content-Length: 18446744073709551619\r\n", b"abc")),
    "TE gzip": (400, post(b"Transfer-Encoding: gzip\r\n")),
    "TE gzip, chunked": (400, post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n")),
    "TE chunked, gzip": (400, post(b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n")),
    "TE chunked twice": (400, post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n")),
    "TE chunked in two fields": (400, post(b"Transfer-Encoding: chunked\r\n" * 2, b"0\r\n\r\n")),
    "TE identity": (400, post(b"Transfer-Encoding: identity\r\n")),
    "TE with a parameter": (400, post(b"Transfer-Encoding: chunked;q=1\r\n", b"0\r\n\r\n")),
    "TE with something before": (400, post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n")),
    "TE with a vertical tab": (400, post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n")),
    "TE empty": (400, post(b"Transfer-Encoding:\r\n", b"0\r\n\r\n")),
    "TE in quotes": (400, post(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n")),
    "TE in HTTP/1.0": (400, post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n",
                                 b"POST / HTTP/1.0")),
    # lines
    "bare LF ends": (400, b"GET / HTTP/1.1\nHost: weir.test\n\n"),
    "bare LF after the request line": (400, b"GET / HTTP/1.1\nHost: weir.test\r\n\r\n"),
    "bare LF after a field": (400, get(H + b"X-A: b\n")),
    "bare LF ends the head": (400, b"GET / HTTP/1.1\r\n" + H + b"\n"),
    "bare CR in a value": (400, get(H + b"X-A: b\rc\r\n")),
    "bare CR in the request line": (400, get(line=b"GET /a\rb HTTP/1.1")),
    "CR CR LF": (400, get(H + b"X-A: b\r\r\n")),
    "NUL in a value": (400, get(H + b"X-A: b\x00c\r\n")),
    "NUL in a name": (400, get(H + b"X\x00A: b\r\n")),
    "NUL in the target": (400, get(line=b"GET /\x00 HTTP/1.1")),
    "CTL in a value": (400, get(H + b"X-A: b\x01c\r\n")),
    "folding with a blank": (400, get(H + b"X-A: b\r\n c\r\n")),
    "folding with a tab": (400, get(H + b"X-A: b\r\n\tc\r\n")),
    "folding before the first field": (400, get(b" X-A: b\r\n" + H)),
    # names
    "blank before the colon": (400, get(H + b"X-A : b\r\n")),
    "tab before the colon": (400, get(H + b"X-A\t: b\r\n")),
    "blank before the colon of CL": (400, post(b"Content-Length : 3\r\n", b"abc")),
    "blank in a name": (400, get(H + b"X A: b\r\n")),
    "no colon": (400, get(H + b"X-A\r\n")),
    "no name": (400, get(H + b": b\r\n")),
    "a name with a parenthesis": (400, get(H + b"X(A): b\r\n")),
    "a name with a slash": (400, get(H + b"X/A: b\r\n")),
    "a name with a high byte": (400, get(H + b"X\xe4A: b\r\n")),
    "a name with an underscore": (400, get(H + b"X_A: b\r\n")),
    "CL with an underscore": (400, post(b"Content_Length: 3\r\n", b"abc")),
    # Host
    "no Host": (400, get(b"X-A: b\r\n")),
    "two Hosts": (400, get(H + b"Host: other.test\r\n")),
    "the same Host twice": (400, get(H + H)),
    "Host with a blank": (400, get(b"Host: a b\r\n")),
    "Host with a slash": (400, get(b"Host: a/b\r\n")),
    "Host with a user": (400, get(b"Host: user@weir.test\r\n")),
    "Host with a query": (400, get(b"Host: weir.test?x\r\n")),
    "Host with a fragment": (400, get(b"Host: weir.test#x\r\n")),
    "Host with a bad port": (400, get(b"Host: weir.test:80a\r\n")),
    "Host with a port too high": (400, get(b"Host: weir.test:65536\r\n")),
    "Host with two ports": (400, get(b"Host: weir.test:80:81\r\n")),
    "Host with half an IPv6 address": (400, get(b"Host: [::1\r\n")),
    "Host of two names": (400, get(b"Host: a.test, b.test\r\n")),
    # the request line
    "a method that is no token": (400, get(line=b"G@T / HTTP/1.1")),
    "a method in parentheses": (400, get(line=b"(GET) / HTTP/1.1")),
    "no method": (400, get(line=b" / HTTP/1.1")),
    "no target": (400, get(line=b"GET HTTP/1.1")),
    "two blanks": (400, get(line=b"GET  / HTTP/1.1")),
    "a tab for a blank": (400, get(line=b"GET\t/\tHTTP/1.1")),
    "a blank in the target": (400, get(line=b"GET /a b HTTP/1.1")),
    "a blank at the end": (400, get(line=b"GET / HTTP/1.1 ")),
    "a CTL in the target": (400, get(line=b"GET /\x01 HTTP/1.1")),
    "a DEL in the target": (400, get(line=b"GET /\x7f HTTP/1.1")),
    "a fragment": (400, get(line=b"GET /#x HTTP/1.1")),
    "a target that is no path": (400, get(line=b"GET path HTTP/1.1")),
    "an asterisk for GET": (400, get(line=b"GET * HTTP/1.1")),
    # versions
    "HTTP/2.0": (505, get(line=b"GET / HTTP/2.0")),
    "HTTP/1.2": (505, get(line=b"GET / HTTP/1.2")),
    "HTTP/0.9": (505, get(line=b"GET / HTTP/0.9")),
    "HTTP/3.0": (505, get(line=b"GET / HTTP/3.0")),
    "the preface of HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/1.10": ((400, 505), get(line=b"GET / HTTP/1.10")),
    "HTTP/01.1": ((400, 505), get(line=b"GET / HTTP/01.1")),
    "HTTP/1": ((400, 505), get(line=b"GET / HTTP/1")),
    "http/1.1": ((400, 505), get(line=b"GET / http/1.1")),
    "no version": ((400, 505), b"GET /\r\n"),
    "ICY": ((400, 505), get(line=b"GET / ICY/1.1")),
    # other protocols
    "TLS": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x55" * 40),
    "noise": (400, bytes(range(256))),
}


def _strict(rig, **settings):
    seen = []

    def handler(peer, r):
        seen.append(r.target)
        peer.answer(200, b"fine")

    w = rig.weir(rig.backend().serve(handler), **settings)
    w.seen = seen
    return w


@pytest.fixture
def strict(standing):
    """weir, and the paths its backend was asked for: a bad request must never be among them."""
    s = standing(_strict)
    yield s.get()
    s.look()


def _nothing_went_through(w):
    """A good request on a fresh connection; whatever came before it would be seen first."""
    before = len(w.seen)
    marker = f"/marker-{before}"
    assert w.client().ask(target=marker).status == 200
    assert w.seen[before:] == [marker]


def _assert_refused(w, c, status, cause="bad_request"):
    answer = c.answer(within=5)
    assert answer.status in (status if isinstance(status, tuple) else (status,)), answer
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert answer.code == answer.cause == cause
    assert answer.get("proxy-status").startswith("weir; error=http_request_error")
    assert answer.get("retry-after") is None
    assert "close" in answer.head.tokens("connection")
    c.assert_closed()
    return answer


@pytest.mark.parametrize("name", BAD_HEADS)
def test_a_bad_head_is_refused_and_never_seen_upstream(strict, name):
    status, raw = BAD_HEADS[name]
    c = strict.client()
    seen = len(strict.seen)
    c.send_or_break(raw)
    answer = _assert_refused(strict, c, status)
    assert len(strict.seen) == seen
    e = strict.log.entry(answer.id)
    assert (e.decision, e.why, e.status, e.upstream) == (
        "local", "bad_request", answer.status, None)
    _nothing_went_through(strict)


@pytest.mark.parametrize("name", [n for n in BAD_HEADS if n not in ("TLS", "noise")])
def test_a_bad_head_is_refused_however_it_is_cut(strict, name):
    status, raw = BAD_HEADS[name]
    rng = random.Random(name)
    points = sorted(rng.sample(range(1, len(raw)), min(8, len(raw) - 1)))
    sizes = [b - a for a, b in zip([0, *points], points)]
    c = strict.client()
    try:
        c.send(raw, sizes)
    except ConnectionError:
        pass
    _assert_refused(strict, c, status)
    _nothing_went_through(strict)


@pytest.mark.parametrize("name", ["CL with TE", "bare LF ends", "two Hosts", "HTTP/2.0"])
def test_a_bad_request_behind_a_good_one_ends_the_connection_after_the_good_answer(strict, name):
    status, raw = BAD_HEADS[name]
    c = strict.client()
    c.send(request(target="/good") + raw)
    assert c.answer().status == 200
    _assert_refused(strict, c, status)
    assert strict.seen[-1] == "/good"


def test_nothing_behind_a_bad_request_is_served(strict):
    c = strict.client()
    c.send(BAD_HEADS["CL with TE"][1] + request(target="/smuggled"))
    _assert_refused(strict, c, 400)
    _nothing_went_through(strict)
    assert "/smuggled" not in strict.seen


@pytest.mark.parametrize("raw", [
    get(b"Host: weir.test:8080\r\n"), get(b"Host: [::1]:80\r\n"), get(b"Host: 127.0.0.1\r\n"),
    get(b"host:weir.test\r\n"), get(H + b"X-A: b\tc\r\n"), get(H + b"X-A: caf\xc3\xa9\r\n"),
    get(H + b"X-A:\r\n"), get(H + b"!#$%&'*+-.^`|~9a: b\r\n"), get(b"", b"GET / HTTP/1.0"),
    post(b"Content-Length: 0\r\n"), post(b"Content-Length: 003\r\n", b"abc"),
    post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
], ids=lambda r: repr(r)[2:50])
def test_what_is_unusual_but_right_is_served(strict, raw):
    c = strict.client()
    c.send(raw)
    assert c.answer().status == 200


def test_names_with_an_underscore_may_be_dropped_instead(rig):
    b = rig.backend()
    w = rig.weir(b, limits={"underscore_names": "drop"})
    c = w.client()
    c.send(get(H + b"X_A: b\r\nX-C: d\r\n"))
    peer, head = b.request()
    assert not head.has("x_a") and head.get("x-c") == "d"
    peer.answer(200, b"x")
    assert c.answer().status == 200


def test_names_with_an_underscore_may_be_passed_on(rig):
    b = rig.backend()
    w = rig.weir(b, limits={"underscore_names": "pass"})
    c = w.client()
    c.send(get(H + b"session_id: 7\r\nOpenAI_Organization: o\r\n"))
    peer, head = b.request()
    assert head.get("session_id") == "7" and head.get("openai_organization") == "o"
    peer.answer(200, b"x")
    assert c.answer().status == 200


# chunked bodies: the head may have gone upstream, the request must never become whole there

BAD_CHUNKS = {
    "no size": b"\r\nabc\r\n0\r\n\r\n",
    "17 digits": b"00000000000000003\r\nabc\r\n0\r\n\r\n",
    "a size beyond 64 bits": b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "the greatest 64-bit size": b"ffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "a minus": b"-3\r\nabc\r\n0\r\n\r\n",
    "a plus": b"+3\r\nabc\r\n0\r\n\r\n",
    "no hexadecimal": b"g\r\nabc\r\n0\r\n\r\n",
    "a blank before the size": b" 3\r\nabc\r\n0\r\n\r\n",
    "a blank after the size": b"3 \r\nabc\r\n0\r\n\r\n",
    "a bare LF after the size": b"3\nabc\r\n0\r\n\r\n",
    "a bare CR after the size": b"3\rabc\r\n0\r\n\r\n",
    "a bare LF after the data": b"3\r\nabc\n0\r\n\r\n",
    "nothing after the data": b"3\r\nabc0\r\n\r\n",
    "data longer than the size": b"3\r\nabcd\r\n0\r\n\r\n",
    "an extension of 257 bytes": b"3;" + b"x" * 257 + b"\r\nabc\r\n0\r\n\r\n",
    "extensions of more than 4 KiB": b"".join(
        b"1;" + b"x" * 200 + b"\r\na\r\n" for _ in range(25)) + b"0\r\n\r\n",
    "a bare LF in an extension": b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "a bare CR in an extension": b"3;a\rb\r\nabc\r\n0\r\n\r\n",
    "a NUL in an extension": b"3;a\x00b\r\nabc\r\n0\r\n\r\n",
    "a bare LF after the last chunk": b"3\r\nabc\r\n0\n\n",
    "a bare LF at the end": b"3\r\nabc\r\n0\r\n\n",
    "a trailer without colon": b"3\r\nabc\r\n0\r\nrubbish\r\n\r\n",
    "a folded trailer": b"3\r\nabc\r\n0\r\nA: b\r\n c\r\n\r\n",
    "a trailer with a bare LF": b"3\r\nabc\r\n0\r\nA: b\n\r\n",
}


def _chunky(rig):
    whole = []

    def handler(peer, r):
        whole.append((r.target, r.body))
        peer.answer(200, b"fine")

    w = rig.weir(rig.backend().serve(handler))
    w.whole = whole
    return w


@pytest.fixture
def chunky(standing):
    """weir, and the requests that became whole at its backend."""
    s = standing(_chunky)
    yield s.get()
    s.look()


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_a_bad_chunk_is_refused_and_the_request_never_becomes_whole(chunky, name, cut):
    raw = BAD_CHUNKS[name]
    c = chunky.client()
    head = request("POST", "/bad", [("Transfer-Encoding", "chunked")])
    sizes = [len(head)] + ([1] * min(len(raw), 40) if cut else [])
    try:
        c.send(head + raw, sizes)
    except ConnectionError:
        pass
    answer = c.answer()
    assert (answer.status, answer.code) == (400, "bad_request")
    c.assert_closed()
    assert chunky.client().ask(target="/marker").status == 200
    assert all(target == "/marker" for target, _ in chunky.whole)


@pytest.mark.parametrize("raw, body", [
    (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
    (b"0000000000000003\r\nabc\r\n0\r\n\r\n", b"abc"),
    (b"A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n", b"0123456789" * 2),
    (b"3;" + b"x" * 255 + b"\r\nabc\r\n0\r\n\r\n", b"abc"),
    (b'3;a="b;c";d\r\nabc\r\n0\r\n\r\n', b"abc"),
    (b"3\r\nabc\r\n0\r\nA: b\r\nC: d\r\n\r\n", b"abc"),
    (b"".join(b"1;" + b"x" * 200 + b"\r\na\r\n" for _ in range(20)) + b"0\r\n\r\n", b"a" * 20),
], ids=lambda v: repr(v)[2:30])
def test_chunks_that_are_right_are_taken(rig, raw, body):
    b = rig.backend()
    w = rig.weir(b)
    for step in (len(raw), 1, 7):
        c = w.client()
        c.send(request("POST", "/", [("Transfer-Encoding", "chunked"), ("Connection", "close")])
               + raw, [step] * (len(raw) // step))
        if step == len(raw):
            b.serve(lambda p, r: p.answer(200, r.body))
        assert c.answer().body == body


def test_a_bad_chunk_in_a_kept_body_reaches_no_upstream(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request("POST", "/bad", [("Transfer-Encoding", "chunked")]) + chunk(b"x" * 50000))
    c.send(b"zz\r\n")
    assert c.answer().status == 400
    b.assert_untouched()
    e = w.log.entry(path="/bad")
    assert (e.why, e.upstream) == ("bad_request", None)


def test_a_bad_chunk_is_the_clients_fault_not_the_upstreams(rig):
    b = rig.backend()
    w = rig.weir(b, limits={"spool": "0B"})
    c = w.client()
    c.send(request("POST", "/bad", [("Transfer-Encoding", "chunked")]) + chunk(b"x" * 50000))
    peer = b.accept()
    peer.head()
    c.send(b"zz\r\n")
    assert c.answer().status == 400
    assert peer.time_to_end() < 2
    e = w.log.entry(path="/bad")
    assert (e.outcome, e.why) == ("neutral", "bad_request")


def test_random_damage_to_a_request_never_reaches_the_backend_as_something_else(rig):
    """One byte of a head is replaced: the backend sees one request, or none; never two."""
    strict = _strict(rig, client_fin="keep")
    rng = random.Random(42)
    raw = request("POST", "/damage", [("X-A", "b"), ("Accept", "*/*")], b"0123456789")
    end = raw.index(b"\r\n\r\n") + 4
    for _ in range(150):
        at = rng.randrange(end)
        bad = raw[:at] + bytes([rng.randrange(256)]) + raw[at + 1:]
        before = len(strict.seen)
        c = strict.client()
        c.send_or_break(bad)
        c.finish()
        c.read_to_end()
        assert len(strict.seen) - before <= 1
        c.close()


@pytest.mark.parametrize("n", [1, 50])
def test_empty_lines_before_a_request_do_not_confuse(strict, n):
    c = strict.client()
    c.send_or_break(b"\r\n" * n + request(target="/after-empty-lines"))
    answer = c.answer()
    assert answer.status in (200, 400)
    if answer.status == 200:
        assert strict.seen[-1] == "/after-empty-lines"
