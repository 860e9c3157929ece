# SPDX-License-Identifier: Apache-2.0
"""Spans, as a scripted collector gets them, and what the backend sees of a trace."""

import json
import re
import threading

import pytest

from harness.ask import end_stream, open_stream, post
from harness.backend import always, closed_port
from harness.deadline import eventually
from harness.dialects import CHAT
from harness.http1 import request
from harness.http2 import Server
from harness.weir import HOST, run

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"
SERVER, CLIENT = 2, 3


class Collector:
    """Takes batches and answers each with what `answers` says next, then 200."""

    def __init__(self, rig, *answers, **how):
        self.backend = rig.backend(**how)
        self.spans, self.bodies = [], []
        self.answers = list(answers)
        self.lock = threading.Lock()
        self.backend.serve(self._take)
        self.url = self.backend.url

    def _take(self, peer, r):
        with self.lock:
            status = self.answers.pop(0) if self.answers else 200
            if status == 200:
                self.bodies.append(self._checked(r))
        peer.answer(status, b"{}", [("Content-Type", "application/json")])

    def _checked(self, r):
        assert (r.method, r.target) == ("POST", "/v1/traces")
        assert r.get("content-type") == "application/json"
        body = json.loads(r.body)
        [resource] = body["resourceSpans"]
        names = {a["key"]: a["value"] for a in resource["resource"]["attributes"]}
        assert names["service.name"] == {"stringValue": "weir"}
        [scope] = resource["scopeSpans"]
        assert scope["scope"]["name"] == "weir"
        self.spans += [Span(s) for s in scope["spans"]]
        return body

    def wait(self, n):
        return eventually(lambda: len(self.spans) >= n and self.spans, 5, f"{n} spans")


class Span:
    def __init__(self, s):
        assert re.fullmatch("[0-9a-f]{32}", s["traceId"])
        assert re.fullmatch("[0-9a-f]{16}", s["spanId"])
        assert re.fullmatch("[0-9a-f]{16}", s.get("parentSpanId", "0" * 16))
        self.trace, self.id, self.parent = s["traceId"], s["spanId"], s.get("parentSpanId")
        self.name, self.kind = s["name"], s["kind"]
        self.start, self.end = s["startTimeUnixNano"], s["endTimeUnixNano"]
        assert isinstance(self.start, str) and int(self.start) <= int(self.end)
        self.failed = s["status"].get("code") == 2
        self.has = {}
        for a in s["attributes"]:
            [(kind, value)] = a["value"].items()
            assert kind in ("stringValue", "intValue") and isinstance(value, str)
            self.has[a["key"]] = value

    def __getitem__(self, key):
        return self.has.get(key)


def _weir(rig, *upstreams, collector=None, sample=1, **more):
    return rig.weir(*upstreams, tracing={"endpoint": collector.url, "sample": sample}, workers=1,
                    **more)


def _of(spans, name):
    return [s for s in spans if s.name == name]


def test_a_request_is_a_span_below_its_parent(rig):
    b, k = rig.backend(), Collector(rig)
    b.serve(always(200, b"fine"))
    w = _weir(rig, b, collector=k, sample=0)
    answer = w.client().ask("GET", "/v1/models?key=secret",
                            fields=[("Traceparent", SAMPLED), ("Authorization", "Bearer secret")])
    root, attempt = k.wait(2)[:2]
    assert (root.trace, root.parent, root.kind, root.name) == (TRACE, SPAN, SERVER, "GET")
    assert root["http.request.method"] == "GET"
    assert root["http.response.status_code"] == "200"
    assert root["url.path"] == "/v1/models"
    assert root["network.protocol.version"] == "1.1"
    assert root["weir.request_id"] == answer.id
    assert (root["weir.decision"], root["weir.outcome"]) == ("admitted", "ok")
    assert (root["weir.pool"], root["weir.upstream"]) == ("chat", "a")
    assert root["weir.user"] == w.log.entry(answer.id).user
    assert not root.failed
    assert (attempt.trace, attempt.parent, attempt.kind) == (TRACE, root.id, CLIENT)
    assert (attempt["server.address"], attempt["server.port"]) == (HOST, str(b.port))
    assert "secret" not in json.dumps(k.bodies)


def test_the_backend_gets_the_attempt_as_its_parent(rig):
    b, k = rig.backend(), Collector(rig)
    w = _weir(rig, b, collector=k)
    c = w.client()
    c.send(request(fields=[("Traceparent", SAMPLED), ("Tracestate", "a=b"), ("b3", "1-2-1")]))
    peer, head = b.request()
    peer.answer(200, b"fine")
    c.answer()
    [attempt] = _of(k.wait(2), "attempt")
    assert head.all("traceparent") == [f"00-{TRACE}-{attempt.id}-01"]
    assert (head.get("tracestate"), head.get("b3")) == ("a=b", "1-2-1")


def test_an_unsampled_parent_is_followed(rig):
    b, k = rig.backend(), Collector(rig)
    w = _weir(rig, b, collector=k)
    c = w.client()
    c.send(request(fields=[("Traceparent", UNSAMPLED), ("Tracestate", "a=b")]))
    peer, head = b.request()
    peer.answer(200, b"fine")
    c.answer()
    assert re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-00", head.get("traceparent"))
    assert SPAN not in head.get("traceparent")
    assert head.get("tracestate") == "a=b"
    c.send(request(target="/next"))
    peer.request()
    peer.answer(200, b"fine")
    c.answer()
    assert {s.trace for s in k.wait(2)}.isdisjoint({TRACE})


@pytest.mark.parametrize("parent", [[], ["rubbish"], [SAMPLED, SAMPLED]],
                         ids=["none", "rubbish", "two"])
def test_without_a_parent_a_trace_begins(rig, parent):
    b, k = rig.backend(), Collector(rig)
    w = _weir(rig, b, collector=k)
    c = w.client()
    c.send(request(fields=[*(("Traceparent", p) for p in parent), ("Tracestate", "a=b")]))
    peer, head = b.request()
    peer.answer(200, b"fine")
    c.answer()
    root, attempt = k.wait(2)[:2]
    assert root.parent is None and root.trace != TRACE
    assert head.all("traceparent") == [f"00-{root.trace}-{attempt.id}-01"]
    assert head.get("tracestate") is None


@pytest.mark.parametrize("sample, least, most", [(0, 0, 0), (0.5, 20, 80), (1, 100, 100)])
def test_the_share_is_kept(rig, sample, least, most):
    b, k = rig.backend(), Collector(rig)
    flags = []

    def answer(peer, r):
        flags.append(r.get("traceparent")[-2:])
        peer.answer(200, b"fine")

    b.serve(answer)
    w = _weir(rig, b, collector=k, sample=sample)
    c = w.client()
    for _ in range(100):
        c.ask("GET", "/")
    sampled = flags.count("01")
    assert len(flags) == 100 and least <= sampled <= most
    if sampled:
        assert len(k.wait(2 * sampled)) == 2 * sampled
    m = w.metrics()
    eventually(lambda: w.metrics().sum("weir_trace_spans_total", fate="sent") == 2 * sampled)
    assert m.sum("weir_trace_spans_total", fate="dropped") == 0


def test_a_second_attempt_is_a_span_of_its_own(rig):
    dead, b, k = rig.keep(closed_port(HOST)), rig.backend(), Collector(rig)
    seen = []

    def answer(peer, r):
        seen.append(r.get("traceparent"))
        peer.answer(200, b"fine")

    b.serve(answer)
    w = _weir(rig, f"http://{HOST}:{dead.getsockname()[1]}", b, collector=k)
    ids = [w.client().ask("POST", "/", body=b"x").id for _ in range(4)]
    tried = [i for i in ids if w.log.entry(i).retries == 1]
    assert tried
    spans = k.wait(2 * len(ids) + len(tried))
    [root] = [s for s in spans if s["weir.request_id"] == tried[0]]
    first, second = [s for s in spans if s.parent == root.id and s.name == "attempt"]
    assert (first["weir.upstream"], first["weir.outcome"]) == ("a", "connect_failed")
    assert first.failed and first["error.type"] == "connect_failed"
    assert (second["weir.upstream"], second["weir.outcome"]) == ("b", "ok")
    assert second["http.request.resend_count"] == "1" and not second.failed
    assert root["weir.retries"] == "1" and not root.failed
    assert f"00-{root.trace}-{second.id}-01" in seen


def test_a_stream_has_its_first_token_and_its_rest(rig):
    b, k = rig.backend(), Collector(rig)
    w = _weir(rig, b, collector=k)
    client, _, body, peer = open_stream(w, b, CHAT)
    end_stream(CHAT, body, peer)
    spans = k.wait(4)
    [attempt], [first], [rest] = (_of(spans, n) for n in ("attempt", "first_token", "stream"))
    assert first.parent == rest.parent == attempt.id
    assert first.end == rest.start and int(rest.end) <= int(attempt.end)
    assert int(rest["weir.events"]) >= 1


def test_waiting_for_a_place_is_a_span(rig):
    b, k = rig.backend(), Collector(rig)
    w = _weir(rig, b, collector=k, enforce=True, each={"max_streams": 1})
    first, _, body, peer = open_stream(w, b, CHAT)
    second = w.client()
    second.send(post(CHAT))
    eventually(lambda: w.metrics().sum("weir_queue_length") == 1)
    end_stream(CHAT, body, peer)
    b.serve(always(200, b"{}"))
    threading.Thread(target=_serve_kept, args=(peer,), daemon=True).start()
    assert second.answer().status == 200
    spans = eventually(lambda: _of(k.spans, "queue") and k.spans)
    [queue] = _of(spans, "queue")
    [root] = [s for s in spans if s.id == queue.parent]
    assert root["weir.decision"] == "queued"
    assert int(root.start) <= int(queue.start) <= int(queue.end) <= int(root.end)


def _serve_kept(peer):
    try:
        peer.request()
        peer.answer(200, b"{}", [("Content-Type", "application/json")])
    except (OSError, AssertionError):
        pass


def test_a_refusal_says_its_cause(rig):
    b, k = rig.backend(), Collector(rig)
    w = _weir(rig, b, collector=k)
    w.admin("upstream chat/a drain")
    answer = w.client().ask("POST", "/")
    assert answer.status == 503
    [root] = k.wait(1)
    assert root["weir.cause"] == root["error.type"] == "no_upstream" and root.failed
    assert root["weir.decision"] == "refused"


def test_an_upstream_of_http_2(rig):
    b, k = rig.backend(), Collector(rig)
    w = _weir(rig, b, collector=k, each={"http2": "clear"})
    c = w.client()
    c.send(request(fields=[("Traceparent", SAMPLED), ("Tracestate", "a=b")]))
    server = Server(b.accept())
    r = server.request()
    server.answer(r, 200, b"fine")
    c.answer()
    [attempt] = _of(k.wait(2), "attempt")
    assert (r.get("traceparent"), r.get("tracestate")) == (f"00-{TRACE}-{attempt.id}-01", "a=b")
    assert attempt["network.protocol.version"] == "2"


# a collector in trouble

def _asks(w, n):
    c = w.client()
    for _ in range(n):
        assert c.ask("GET", "/").status == 200


def test_a_batch_that_is_put_off_is_sent_again(rig):
    b, k = rig.backend(), Collector(rig, 503)
    b.serve(always(200, b"fine"))
    w = _weir(rig, b, collector=k)
    _asks(w, 5)
    assert len(k.wait(10)) == 10
    assert w.metrics().sum("weir_trace_spans_total", fate="dropped") == 0
    said = eventually(lambda: "spans are sent again" in w.errors.text() and w.errors.text())
    assert said.count("spans cannot be sent") == 1 and "status 503" in said


def test_a_batch_that_is_refused_is_dropped_and_counted(rig):
    b, k = rig.backend(), Collector(rig, 500)
    b.serve(always(200, b"fine"))
    w = _weir(rig, b, collector=k)
    _asks(w, 5)
    eventually(lambda: w.metrics().sum("weir_trace_spans_total", fate="dropped") == 10)
    assert "status 500" in w.admin("status")
    assert json.loads(w.admin("status --json"))["tracing"]["dropped"] == 10
    _asks(w, 1)
    assert len(k.wait(2)) == 2
    eventually(lambda: json.loads(w.admin("status --json"))["tracing"]["error"] is None)


def test_nobody_there_and_a_queue_that_is_full_harm_nobody(rig):
    b = rig.backend()
    b.serve(always(200, b"fine"))
    dead = rig.keep(closed_port(HOST))
    url = f"http://{HOST}:{dead.getsockname()[1]}"
    w = rig.weir(b, tracing={"endpoint": url, "sample": 1}, workers=1)
    before = w.resident_kib()
    c = w.client()
    path = "/" + "x" * 1500
    for _ in range(1500):
        assert c.ask("GET", path).status == 200
    eventually(lambda: w.metrics().sum("weir_trace_spans_total", fate="dropped") > 0)
    assert w.errors.text().count("spans cannot be sent") == 1
    w.assert_grew_less(before, 24 * 1024)


def test_a_collector_that_does_not_answer_holds_nobody_up(rig):
    b, k = rig.backend(), rig.black_hole()
    b.serve(always(200, b"fine"))
    w = rig.weir(b, tracing={"endpoint": k.url, "sample": 1}, workers=1)
    _asks(w, 200)
    assert w.metrics().sum("weir_trace_spans_total", fate="sent") == 0


def test_what_is_left_is_sent_at_the_end(rig):
    b, k = rig.backend(), Collector(rig)
    b.serve(always(200, b"fine"))
    w = _weir(rig, b, collector=k)
    c = w.client()
    c.ask("GET", "/")
    c.close()
    w.admin("drain")
    w.wait_exit()
    assert len(k.spans) == 2


def test_a_reload_switches_it_on_and_off(rig):
    b, k = rig.backend(), Collector(rig)
    seen = []

    def answer(peer, r):
        seen.append(r.get("traceparent"))
        peer.answer(200, b"fine")

    b.serve(answer)
    w = rig.weir(b, workers=1)
    _asks(w, 1)
    w.write_file({**w.settings, "tracing": {"endpoint": k.url, "sample": 1}})
    w.admin("reload")
    _asks(w, 1)
    k.wait(2)
    w.write_file(w.settings)
    w.admin("reload")
    _asks(w, 1)
    assert [s is not None for s in seen] == [False, True, False]


@pytest.mark.parametrize("known", [True, False])
def test_a_collector_with_tls_is_checked_against_the_systems_authorities(rig, authority, known):
    b, k = rig.backend(), Collector(rig, tls=authority.server(*authority.issue("otel", HOST)))
    b.serve(always(200, b"fine"))
    w = _weir(rig, b, collector=k, env={"SSL_CERT_FILE": authority.pem} if known else None)
    _asks(w, 1)
    if known:
        assert len(k.wait(2)) == 2
        return
    eventually(lambda: "spans cannot be sent" in w.errors.text())
    assert "certificate" in w.errors.text() and not k.spans


def test_an_endpoint_with_a_path_is_refused(rig):
    path = rig.path("weir.cfg")
    with open(path, "w", encoding="utf-8") as f:
        f.write('pools = ( { name = "a"; upstreams = ( { name = "a"; url = "http://127.0.0.1:1"; } ); } );\n'
                'tracing = { endpoint = "http://127.0.0.1:4318/v1/traces"; };\n')
    code, out, err = run("--check", "-c", path)
    assert code != 0 and "endpoint" in out + err
