# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 that is wrong: what is refused, what is reset, what ends the connection; and that none of
it reaches a backend."""

import pytest

from harness.backend import always
from harness.http2 import CONTINUATION, DATA, HEADERS, RST_STREAM, WINDOW_UPDATE, Raw, frame
from harness.weir import HOST

PROTOCOL, CLOSED, FRAME_SIZE, COMPRESSION = 1, 5, 6, 9


@pytest.fixture
def weir(standing):
    def build(rig):
        rig.b = rig.backend()
        w = rig.weir(rig.b, start=False)
        w.settings["listeners"] = [{"address": f"{HOST}:{w.address[1]}", "http2": "clear"}]
        w.write_file(w.settings)
        w.backend = rig.b
        return w.start()

    s = standing(build)
    yield s.get()
    s.look()


GET = [(":method", "GET"), (":scheme", "http"), (":authority", "a.test"), (":path", "/")]
POST = [(":method", "POST"), *GET[1:]]


def without(fields, name):
    return [f for f in fields if f[0] != name]


def instead(fields, name, value):
    return [(n, value if n == name else v) for n, v in fields]


# By weir's rules: its own answer, whole.  By HTTP/2's, which nghttp2 knows: a reset.
REFUSED = {
    "no authority": without(GET, ":authority"),
    "user name": instead(GET, ":authority", "u@a.test"),
    "user name in both": [*instead(GET, ":authority", "u@a.test"), ("host", "u@a.test")],
    "path in the authority": instead(GET, ":authority", "a.test/b"),
    "other host": [*GET, ("host", "b.test")],
    "other port": [*GET, ("host", "a.test:81")],
    "empty host": [*without(GET, ":authority"), ("host", "")],
    "ftp": instead(GET, ":scheme", "ftp"),
    "fragment": instead(GET, ":path", "/#x"),
    "underscore": [*GET, ("content_length", "5")],
    "two lengths": [*POST, ("content-length", "5"), ("content-length", "5"), ("x", "y")],
    "LF in a value": [*GET, ("x", "a\nb: c")],
    "CR in a value": [*GET, ("x", "a\rb")],
    "NUL in a value": [*GET, ("x", "a\0b")],
    "LF in a name": [*GET, ("x\ny", "z")],
    "colon in a name": [*GET, ("x:y", "z")],
    "blank in a name": [*GET, ("x y", "z")],
    "upgrade settings": [*GET, ("http2-settings", "AAMAAABkAAQAAP__")],
}
RESET = {
    "upper case": [*GET, ("X-Upper", "1")],
    "connection": [*GET, ("connection", "close")],
    "keep-alive": [*GET, ("keep-alive", "timeout=5")],
    "proxy-connection": [*GET, ("proxy-connection", "close")],
    "transfer-encoding": [*POST, ("transfer-encoding", "chunked")],
    "upgrade": [*GET, ("upgrade", "websocket")],
    "te": [*GET, ("te", "gzip")],
    "no method": without(GET, ":method"),
    "no scheme": without(GET, ":scheme"),
    "no path": without(GET, ":path"),
    "empty path": instead(GET, ":path", ""),
    "relative path": instead(GET, ":path", "a"),
    "two methods": [GET[0], *GET],
    "two paths": [*GET, (":path", "/b")],
    "unknown pseudo field": [*GET, (":proto", "x")],
    "extended connect": [*instead(GET, ":method", "CONNECT"), (":protocol", "websocket")],
    "pseudo field behind others": [GET[0], ("x", "y"), *GET[1:]],
    "status": [*GET, (":status", "200")],
    "length that is none": [*POST, ("content-length", "5x")],
    "lengths that differ": [*POST, ("content-length", "5"), ("content-length", "6")],
}


def stays_clean(weir, raw, at=101):
    """The connection goes on, and the backend has seen nothing of it."""
    raw.ping()
    weir.backend.assert_untouched()
    raw.send(raw.head(at, instead(GET, ":path", "/after")))
    peer, head = weir.backend.request()
    assert head.target == "/after"
    peer.answer(200, b"fine", [("Connection", "close")])
    assert raw.result(at) == (200, "end")


@pytest.mark.parametrize("case", REFUSED)
def test_what_weir_does_not_take_is_refused_or_reset(weir, case):
    raw = Raw(weir)
    raw.send(raw.head(1, REFUSED[case]))
    assert raw.result(1) in ((400, "end"), (None, PROTOCOL))
    stays_clean(weir, raw)


@pytest.mark.parametrize("case", RESET)
def test_what_http_2_calls_malformed_is_reset_or_refused(weir, case):
    raw = Raw(weir)
    raw.send(raw.head(1, RESET[case]))
    assert raw.result(1) in ((None, PROTOCOL), (400, "end"))
    stays_clean(weir, raw)


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_connect_and_trace_are_not_served(weir, method):
    raw = Raw(weir)
    fields = [(":method", method), (":authority", "a.test:80")]
    raw.send(raw.head(1, fields if method == "CONNECT" else instead(GET, ":method", method)))
    assert raw.result(1) == (501, "end")
    stays_clean(weir, raw)


def test_options_asks_for_the_whole_server(weir):
    raw = Raw(weir)
    raw.send(raw.head(1, instead(instead(GET, ":path", "*"), ":method", "OPTIONS")))
    peer, head = weir.backend.request()
    assert (head.method, head.target) == ("OPTIONS", "*")
    peer.answer(200, b"", [("Connection", "close")])
    assert raw.result(1) == (200, "end")


def test_trailers_of_a_request_end_here(weir):
    raw = Raw(weir)
    raw.send(raw.head(1, POST, end=False), frame(DATA, 0, 1, b"body"),
             raw.head(1, [("x-trailer", "1")]))
    peer, head = weir.backend.request()
    assert head.body == b"body" and head.get("x-trailer") is None
    assert head.get("content-length") == "4"
    peer.answer(200, b"fine", [("Connection", "close")])
    assert raw.result(1) == (200, "end")


@pytest.mark.parametrize("trailers", [[("x", "a\nb")], [(":path", "/x")], [("Upper", "x")]])
def test_broken_trailers_break_the_request(weir, trailers):
    raw = Raw(weir)
    raw.send(raw.head(1, POST, end=False), frame(DATA, 0, 1, b"body"), raw.head(1, trailers))
    assert raw.result(1) == (None, PROTOCOL)
    stays_clean(weir, raw)


def opened(raw):
    return raw.head(1, POST, end=False)


ENDING = {
    "data on an idle stream": (lambda r: [frame(DATA, 1, 1, b"x")], (PROTOCOL,)),
    "falling id": (lambda r: [r.head(5, POST, end=False), r.head(3, GET)], (PROTOCOL,)),
    "even id": (lambda r: [r.head(2, GET)], (PROTOCOL,)),
    "stream 0": (lambda r: [r.head(0, GET)], (PROTOCOL,)),
    "head behind the client's reset": (
        lambda r: [opened(r), frame(RST_STREAM, 0, 1, b"\0\0\0\x08"), r.head(1, GET)],
        (CLOSED,)),
    "reset of an idle stream": (lambda r: [frame(RST_STREAM, 0, 1, b"\0\0\0\0")], (PROTOCOL,)),
    "short reset": (lambda r: [opened(r), frame(RST_STREAM, 0, 1, b"\0")], (FRAME_SIZE,)),
    "window of nothing": (lambda r: [frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\0")], (PROTOCOL,)),
    "continuation alone": (lambda r: [frame(CONTINUATION, 4, 1, b"")], (PROTOCOL,)),
    "another frame inside a head": (
        lambda r: [frame(HEADERS, 1, 1, b"\x82"), frame(DATA, 0, 1, b"")], (PROTOCOL,)),
    "frame too long": (lambda r: [opened(r), frame(DATA, 0, 1, b"x" * 16385)], (FRAME_SIZE,)),
    "broken compression": (lambda r: [frame(HEADERS, 5, 1, b"\xff\xff\xff\xff")], (COMPRESSION,)),
}


@pytest.mark.parametrize("case", ENDING)
def test_what_breaks_the_connection_ends_it(weir, case):
    frames, codes = ENDING[case]
    raw = Raw(weir)
    raw.ping()
    raw.send(*frames(raw))
    assert raw.wait_end() in codes
    weir.backend.assert_untouched()


def test_frames_on_a_stream_that_weir_reset_are_overlooked(weir):
    raw = Raw(weir)
    raw.send(raw.head(1, [*POST, ("content-length", "99999999999")], end=False))
    raw.until(lambda: 1 in raw.ends)
    raw.send(frame(DATA, 0, 1, b"late"), frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\x09"))
    stays_clean(weir, raw)


def test_a_preface_that_is_almost_one_is_no_http(weir):
    raw = Raw(weir)
    raw.wire.close()
    c = weir.client()
    c.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX" + b"G" * 40)
    assert c.answer().status in (400, 505)


def test_later_requests_work(weir):
    weir.backend.serve(always())
    raw = Raw(weir)
    raw.send(raw.head(1, GET))
    assert raw.result(1) == (200, "end")
