#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The pure layers stay pure: what the objects of decide and http leave undefined.

    symbols.py BUILD-FOLDER     prints what they need beyond the lists below; 1 if anything

No clock, no I/O, no allocation: memory functions of the compiler, the assertion, and functions of
base that are pure themselves.
"""

import glob
import re
import subprocess
import sys

EVERYBODY = {
    "weir_assert_fail", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail",
    "memcpy", "memmove", "memset", "memcmp", "memchr", "memmem", "memrchr",
    "__memcpy_chk", "__memmove_chk", "__memset_chk", "strlen",
}
# base: text into memory of the caller's, numbers, hashes, names; buf is the caller's as well.
BASE = re.compile(r"^(text_\w+|parse_u64|json_\w+|hash_keyed|rng_\w+|buf_\w+|\w+_name|\w+_text)$")
LIBM = {"floor", "ceil", "pow", "exp", "exp2", "log", "log2", "sqrt", "fmin", "fmax", "lround",
        "llround", "round", "trunc", "ldexp", "frexp", "fabs", "expm1", "log1p"}

MAY = {"decide": EVERYBODY | LIBM, "http": EVERYBODY}


def symbols(objects, *options):
    said = subprocess.run(["nm", *options, *objects], check=True, capture_output=True, text=True)
    return {line.split()[-1] for line in said.stdout.splitlines() if len(line.split()) >= 2
            and not line.endswith(":")}


def needed(objects):
    """What none of the objects defines."""
    return symbols(objects, "--undefined-only") - symbols(objects, "--defined-only")


def too_much(layer, names):
    return sorted(n for n in names if n not in MAY[layer] and not BASE.match(n))


def main(build):
    bad = False
    for layer in MAY:
        objects = sorted(glob.glob(f"{build}/proxy/{layer}/libweir_{layer}.a.p/*.o"))
        if not objects:
            print(f"no objects of {layer} in {build}: build first")
            return 1
        for name in too_much(layer, needed(objects)):
            print(f"{layer} needs {name}")
            bad = True
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
