# SPDX-License-Identifier: Apache-2.0
"""What a test needs of the machine: a test that cannot have it fails in one line, "missing: ..."."""

import importlib
import os
import shutil

import pytest

# Program: Debian's package, where the names differ.
PACKAGES = {"chromedriver": "chromium-driver", "promtool": "prometheus"}


def missing(what):
    """Ends the test as failed, without a traceback."""
    raise pytest.fail.Exception(f"missing: {what}", pytrace=False) from None


def need(*programs):
    """Programs on the PATH.  The path of the first."""
    for p in programs:
        if not shutil.which(p):
            missing(f"{p} (Debian's package {PACKAGES.get(p, p)})")
    return shutil.which(programs[0])


def need_module(name, package):
    """A module of Python's."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return missing(f"{name} for python3 (Debian's package {package})")


def need_terminal():
    """A pair of pseudo terminals: (master, slave)."""
    try:
        return os.openpty()
    except OSError as e:
        return missing(f"a pseudo terminal (is /dev/pts mounted?): {e.strerror}")


def first_line(error):
    """What an exception of a foreign library says, in one line."""
    said = str(getattr(error, "msg", None) or error).strip()
    return said.splitlines()[0] if said else type(error).__name__
