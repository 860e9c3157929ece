#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The documents have the words that the program has: its lists are include/weir/base/words.h.

    words.py BUILD FOLDER            prints where a document differs; 1 if anything
    words.py --write BUILD FOLDER    writes the tables of docs/words.md anew

Tables stand between <!-- NAME: from the lists of words --> and <!-- /NAME -->.  In docs/metrics.md
the row of a label must name every value that the label can have;
in docs/http.md the table of dialects every path.
"""

import json
import re
import sys


def rows(words, kind):
    return [row for row in words[kind] if row and row["name"]]


def table(title, pairs):
    return "\n".join([f"| {title} | |", "| --- | --- |", *(f"| `{a}` | {b} |" for a, b in pairs)]) + "\n"


def tables(words):
    """By name: as docs/words.md has them."""
    made = {f"causes of {side}": table(title, [(c["name"], c["because"]) for c in rows(words, "causes")
                                                if c["side"] == side])
            for side, title in (("weir", "refused by weir because"), ("upstream", "the upstream"),
                                ("client", "the client"))}
    made["outcomes"] = table("outcome", [(o["name"], o["meaning"] + "; a failure" * o["failure"])
                                         for o in rows(words, "outcomes")])
    for kind, title in (("decisions", "decision"),
                        ("service_states", "state of a pool, and of weir"),
                        ("canary_states", "state of a canary"),
                        ("canary_whys", "why a canary is in its state"),
                        ("canary_measures", "what shows that a canary is worse"),
                        ("canary_pauses", "why nothing is decided about a canary")):
        made[kind] = table(title, [(r["name"], r["meaning"]) for r in rows(words, kind)])
    made["rules"] = table("rule", [(r["name"], r["says"]) for r in rows(words, "rules")])
    return made


def labels(words):
    """Of metrics: the values that each can have."""
    names = {kind: [r["name"] for r in rows(words, kind)] for kind in words}
    refusals = [c["name"] for c in rows(words, "causes") if c["side"] == "weir"]
    return {"cause": refusals, "outcome": names["outcomes"], "decision": names["decisions"],
            "class": names["classes"], "state": names["breaker_states"] + names["service_states"] +
            [s for s in names["canary_states"] if s != "none"],
            "measure": names["canary_measures"]}


def section(text, name):
    """(from, to) of what stands between the markers; None if they are not there."""
    found = re.search(rf"<!-- {name}: from the lists of words -->\n(.*?)<!-- /{name} -->", text, re.S)
    return found.span(1) if found else None


def with_tables(text, words):
    for name, wanted in tables(words).items():
        at = section(text, name)
        if at:
            text = text[:at[0]] + wanted + text[at[1]:]
    return text


def wrong_tables(text, words):
    for name, wanted in tables(words).items():
        at = section(text, name)
        if not at:
            yield f"docs/words.md has no table of {name}"
        elif text[at[0]:at[1]] != wanted:
            yield f"docs/words.md: the table of {name} is not the program's: words.py --write"


def wrong_labels(text, words):
    for label, values in labels(words).items():
        row = re.search(rf"^\| `{label}` \|.*$", text, re.M)
        for value in values:
            if not row or f"`{value}`" not in row.group(0):
                yield f"docs/metrics.md: the label {label} can be {value}, which its row lacks"


def wrong_dialects(text, table):
    """Each path that tells a dialect stands in the table of docs/http.md."""
    for end in re.findall(r'ENDS\("([^"]+)"', table):
        if f"{end}`" not in text:
            yield f"docs/http.md: the table of dialects lacks the path {end}"


def main(build, root, write=False):
    with open(f"{build}/proxy/base/words.json", encoding="utf-8") as f:
        words = json.load(f)
    with open(f"{root}/docs/words.md", encoding="utf-8") as f:
        text = f.read()
    if write:
        with open(f"{root}/docs/words.md", "w", encoding="utf-8") as f:
            f.write(with_tables(text, words))
        return 0
    with open(f"{root}/docs/metrics.md", encoding="utf-8") as f:
        bad = [*wrong_tables(text, words), *wrong_labels(f.read(), words)]
    with open(f"{root}/docs/http.md", encoding="utf-8") as f, \
            open(f"{root}/proxy/http/dialect.c", encoding="utf-8") as table:
        bad += wrong_dialects(f.read(), table.read())
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    arguments = [a for a in sys.argv[1:] if a != "--write"]
    sys.exit(main(*arguments, write="--write" in sys.argv))
