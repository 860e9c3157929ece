# SPDX-License-Identifier: Apache-2.0
"""Connections on both sides: kept, reused, closed, pipelined; names and address families."""

import random
import signal
import time

import pytest

from harness.ask import exchange, open_stream
from harness.backend import always
from harness.client import Ended
from harness.deadline import eventually, secs
from harness.http1 import request, response
from harness.weir import free_port


def test_a_client_connection_carries_many_requests(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    _, peer = exchange(c, b, "/0")
    for i in range(1, 20):
        exchange(c, b, f"/{i}", peer)
    b.assert_untouched()


def test_an_upstream_connection_is_shared_by_clients_one_after_the_other(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    _, peer = exchange(w.client(), b, "/a")
    for i in range(5):
        exchange(w.client(), b, f"/{i}", peer)
    b.assert_untouched()


def test_the_connection_that_came_free_last_is_reused_first(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    clients, peers = [w.client() for _ in range(3)], []
    for i, c in enumerate(clients):
        c.send(request(target=f"/{i}"))
        peers.append(b.accept())
        peers[i].request()
    for i in (1, 2, 0):
        peers[i].answer(200, b"x")
        clients[i].answer()
    order = []
    for i, c in enumerate(clients):
        c.send(request(target=f"/again{i}"))
        # the one on which something arrives is the one weir took
        taken = eventually(lambda: [p for p in peers if p not in order and _has_bytes(p)])
        order += taken
        taken[0].request()
    assert [peers.index(p) for p in order] == [0, 2, 1]
    for p, c in zip(order, clients):
        p.answer(200, b"y")
        c.answer()


def _has_bytes(peer):
    peer.is_open()
    return bool(peer.buf)


def test_idle_upstream_connections_are_closed_when_their_time_is_up(rig):
    b = rig.backend()
    w = rig.weir(b, each={"idle_timeout": "300ms"})
    _, peer = exchange(w.client(), b)
    start = time.monotonic()
    assert peer.wait_end() == "fin"
    assert 0.2 < time.monotonic() - start < secs(1.5)


def test_idle_upstream_connections_are_closed_before_the_upstream_would(rig):
    b = rig.backend()
    w = rig.weir(b, each={"idle_timeout": "1m"})
    c = w.client()
    c.send(request())
    peer = b.accept()
    peer.request()
    start = time.monotonic()
    peer.answer(200, b"x", [("Keep-Alive", "timeout=2, max=100")])
    c.answer()
    assert peer.wait_end() == "fin"
    assert time.monotonic() - start < 2.0


def test_an_upstream_that_allows_no_more_requests_gets_no_more(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    c.send(request())
    peer = b.accept()
    peer.request()
    peer.answer(200, b"x", [("Keep-Alive", "timeout=60, max=0")])
    c.answer()
    _, other = exchange(c, b, "/2")
    assert other is not peer


def test_no_more_idle_connections_are_kept_than_allowed(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1, each={"idle_connections": 1, "idle_timeout": "1m"})
    clients = [w.client() for _ in range(3)]
    peers = []
    for c in clients:
        c.send(request())
        peers.append(b.accept())
        peers[-1].request()
    for p, c in zip(peers, clients):
        p.answer(200, b"x")
        c.answer()
    eventually(lambda: sum(p.is_open() for p in peers) == 1)


def test_what_a_burst_has_opened_serves_the_next_one(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1, each={"idle_connections": 1, "idle_timeout": "1m"})
    clients = [w.client() for _ in range(8)]
    for c in clients:
        c.send(request())
    peers = [b.accept() for _ in clients]
    for _ in range(3):
        for p in peers:
            p.request()
        for p, c in zip(peers, clients):
            p.answer(200, b"x")
        for c in clients:
            c.answer()
        for c in clients:
            c.send(request())
    for p in peers:
        p.request()
        p.answer(200, b"x")
    b.assert_untouched()
    eventually(lambda: sum(p.is_open() for p in peers) == 1)


def test_no_idle_connections_at_all_if_none_are_allowed(rig):
    b = rig.backend()
    w = rig.weir(b, each={"idle_connections": 0})
    c = w.client()
    for i in range(3):
        _, peer = exchange(c, b, f"/{i}")
        assert peer.wait_end() == "fin"


def test_an_idle_connection_on_which_something_arrives_is_closed_and_never_used(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    _, peer = exchange(c, b, "/1")
    peer.send(response(200, b"forged"))
    assert peer.wait_end() in ("fin", "rst")
    answer, other = exchange(c, b, "/2", body=b"true")
    assert answer.body == b"true" and other is not peer


def test_bytes_after_the_answer_close_the_upstream_connection(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    c.send(request(target="/1"))
    peer = b.accept()
    peer.request()
    peer.send(response(200, b"true") + response(200, b"forged"))
    assert c.answer().body == b"true"
    assert peer.wait_end() in ("fin", "rst")
    answer, _ = exchange(c, b, "/2", body=b"also true")
    assert answer.body == b"also true"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("how", ["fin", "forged"])
def test_an_idle_connection_that_ended_while_a_request_came_is_never_the_clients_problem(
        rig, method, how):
    """Both are there when weir looks: it stands still while backend and client act."""
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    _, peer = exchange(c, b, "/1")
    w.signal(signal.SIGSTOP)
    try:
        if how == "fin":
            peer.close()
        else:
            peer.send(response(200, b"forged"))
        c.send(request(method, "/2", body=b"x" if method == "POST" else b""))
    finally:
        w.signal(signal.SIGCONT)
    other, head = b.request()
    assert head.target == "/2"
    other.answer(200, b"true")
    assert c.answer().body == b"true"


@pytest.mark.parametrize("closing", [
    response(200, b"x", [("Connection", "close")]),
    response(200, b"x", version="HTTP/1.0"),
])
def test_an_upstream_that_says_it_closes_is_not_used_again(rig, closing):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    c.send(request(target="/1"))
    peer = b.accept()
    peer.request()
    peer.send(closing)
    assert c.answer().body == b"x"
    assert peer.wait_end() in ("fin", "rst")
    exchange(c, b, "/2")


def test_an_http_1_0_upstream_that_keeps_alive_may_be_used_again(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    b.serve(lambda p, r: p.answer(200, r.target.encode(), [("Connection", "keep-alive")],
                                  version="HTTP/1.0"))
    c = w.client()
    for i in range(3):
        assert c.ask(target=f"/{i}").body == b"/%d" % i


def test_pipelined_requests_are_answered_in_their_order(rig):
    b = rig.backend()
    w = rig.weir(b)
    b.serve(lambda p, r: p.answer(200, r.target.encode() + r.body))
    c = w.client()
    c.send(request(target="/1") + request("POST", "/2", body=b"abc") + request(target="/3")
           + request("POST", "/4", chunks=[b"de", b"f"]) + request(target="/5"))
    assert [c.answer().body for _ in range(5)] == [b"/1", b"/2abc", b"/3", b"/4def", b"/5"]


def test_a_pipelined_request_waits_for_the_answer_before_it(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    c = w.client()
    c.send(request(target="/1") + request(target="/2"))
    peer = b.accept()
    assert peer.request().target == "/1"
    peer.quiet_for(0.1)
    b.assert_untouched()
    peer.answer(200, b"1")
    assert peer.request().target == "/2"
    peer.answer(200, b"2")
    assert [c.answer().body for _ in range(2)] == [b"1", b"2"]


@pytest.mark.parametrize("seed", range(6))
def test_pipelined_requests_may_be_split_anywhere(rig, seed):
    rng = random.Random(seed)
    b = rig.backend()
    w = rig.weir(b)
    b.serve(lambda p, r: p.answer(200, r.target.encode() + b" " + r.body))
    c = w.client()
    raw, want = b"", []
    for i in range(8):
        body = rng.randbytes(rng.randrange(0, 3000))
        target = f"/{i}/{'x' * rng.randrange(200)}"
        if rng.random() < 0.5:
            raw += request("POST", target, chunks=[body[:100], body[100:]])
        else:
            raw += request("POST", target, [("Content-Length", len(body))]) + body
        want.append(target.encode() + b" " + body)
    points = sorted(rng.sample(range(1, len(raw)), 40))
    c.send(raw, [b - a for a, b in zip([0, *points], points)])
    assert [c.answer().body for _ in want] == want


def test_connection_close_ends_the_connection_after_the_answer(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    answer, _ = exchange(c, b, fields=[("Connection", "close")])
    assert "close" in answer.head.tokens("connection")
    assert c.wait_end() == "fin"


def test_idle_client_connections_are_closed_without_a_word(rig):
    b = rig.backend()
    w = rig.weir(b, client_timeouts={"keepalive": "200ms"})
    c = w.client()
    exchange(c, b)
    assert c.wait_end() == "fin"


def test_a_running_answer_is_not_idleness(rig):
    b = rig.backend()
    w = rig.weir(b, client_timeouts={"keepalive": "100ms", "head": "100ms"})
    c, _, body, peer = open_stream(w, b)
    c.quiet_for(0.4)
    peer.last_chunk()
    body.rest_or_cut()


@pytest.mark.parametrize("n", [1, 3])
def test_a_connection_carries_exactly_as_many_requests_as_configured(rig, n):
    b = rig.backend()
    w = rig.weir(b, limits={"keepalive_requests": n})
    b.serve(always(200, b"x"))
    c = w.client()
    for i in range(n):
        answer = c.ask()
        assert ("close" in answer.head.tokens("connection")) == (i == n - 1)
    assert c.wait_end() == "fin"


# HTTP/1.0 clients

def test_an_http_1_0_client_is_answered_and_closed(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    answer, _ = exchange(c, b, version="HTTP/1.0")
    assert answer.get("transfer-encoding") is None
    assert c.wait_end() == "fin"


def test_an_http_1_0_client_never_gets_chunks(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request(version="HTTP/1.0"))
    peer, _ = b.request()
    peer.begin(kind="text/plain")
    peer.chunk(b"one")
    peer.chunk(b"two")
    peer.last_chunk()
    answer = c.answer()
    assert (answer.body, answer.framing) == (b"onetwo", "close")


def test_a_cut_answer_is_not_a_clean_end_for_an_http_1_0_client(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request(version="HTTP/1.0"))
    peer, _ = b.request()
    peer.begin(kind="text/plain")
    peer.chunk(b"half")
    head, body = c.begin()
    assert body.exactly(4) == b"half"
    peer.close()
    assert body.rest_or_cut()[1] == "rst"


def test_an_http_1_0_client_may_keep_the_connection(rig):
    b = rig.backend()
    w = rig.weir(b)
    b.serve(always(200, b"x"))
    c = w.client()
    keep = [("Connection", "keep-alive")]
    answer = c.ask(fields=keep, version="HTTP/1.0")
    if "keep-alive" not in answer.head.tokens("connection"):
        assert c.wait_end() == "fin"
        return
    assert answer.framing == "counted"
    assert c.ask(fields=keep, version="HTTP/1.0").body == b"x"


def test_the_upstream_is_spoken_to_in_http_1_1(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request(version="HTTP/1.0"))
    peer, head = b.request()
    assert head.version == "HTTP/1.1" and head.get("host") == "weir.test"
    peer.answer(200, b"x")
    c.answer()


# names and addresses

def test_weir_listens_on_ipv4_ipv6_and_unix_sockets(rig):
    b = rig.backend()
    path = rig.path("weir.sock")
    w = rig.weir(b, start=False)
    six = ("::1", free_port("::1"))
    listeners = [*w.settings["listeners"], {"address": f"[::1]:{six[1]}"},
                 {"address": f"unix:{path}"}]
    w.write_file({**w.settings, "listeners": listeners})
    w.start()
    b.serve(lambda p, r: p.answer(200, r.target.encode()))
    for i, address in enumerate((w.address, six, path)):
        c = eventually(lambda: _dial(w, address))
        assert c.ask(target=f"/{i}").body == b"/%d" % i


def _dial(w, address):
    try:
        return w.client(address)
    except OSError as e:
        raise AssertionError(e) from None


@pytest.mark.parametrize("kind", ["inet", "inet6", "unix", "localhost"])
def test_upstreams_may_be_ipv4_ipv6_unix_sockets_and_names(rig, kind):
    if kind == "unix":
        b, url = rig.unix_backend(), None
    elif kind == "inet6":
        b, url = rig.backend("::1"), None
    elif kind == "localhost":
        b = rig.backend("127.0.0.1")
        url = f"http://localhost:{b.port}"
    else:
        b, url = rig.backend(), None
    w = rig.weir(url or b)
    c = w.client()
    _, peer = exchange(c, b, "/1")
    exchange(c, b, "/2", peer)


def test_a_name_that_does_not_resolve_is_a_failure_to_connect(rig):
    w = rig.weir("http://no-such-host.invalid:80")
    answer = w.client().ask(within=15)
    assert (answer.status, answer.code) == (502, "connect_failed")
    assert "dns" in answer.get("proxy-status")
    assert w.log.entry(answer.id).outcome == "connect_failed"


def test_weir_listens_on_several_addresses_at_once(rig):
    b = rig.backend()
    w = rig.weir(b, start=False)
    host, port = w.address
    second = free_port()
    w.write_file({**w.settings, "listeners": [{"address": f"{host}:{port}"},
                                              {"address": f"{host}:{second}"}]})
    w.start()
    b.serve(always(200, b"x"))
    for address in (w.address, (host, second)):
        assert eventually(lambda: _dial(w, address)).ask().status == 200


def _at_most_two(rig, key, b):
    w = rig.weir(b, start=False, workers=1)
    w.write_file({**w.settings, "listeners": [{**w.settings["listeners"][0], key: 2}]})
    w.start()
    return w


def test_no_more_connections_are_accepted_from_an_address_than_configured(rig):
    b = rig.backend()
    w = _at_most_two(rig, "per_address", b)
    b.serve(always(200, b"x"))
    held = []
    eventually(lambda: _ask_and_keep(w, held), what="the harness's own look has been forgotten")
    assert _ask_and_keep(w, held)
    assert not _answers(w)
    held.pop().close()
    eventually(lambda: _answers(w), what="there is room again")


def test_no_more_connections_are_at_work_than_configured(rig):
    b = rig.backend()
    w = _at_most_two(rig, "max_connections", b)
    busy = []
    for _ in range(2):
        busy.append(eventually(lambda: _asking(w, b)))
    assert not _answers(w)
    c, peer = busy[0]
    peer.answer(200, b"x", [("Connection", "close")])
    assert c.answer("GET").status == 200
    b.serve(always(200, b"x"))
    assert _answers(w), "who has got the answer and is idle makes room"
    assert c.wait_end() == "fin"
    busy[1][1].answer(200, b"x")
    assert busy[1][0].answer("GET").status == 200


def _asking(w, b):
    """A request that the backend has, and its connection."""
    c = w.client()
    try:
        c.send(request("GET", "/"))
        return c, b.request(within=1)[0]
    except (AssertionError, Ended, ConnectionError):
        c.close()
        return None


def _ask_and_keep(w, held):
    c = w.client()
    try:
        c.ask(within=1)
    except (AssertionError, Ended, ConnectionError):
        c.close()
        return False
    held.append(c)
    return True


def _answers(w):
    c = w.client()
    try:
        c.ask(within=0.3)
        return True
    except (AssertionError, ConnectionError):
        return False
    finally:
        c.close()
