# SPDX-License-Identifier: Apache-2.0
"""Heads are written anew: what goes, what stays, what is added; ids, traces, upgrades."""

import json
import random
import re

import pytest

from harness.ask import exchange
from harness.http1 import request, response
from harness.deadline import eventually
from harness.weir import HOST, weirctl


@pytest.fixture
def one(rig):
    """One exchange with given heads: what the backend saw, what the client saw."""
    b = rig.backend()

    def ask(fields=(), back=(), target="/", peer_address=None, raw=None, **settings):
        w = rig.weir(b, **settings)
        c = w.client(source=peer_address)
        c.send(raw or request(target=target, fields=fields))
        peer, head = b.request()
        peer.answer(200, b"x", back)
        answer = c.answer()
        ask.weir, ask.peer = w, peer
        return head, answer

    return ask


HOP = [("Keep-Alive", "timeout=9"), ("Proxy-Connection", "keep-alive"), ("TE", "trailers"),
       ("Trailer", "X-Sum"), ("Upgrade", "foo/1")]


@pytest.mark.parametrize("name, value", HOP)
def test_hop_by_hop_fields_of_a_request_stay_here(one, name, value):
    head, _ = one([(name, value), ("Connection", name), ("X-Stays", "1")])
    assert not head.has(name) and head.get("x-stays") == "1"
    assert name.lower() not in head.tokens("connection")


@pytest.mark.parametrize("name, value", [h for h in HOP if h[0] != "TE"])
def test_hop_by_hop_fields_of_an_answer_stay_here(one, name, value):
    _, answer = one(back=[(name, value), ("X-Stays", "1")])
    assert not answer.head.has(name) and answer.get("x-stays") == "1"


def test_fields_that_connection_names_stay_here(one):
    head, answer = one(
        [("X-Secret", "1"), ("Connection", "x-secret, X-Other"), ("X-other", "2"), ("X-Not", "3")],
        [("X-Back", "1"), ("Connection", "X-Back"), ("X-Not", "4")])
    assert not head.has("x-secret") and not head.has("x-other") and head.get("x-not") == "3"
    assert not answer.head.has("x-back") and answer.get("x-not") == "4"


@pytest.mark.parametrize("name, value", [
    ("Host", "weir.test"), ("Authorization", "Bearer k"), ("Cookie", "a=b"),
    ("Content-Type", "text/x"), ("Content-Length", "3")])
def test_some_fields_cannot_be_taken_away_by_connection(one, name, value):
    fields = [("Connection", f"close, {name.lower()}"), ("Authorization", "Bearer k"),
              ("Cookie", "a=b"), ("Content-Type", "text/x")]
    head, _ = one(raw=request("POST", "/", fields, b"abc"))
    assert head.get(name) == value and head.body == b"abc"


def test_all_other_fields_arrive_in_their_order_with_their_values(one):
    fields = [("Accept", "a/b"), ("X-One", "1"), ("X-Two", "2, 3"), ("X-One", "4"),
              ("Accept-Encoding", "gzip, br"), ("User-Agent", "a (b; c)"), ("Range", "bytes=0-1"),
              ("X-Latin", "caf\xe9"), ("X-Empty", "")]
    head, answer = one(fields, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("ETag", '"x"'),
                                ("Server", "own/1"), ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                                ("llm_provider-date", "then"), ("Content-Type", "text/x")])
    for name in {n for n, _ in fields}:
        assert head.all(name) == [v for n, v in fields if n == name]
    names = [n for n in head.names() if n in {f.lower() for f, _ in fields}]
    assert names == [n.lower() for n, _ in fields]
    assert answer.head.all("set-cookie") == ["a=1", "b=2"]
    assert answer.get("server") == "own/1" and answer.get("etag") == '"x"'
    assert answer.get("date") == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert answer.get("content-type") == "text/x"
    assert answer.get("llm_provider-date") == "then", "as LiteLLM names them"


def test_blanks_around_values_do_not_matter(one):
    head, _ = one(raw=b"GET / HTTP/1.1\r\nHost:\t weir.test \t\r\nX-A:b\r\nX-C: \t d  \r\n\r\n")
    assert (head.get("host"), head.get("x-a"), head.get("x-c")) == ("weir.test", "b", "d")


@pytest.mark.parametrize("target", [
    "/", "/a/../b?c=/../d", "/%7Euser/%2e%2e/x", "//double//", "/a?b?c", "/a;p=1/b", "/?", "/a%00b",
    "/very/" + "long/" * 300, "/[]{}|\\^`\"<>"])
def test_the_target_is_passed_on_as_received(one, target):
    head, _ = one(target=target)
    assert head.target == target


def test_an_absolute_target_overrules_host(one):
    head, _ = one(raw=b"GET http://other.test:81/path?q HTTP/1.1\r\nHost: weir.test\r\n\r\n")
    assert (head.target, head.get("host")) == ("/path?q", "other.test:81")


def test_options_with_an_asterisk_is_passed_on(one):
    head, _ = one(raw=b"OPTIONS * HTTP/1.1\r\nHost: weir.test\r\n\r\n")
    assert (head.method, head.target) == ("OPTIONS", "*")


# who and where

def test_the_upstream_is_told_who_asked_and_how(one):
    head, _ = one(peer_address=HOST)
    assert head.get("x-forwarded-for") == HOST
    assert head.get("x-forwarded-proto") == "http"
    assert head.get("x-forwarded-host") == "weir.test"
    assert head.get("host") == "weir.test"


SAID = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "public.test"), ("X-Request-Id", "client-chose-this")]


def test_strangers_are_not_believed(one):
    head, answer = one(SAID, peer_address=HOST)
    assert head.get("x-forwarded-for").split(",")[-1].strip() == HOST
    assert head.get("x-forwarded-proto") == "http"
    assert head.get("x-forwarded-host") == "weir.test"
    assert head.get("x-request-id") != "client-chose-this"
    assert answer.id == head.get("x-request-id")
    assert one.weir.log.entry(answer.id).client.split(":")[0] == HOST


def test_strangers_do_not_choose_their_address(one):
    head, _ = one(SAID, peer_address=HOST)
    assert head.get("x-forwarded-for") == HOST


def test_trusted_peers_are_believed(one):
    head, answer = one(SAID, peer_address=HOST, trusted=[HOST + "/32"])
    assert [a.strip() for a in head.get("x-forwarded-for").split(",")] == ["203.0.113.9", HOST]
    assert head.get("x-request-id") == answer.id == "client-chose-this"
    assert one.weir.log.entry("client-chose-this").client == "203.0.113.9"


def test_trust_covers_a_network(one):
    head, _ = one(SAID, peer_address=HOST, trusted=["10.0.0.0/8", "127.0.0.0/8"])
    assert head.get("x-request-id") == "client-chose-this"


@pytest.mark.parametrize("bad", ["x" * 200, "a b", "a\"b", "ä"])
def test_even_a_trusted_request_id_must_be_presentable(one, bad):
    head, answer = one([("X-Request-Id", bad)], peer_address=HOST, trusted=["127.0.0.0/8"])
    assert answer.id == head.get("x-request-id") != bad


def test_every_request_has_an_id_of_its_own(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    ids, peer = set(), None
    for _ in range(50):
        answer, peer = exchange(c, b, peer=peer)
        ids.add(answer.id)
    assert len(ids) == 50 and all(8 <= len(i) <= 64 for i in ids)


def test_the_backends_own_id_stays_and_weirs_is_beside_it(one):
    head, answer = one(back=[("X-Request-Id", "backend-chose-this")])
    assert answer.head.all("x-request-id") == ["backend-chose-this"]
    assert answer.get("x-weir-request-id") == head.get("x-request-id") != "backend-chose-this"
    entry = one.weir.log.entry(head.get("x-request-id"))
    assert entry.upstream_request_id == "backend-chose-this"


def _why(w, name):
    code, out, _ = weirctl(w.socket_path, "--json", "why", name)
    return json.loads(out) if code == 0 else None


def test_a_request_is_found_by_either_id(one):
    head, _ = one(back=[("Request-Id", "req_011CSHoEeqs5C35K2UUqR7Fy")])
    own = head.get("x-request-id")
    one.weir.log.entry(own)
    for name in (own, "req_011CSHoEeqs5C35K2UUqR7Fy"):
        why = eventually(lambda n=name: _why(one.weir, n))
        assert (why["request_id"], why["upstream_request_id"]) == (own, "req_011CSHoEeqs5C35K2UUqR7Fy")


def test_a_backend_does_not_speak_for_weir(one):
    head, answer = one(back=[("X-Weir-Request-Id", "not-weirs")])
    assert answer.head.all("x-weir-request-id") == [head.get("x-request-id")]


def test_the_same_id_from_the_backend_is_not_repeated(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request())
    peer, head = b.request()
    peer.answer(200, b"x", [("X-Request-Id", head.get("x-request-id"))])
    answer = c.answer()
    assert answer.head.all("x-request-id") == [head.get("x-request-id")]
    assert answer.get("x-weir-request-id") == head.get("x-request-id")


def test_via_names_weir_both_ways_after_what_was_there(one):
    head, answer = one([("Via", "1.0 first")], [("Via", "1.1 backend")])
    assert re.match(r"^1\.0 first, 1\.1 \S*weir", ", ".join(head.all("via")))
    assert re.match(r"^1\.1 backend, 1\.1 \S*weir", ", ".join(answer.head.all("via")))


def test_via_begins_with_weir(one):
    head, answer = one()
    assert re.match(r"^1\.1 \S*weir", head.get("via"))
    assert re.match(r"^1\.1 \S*weir", answer.get("via"))


def test_no_trace_is_invented(one):
    head, _ = one([("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1")])
    assert head.get("traceparent") is None
    assert head.get("b3") == "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1"


def test_a_trace_is_passed(one):
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    head, _ = one([("Traceparent", parent), ("Tracestate", "a=b")])
    assert head.get("traceparent") == parent
    assert head.get("tracestate") == "a=b"


def test_a_trace_that_is_none_is_left_to_the_backend(one):
    head, _ = one([("Traceparent", "rubbish")])
    assert head.get("traceparent") == "rubbish"


@pytest.mark.parametrize("status", [200, 204, 304, 404])
def test_an_answer_without_a_date_gets_one(rig, status):
    b = rig.backend()
    w = rig.weir(b)
    c = w.client()
    c.send(request())
    peer, _ = b.request()
    peer.answer(status, b"" if status in (204, 304) else b"x")
    date = c.answer().get("date")
    assert re.match(r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$", date)


def test_the_backends_own_date_stays_alone(one):
    _, answer = one(back=[("Date", "Sun, 06 Nov 1994 08:49:37 GMT")])
    assert answer.head.all("date") == ["Sun, 06 Nov 1994 08:49:37 GMT"]


def test_the_head_arrives_however_it_is_cut(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    raw = request("POST", "/some/path?x=y", [("X-A", "b" * 50), ("Accept", "*/*")], b"body")
    c = w.client()
    want = peer = None
    for seed in range(12):
        rng = random.Random(seed)
        points = sorted(rng.sample(range(1, len(raw)), min(seed * 3 + 1, 30)))
        c.send(raw, [b - a for a, b in zip([0, *points], points)])
        peer = peer or b.accept()
        head = peer.request()
        seen = (head.first, head.body, [f for f in head.fields
                                        if f[0].lower() not in ("x-request-id",)])
        want = want or seen
        assert seen == want
        peer.answer(200, b"x")
        c.answer()


def test_an_answers_head_arrives_however_it_is_cut(rig):
    b = rig.backend()
    w = rig.weir(b, workers=1)
    raw = response(200, b"body", [("X-A", "b" * 50), ("Content-Type", "text/x")])
    c = w.client()
    peer = None
    for seed in range(12):
        rng = random.Random(seed)
        c.send(request())
        peer = peer or b.accept()
        peer.request()
        points = sorted(rng.sample(range(1, len(raw)), min(seed * 3 + 1, 30)))
        peer.send(raw, [b - a for a, b in zip([0, *points], points)])
        answer = c.answer()
        assert (answer.body, answer.get("x-a")) == (b"body", "b" * 50)
