#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Code that only tests call, fields that nobody reads, rows that no code gives.

    unused.py BUILD FOLDER      prints each; 1 if anything

A function or object that other files can see must be used by weir, weirctl or weir-bench: tests,
fuzz targets and weir-micro do not count.  One that only its own file uses is static, unless a test
calls it.  A field is read where its name stands in a source of theirs otherwise than as its
declaration or as what is assigned to.  Fields of different structs that have one name are not told
apart, so some that nobody reads are not found.
"""

import fnmatch
import glob
import os
import re
import subprocess
import sys

from rooms import NOT_CODE, WORD

OBJECTS = ("proxy/**/*.o", "config/**/*.o", "bench/**/*.o", "weir.p/**/*.o", "weirctl.p/**/*.o",
           "weir-bench.p/**/*.o")
SOURCES = ("proxy", "config", "bench", "include")
TOOLS = ("weir-micro.p/", "words-json.p/", "fields_gen.p/", "bench/micro/", "proxy/words_json.c")

# What has no caller that nm sees, each with its reason; an excuse that is not needed does no harm.
MAY = {
    "main": "the C library calls it",
    "run_help": "the table of commands in its own file names it by its row",
    "conf_decide_defaults": "tests, the simulation and weir-micro begin with the table's defaults",
    "resolver_use_server": "tests name a DNS server of their own",
    "fleet_permits": "what the script in Redis computes, for tests/system to compare and tests/sim to play",
    "fleet_leader_nodes": "the simulation's trace",
}
FIELDS_MAY = {}

# Lists whose rows have to be given by some code.  {header: the name in a row}
LISTS = {
    "include/weir/base/causes.h": r"X\((CAUSE_\w+)",
    "include/weir/decide/rules.h": r"X\((RULE_\w+)",
    "include/weir/flow/counters.h": r"X\((?:[A-Z_]+, )?([a-z]\w+), ",
    "include/weir/http/dialect.h": r"X\((DIALECT_\w+)",
}

NOT_A_CALL = re.compile(r"(?<=[.>])[A-Za-z_]\w*|\b[A-Za-z_]\w*\b(?!\s*\()")
LVALUE = r"[\w.\[\]*()>-]*(?:\.|->)"
WRITTEN = re.compile(rf"(?:\.|->)\s*([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)?=(?!=)"
                     rf"|(?<=[;{{}}\n])\s*{LVALUE}([A-Za-z_]\w*)\s*(?:[-+*/|&^%]=|\+\+;|--;)")


def is_tool(path):
    return any(t in path for t in TOOLS)


def objects(build):
    found = [o for pattern in OBJECTS for o in glob.glob(f"{build}/{pattern}", recursive=True)]
    return sorted(o for o in found if not is_tool(os.path.relpath(o, build)))


def symbols(found):
    """({name: object that defines it}, names that some object needs from another one)"""
    defined, needed, at = {}, set(), None
    said = subprocess.run(["nm", "-A", "-g", *found], check=True, capture_output=True, text=True)
    for line in said.stdout.splitlines():
        at, rest = line.split(":", 1)
        kind, name = rest.split()[-2:]
        if kind == "U":
            needed.add(name)
        elif not name.startswith("__"):
            defined[name] = at
    return defined, needed


def words_of(root, tops):
    """{word: how often it stands in the sources below the folders}"""
    count = {}
    for text in sources(root, tops).values():
        for word in WORD.findall(text):
            count[word] = count.get(word, 0) + 1
    return count


def uses(text, name):
    """How often a file names a function of its own, besides defining it."""
    return len(re.findall(rf"\b{name}\b", text)) - 1


def own_text(texts, name):
    """The file that defines a function."""
    defines = re.compile(rf"^\w[^;{{}}=]*\b{name}\b[^;]*\{{|^\w[^;{{}}()]*\b{name}\b[^;()]*=", re.M)
    return next((t for path, t in texts.items() if path.endswith(".c") and defines.search(t)), "")


def uncalled(root, defined, needed, may):
    """What no other object needs; then what is excused although it is needed, or is gone."""
    texts, tested = sources(root, SOURCES), words_of(root, ["tests"])
    for name in sorted(defined):
        if name in needed or any(fnmatch.fnmatch(name, m) for m in may):
            continue
        if uses(own_text(texts, name), name) < 1:
            yield f"{name}: nobody calls it" + " but tests" * (name in tested)
        elif name not in tested:
            yield f"{name}: only its own file uses it, so it is static"


def sources(root, tops):
    """{path: text without comments and strings}"""
    found = {}
    for top in tops:
        for folder, _, files in os.walk(os.path.join(root, top)):
            for name in files:
                path = os.path.join(folder, name)
                if name.endswith((".c", ".h")) and not is_tool(path):
                    with open(path, encoding="utf-8") as f:
                        found[path] = NOT_CODE.sub(" ", f.read())
    return found


def members(paths):
    """{name of a field: (how often declared, struct, file)}"""
    said = subprocess.run(["ctags", "-f", "-", "--languages=C", "--map-C=+.h", "--c-kinds=m",
                           "--fields=+K", "-L", "-"], check=True, capture_output=True, text=True,
                          input="\n".join(paths))
    found = {}
    for line in said.stdout.splitlines():
        name, file, *rest = line.split("\t")
        owner = next((f.split(":", 1)[1] for f in rest if f.startswith(("struct:", "union:"))), "")
        n = found[name][0] if name in found else 0
        found[name] = (n + 1, owner, file)
    return found


def unread(root, may):
    texts = sources(root, SOURCES)
    seen = {}
    for text in texts.values():
        for word in NOT_A_CALL.findall(text):
            seen[word] = seen.get(word, 0) + 1
        for assigned, counted in WRITTEN.findall(text):
            seen[assigned or counted] -= 1
    found = members(sorted(texts))
    for name, (n, owner, file) in sorted(found.items()):
        if seen.get(name, 0) <= n and name not in may:
            yield f"{name} of {owner} in {os.path.relpath(file, root)}: nobody reads it"


def unreached(root, texts):
    """Rows of the lists that no code gives: nothing is refused by the rule, nobody counts."""
    code = {path: re.sub(r"\bcase\s+\w+:", "", text) for path, text in texts.items()}
    for header, row in LISTS.items():
        path = os.path.join(root, header)
        if not os.path.exists(path):
            continue
        words = {w for at, text in code.items() if at != path for w in WORD.findall(text)}
        with open(path, encoding="utf-8") as f:
            names = re.findall(row, f.read())
        for name in names:
            if name not in words:
                yield f"{name} of {header}: no code gives it"


def main(build, root):
    found = objects(build)
    if not found:
        print(f"no objects in {build}: build first")
        return 1
    bad = [*uncalled(root, *symbols(found), MAY), *unread(root, FIELDS_MAY),
           *unreached(root, sources(root, SOURCES))]
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
