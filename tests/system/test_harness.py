# SPDX-License-Identifier: Apache-2.0
"""The harness itself: the scripted client against the scripted backend, without weir."""

import pytest

from harness import config
from harness.client import connect
from harness.http1 import Malformed, chunk, request, request_head, response, response_head
from harness.metrics import Metrics
from harness.wire import Ended


@pytest.fixture
def pair(rig):
    """A client and the backend's end of the same connection."""
    b = rig.backend()
    client = rig.keep(connect(b.address))
    return client, b.accept()


def test_a_request_and_its_answer_arrive_as_they_were_sent(pair):
    client, peer = pair
    client.send(request("POST", "/x?y", [("A", "b")], b"body"), pieces=[1, 2, 3])
    head = peer.request()
    assert (head.method, head.target, head.get("a"), head.body) == ("POST", "/x?y", "b", b"body")
    peer.answer(200, b"fine", [("C", "d")])
    answer = client.answer()
    assert (answer.status, answer.get("c"), answer.body, answer.how) == (200, "d", b"fine", "end")


def test_chunks_are_read_one_by_one(pair):
    client, peer = pair
    peer.begin()
    head, body = client.begin()
    for text in (b"data: 1\n\n", b"data: 2\n\n"):
        peer.chunk(text)
        assert body.event() == text
    peer.last_chunk()
    assert body.rest() == b"" and body.done


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_cut_is_told_from_an_end(pair, how):
    client, peer = pair
    peer.begin()
    peer.chunk(b"half")
    _, body = client.begin()
    assert body.exactly(4) == b"half"
    peer.reset() if how == "rst" else peer.close()
    assert body.rest_or_cut() == (b"", how)


def test_a_counted_body_that_stops_early_is_cut(pair):
    client, peer = pair
    peer.send(response(200, b"12345")[:-1])
    peer.close()
    with pytest.raises(AssertionError, match="cut"):
        client.answer()


def test_an_end_in_the_middle_of_a_head_is_an_end(pair):
    client, peer = pair
    peer.send(b"HTTP/1.1 200 OK\r\nA: b")
    peer.close()
    with pytest.raises(Ended):
        client.head()


def test_quiet_means_quiet(pair):
    client, peer = pair
    client.quiet_for(0.02)
    peer.send(b"x")
    with pytest.raises(AssertionError):
        client.quiet_for(1)


def test_a_reset_is_told_from_a_close(pair):
    client, peer = pair
    client.reset()
    assert peer.wait_end() == "rst"


def test_a_served_backend_answers_many(rig):
    b = rig.backend()
    b.serve(lambda peer, r: peer.answer(200, r.target.encode()))
    for i in range(3):
        client = rig.keep(connect(b.address))
        assert client.ask(target=f"/{i}").body == b"/%d" % i
        assert client.ask(target=f"/{i}a").body == b"/%da" % i


@pytest.mark.parametrize("raw", [
    b"HTTP/1.1 200 OK\nA: b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: b\x00\r\n\r\n",
    b"HTTP/2.0 200 OK\r\n\r\n",
    b"HTTP/1.1 200\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
])
def test_heads_that_are_not_http_are_malformed(raw):
    with pytest.raises(Malformed):
        response_head(raw)


@pytest.mark.parametrize("fields", [
    "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
    "Content-Length: 1\r\nContent-Length: 1\r\n",
    "Content-Length: +1\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
])
def test_framing_that_is_ambiguous_is_malformed(fields):
    head = request_head(f"POST / HTTP/1.1\r\n{fields}\r\n".encode())
    with pytest.raises(Malformed):
        head.framing()


def test_chunk_sizes_are_hexadecimal():
    assert chunk(b"a" * 26).startswith(b"1a\r\n")


def test_the_configuration_is_written_as_libconfig_has_it():
    text = config.text({"a": 1, "b": [{"c": "d\"e", "f": True}], "g": {"h": 0.5}})
    assert text.replace(" ", "").replace("\n", "") == (
        'a=1;b=({c="d\\"e";f=true;});g={h=0.5;};')


def test_laying_over_merges_groups_and_none_takes_away():
    assert config.merge({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 9}, "d": None}) == {
        "a": {"b": 9, "c": 2}}


def test_metrics_are_read_with_their_labels():
    m = Metrics('# TYPE x counter\nx{a="1",b="q\\"r"} 2\nx{a="2",b=""} 3\ny 4.5\n')
    assert m.sum("x") == 5 and m.one("x", a="2") == 3 and m.one("y") == 4.5
