#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The rooms of proxy/flow and proxy/admin: who looks into whom, and which files call each other in a circle.

    rooms.py FOLDER     prints each include of another room's private header and each circle that
                        crosses a room or is too large; then the largest circle; 1 if anything

A file calls another one when it names a function that the other one defines and does not keep
static.  Calls through tables of functions are not seen, and are no dependency.
"""

import os
import re
import subprocess
import sys

LAYERS = ("proxy/flow", "proxy/admin")
CIRCLE_MAX = 4

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
NOT_CODE = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])+'""", re.S)
WORD = re.compile(r"[A-Za-z_]\w*")


def sources(root, layer):
    """{path below the layer: its text}"""
    found = {}
    top = os.path.join(root, layer)
    for folder, _, files in os.walk(top):
        for name in sorted(files):
            if name.endswith((".c", ".h")):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as f:
                    found[os.path.relpath(path, top)] = f.read()
    return found


def room_of(path):
    """What lies above the rooms joins them, and is a room of its own."""
    return path.split("/")[0]


def peeks(layer, files):
    """Includes of a private header from outside its room."""
    for path, text in files.items():
        for header in INCLUDE.findall(text):
            near = os.path.normpath(os.path.join(os.path.dirname(path), header))
            target = near if near in files else header
            if target.endswith("_priv.h") and target in files and \
                    room_of(target) != room_of(path):
                yield f"{layer}/{path}: {target} is private to {room_of(target)}"


def definitions(root, layer, files):
    """{function: file} of those that are not static."""
    names = [f"{layer}/{path}" for path in files if path.endswith(".c")]
    said = subprocess.run(["ctags", "-f", "-", "--languages=C", "--c-kinds=f",
                           "--fields=+K", "--fields-C=+{properties}", "-L", "-"], cwd=root,
                          check=True, capture_output=True, text=True, input="\n".join(names))
    found = {}
    for line in said.stdout.splitlines():
        name, file, *rest = line.split("\t")
        if "file:" not in rest and not any("static" in f for f in rest):
            found[name] = os.path.relpath(file, layer)
    return found


def calls(files, defined):
    """{file: files whose functions it names}"""
    graph = {}
    for path, text in files.items():
        if path.endswith(".c"):
            words = set(WORD.findall(NOT_CODE.sub(" ", text)))
            graph[path] = {defined[w] for w in words if w in defined} - {path}
    return graph


def reachable(graph, start):
    seen, todo = set(), [start]
    while todo:
        for at in graph.get(todo.pop(), ()):
            if at not in seen:
                seen.add(at)
                todo.append(at)
    return seen


def circles(graph):
    """Groups of files that all reach each other, the largest first."""
    below = {path: reachable(graph, path) for path in graph}
    groups = {frozenset({b for b in below[a] if a in below.get(b, ())} | {a}) for a in graph}
    return sorted((sorted(g) for g in groups if len(g) > 1), key=lambda g: (-len(g), g))


def complaints(layer, files, found):
    yield from peeks(layer, files)
    for circle in found:
        rooms = {room_of(path) for path in circle}
        if len(rooms) > 1:
            yield f"a circle of calls crosses rooms: {', '.join(circle)}"
        elif len(circle) > CIRCLE_MAX:
            yield f"{len(circle)} files call each other in a circle, {CIRCLE_MAX} may: " \
                  f"{', '.join(circle)}"


def look(root, layer):
    """(complaints, the largest circle)"""
    files = sources(root, layer)
    found = circles(calls(files, definitions(root, layer, files)))
    return list(complaints(layer, files, found)), found[0] if found else []


def main(root):
    bad = False
    for layer in LAYERS:
        said, largest = look(root, layer)
        bad = bad or bool(said)
        print("\n".join(said), end="\n" if said else "")
        print(f"  {layer:<12} largest circle of files: {len(largest)} "
              f"({', '.join(largest) or 'none'})")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
