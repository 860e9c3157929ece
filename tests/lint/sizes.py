#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The sizes of functions and files, for the reader to judge.

    sizes.py FOLDER     a table: median and longest function and file, share of static functions
"""

import collections
import subprocess
import statistics
import sys


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


def p90(ordered):
    return ordered[len(ordered) * 9 // 10]


def show(title, root, patterns):
    files = [f for f in listed(root, *patterns) if f.endswith((".c", ".h"))]
    found = sorted(functions(root, [f for f in files if f.endswith(".c")]))
    lengths = sorted(file_lengths(root, files))
    if not found:
        return
    static = sum(1 for f in found if f[1])
    longest = found[-1]
    print(f"  {title:<8} {len(found):5} functions: median {statistics.median(f[0] for f in found):.0f},"
          f" p90 {p90(found)[0]} lines, longest {longest[0]} ({longest[2]} in {longest[3]}),"
          f" {sum(1 for f in found if f[0] > 40)} above 40, {100 * static // len(found)} % static")
    print(f"  {'':<8} {len(lengths):5} files: median {statistics.median(n for n, _ in lengths):.0f},"
          f" p90 {p90(lengths)[0]} lines, longest {lengths[-1][0]} ({lengths[-1][1]})")
    large = max(structs(root, files), default=None)
    if large:
        print(f"  {'':<8}       largest struct: {large[0]} fields ({large[1]} in {large[2]})")


if __name__ == "__main__":
    for what, where in (("weir", ("proxy", "config", "include")), ("bench", ("bench",)),
                        ("tests", ("tests",))):
        show(what, sys.argv[1], where)
