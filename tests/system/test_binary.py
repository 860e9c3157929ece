# SPDX-License-Identifier: Apache-2.0
"""The programs are built so that a mistake in memory is harder to use, and say what they run with."""

import re
import subprocess

import pytest

from harness.weir import BINARY, WEIRCTL, is_sanitized, run


def readelf(*args):
    return subprocess.run(["readelf", "-W", *args], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("binary", [BINARY, WEIRCTL], ids=["weir", "weirctl"])
def test_the_default_build_is_hardened(binary):
    if is_sanitized(binary):
        pytest.skip("a sanitizer's build")
    head, dynamic = readelf("-h", "-l", binary), readelf("-d", binary)
    symbols = readelf("-s", binary)
    assert re.search(r"Type:\s+DYN", head), "position-independent"
    assert "GNU_RELRO" in head and re.search(r"FLAGS_1.*NOW|BIND_NOW", dynamic), "full RELRO"
    assert re.search(r"GNU_STACK\s.* RW ", head), "no executable stack"
    assert not re.search(r"LOAD\s.* RWE ", head), "nothing both writable and executable"
    assert "__stack_chk_fail" in symbols, "stack protector"
    assert re.search(r"__(?!stack)\w+_chk\b", symbols), "FORTIFY"
    if "X86-64" in head:
        # The property note needs every start file of the C library to have it; the landing pads are ours.
        with open(binary, "rb") as f:
            assert f.read().count(b"\xf3\x0f\x1e\xfa") > 50, "CET: endbr64 where a call may land"


def test_the_version_names_the_libraries_it_runs_with():
    code, out, _ = run("--version", "--verbose")
    assert code == 0
    for library in ("libssl", "libcrypto", "libevent", "libcares", "libconfig", "libhiredis", "libnghttp2"):
        assert re.search(rf"^linked: /.*{library}", out, re.M), out
    assert "linked" not in run("--version")[1]
