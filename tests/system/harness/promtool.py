# SPDX-License-Identifier: Apache-2.0
"""Prometheus's own checker, with a verdict that does not depend on its version.

What it cannot parse fails.  Of its advice on style only the conventions below are asked of weir;
what a later version advises beyond them is printed.
"""

import re
import subprocess

from .deadline import secs
from .need import need

CONVENTIONS = re.compile(
    r'no help text|counter metrics should have "_total" suffix'
    r'|non-(counter|histogram|summary|histogram and non-summary) metrics should not have'
    r"|use base unit|metric name should not include type|abbreviated unit"
    r"|(metric|label) names should be written in 'snake_case'|metric names should not contain ':'")
ADVICE = 3  # its exit code when it parsed everything and has something to say about style


def against_conventions(said):
    """The lines of `promtool check metrics` that name a convention; the others are printed."""
    judged = []
    for line in said.splitlines():
        if CONVENTIONS.search(line):
            judged.append(line)
        elif line.strip():
            print(f"promtool says, and is not judged: {line}")
    return judged


def promtool(*args, stdin=None, cwd=None):
    """What it says on both its outputs; asserts that it could parse what it was given."""
    done = subprocess.run([need("promtool"), *args], input=stdin, capture_output=True, text=True,
                          cwd=cwd, timeout=secs(60))
    assert done.returncode in (0, ADVICE), done.stdout + done.stderr
    return done.stdout + done.stderr


def assert_clean_metrics(text):
    assert against_conventions(promtool("check", "metrics", stdin=text)) == []
