# SPDX-License-Identifier: Apache-2.0
"""The endpoint: what it answers, whom it turns away; and that what is written for Prometheus and
Grafana means something to a real Prometheus that scrapes a real weir."""

import json
import os
import re
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request

import pytest

from harness.ask import open_stream
from harness.backend import always
from harness.client import dial
from harness.deadline import eventually, secs
from harness.dialects import CHAT
from harness.metrics import Metrics
from harness.need import need
from harness.promtool import assert_clean_metrics, promtool
from harness.simulated import Load, Simulated
from harness.weir import HOST, free_port, weirctl
from harness.wire import Wire
from harness.words import names

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs")
RULES = os.path.join(DOCS, "prometheus")


def _weir(rig):
    b = rig.backend()
    b.serve(always(200, b"fine"))
    return rig.weir(b, enforce=True)


def _raw(w, data, within=5):
    wire = Wire(dial(w.admin_address), "endpoint")
    wire.send_or_break(data)
    try:
        return bytes(wire.read_until(b"\r\n\r\n", within))
    finally:
        wire.close()


# what it answers

def test_paths_and_their_kinds(rig):
    w = _weir(rig)
    for path, kind in [("/metrics", "text/plain; version=0.0.4"), ("/healthz", "text/plain"),
                       ("/readyz", "text/plain"), ("/status.json", "application/json"),
                       ("/", "text/html")]:
        status, fields, body = w.http(path)
        assert status == 200 and fields["content-type"].startswith(kind), path
        assert fields["cache-control"] == "no-store" and body
        head_status, head_fields, head_body = w.http(path, "HEAD")
        assert (head_status, head_body) == (200, b"")
        assert abs(int(head_fields["content-length"]) - len(body)) < 200
    assert w.http("/nothing")[0] == 404
    assert json.loads(w.http("/status.json")[2])["state"] == "serving"
    mine, theirs = json.loads(w.http("/status.json")[2]), w.admin.status()
    assert set(mine) == set(theirs) and set(mine["pools"][0]) == set(theirs["pools"][0])


def test_the_socket_and_the_endpoint_serve_the_same_metrics(rig):
    w = _weir(rig)
    names = {n for n, _ in Metrics(w.http("/metrics")[2].decode()).samples}
    code, out, _ = weirctl(w.socket_path, "metrics")
    assert code == 0 and {n for n, _ in Metrics(out).samples} == names
    families = {f["name"] for f in w.admin.json("metrics")}
    assert {re.sub(r"_(bucket|sum|count)$", "", n) for n in names} <= families


def test_ready_means_not_draining(rig):
    b = rig.backend()
    w = rig.weir(b)
    w.check_books = False
    _, _, body, peer = open_stream(w, b)
    assert w.http("/readyz")[0] == 200
    b.refuse()
    assert w.http("/readyz")[0] == 200, "with dead upstreams weir still answers politely"
    w.admin("drain")
    eventually(lambda: w.http("/readyz")[0] == 503)
    assert w.http("/healthz")[0] == 200
    peer.chunk(CHAT.end)
    peer.last_chunk()
    body.rest()
    w.wait_exit(10)


def test_it_only_reads(rig):
    w = _weir(rig)
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert w.http("/", method)[0] == 405
    assert b" 413 " in _raw(w, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")


@pytest.mark.parametrize("host, status", [
    ("127.0.0.1:9901", 200), ("localhost", 200), ("[::1]:9901", 200), ("rebound.example", 421),
    ("127.0.0.1.example", 421), ("", 400)])
def test_the_host_has_to_be_ours(rig, host, status):
    w = _weir(rig)
    got = _raw(w, f"GET /status.json HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert got.startswith(f"HTTP/1.1 {status} ".encode()), got


def test_garbage_and_slow_clients_hurt_nobody(rig):
    w = _weir(rig)
    for garbage in (b"\x16\x03\x01\x02\x00\x01", b"GET /\r\n\r\n", b"G" * 100_000,
                    b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 500 + b"\r\n", b"\r\n\r\n\r\n"):
        wire = Wire(dial(w.admin_address), "endpoint")
        wire.send_or_break(garbage)
        wire.close()
    slow = [Wire(dial(w.admin_address), "endpoint") for _ in range(30)]
    for wire in slow:
        wire.send(b"GET /metrics HT")
    assert w.http("/healthz")[0] == 200
    for wire in slow:
        wire.close()


def test_connections_are_bounded_and_the_one_idle_longest_makes_room(rig):
    w = _weir(rig)
    page = Wire(dial(w.admin_address), "page")  # has asked before all others, but is not idle
    page.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    page.read_until(b"event: status")
    ask = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    wires = []
    for _ in range(63):
        wires.append(Wire(dial(w.admin_address), "endpoint"))
        wires[-1].send(ask)
        wires[-1].read_until(b"ok\n")
    assert w.http("/healthz")[0] == 200
    assert wires[0].wait_end() == "fin"
    for wire in wires[1:]:
        wire.send(ask)
        wire.read_until(b"ok\n")
        wire.close()
    assert not page.ended
    weirctl(w.socket_path, "breaker", "chat/a", "open")
    page.read_until(b"operator")
    page.close()


def test_a_page_that_does_not_read_is_dropped(rig):
    w = _weir(rig)
    w.check_books = False
    fds = w.metrics().one("process_open_fds")
    wire = Wire(dial(w.admin_address), "endpoint")
    wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wire.read_until(b"event: status")
    before = w.resident_kib()
    for _ in range(24):  # more changes than the kernel keeps for it
        lines = b"breaker chat/a open\nbreaker chat/a auto\n" * 500
        with dial(w.socket_path) as orders:
            orders.sendall(lines)
            orders.shutdown(socket.SHUT_WR)
            while orders.recv(1 << 16):
                pass
    w.assert_grew_less(before, 16 * 1024)
    eventually(lambda: w.metrics().one("process_open_fds") <= fds, 16, "the page is dropped")
    wire.close()


def test_the_page_brings_everything_with_it(rig):
    status, fields, body = _weir(rig).http("/")
    page = body.decode()
    assert status == 200 and len(body) < 60 * 1024
    assert not re.search(r"""(src|href)=["'](?!data:|#|/status\.json|/metrics)""", page)
    policy = fields["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy and "connect-src 'self'" in policy


# Prometheus

def test_promtool_has_nothing_to_complain_about(rig):
    w = _weir(rig)
    w.client().ask("POST", "/", body=b"x")
    assert_clean_metrics(w.http("/metrics")[2].decode())


def test_the_alert_rules_do_what_their_tests_say():
    promtool("check", "rules", "weir.rules.yml", cwd=RULES)
    promtool("test", "rules", "weir.rules.test.yml", cwd=RULES)


class Prometheus:
    """A real one that scrapes weir every second, with our rules."""

    def __init__(self, rig, w):
        self.address = (HOST, free_port())
        folder = rig.path("prometheus")
        os.mkdir(folder)
        shutil.copy(os.path.join(RULES, "weir.rules.yml"), folder)
        with open(os.path.join(folder, "prometheus.yml"), "w") as f:
            f.write("global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
                    "rule_files: [weir.rules.yml]\n"
                    "scrape_configs:\n- job_name: weir\n  static_configs:\n"
                    "  - targets: ['%s:%d']\n" % w.admin_address)
        self.log = open(os.path.join(folder, "log"), "w")
        self.process = subprocess.Popen(
            [need("prometheus"), "--config.file", os.path.join(folder, "prometheus.yml"),
             "--storage.tsdb.path", os.path.join(folder, "data"),
             "--web.listen-address", "%s:%d" % self.address], stdout=self.log, stderr=self.log)

    def api(self, path, **query):
        url = "http://%s:%d/api/v1/%s?%s" % (*self.address, path, urllib.parse.urlencode(query))
        try:
            with urllib.request.urlopen(url, timeout=secs(5)) as r:
                answer = json.load(r)
        except OSError as e:
            body = e.read().decode() if hasattr(e, "read") else ""
            raise AssertionError(f"{url}: {e} {body}") from None
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expr):
        return self.api("query", query=expr)["result"]

    def close(self):
        self.process.terminate()
        self.process.wait(secs(20))
        self.log.close()


def _dashboard():
    with open(os.path.join(DOCS, "grafana", "weir.json")) as f:
        return json.load(f)


def _expressions(board):
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for note in board["annotations"]["list"]:
        yield note["name"], note["expr"]


def _filled_in(expr):
    """As Grafana would with its variables at their widest."""
    for name, value in {"$__rate_interval": "5s", "$job": "weir", "$instance": ".+",
                        "$pool": ".+"}.items():
        expr = expr.replace(name, value)
    assert "$" not in expr, expr
    return re.sub(r"\[(1m|5m|30m)\]", "[5s]", expr)


# These say something only when it happens.
MAY_BE_EMPTY = {"Changes of state", "breaker opens", "Whole answers (no streams)"}


def test_a_real_prometheus_understands_rules_and_dashboard(rig):
    backends = [rig.keep(Simulated("--slots", "4")) for _ in range(2)]
    w = rig.weir(*backends, enforce=True, log={"access": "off"})
    w.check_books = False
    p = rig.keep(Prometheus(rig, w))
    load = rig.keep(Load(w, 12, 60, "--output", "30", "--sdk", "openai"))
    eventually(lambda: p.query("up{job='weir'} == 1"), 20, "Prometheus has scraped weir")
    eventually(lambda: p.query("sum(rate(weir_time_to_first_token_seconds_count[5s])) > 0"), 20)
    backends[0].fault("down")
    eventually(lambda: p.query("sum(weir_breaker_transitions_total{to='open'}) > 0"), 20)
    for b in backends:
        b.fault("down")
    eventually(lambda: p.query("max by (pool) (weir_share) == 0"), 20)
    eventually(lambda: [a for a in p.api("alerts")["alerts"]
                        if a["labels"]["alertname"] == "WeirPoolDown"], 20, "the alert is pending")
    for b in backends:
        b.fault("up")
    eventually(lambda: p.query("sum(rate(weir_event_interval_seconds_count[5s])) > 0"), 30)

    for title, expr in _expressions(_dashboard()):
        found = p.query(_filled_in(expr))
        assert found or title in MAY_BE_EMPTY, f"{title}: nothing for {expr}"
    groups = p.api("rules")["groups"]
    rules = [r for g in groups for r in g["rules"]]
    assert len(rules) == 14
    assert not [r for r in rules if r["health"] != "ok"], rules
    load.close()


def test_rules_and_dashboard_name_only_what_there_is(rig):
    w = _weir(rig)
    w.client().ask("POST", "/", body=b"x")
    w.admin("breaker chat/a open")
    m = w.metrics()
    names = {n for n, _ in m.samples}
    values = {}
    for _, labels in m.samples:
        for k, v in labels:
            values.setdefault(k, set()).add(v)
    texts = [expr for _, expr in _expressions(_dashboard())]
    texts.append(open(os.path.join(RULES, "weir.rules.yml")).read())
    with open(os.path.join(DOCS, "metrics.md")) as f:
        texts.append("\n".join(re.findall(r"^\| [a-z][^|]+\| `(.*)` \|$", f.read(), re.M)))
    # what a node of a fleet has beside is test_fleet.py's
    texts = [re.sub(r"weir_fleet_\w+(\{[^}]*\})?", "", text) for text in texts]
    for text in texts:
        for name in re.findall(r"\b((?:weir|process)_[a-z_]+)\b(?!:)", text):
            assert name in names, f"there is no {name}: {text[:200]}"
        for label, value in re.findall(r'\b(cause|decision|outcome|kind|state|side)=~?"([^"$]+)"', text):
            for one in value.replace("\\|", "|").split("|"):
                assert one in values[label], f'{label}="{one}" never comes: {text[:200]}'


def test_what_adds_up_adds_up(rig):
    """Every request once, every refusal with a cause, whatever happens to them."""
    backend = rig.keep(Simulated("--slots", "4"))
    w = rig.weir(backend, enforce=True)
    load = rig.keep(Load(w, 60, 6, "--output", "10"))
    eventually(lambda: w.metrics().sum("weir_shed_total") > 20, 10)
    backend.fault("down")
    eventually(lambda: w.metrics().sum("weir_shed_total", cause="circuit_open") > 5, 10)
    load.process.wait(secs(60))
    eventually(lambda: w.metrics().sum("weir_inflight") == 0)
    m = w.metrics()
    assert m.sum("weir_shed_total") == m.sum("weir_requests_total", decision="refused")
    logged = eventually(lambda: len(w.log.entries()) == m.sum("weir_requests_total") and w.log.entries())
    for decision in names("decisions"):
        assert (m.sum("weir_requests_total", decision=decision)
                == sum(1 for e in logged if e.decision == decision)), decision
    outcomes = [e.outcome for e in logged if e.outcome]
    for outcome in set(outcomes):
        assert m.sum("weir_upstream_outcomes_total", outcome=outcome) >= outcomes.count(outcome)
