#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fleets in the binary, in real time: plays bench/scenarios/fleet and writes the tables.

    fleet.py [--out FOLDER] [--doc FILE] [--keep] [NAME ...]

All of them run side by side: they are slow and light. With names only those are played, and no document is written unless
--doc says where. --keep takes results that are there already.
"""

import argparse
import datetime
import glob
import json
import os
import subprocess
import sys
import time

FOLDER = "bench/scenarios/fleet"
DOC = "docs/fleet-measured.md"
START_APART_S = 2  # each takes free ports at its start
LATE_MS = 50       # later than this for 1 % of the requests, and the figures are those of the machine

HEAD = """# Fleets, measured

Made by `./dev bench fleet`, which plays `bench/scenarios/fleet` and writes this page: four real weirs with a real Redis before one simulated
backend, beside one weir before another such backend with the same requests at the same time. The generator gives the requests to the
nodes in turns, as a balancer would, and passes over a node as soon as that one is killed or told to end. A good answer is complete and
within the promise. *Jain* is Jain's index of the shares of its attempts that each node served well: 1 where all are alike, 1/n where one has all.
A bound is what is asked of a [fleet](fleet.md). Lengths of answers are drawn, so that a rate over 30 to 90 s moves by some hundredths from run to run, and now and then by a tenth.

{when}, {cpus} processors, load average {load:.1f}: the generator was at most {late:.0f} ms late for 99 % of the requests.{busy}
"""

TITLES = {"goodput": "good answers a second", "jain": "Jain's index", "redis_calls": "calls to Redis a second of the busiest node",
          "harm": "refused or failed attempts", "own_refusals": "refusals by weir", "hard_share": "turns that failed",
          "added_ms": "first token later than meant, median, ms", "added_p99": "the same, 99 %, ms",
          "most_open": "most requests at the backend at once"}


def play(names, out):
    running = []
    for name in names:
        os.makedirs(os.path.join(out, name), exist_ok=True)
        log = open(os.path.join(out, name, "log"), "w", encoding="utf-8")
        command = ["build/weir-bench", "run", f"{FOLDER}/{name}.cfg", "--out", os.path.join(out, name)]
        running.append((name, subprocess.Popen(command, stdout=log, stderr=log)))
        time.sleep(START_APART_S)
    for name, process in running:
        what = "played" if process.wait() in (0, 1) else "could not be played"
        print(f"{name}: {what}", flush=True)


def results(name, out):
    """target -> result; one weir first."""
    found = {}
    for path in glob.glob(os.path.join(out, name, "*.json")):
        with open(path, encoding="utf-8") as f:
            r = json.load(f)
        found[r["target"]] = r
    if "weir" not in found or len(found) < 2:
        print(f"{name}: no results; see {out}/{name}/log", file=sys.stderr)
        return {}
    return found


def number(x):
    return "–" if x is None else f"{x:.0f}" if abs(x) >= 100 or x == int(x) else f"{x:.2f}"


def bound_of(m):
    said = [f"at least {m['least']:g}"] if m["least"] is not None else []
    return ", ".join(said + ([f"at most {m['most']:g}"] if m["most"] is not None else []))


def row_of(one, many):
    """Of a figure: what, span, one weir, the fleet, judged by, bound, held."""
    judged = "" if many["value"] == many["raw"] else number(many["value"])
    span = f"{many['from_s']:.0f}–{many['to_s']:.0f} s"
    held = "yes" if many["held"] else "**no**"
    alone = "" if many["what"] in ("jain", "redis_calls") else number(one["raw"])
    return f"| {TITLES.get(many['what'], many['what'])} | {span} | {alone} | {number(many['raw'])} | {judged} | {bound_of(many)} | {held} |"


def section(found):
    one, (fleet, many) = found["weir"], next((t, r) for t, r in found.items() if t != "weir")
    steps = "; ".join(f"{s['at_s']:.0f} s: {s['say'].rstrip('.')}" for s in many["steps"] if s["say"])
    lines = [f"\n## {many['title']}\n", many["about"] + (f" ({steps})" if steps else "") + "\n",
             f"| | when | one weir | {fleet} | of it, or beyond it | bound | held |", "| --- | --- | --- | --- | --- | --- | --- |"]
    lines += [row_of(a, b) for a, b in zip(one["must"], many["must"])]
    lines += ["\n| node | attempts | good | refused | failed | share | calls to Redis a second |", "| --- | --- | --- | --- | --- | --- | --- |"]
    lines += [f"| {n['node']} | {n['attempts']} | {n['good']} | {n['refused']} | {n['failed']} | {number(n['share'])} | "
              f"{number(n['redis_calls_per_s'])} |" for n in many["fleet"]["nodes"]]
    return "\n".join(lines) + "\n"


def late_ms(found):
    return max(r["late_ms_p99"] for r in found.values())


def document(every):
    late = max(late_ms(found) for found in every)
    busy = " That is too late to judge the first tokens by: others were at work on this machine." if late > LATE_MS else ""
    text = HEAD.format(when=datetime.date.today().isoformat(), cpus=os.cpu_count(), load=os.getloadavg()[2], late=late, busy=busy)
    return text + "".join(section(found) for found in every)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", default="build/bench/fleet")
    parser.add_argument("--doc")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    names = options.names or sorted(os.path.basename(p)[:-len(".cfg")] for p in glob.glob(f"{FOLDER}/*.cfg"))
    if not options.keep:
        play(names, options.out)
    every = [found for found in (results(n, options.out) for n in names) if found]
    doc = options.doc or (None if options.names else DOC)
    if every and doc:
        with open(doc, "w", encoding="utf-8") as f:
            f.write(document(every))
        print(f"written: {doc}")
    elif every:
        print(document(every))
    broken = sum(m["binding"] and not m["held"] for found in every for r in found.values() for m in r["must"])
    print(f"bounds that do not hold: {broken}" if broken else "all bounds hold")
    return 1 if broken or len(every) < len(names) else 0


if __name__ == "__main__":
    sys.exit(main())
