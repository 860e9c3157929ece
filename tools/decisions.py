#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The decisions in the binary, in real time: plays bench/scenarios/decisions and writes the table.

    decisions.py [--seeds N] [--at-once EVENTS] [--out FOLDER] [--doc FILE] [NAME ...]

Every scenario is played with one and the same settings of weir.  As many run side by side as keep
the events a second, over all of them, within --at-once.  With names only those are played, and
no document is written unless --doc says where.  --keep takes results that are there already.
"""

import argparse
import collections
import glob
import json
import math
import os
import re
import resource
import subprocess
import sys
import time

FOLDER = "bench/scenarios/decisions"
DOC = "docs/decisions-in-the-binary.md"
SETTINGS = 'limiter = { pace_target = "80ms"; };'
START_APART_S = 0.7  # each takes free ports at its start
EVENTS_A_REQUEST = {"A": 207, "B": 207, "C": 207, "E": 413, "H": 110}  # mean of the outputs

Job = collections.namedtuple("Job", "name path seed targets duration_s events_s out")


def text_of(cfg, key):
    return re.search(rf'^{key} = "?([^";]+)"?;', cfg, re.M).group(1)


def jobs_of(path, options):
    """One job for each seed; targets that weir is not measured beside are played once."""
    with open(path, encoding="utf-8") as f:
        cfg = f.read()
    name, engine = text_of(cfg, "name"), text_of(cfg, "engine")
    targets = re.findall(r'"([^"]+)"', re.search(r"targets = \[([^\]]*)\]", cfg).group(1))
    events = EVENTS_A_REQUEST[engine] * float(text_of(cfg, "capacity"))
    for seed in range(1, options.seeds + 1):
        mine = [t for t in targets if seed == 1 or t == "weir" or f'beside = "{t}"' in cfg]
        out = os.path.join(options.out, f"{name}.{seed}")
        duration = float(text_of(cfg, "duration").rstrip("s"))
        yield Job(name, path, seed, mine, duration, events * len(mine), out)


def start(job):
    os.makedirs(job.out, exist_ok=True)
    log = open(os.path.join(job.out, "log"), "w", encoding="utf-8")
    command = ["build/weir-bench", "run", job.path, "--target", ",".join(job.targets)]
    command += ["--seed", str(job.seed), "--settings", SETTINGS, "--out", job.out]
    return subprocess.Popen(command, stdout=log, stderr=log)


def fitting(waiting, running, at_once):
    """The longest that still fits beside those that run; a single one always does."""
    used = sum(job.events_s for job, _ in running)
    for job in waiting:
        if not running or used + job.events_s <= at_once:
            return job
    return None


def busy_s():
    """Processor seconds of everything on the machine since its start."""
    with open("/proc/stat", encoding="ascii") as f:
        user, nice, system, _, _, irq, softirq = map(int, f.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


Effort = collections.namedtuple("Effort", "seconds own others")  # in processors


def effort(began, busy):
    seconds = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = (used.ru_utime + used.ru_stime) / seconds
    return Effort(seconds, own, max(0, (busy_s() - busy) / seconds - own))


def play(jobs, at_once):
    """Plays all of them; returns what it took."""
    waiting = sorted(jobs, key=lambda j: -j.duration_s)
    running, began, busy = [], time.monotonic(), busy_s()
    while waiting or running:
        for pair in [p for p in running if p[1].poll() is not None]:
            running.remove(pair)
            what = "played" if pair[1].returncode in (0, 1) else "could not be played"
            print(f"{time.monotonic() - began:5.0f} s  {pair[0].name}, seed {pair[0].seed}: {what}")
        job = fitting(waiting, running, at_once)
        if job:
            waiting.remove(job)
            running.append((job, start(job)))
        sys.stdout.flush()
        time.sleep(START_APART_S)
    return effort(began, busy)


# Results

def results(jobs):
    """name -> target -> list of results by seed."""
    found = collections.OrderedDict()
    for job in sorted(jobs, key=lambda j: (j.name, j.seed)):
        for target in job.targets:
            path = os.path.join(job.out, f"{job.name}.{target.replace(':', '-')}.json")
            if not os.path.exists(path):
                print(f"{path}: no result; see {job.out}/log", file=sys.stderr)
                continue
            with open(path, encoding="utf-8") as f:
                of = found.setdefault(job.name, collections.OrderedDict())
                of.setdefault(target, []).append(json.load(f))
    return found


def raws(runs, i):
    return [math.nan if r["must"][i]["raw"] is None else r["must"][i]["raw"] for r in runs]


def mean(values):
    return sum(values) / len(values) if values else math.nan


def number(x):
    return "never" if math.isnan(x) else f"{x:.2f}" if abs(x) < 100 else f"{x:.0f}"


def numbers(values):
    return ", ".join(number(v) for v in values)


class Must:
    """One thing that must hold, over all seeds."""

    def __init__(self, of, i):
        self.rows = of["weir"]
        m = self.rows[0]["must"][i]
        self.what, self.span, self.beside = m["what"], (m["from_s"], m["to_s"]), m["beside"]
        self.least, self.most = m["least"], m["most"]
        self.each = raws(self.rows, i)
        self.values = self.each
        self.others = {t: raws(runs, i) for t, runs in of.items() if t != "weir"}
        if self.beside:
            # a ratio of means: a quotient of few requests, averaged, leans upwards
            self.values = [mean(self.each) / mean(self.others[self.beside])]

    def holds(self):
        low = -math.inf if self.least is None else self.least
        high = math.inf if self.most is None else self.most
        return all(low <= v <= high for v in self.values)

    def bound(self):
        text = f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"
        return f"{text} of {self.beside}" if self.beside else text

    def verdict(self):
        return "holds" if self.holds() else "**does not**"


def musts(of):
    return [Must(of, i) for i in range(len(of["weir"][0]["must"]))]


def span_text(span, duration_s):
    if span == (0, duration_s):
        return "whole run"
    return f"from {span[0]:g} s" if span[1] == duration_s else f"{span[0]:g}–{span[1]:g} s"


# The document

HEAD = """# The decisions, in the binary

Made by `./dev bench decisions`, which plays `bench/scenarios/decisions` and writes this page: the real weir before
`weir-bench backend`, in real time, over sockets. {seeds} seeds, {minutes:.0f} minutes, {own:.2f} of {cpus} processors{nice}.

**Other programs used {others:.2f} processors meanwhile.** The load generators sent 1 % of their requests {late:.0f} ms late and more (median of the
runs; {worst:.0f} ms in the worst). More than some tens of milliseconds are the machine's doing, and are in every figure here.

weir has one and the same settings in all of it, no capacity among them, and the promised pace of the strictest engine:

    {settings}

What the engines are, and what is *good*, is in [benchmarks.md](benchmarks.md); the rules and their bounds are in
[decisions.md](decisions.md); the same in virtual time, over more engines, seeds and hours, is in
[decisions-measured.md](decisions-measured.md). With some hundred requests a cell, a ratio has a standard error of 3 to 6 %
(small engines: the most).
"""

STEADY = """
## Load of 1, 2, 5 and 10 times: good requests a second

*Fixed* is the best limit for that engine, set by hand in haproxy, with a queue of one second; *none* is the backend without
anything before it. The ratio is of the means over the seeds, each seed's in brackets. *Engine's own queue*: the longest wait for a
slot in a second, p95 over the seconds, worst seed; it must be within `queue_target` (0.5 s) and the time a slot is taken. *Refused in*:
weir's own time from a request's head to its refusal's last byte (waiting in the queue left out), half of them and p99, of all loads,
worst seed; it must be within 1 ms, and contains the time for which the machine had other work for its processors. (The decision
alone takes 0.12 µs: `weir-bench micro`; the processor is used for 21 µs a refusal, reading and writing included: `weir-bench compare`.)

| engine | load | weir | of capacity | fixed | none | weir / fixed | bound | | engine's own queue | bound | with none | refused in |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
"""

STORIES = """
## Changes and faults

Each seed's figure, in order. Figures without a bound for a target are shown to compare, not to judge; *never* is what did not happen.
"""


def steady_rows(name, of):
    capacity = of["weir"][0]["capacity_per_s"]
    all_musts = musts(of)
    took = [m for m in all_musts if m.what.startswith("refusal")]
    took_text = ", ".join(f"{max(m.each):.2f} ms {m.verdict()}" for m in took)
    levels = [m for m in all_musts if m.what == "goodput"]
    for load, m in zip(("1x", "2x", "5x", "10x"), levels):
        wait = [w for w in all_musts if w.what == "backend_wait" and w.span == m.span]
        each = [w / f for w, f in zip(m.each, m.others[m.beside])]
        row = [name if load == "1x" else "", load, number(mean(m.each))]
        row += [number(mean(m.each) / capacity)]
        row += [number(mean(m.others[m.beside])), number(mean(m.others["direct"]))]
        row += [f"{number(m.values[0])} ({numbers(each)})", f"≥ {m.least:g}", m.verdict()]
        if wait:
            row += [f"{max(wait[0].each):.1f} s", f"{wait[0].bound()} s, {wait[0].verdict()}"]
            row += [f"{max(wait[0].others['direct']):.1f} s"]
        else:
            row += ["", "", ""]
        row += [took_text if m is levels[-1] else ""]
        yield "| " + " | ".join(row) + " |\n"


def story(of):
    run = of["weir"][0]
    others = [t for t in of if t != "weir"]
    yield f"\n### {run['title']}\n\n{run['about']}\n\n"
    yield f"| figure | when | bound | weir | | {' | '.join(others)} |\n"
    yield "|---|---|---|---|---|" + "---|" * len(others) + "\n"
    for m in musts(of):
        shown = numbers(m.each)
        if m.beside:
            shown += f" ({number(m.values[0])})"
        cells = [m.what, span_text(m.span, run["duration_s"]), m.bound(), shown, m.verdict()]
        cells += [numbers(m.others[t]) for t in others]
        yield "| " + " | ".join(cells) + " |\n"


def latenesses(found):
    return [r["late_ms_p99"] for of in found.values() for runs in of.values() for r in runs]


def document(found, took, options):
    late = sorted(latenesses(found))
    text = HEAD.format(seeds=options.seeds, minutes=took.seconds / 60, own=took.own, others=took.others,
                       cpus=os.cpu_count(), nice=f" (nice {os.nice(0)})" if os.nice(0) else "", late=late[len(late) // 2], worst=late[-1], settings=SETTINGS)
    text += STEADY
    for name, of in found.items():
        if name.startswith("steady-"):
            text += "".join(steady_rows(name[len("steady-"):], of))
    text += STORIES
    for name, of in found.items():
        if not name.startswith("steady-"):
            text += "".join(story(of))
    return text


def verdicts(found):
    broken = [f"{name}: {m.what} {span_text(m.span, of['weir'][0]['duration_s'])}: {numbers(m.values)}, {m.bound()}"
              for name, of in found.items() for m in musts(of) if not m.holds()]
    print("\n".join(broken) if broken else "everything held")
    return 1 if broken else 0


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--seeds", type=int, default=2, help="how many, from 1 on (2)")
    p.add_argument("--at-once", type=int, default=14000, help="events a second, over all programs (14000)")
    p.add_argument("--out", default="build/bench/decisions", help="folder for the results")
    p.add_argument("--doc", help=f"the document ({DOC} when everything is played)")
    p.add_argument("--keep", action="store_true", help="play nothing that has its results already")
    p.add_argument("names", nargs="*", help="scenarios (all)")
    o = p.parse_args()
    paths = [f"{FOLDER}/{n}.cfg" for n in o.names] or sorted(glob.glob(f"{FOLDER}/*.cfg"))
    jobs = [job for path in paths for job in jobs_of(path, o)]
    had = [job for job in jobs if o.keep and glob.glob(os.path.join(job.out, "*.json"))]
    took = play([job for job in jobs if job not in had], o.at_once)
    found = results(jobs)
    doc = o.doc or (None if o.names else DOC)
    if doc:
        with open(doc, "w", encoding="utf-8") as f:
            f.write(document(found, took, o))
        print(f"{doc} is written")
    return verdicts(found)


if __name__ == "__main__":
    sys.exit(main())
