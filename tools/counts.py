#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How many tests passed and failed, from what test runners leave behind.

    counts.py meson BUILD-FOLDER    the tests inside each program of ours; other programs count as one
    counts.py junit FILE            pytest
    counts.py node FILE             the output of node --test

Prints "PASSED FAILED"; skipped tests are neither.
"""

import json
import re
import sys
import xml.etree.ElementTree as xml

SYNTHESIS = re.compile(r"Tested: \d+ \| Passing: (\d+) \| Failing: (\d+) \| Crashing: (\d+)")
PLAIN = re.compile(r"^(\d+) tests, (\d+) failed$", re.M)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def of_program(test):
    """One line of meson's log."""
    said = COLOUR.sub("", test.get("stdout", "") + test.get("stderr", ""))
    found = [(int(p), int(f) + int(c)) for p, f, c in SYNTHESIS.findall(said)]
    found += [(int(n) - int(f), int(f)) for n, f in PLAIN.findall(said)]
    passed, failed = sum(p for p, _ in found), sum(f for _, f in found)
    good = test["result"] in ("OK", "EXPECTEDFAIL")
    if test["result"] == "SKIP":
        return 0, 0
    if not found:
        return (1, 0) if good else (0, 1)
    return passed, failed if good or failed else 1


def of_meson(folder):
    with open(f"{folder}/meson-logs/testlog.json") as log:
        results = [of_program(json.loads(line)) for line in log]
    return sum(p for p, _ in results), sum(f for _, f in results)


def of_junit(path):
    suites = xml.parse(path).getroot().iter("testsuite")
    total = failed = 0
    for s in suites:
        failed += int(s.get("failures")) + int(s.get("errors"))
        total += int(s.get("tests")) - int(s.get("skipped"))
    return total - failed, failed


def of_node(path):
    with open(path) as log:
        said = COLOUR.sub("", log.read())
    counted = {"pass": 0, "fail": 0}
    for what, n in re.findall(r"^(?:#|ℹ) (pass|fail) (\d+)$", said, re.M):
        counted[what] += int(n)
    failed = counted["fail"] + len(re.findall(r"^missing: ", said, re.M))
    return counted["pass"], failed


if __name__ == "__main__":
    kinds = {"meson": of_meson, "junit": of_junit, "node": of_node}
    print(*kinds[sys.argv[1]](sys.argv[2]))
