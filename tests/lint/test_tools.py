# SPDX-License-Identifier: Apache-2.0
"""./dev says what is missing in one line, and goes on with what does not need it."""

import os
import subprocess

import pytest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


@pytest.fixture
def shell(tmp_path):
    """Runs a line of bash with the functions of tools/ and these programs before all others."""
    def run(line, **programs):
        for name, text in programs.items():
            file = tmp_path / name.replace("_", "-")
            file.write_text(f"#!/bin/sh\n{text}\n")
            file.chmod(0o755)
        return subprocess.run(
            ["bash", "-c", f"set -euo pipefail; . tools/packages.sh; . tools/test.sh; {line}"], cwd=ROOT,
            capture_output=True, text=True, env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    return run


@pytest.mark.parametrize("said, code", [
    ("npm ERR! code ENOTFOUND", "ENOTFOUND"), ("npm error code ECONNREFUSED", "ECONNREFUSED"),
    ("npm error code E503", "E503"), ("npm error code EAI_AGAIN", "EAI_AGAIN"),
    ("npm error code ERR_SOCKET_TIMEOUT", "ERR_SOCKET_TIMEOUT")])
def test_a_registry_that_does_not_answer_is_missing_in_one_line(shell, said, code):
    done = shell("clients_install tests/clients", npm=f'echo "{said}"; echo "  at a.js:1"; exit 1')
    assert done.returncode == 1
    assert done.stdout == f"missing: the npm registry (npm ci in tests/clients: {code})\n", done


def test_a_lock_file_that_does_not_fit_is_not_a_missing_registry(shell):
    done = shell("clients_install tests/clients", npm='echo "npm error code EUSAGE"; echo why; exit 1')
    assert done.returncode == 1 and "missing" not in done.stdout
    assert done.stdout.endswith("why\nnpm ci in tests/clients failed: EUSAGE\n")


def test_a_machine_without_criterion_builds_weir_without_its_tests(tmp_path):
    pkg_config = tmp_path / "pkg-config"
    pkg_config.write_text("#!/bin/sh\ncase \"$*\" in *criterion*) exit 1;; esac\nexec pkg-config \"$@\"\n")
    pkg_config.chmod(0o755)
    done = subprocess.run(["meson", "setup", str(tmp_path / "build"), ROOT], capture_output=True, text=True,
                          env={**os.environ, "PKG_CONFIG": str(pkg_config), "CMAKE": "/bin/false"})
    assert done.returncode == 0, done.stdout[-2000:]
    assert "dependency criterion found: NO" in done.stdout
    targets = subprocess.run(["ninja", "-C", str(tmp_path / "build"), "-t", "targets", "all"],
                             capture_output=True, text=True).stdout
    assert "weirctl:" in targets and "unit-decide" not in targets
    done = subprocess.run(["meson", "setup", "-Dtests=enabled", str(tmp_path / "must"), ROOT],
                          capture_output=True, text=True,
                          env={**os.environ, "PKG_CONFIG": str(pkg_config), "CMAKE": "/bin/false"})
    assert done.returncode != 0, "who asks for the tests is told that they cannot be built"


APT = 'case "$*" in *nowhere*) exit 100;; *install*) echo "$@" >>"$APT_LOG";; esac'


def test_a_package_that_cannot_be_had_does_not_keep_the_others_away(shell, tmp_path, monkeypatch):
    monkeypatch.setenv("APT_LOG", str(tmp_path / "log"))
    done = shell('packages_wish "to try" nowhere here-1 here-2', apt_get=APT, dpkg_query="exit 1",
                 sudo='shift; exec "$@"')
    assert done.returncode == 0, done
    told = [line for line in done.stdout.splitlines() if line.startswith("missing: ")]
    assert told == ["missing: nowhere (apt-get could not install)"], done
    assert [line.split()[-1] for line in open(tmp_path / "log")] == ["here-1", "here-2"]


def test_a_package_that_all_need_is_missing_in_one_line(shell):
    done = shell('packages_need "to try" nowhere', apt_get=APT, dpkg_query="exit 1", sudo='shift; exec "$@"')
    assert done.returncode != 0
    assert done.stderr == "missing: nowhere (apt-get could not install)\n"
