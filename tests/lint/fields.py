#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every field of the settings has a row in the settings table, or follows from others, and is read.

    fields.py FOLDER     prints the fields that nothing fills and those that nothing reads; 1 if any

The structs are those of include/weir/conf/settings.h and include/weir/decide/settings.h; rows stand in
config/rows_*.c, what follows from other settings in config/derive.c.
"""

import glob
import re
import sys

STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.S | re.M)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
# Not settings: what a load says about a file.
OTHERS = {"conf_diagnostic", "conf_diagnostics"}
# What the loader notes about the file, for itself.
LOADERS = {("settings", "file"), ("settings", "origins")}


def read(root, *patterns):
    texts = []
    for pattern in patterns:
        for path in sorted(glob.glob(f"{root}/{pattern}", recursive=True)):
            with open(path, encoding="utf-8") as f:
                texts.append(COMMENT.sub("", f.read()))
    return "\n".join(texts)


def fields(text):
    """(struct, field, is a struct itself) of every struct that stands at the left margin."""
    for name, body in STRUCT.findall(COMMENT.sub("", text)):
        for statement in body.split(";"):
            statement = " ".join(statement.split())
            if not statement or statement.startswith("}"):
                continue
            inner = statement.startswith("struct ") and "*" not in statement
            for declared in statement.split(","):
                found = re.search(r"(\w+)(\[\w*\])*$", declared.strip())
                if found:
                    yield name, found.group(1), inner


def filled(rows, derived):
    """A claim about (struct, field): a row or a line of derive.c fills it."""
    pairs = set()
    for struct, names in re.findall(r"struct (\w+),\s*([\w.]+(?:,\s*(?:\w+\.)?n_\w+)?)", rows):
        for path in names.split(","):
            pairs.add((struct, path.strip().split(".")[0]))
            if "." in path:
                pairs.add((None, path.strip().split(".")[-1]))
    for struct in re.findall(r"MODE\(struct (\w+)\)", rows):
        pairs.add((struct, "enforce"))
    for struct, field in re.findall(r"offsetof\(struct (\w+),\s*(\w+)\)", rows):
        pairs.add((struct, field))
    assigned = set(re.findall(r"(?:->|\.)(\w+) =[^=]", derived))
    return lambda struct, field: ((struct, field) in pairs or (None, field) in pairs
                                  or field in assigned)


def complaints(structs, rows, derived, readers):
    is_filled = filled(rows, derived)
    for struct, field, inner in fields(structs):
        if struct in OTHERS or (struct, field) in LOADERS:
            continue
        if not inner and not is_filled(struct, field):
            yield f"{struct}.{field} has no row in config/rows_*.c and no line in config/derive.c"
        if not re.search(rf"(?:->|\.){field}\b", readers):
            yield f"{struct}.{field} is read by nothing"


def main(root):
    bad = list(complaints(read(root, "include/weir/conf/settings.h", "include/weir/decide/settings.h"),
                          read(root, "config/rows_*.c"), read(root, "config/derive.c"),
                          read(root, "proxy/**/*.c", "proxy/**/*.h", "config/derive.c")))
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
