# SPDX-License-Identifier: Apache-2.0
"""The lists of words of the program under test (include/weir/base/words.h), as its build wrote them."""

import json
import os

from .weir import BUILD

with open(os.path.join(BUILD, "proxy/base/words.json"), encoding="utf-8") as _f:
    WORDS = json.load(_f)


def names(kind):
    """causes, outcomes, decisions, classes, breaker_states or service_states, in their order."""
    return [row["name"] for row in WORDS[kind] if row and row["name"]]


REFUSALS = [row["name"] for row in WORDS["causes"] if row and row["side"] == "weir"]
