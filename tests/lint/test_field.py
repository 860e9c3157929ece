# SPDX-License-Identifier: Apache-2.0
"""The tests that the page of the field names are there."""

import os
import re
import sys

import pytest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(TOP, "bench/field"))

from held import HELD  # noqa: E402


def rows():
    found = []
    for name in sorted(os.listdir(os.path.join(TOP, "bench/field"))):
        if name.endswith(".py"):
            with open(os.path.join(TOP, "bench/field", name)) as f:
                found += [int(n) for n in re.findall(r"^@row\((\d+),", f.read(), re.M)]
    return sorted(found)


def test_every_row_is_there_once():
    assert rows() == list(range(1, 52))


@pytest.mark.parametrize("number", sorted(HELD))
def test_the_tests_of_a_row_are_there(number):
    for where, name in HELD[number]:
        with open(os.path.join(TOP, "tests", where)) as f:
            assert re.search(rf"\b{re.escape(name)}\b", f.read()), f"{where} has no {name}"
