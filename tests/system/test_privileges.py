# SPDX-License-Identifier: Apache-2.0
"""Started as root with a `user`: what takes privileges is done first, then they are gone for good."""

import os
import re
import signal

import pytest

from harness.certs import Authority
from harness.deadline import eventually
from harness.weir import BUILD, weirctl

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="gives up being root")


def test_keys_that_only_root_can_read_are_read_before_it_becomes_the_user(rig, tmp_path):
    pem, key = Authority(str(tmp_path / "ca")).issue("weir", "localhost", "127.0.0.1")
    os.chmod(key, 0o600)
    w = rig.weir(rig.backend(), start=False, user="nobody")
    w.settings["listeners"][0]["tls"] = {"certificate": pem, "key": key}
    w.write_file(w.settings)
    w.start()
    with open(f"/proc/{w.pid}/status") as f:
        status = f.read()
    assert not re.search(r"^Uid:.*\b0\b", status, re.M)
    assert re.search(r"^NoNewPrivs:\s*1$", status, re.M) or w.settings.get("sandbox") is False
    assert re.search(r"^CapPrm:\s*0+$", status, re.M) and re.search(r"^CapEff:\s*0+$", status, re.M)
    code, _, err = weirctl(w.socket_path, "reload")
    assert code == 1 and os.path.basename(pem)[:4] in err, "refused by name, before anything changes"
    assert weirctl(w.socket_path, "status")[0] == 0


# --- the sandbox of the running process

INTRUDER = os.path.join(BUILD, "tests/system/intruder.so")

sandboxed = pytest.mark.skipif(os.environ.get("WEIR_SANDBOX") == "0",
                               reason="sanitizers need more than the sandbox allows")


def _status_of(pid):
    found = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status") as f:
            found[task] = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    return found


@sandboxed
@pytest.mark.parametrize("user", ["nobody", None])
def test_every_thread_is_inside_and_has_no_power_left(rig, user):
    w = rig.weir(rig.backend(), **({"user": user} if user else {}))
    threads = _status_of(w.pid)
    assert len(threads) > 3
    for name, s in threads.items():
        assert s["NoNewPrivs"].strip() == "1", name
        assert s["Seccomp"].strip() == "2", name  # a filter
        if user:
            assert int(s["CapPrm"], 16) == int(s["CapEff"], 16) == int(s["CapInh"], 16) == 0, name
            assert int(s["CapAmb"], 16) == 0, name
            assert "0" not in s["Uid"].split() and "0" not in s["Gid"].split(), name
    assert os.stat(f"/proc/{w.pid}/mem").st_uid == 0, "not dumpable: its files in /proc are root's"


def _intrude(rig, what, path="", **settings):
    w = rig.weir(rig.backend(), env={"LD_PRELOAD": INTRUDER, "INTRUDE": what, "INTRUDE_PATH": path},
                 **settings)
    w.may_complain = True
    return w


@sandboxed
@pytest.mark.parametrize("what", ["exec", "ptrace"])
def test_whoever_starts_a_program_from_inside_ends_the_process(rig, what):
    w = _intrude(rig, what)
    try:
        w.admin("metrics")
    except (OSError, AssertionError):
        pass
    w.expect_exit = -signal.SIGSYS
    assert w.wait_exit() == -signal.SIGSYS
    assert "intruder" not in w.errors.text()


def _said(w):
    w.admin("metrics")
    found = eventually(lambda: re.search(r"intruder: \w+: (.*)", w.errors.text()), 5, "it has tried")
    return found.group(1)


@sandboxed
@pytest.mark.parametrize("what, call", [("fork", "clone"), ("kill", "kill"), ("packet", "socket"),
                                        ("memory", "mmap"), ("user", "setuid")])
def test_what_an_intruder_would_do_is_denied_and_told(rig, what, call):
    w = _intrude(rig, what, user="nobody")
    assert _said(w) == "Operation not permitted"
    line = f"sandbox: the system call {call} "
    eventually(lambda: line in w.errors.text(), 5, "the log says which call was denied")
    assert w.admin("status")


@sandboxed
def test_files_that_the_settings_do_not_name_are_out_of_reach(rig, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o644)
    assert _said(_intrude(rig, "read", str(secret))) == "Permission denied"
    assert _said(_intrude(rig, "write", "/etc/weir-was-here")) == "Permission denied"
    w = _intrude(rig, "write", str(tmp_path / "new"))
    assert _said(w) == "Permission denied" and not (tmp_path / "new").exists()


@sandboxed
def test_a_reload_that_names_a_new_folder_is_refused_and_the_old_settings_stay(rig, tmp_path):
    pem, key = Authority(str(tmp_path / "ca")).issue("weir", "localhost", "127.0.0.1")
    w = rig.weir(rig.backend())
    w.settings["listeners"][0]["tls"] = {"certificate": pem, "key": key}
    w.write_file(w.settings)
    code, _, err = weirctl(w.socket_path, "reload")
    assert code == 1 and os.path.basename(pem) in err and "Permission denied" in err
    assert weirctl(w.socket_path, "status")[0] == 0
