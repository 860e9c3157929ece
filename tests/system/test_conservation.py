# SPDX-License-Identifier: Apache-2.0
"""Conservation: over any run, what arrived is what was admitted, refused, gone or answered by weir
itself: by weir's counters, by its access log, and by what the load generator wrote down of every
single request, which are laid beside each other by request id."""

import collections
import json
import re
import subprocess

import pytest

from harness.deadline import eventually, secs
from harness.simulated import BENCH, Simulated
from harness.weir import sanitizer_env
from harness.words import names

DECISIONS = names("decisions")
# What an attempt comes to where weir never had it, or closed before it read it; one that had just
# begun when the generator ended may not have been sent.
NOT_SENT = ("under_way",)
NEVER_THERE = ("no_connect", "no_answer", *NOT_SENT)
FAILURES = ("failed", "stalled", "refused")
WEIRS_OWN = re.compile(r'^weir; error=\w+; details="(\w+)"')


class Tries:
    """weir-bench load, each of whose attempts goes under an id of its own and is written down."""

    def __init__(self, rig, weir, seed, *args):
        self.file, self.json = rig.path(f"tries-{seed}"), rig.path(f"load-{seed}.json")
        self.process = subprocess.Popen(
            [BENCH, "load", "--url", "http://%s:%d" % weir.address, "--seed", str(seed),
             "--tries", self.file, "--json", self.json, "--quiet", "--output", "12", *args],
            stdout=subprocess.DEVNULL, env=sanitizer_env())
        rig.keep(self)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(secs(20))

    def lines(self, within=60):
        """When the run is over: {request id: line}, and the generator's own sum agrees."""
        self.process.wait(secs(within))
        with open(self.file) as f:
            lines = [json.loads(line) for line in f]
        with open(self.json) as f:
            total = json.load(f)
        by_end = collections.Counter(t["end"] for t in lines)
        assert total["attempts"] == len(lines)
        assert by_end.pop("under_way", 0) <= total["under_way"]  # some of whom only wait
        assert {e: n for e, n in total["tries"].items() if n} == by_end
        assert sum(t["retry"] > 0 for t in lines) == total["retries"]
        return {t["request_id"]: t for t in lines}


def _weir(rig, backends, patience="2s", **top):
    return rig.weir(*backends, enforce=True, trusted=["127.0.0.0/8"], pool={
        "queue": {"max_wait": "150ms", "max_length": 16},
        "breaker": {"mode": "enforce", "window": "2s", "open_min": "500ms"},
        "retry": {"budget": 1.0, "replay": "generation"},  # else nothing that was sent is retried
        "timeouts": {"first_token": patience, "stall": patience}}, **top)


def _people(rig, w, seconds):
    """Open loop and closed, streams and none, kept connections and new ones; some lose patience."""
    run = ("--duration", f"{seconds}s", "--grace", "3s")
    return [Tries(rig, w, 1, "--rate", "40", "--sdk", "openai", *run),
            Tries(rig, w, 2, "--rate", "20", "--sdk", "anthropic", "--speech", "anthropic",
                  "--unary", "0.4", *run),
            Tries(rig, w, 3, "--rate", "15", "--patience", "120ms", "--silence", "200ms", *run),
            Tries(rig, w, 4, "--clients", "3", "--no-reuse", "--sdk", "vercel", *run)]


def _agree(t, e):
    """Nothing the client saw is told otherwise by the log."""
    own = WEIRS_OWN.match(t["proxy_status"])
    if t["status"]:
        assert t["status"] == e.status, (t, e)
        assert t["content"] <= e.events, (t, e)
    if own:
        assert own.group(1) == e.cause, (t, e)
    if t["end"] in ("good", "late", "slow"):
        assert (e.decision in ("admitted", "queued"), e.outcome, e.why) == (True, "ok", ""), (t, e)
    elif t["end"] == "refused":
        refused = e.decision == "refused" or e.why == "draining"  # admitted, then weir ended
        assert refused if own else e.why == "upstream_refused", (t, e)
    elif t["end"] in ("gave_up", "silent"):
        pass  # who left may have been answered, or refused, at that very moment
    elif t["end"] in ("in_band_error", "cut", "unmarked"):
        # weir's own end is not held against the upstream
        assert e.why not in ("", "client_gone"), (t, e)
        assert e.outcome == "neutral" if e.why == "draining" else e.outcome in FAILURES, (t, e)
    if e.decision == "refused":
        assert t["end"] in ("refused", "error_status", "gave_up"), (t, e)


def _lay_beside(tries, entries):
    """Request by request; returns the attempts that never arrived."""
    logged = collections.Counter(e.request_id for e in entries)
    twice = [i for i, n in logged.items() if n > 1]
    assert not twice, f"in the log twice: {twice}"
    assert set(logged) <= set(tries), "the log has requests that nobody made"
    for e in entries:
        _agree(tries[e.request_id], e)
    return [t for i, t in tries.items() if i not in logged]


def _counted(m):
    return {d: m.sum("weir_requests_total", decision=d) for d in DECISIONS}


def _logged(entries):
    return {d: sum(e.decision == d for e in entries) for d in DECISIONS}


def _faults(backends):
    """Every kind of failure one after the other, some on one side only, so that weir retries."""
    a, b = backends
    for fault, where in [("in-band share=0.5", [a]), ("in-band=3 share=0.5 code=503", [b]),
                         ("cut=2 share=0.5", [a, b]), ("cut-reset share=0.3", [b]),
                         ("status=500 share=0.5", [a]), ("status=429 share=0.5 retry-after=1", [b]),
                         ("empty", [a]), ("bad-head", [b]), ("stall", [a]), ("reset", [a]),
                         ("down", [a]), ("down", [a, b])]:
        for x in where:
            x.fault(fault)
        yield fault
        for x in where:
            x.fault("clear")
            x.fault("up")


def test_a_storm_is_in_all_three_books_to_the_request(rig):
    backends = [rig.keep(Simulated("--slots", "3", "--queue", "4")) for _ in range(2)]
    w = _weir(rig, backends)
    calm = Tries(rig, w, 5, "--rate", "10", "--duration", "3s")  # weir retries while it has room
    backends[0].fault("reset")
    eventually(lambda: w.metrics().sum("weir_retries_total") > 0, 20)
    backends[0].fault("clear")
    loads = [calm, *_people(rig, w, 14)]
    came = 0
    for fault in _faults(backends):
        # for as long as sixty requests take to come
        eventually(lambda: w.metrics().sum("weir_requests_total") > came + 60, 20, fault)
        came = w.metrics().sum("weir_requests_total")
    tries = {i: t for x in loads for i, t in x.lines().items()}
    eventually(lambda: w.metrics().sum("weir_inflight") + w.metrics().sum("weir_queue_length") == 0)
    m = w.metrics()
    entries = w.log.wait_count(m.sum("weir_requests_total"))
    never = _lay_beside(tries, entries)
    lost = [t for t in never if t["end"] not in NOT_SENT]
    assert not lost, f"weir lost them: {lost[:5]}"
    assert len(tries) - len(never) == len(entries) == sum(_counted(m).values())
    assert _counted(m) == _logged(entries)
    causes = collections.Counter(e.cause for e in entries if e.decision == "refused")
    assert {c: m.sum("weir_shed_total", cause=c) for c in causes} == causes
    assert m.sum("weir_shed_total") == sum(causes.values())
    # weir's own tries at a second upstream are outcomes more
    outcomes = m.sum("weir_upstream_outcomes_total")
    assert outcomes == sum(e.outcome is not None for e in entries) + sum(e.retries for e in entries)
    assert sum(e.retries for e in entries) == m.sum("weir_retries_total") > 0
    # and it was a storm
    ends = collections.Counter(t["end"] for t in tries.values())
    assert {"good", "refused", "gave_up", "in_band_error", "error_status"} <= set(ends), ends
    assert {"admitted", "queued", "refused", "gone"} <= {e.decision for e in entries}
    assert any(e.why == "client_gone" and tries[e.request_id]["end"] == "gave_up" for e in entries)
    assert any(t["retry"] for t in tries.values()), "SDKs came again"


def _was_never_read(t, tries):
    """One of the last of its generator that lost patience before weir, busy or ended, read it."""
    seed, number = t["request_id"].split("-")[1:]
    last = max(int(i.split("-")[2]) for i in tries if i.split("-")[1] == seed)
    return (t["end"], t["status"], t["proxy_status"]) == ("gave_up", 0, "") and int(number) > last - 10


@pytest.mark.parametrize("how", ["drain", "stop"])
def test_the_end_of_weir_is_in_the_books_too(rig, how):
    """Drained under load, with streams that do not end in time, or stopped at once: the sums are
    those of its last line, and who is missing in them was told so by the kernel."""
    backends = [rig.keep(Simulated("--slots", "4")) for _ in range(2)]
    w = _weir(rig, backends, patience="20s", drain_timeout="1s")
    w.check_books = False
    loads = _people(rig, w, 5)
    eventually(lambda: w.metrics().sum("weir_requests_total") > 150, 20)
    backends[0].fault("stall")
    eventually(lambda: w.metrics().sum("weir_inflight", upstream="a") > 0)
    w.admin(how)
    assert w.wait_exit(20) == 0
    tries = {i: t for x in loads for i, t in x.lines().items()}
    entries = w.log.entries()
    never = _lay_beside(tries, entries)
    lost = [t for t in never if t["end"] not in NEVER_THERE and not _was_never_read(t, tries)]
    assert not lost, f"weir lost them: {lost[:5]}"
    counted, by, dropped = w.last_sum()
    assert (counted, by, dropped) == (len(tries) - len(never), _logged(entries), 0)
    assert any(e.cause == "draining" for e in entries)
