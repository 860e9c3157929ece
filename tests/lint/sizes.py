#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The sizes of functions, files and structs, for the reader to judge.

    sizes.py FOLDER     a table: median, ninth tenth and longest function; median and longest file;
                        share of static functions; the structs of most fields
"""

import collections
import subprocess
import statistics
import sys


LARGE_SHOWN = 3


def nine_tenths(lengths):
    """What nine of ten are not longer than; lengths are in their order."""
    return lengths[(len(lengths) * 9 - 1) // 10]


def listed(root, *patterns):
    said = subprocess.run(["git", "-C", root, "ls-files", "--", *patterns], check=True,
                          capture_output=True, text=True)
    return said.stdout.split()


def functions(root, files):
    """(length in lines, is static, name, file) of each."""
    said = subprocess.run(["ctags", "-f", "-", "--languages=C", "--c-kinds=f", "--fields=+neK",
                           "--fields-C=+{properties}", "-L", "-"], cwd=root, check=True,
                          capture_output=True, text=True, input="\n".join(files))
    for line in said.stdout.splitlines():
        name, file, *rest = line.split("\t")
        fields = dict(f.split(":", 1) for f in rest if ":" in f)
        if "line" in fields and "end" in fields:
            length = int(fields["end"]) - int(fields["line"]) + 1
            yield length, "file" in fields or "static" in fields.get("properties", ""), name, file


def file_lengths(root, files):
    for file in files:
        with open(f"{root}/{file}", encoding="utf-8") as f:
            yield sum(1 for _ in f), file


def structs(root, files):
    """(number of fields, name, file) of each struct."""
    said = subprocess.run(["ctags", "-f", "-", "--languages=C", "--map-C=+.h", "--c-kinds=m", "--fields=+K", "-L",
                           "-"], cwd=root, check=True, capture_output=True, text=True,
                          input="\n".join(files))
    count = collections.Counter()
    for line in said.stdout.splitlines():
        _, file, *rest = line.split("\t")
        owner = next((f[7:] for f in rest if f.startswith("struct:")), None)
        if owner:
            count[owner, file] += 1
    return [(n, owner, file) for (owner, file), n in count.items()]


def show(title, root, patterns):
    files = [f for f in listed(root, *patterns) if f.endswith((".c", ".h"))]
    found = sorted(functions(root, [f for f in files if f.endswith(".c")]))
    lengths = sorted(file_lengths(root, files))
    if not found:
        return
    static = sum(1 for f in found if f[1])
    longest = found[-1]
    print(f"  {title:<8} {len(found):5} functions: median {statistics.median(f[0] for f in found):.0f}"
          f" lines, 90 % {nine_tenths([f[0] for f in found])}, longest {longest[0]} ({longest[2]} in {longest[3]}),"
          f" {sum(1 for f in found if f[0] > 40)} above 40, {100 * static // len(found)} % static")
    print(f"  {'':<8} {len(lengths):5} files: median {statistics.median(n for n, _ in lengths):.0f}"
          f" lines, longest {lengths[-1][0]} ({lengths[-1][1]})")
    large = sorted(structs(root, files), reverse=True)[:LARGE_SHOWN]
    print(f"  {'':<8}       most fields: " + ", ".join(f"{n} ({name} in {f})" for n, name, f in large))


if __name__ == "__main__":
    for what, where in (("weir", ("proxy", "config", "include")), ("bench", ("bench",)),
                        ("tests", ("tests",))):
        show(what, sys.argv[1], where)
