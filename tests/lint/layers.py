#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who includes whom: a file includes from its own layer and below (docs/architecture.md).

    layers.py FOLDER     prints each include that climbs, or that is another layer's library; 1 if any
"""

import os
import re
import sys

# Layer: what it may include.  A whole header narrows it to that one.
BELOW = {
    "base": {"base"},
    "decide": {"decide", "base"},
    "http": {"http", "base"},
    "net": {"net", "base"},
    "conf": {"conf", "decide/settings.h", "base"},
    "pages": {"pages", "http", "base"},
    "fleet": {"fleet", "net", "decide", "conf", "base"},
    "flow": {"flow", "fleet", "decide", "http", "net", "conf", "pages", "base"},
    "admin": {"admin", "flow", "fleet", "decide", "http", "net", "conf", "pages", "base"},
    "sandbox": {"conf", "base"},
    "main": {"admin", "sandbox", "flow", "fleet", "decide", "http", "net", "conf", "pages", "base"},
    "ctl": {"admin", "base"},
    "bench": {"base"},
    "micro": {"decide", "http", "conf/settings.h", "base"},  # weir-micro measures the pure layers from inside
}

# Library headers that only some layers may know.
ALONE = {
    "openssl/": {"net", "bench"},
    "nghttp2/": {"flow"},
    "event2/": {"net", "flow", "bench"},
    "hiredis/": {"fleet"},
    "libconfig.h": {"conf", "bench"},
    "systemd/": {"main"},
    "seccomp.h": {"sandbox"},
    "pthread.h": {"base", "flow", "net", "bench"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^">]+)[">]')


def layer_of(path):
    """The layer of a source by its place, None for what has none (tests)."""
    parts = path.split("/")
    if parts[0] == "config":
        return "conf"
    if parts[0] == "bench":
        return "micro" if parts[1] == "micro" else "bench"
    if parts[0] == "proxy":
        return parts[1] if len(parts) > 2 else "main"
    if parts[:2] == ["include", "weir"] and len(parts) > 3:
        return parts[2]
    return None


def may_include(layer, header):
    """header: what follows weir/."""
    allowed = BELOW[layer]
    return header.split("/")[0] in allowed or header in allowed


def complaint(layer, header):
    if header.startswith("weir/") and not may_include(layer, header[5:]):
        return f"{layer} may not include {header}"
    for library, layers in ALONE.items():
        if header.startswith(library) and layer not in layers:
            return f"{layer} may not know {header}, only {', '.join(sorted(layers))}"
    return None


def sources(root):
    for top in ("config", "proxy", "bench", "include"):
        for folder, _, files in os.walk(os.path.join(root, top)):
            for f in sorted(files):
                if f.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, f), root)


def complaints(root):
    for path in sources(root):
        layer = layer_of(path)
        if layer not in BELOW:
            yield f"{path}: the layer {layer} is not known; say in tests/lint/layers.py what it may"
            continue
        with open(os.path.join(root, path)) as f:
            for number, line in enumerate(f, 1):
                found = INCLUDE.match(line)
                wrong = complaint(layer, found.group(2)) if found else None
                if wrong:
                    yield f"{path}:{number}: {wrong}"


if __name__ == "__main__":
    bad = list(complaints(sys.argv[1]))
    print("\n".join(bad), end="\n" if bad else "")
    sys.exit(1 if bad else 0)
