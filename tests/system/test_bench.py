# SPDX-License-Identifier: Apache-2.0
"""weir-bench: it judges itself, and does what its page promises."""

import glob
import json
import os
import re
import signal
import subprocess

import pytest

from harness.deadline import eventually, secs
from harness.need import need
from harness.simulated import BENCH, Simulated
from harness.terminal import Terminal
from harness.weir import HOST, sanitizer_env

NO_HASTE = ("--ttft", "0s", "--pace", "0s")
SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench/scenarios")


def bench(*args, within=60):
    """(exit code, stdout, stderr)"""
    r = subprocess.run([BENCH, *map(str, args)], capture_output=True, text=True,
                       timeout=secs(within), env=sanitizer_env())
    return r.returncode, r.stdout, r.stderr


def load(url, *args):
    """The summary of a run."""
    code, out, err = bench("load", "--url", url, "--json", "-", "--quiet", *args)
    assert code in (0, 1), err
    return json.loads(out)


@pytest.fixture
def simulated(rig):
    return lambda *args: rig.keep(Simulated(*args))


# it judges itself

def test_backends_and_proxies_that_do_one_thing_wrong_are_found_out(tmp_path):
    code, out, err = bench("check", "--short", "--json", tmp_path / "check.json")
    assert code == 0, out + err
    found = json.load(open(tmp_path / "check.json"))
    told = {t["told"] for t in found["trials"]}
    assert {"a proxy that answers 200 with nothing", "a proxy that delays by 30 ms",
            "a proxy that cuts", "a proxy that alters a letter", "a proxy that lies about Retry-After"} <= told
    assert all(t["found"] for t in found["trials"])


def test_a_relay_can_do_no_other_wrong_than_those():
    code, _, err = bench("relay", "--wrong", "nonsense")
    assert code == 2 and "--wrong nonsense" in err


# the load

def test_a_recorded_trace_is_asked_as_it_is_written(simulated, tmp_path):
    trace, records = tmp_path / "trace", tmp_path / "records"
    trace.write_text("# seconds prompt output\n0.0 10 3\n0.05,20,4\n0.1 30 5\n0.1 30 6\n")
    got = load(simulated("--engine", "fast").url, "--trace", trace, "--exact", "--verify",
               "--records", records, *NO_HASTE)
    rows = [json.loads(line) for line in open(records)]
    assert got["ends"]["good"] == 4 and got["mixed"] == got["incomplete"] == 0
    assert sorted(r["content"] for r in rows) == [3, 4, 5, 6]
    assert sorted(round(r["at_s"], 3) for r in rows) == [0, 0.05, 0.1, 0.1]


def test_https_is_spoken_and_only_to_those_it_trusts(rig, simulated, authority):
    pem, key = authority.issue("bench", "localhost", HOST)
    w = rig.weir(simulated("--engine", "fast"), start=False)
    w.settings["listeners"] = [{"address": f"{HOST}:{w.address[1]}",
                                "tls": {"certificate": pem, "key": key}}]
    w.write_file(w.settings)
    w.check_books = False
    w.start()
    url = f"https://{HOST}:{w.address[1]}"
    run = ("--rate", 50, "--duration", "500ms", "--exact", "--output", 3, "--verify", *NO_HASTE)
    trusted = load(url, *run, "--ca", authority.pem)
    assert trusted["ends"]["good"] == trusted["turns"] > 10 and trusted["mixed"] == 0
    assert load(url, *run, "--insecure")["failed_hard"] == 0
    assert load(url, *run)["ends"]["no_connect"] > 10


def test_whoever_has_no_patience_leaves(simulated):
    b = simulated("--engine", "fast", "--script", "stall")
    got = load(b.url, "--rate", 20, "--duration", "500ms", "--patience", "300ms")
    assert got["ends"]["gave_up"] == got["turns"] > 3
    assert b.numbers()["aborted"] == got["turns"]


def test_a_script_of_faults_goes_by_the_clock(simulated):
    b = simulated("--engine", "fast", "--script", "at 100ms 503 retry-after=7 for 1h")
    eventually(lambda: b.numbers()["faults"]["status"] == 503, 10, "its time has come")
    got = load(b.url, "--rate", 40, "--duration", "500ms", "--even")
    assert got["ends"]["refused"] == got["turns"] >= 10


def test_a_hosted_api_has_a_quota(simulated):
    b = simulated("--engine", "fast", "--script", "quota=5 retry-after=2")
    got = load(b.url, "--rate", 40, "--duration", "1s", "--speech", "responses", "--output", 2,
               "--exact")
    assert 4 <= got["ends"]["good"] <= 15 and got["ends"]["refused"] > 15


def test_conversations_are_remembered_by_the_prefix_cache(simulated):
    b = simulated("--engine", "prefix", "--speed", "20")
    got = load(b.url, "--rate", 10, "--duration", "1s", "--turns", 3, "--think", "1ms", "--prompt",
               200, "--output", 20, "--exact", *NO_HASTE)
    n = b.numbers()
    assert got["conversations_completed_good"] == got["conversations_completed"] > 3
    assert got["conversations_broken_first"] == got["conversations_broken_later"] == 0
    assert n["cached_tokens"] > n["prompt_tokens"] / 4


def test_a_conversation_with_a_late_answer_is_complete_but_not_good(simulated):
    got = load(simulated("--engine", "fast", "--script", "slow=20").url, "--rate", 10, "--even",
               "--duration", "2s", "--turns", 2, "--think", "1ms", "--output", 3, "--exact",
               "--ttft", "1ms")
    assert got["conversations_completed"] > 0, got
    assert got["conversations_completed_good"] == 0


def test_memory_that_is_full_preempts_and_nobody_loses_a_token(simulated):
    b = simulated("--engine", "kv", "--speed", "20", "--kv-tokens", "1000")
    got = load(b.url, "--rate", 60, "--duration", "1s", "--prompt", 50, "--prompt-sigma", 0,
               "--output", 60, "--exact", "--verify", *NO_HASTE)
    assert b.numbers()["preempted"] > 0
    assert got["ends"]["good"] == got["turns"] and got["mixed"] == got["incomplete"] == 0


def test_on_a_terminal_the_load_says_how_it_goes(simulated):
    t = Terminal(BENCH, "load", "--url", simulated("--engine", "fast").url, "--rate", "50",
                 "--duration", "1500ms")
    t.wait(within=20)
    assert re.search(r"offered +\d+\.\d/s +good +\d+\.\d/s +refused", t.raw)


# scenarios and reports

@pytest.mark.parametrize("path", glob.glob(SCENARIOS + "/**/*.cfg", recursive=True), ids=os.path.basename)
def test_every_scenario_can_be_read(path):
    code, _, err = bench("run", path, "--check")
    assert code == 0, err


def test_a_scenario_is_played_with_all_targets_and_told_on_one_page(simulated, tmp_path):
    other = simulated("--engine", "fast")
    (tmp_path / "small.cfg").write_text("""
        name = "small"; title = "A small one"; engine = "fast"; capacity = 50; duration = "3s";
        backend = "--slots 512 --prefix-blocks 64"; targets = [ "direct", "relay", "weir" ];
        load = ( { shape = "20 for 3s"; output = 3; verify = true; } );
        steps = ( { at = "1s"; backend = "in-band"; weir = "log-level info"; say = "Lies."; },
                  { at = "2s"; backend = "clear"; } );
        must = ( { what = "mixed"; target = "all"; most = 0; },
                 { what = "goodput"; to = "1s"; least = 5; } );""")
    out = tmp_path / "out"
    for targets in ([], ["--target", other.url]):
        code, text, err = bench("run", tmp_path / "small.cfg", "--out", out, *targets)
        assert code == 0, text + err
    runs = [json.load(open(p)) for p in glob.glob(str(out / "small.*.json"))]
    assert len(runs) == 4 and len({sum(r["series"]["intended"]) for r in runs}) == 1
    page = (out / "report.html").read_text()
    for words in ("In short", "A small one", "direct", "relay", "weir", other.url, "Lies.", "<svg"):
        assert words in page, words
    assert not re.search(r"<script|https?://(?!127\.)[a-z]", page)


def test_a_bound_that_does_not_hold_is_the_exit_code(tmp_path):
    (tmp_path / "bad.cfg").write_text("""
        name = "bad"; title = "No"; engine = "fast"; capacity = 50; duration = "1s";
        targets = [ "direct" ]; load = ( { shape = "20 for 1s"; output = 3; } );
        must = ( { what = "goodput"; target = "all"; least = 1000; } );""")
    code, out, _ = bench("run", tmp_path / "bad.cfg")
    assert code == 1 and "BROKEN goodput" in out


def test_a_fleet_ends_with_its_run_also_when_it_is_interrupted(tmp_path):
    need("redis-server")
    (tmp_path / "fleet.cfg").write_text("""
        name = "fleet"; title = "A fleet"; engine = "fast"; capacity = 50; duration = "60s"; targets = [ "fleet:2" ];
        load = ( { shape = "20 for 60s"; output = 3; } );
        steps = ( { at = "0s"; fleet = "redis hang"; }, { at = "1s"; fleet = "kill 2"; say = "Now."; } );""")
    run = subprocess.Popen([BENCH, "run", tmp_path / "fleet.cfg"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=sanitizer_env())
    try:
        for line in run.stderr:
            if "Now." in line:
                break
        started = children(run.pid)
        eventually(lambda: len(children(run.pid)) == 3, 10, "a backend, a Redis and one of two weirs are left")
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=secs(20))
    finally:
        run.kill()
    assert "node n1:" in out and "Jain's index" in out, out + err
    assert not any(os.path.exists(f"/proc/{pid}") for pid in started)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(n) for n in f.read().split()]


def test_a_fleet_without_redis_server_says_what_is_missing(tmp_path):
    (tmp_path / "fleet.cfg").write_text("""
        name = "fleet"; title = "A fleet"; engine = "fast"; capacity = 50; duration = "1s"; targets = [ "fleet:2" ];
        load = ( { shape = "20 for 1s"; output = 3; } );""")
    r = subprocess.run([BENCH, "run", tmp_path / "fleet.cfg"], capture_output=True, text=True, timeout=secs(20),
                       env={**sanitizer_env(), "PATH": str(tmp_path)})
    assert r.returncode == 1 and "redis-server, which is not in PATH" in r.stderr, r.stderr


# healthy traffic of every kind

def ended(got, *ends):
    return sum(n for end, n in got["ends"].items() if end in ends)


def test_a_websocket_is_echoed_through_weir_and_without(rig, simulated):
    b = simulated("--engine", "quiet")
    w = rig.weir(pools=[{"name": "chat", "upstreams": [{"name": "a", "url": b.url}]}],
                 routes=[{"path": "/", "pool": "chat", "websocket": True}])
    for url in (b.url, "http://%s:%d" % w.address):
        got = load(url, "--rate", 10, "--duration", "500ms", "--speech", "socket", "--stay", "1s")
        assert ended(got, "good") == got["turns"] > 1


def test_an_engine_by_the_clock_has_quotas_by_key_and_a_model_that_loads(simulated):
    hosted = simulated("--engine", "hosted", "--first-token", "1", "--key-quota", "1",
                       "--retry-after", "3")
    got = load(hosted.url, "--clients", 1, "--duration", "1s", "--output", 1, "--exact",
               "--sdk", "none", *NO_HASTE)
    assert ended(got, "refused") > 3 and ended(got, "good") >= 5
    many = load(hosted.url, "--rate", 50, "--duration", "1s", "--output", 1, "--exact", *NO_HASTE)
    assert ended(many, "good") >= many["turns"] - 1, "a key each, but for the one of before"
    mixed = simulated("--engine", "mixed", "--speed", "4")
    for model, end in (("alpha", "good"), ("beta", "refused")):
        got = load(mixed.url, "--rate", 20, "--duration", "500ms", "--model", model, "--output", 1,
                   "--sdk", "none", *NO_HASTE)
        assert ended(got, end) == got["turns"] > 3


def test_people_who_leave_and_slow_lines_are_told_apart_from_failures(simulated):
    b = simulated("--engine", "fast")
    got = load(b.url, "--rate", 20, "--duration", "500ms", "--leave", "100%", "--output", 40,
               "--exact", *NO_HASTE)
    assert ended(got, "left") > 3 and ended(got, "left", "good") == got["turns"]
    slow = load(b.url, "--rate", 20, "--duration", "500ms", "--upload", "700ms", "--prompt", 2000,
                "--output", 1, "--exact", *NO_HASTE)
    assert ended(slow, "good") == slow["turns"] and slow["total_ms"]["p50"] >= 700
