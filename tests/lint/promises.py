# SPDX-License-Identifier: Apache-2.0
"""Each promise of SECURITY.md names its tests, and each test that is named exists.

    promises.py FOLDER     prints what is wrong; 1 if anything

A name without a folder is beside the name before it, or in tests/system."""

import os
import re
import sys

TEST = re.compile(r"`([\w./]+?)(?:\.(py|c))?(?:::(\w+))?`")


def rows(text):
    """Line number, promise and tests of each row of the table."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        cells = [c.strip() for c in line.split("|")[1:-1]]
        if cells[:2] == ["promise", "test"]:
            inside = True
        elif not cells:
            inside = False
        elif inside and not cells[0].startswith("---"):
            yield number, cells[0], cells[1]


def file_of(root, name, folder):
    for place in [name, os.path.join(folder, name), os.path.join("tests/system", name)]:
        if os.path.isfile(os.path.join(root, place)):
            return place
    return None


def complaints(root):
    with open(os.path.join(root, "SECURITY.md")) as f:
        text = f.read()
    found = 0
    for number, promise, tests in rows(text):
        folder, named = "tests/system", 0
        for m in TEST.finditer(tests):
            if not m[2]:
                continue  # a folder, a command
            named += 1
            path = file_of(root, f"{m[1]}.{m[2]}", folder)
            if not path:
                yield f"SECURITY.md:{number}: there is no {m[1]}.{m[2]}"
                continue
            folder = os.path.dirname(path)
            if m[3]:
                with open(os.path.join(root, path)) as f:
                    if not re.search(rf"\b{m[3]}\b", f.read()):
                        yield f"SECURITY.md:{number}: {path} has no {m[3]}"
        found += 1
        if not named:
            yield f"SECURITY.md:{number}: no test is named for: {promise[:60]}"
    if not found:
        yield "SECURITY.md: the table of promises is not there"


def main():
    bad = list(complaints(sys.argv[1]))
    for line in bad:
        print(line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
