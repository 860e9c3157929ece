#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What real traffic is like, played against the binary, row by row: writes docs/field.md.

    run.py                      every row, docs/field.md
    run.py 3 17 -v              some rows, on the terminal only
    run.py --list

WEIR_BUILD says where the build is (build/).  Rows run in processes of their own, three at a time.
Exit code: 0 if every row is as it should be.
"""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "../..")
os.environ.setdefault("WEIR_BUILD", os.path.join(TOP, "build"))
sys.path.insert(0, HERE)

import scene  # noqa: E402
import evidence  # noqa: E402,F401
import healthy  # noqa: E402,F401
import seen  # noqa: E402,F401
import told  # noqa: E402,F401
from held import HELD  # noqa: E402

PARTS = {1: "Healthy traffic", 2: "What clients and backends see"}
INTRO = """# From the field

What clients, backends and operators of other gateways have met, each kind with one example that is played against the binary: weir
with its default settings (unless the row says otherwise) between scripted backends and clients. `./dev bench field` plays all of it in
some minutes and writes this page; `./dev bench field 3 17` plays some rows. Where a row names tests, those hold the kind in more forms than
the one example here. Figures are of {when}, {cpus} processors that others used, too.

{held} of {n} rows are as they should be.
"""


def rows():
    return sorted(scene.ROWS, key=lambda r: (r["part"], r["n"]))


def play_one(number):
    """In a process of its own; prints [figure, holds]."""
    found = next(r for r in scene.ROWS if r["n"] == number)
    s = scene.Scene()
    try:
        figure, holds = found["play"](s)
    except Exception as e:  # whatever it is, the row has no figure
        where = e.__traceback__
        while where.tb_next and "harness" not in where.tb_next.tb_frame.f_code.co_filename:
            where = where.tb_next
        said = re.sub(r"/\S*?(\w+\.cfg)", r"\1", str(e))
        figure, holds = f"{type(e).__name__} (line {where.tb_lineno}): {said}", False
    print("\n" + json.dumps([" ".join(str(figure).split())[:240], bool(holds)]), flush=True)
    s.close()
    os._exit(0)


def play(found, tries):
    for left in reversed(range(tries)):
        try:
            done = subprocess.run([sys.executable, os.path.abspath(__file__), "--one",
                                   str(found["n"])], capture_output=True, text=True,
                                  timeout=found["seconds"] + 120)
            result = json.loads([x for x in done.stdout.splitlines() if x.startswith("[")][-1])
        except (subprocess.TimeoutExpired, IndexError, ValueError):
            result = ["not over in its time", False]
        if result[1] or not left:
            return result
    return result


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def write_page(results, path):
    import time
    held = sum(1 for _f, ok in results.values() if ok)
    text = INTRO.format(when=time.strftime("%d %B %Y"), cpus=os.cpu_count(), held=held,
                        n=len(results))
    for part, title in PARTS.items():
        text += f"\n## {title}\n\n| | what | right | now | | tests |\n| --- | --- | --- | --- | --- | --- |\n"
        for r in rows():
            if r["part"] != part or r["n"] not in results:
                continue
            figure, ok = results[r["n"]]
            tests = "; ".join(f"{name.replace('_', ' ')} (`{where}`)"
                              for where, name in HELD.get(r["n"], []))
            text += (f"| {r['n']} | {cell(r['kind'])} | {cell(r['right'])} | {cell(figure)} | "
                     f"{'holds' if ok else '**not yet**'} | {tests} |\n")
    with open(path, "w") as f:
        f.write(text)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("numbers", nargs="*", type=int)
    p.add_argument("--list", action="store_true")
    p.add_argument("--one", type=int, help=argparse.SUPPRESS)
    p.add_argument("--jobs", type=int, default=3)
    p.add_argument("--tries", type=int, default=2, help="a row that does not hold is played again")
    p.add_argument("--out", help="where the page goes (docs/field.md when all rows are played)")
    a = p.parse_args()
    if a.one:
        play_one(a.one)
    chosen = [r for r in rows() if not a.numbers or r["n"] in a.numbers]
    if a.list:
        for r in chosen:
            print(f"{r['n']:3} {r['kind']}")
        return 0
    results = {}
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        waiting = {pool.submit(play, r, a.tries): r for r in chosen}
        for f in concurrent.futures.as_completed(waiting):
            r = waiting[f]
            results[r["n"]] = f.result()
            print("%-4s %3d %s: %s" % ("ok" if f.result()[1] else "BAD", r["n"], r["kind"][:70],
                                       f.result()[0]), flush=True)
    out = a.out or (None if a.numbers else os.path.join(TOP, "docs/field.md"))
    if out:
        write_page(results, out)
        print("dev: written", os.path.relpath(out))
    bad = sum(1 for _figure, ok in results.values() if not ok)
    print(f"{len(results) - bad} of {len(results)} rows are as they should be")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
