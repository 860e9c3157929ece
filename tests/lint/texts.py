#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is looked for in the texts of the repository, line by line.

    texts.py FOLDER     prints what is wrong; 1 if anything

- every source says its licence in its first two lines;
- no test sleeps: time passes by number, or a condition is awaited with a deadline;
- nothing is left for later (LATER, below);
- no path of the machine it was written on.
"""

import re
import subprocess
import sys

LICENCE = "SPDX-License-Identifier: Apache-2.0"
SOURCES = re.compile(r"(\.(c|h|py|sh|js|mjs|css|html)|^dev|^\.ci/run)$")
# A template's first lines are the operator's.
NO_LICENCE = re.compile(r"\.html$|\.css$|^tests/fuzz/corpus/")

C_SLEEP = re.compile(r"\b(u|nano)?sleep\s*\(|\bclock_nanosleep\b")
PY_SLEEP = re.compile(r"\b(time|asyncio)\.sleep\b")
JS_SLEEP = re.compile(r"\bawait\s+(sleep|setTimeout)\s*\(|setTimeout\(\s*resolve\b")
# Spelt so that this file does not find itself.
LATER = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
MACHINE = re.compile(r"/(work)/|/(root)/")


def files(root):
    said = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"], check=True,
                          capture_output=True, text=True)
    return said.stdout.splitlines()


def sleeps(path, line):
    """The one line that polls says so."""
    if not path.startswith("tests/") or "poll-ok:" in line:
        return False
    if path.endswith((".c", ".h")):
        return bool(C_SLEEP.search(line))
    if path.endswith(".py"):
        return bool(PY_SLEEP.search(line))
    if path.endswith((".js", ".mjs")):
        return bool(JS_SLEEP.search(line))
    return False


def wrong_in_line(path, line):
    if sleeps(path, line):
        return "a test sleeps"
    if LATER.search(line):
        return "something is left for later"
    if MACHINE.search(line):
        return "a path of somebody's machine"
    return None


def wrong_in(path, lines):
    if SOURCES.search(path) and not NO_LICENCE.search(path):
        if not any(LICENCE in line for line in lines[:2]):
            yield 1, f"the licence line is missing: {LICENCE}"
    for number, line in enumerate(lines, 1):
        wrong = wrong_in_line(path, line)
        if wrong:
            yield number, wrong


def complaints(root):
    for path in files(root):
        try:
            with open(f"{root}/{path}", encoding="utf-8") as f:
                lines = f.read().split("\n")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        for number, wrong in wrong_in(path, lines):
            yield f"{path}:{number}: {wrong}"


if __name__ == "__main__":
    bad = list(complaints(sys.argv[1]))
    print("\n".join(bad), end="\n" if bad else "")
    sys.exit(1 if bad else 0)
