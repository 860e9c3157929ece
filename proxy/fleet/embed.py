#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py OUT PERMITS LEASES SCRIPT...: the Lua scripts as C, each with its SHA-1, by which Redis knows it.

Scripts that use the functions of permits.lua begin with its text, those that use leases.lua go on with that.
"""

import hashlib
import os
import sys

USES_PERMITS = ("sync", "ask", "leave")
USES_LEASES = ("sync", "ask")


def literal(text):
    lines = (line.replace("\\", "\\\\").replace('"', '\\"') for line in text.splitlines())
    return "\n".join(f'    "{line}\\n"' for line in lines)


def bare(path):
    """Without comments and indentation, which Redis would have to read each time it learns a script."""
    with open(path) as f:
        lines = (line.strip() for line in f)
        return "".join(line + "\n" for line in lines if line and not line.startswith("--"))


def main(out, permits, leases, *scripts):
    with open(out, "w") as f:
        f.write('/* Made by embed.py from lua/. */\n#include "script.h"\n')
        for path in scripts:
            name = os.path.basename(path)[:-len(".lua")]
            text = (bare(permits) if name in USES_PERMITS else "") + (bare(leases) if name in USES_LEASES else "") + bare(path)
            sha = hashlib.sha1(text.encode()).hexdigest()
            f.write(f'\nconst struct script script_{name} = {{\n    "{name}", "{sha}",\n{literal(text)}}};\n')


if __name__ == "__main__":
    main(*sys.argv[1:])
