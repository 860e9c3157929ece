# SPDX-License-Identifier: Apache-2.0
"""What was learnt outlives a restart, and nothing of a state file can do harm."""

import os
import signal
import time

import pytest

from harness import config
from harness.backend import always
from harness.deadline import eventually
from harness.simulated import Load, Simulated
from harness.weir import run

SLOTS = 4


def _limits(w):
    return w.admin.upstream("a")["limits"]


def _end(w):
    """An orderly end, whoever still asks."""
    w.signal(signal.SIGTERM)
    w.signal(signal.SIGTERM)
    assert w.wait_exit(20) == 0, w.errors.text()


def _again(rig, w, **state):
    """The next process with the same file and backends."""
    rows = w.settings["pools"]
    next_one = rig.weir(pools=rows, state={**w.settings["state"], **state}, start=False)
    return next_one.start()


def _said(w, words):
    return eventually(lambda: words in w.errors.text(), what=f"the log says {words!r}")


@pytest.fixture
def learnt(rig, tmp_path):
    """A weir that has found what its backend can bear, and has ended; `found` is what it found."""
    path = str(tmp_path / "learnt")
    b = rig.keep(Simulated("--engine", "A", "--slots", str(SLOTS), "--output", "30", "--output-sigma",
                           "0"))
    w = rig.weir(b.url, enforce=True, state={"path": path})
    load = rig.keep(Load(w, 20, 60, "--output", "30"))
    eventually(lambda: _limits(w)["pending"] <= 3, 40, "a limit is found")
    load.close()  # or it goes on finding
    eventually(lambda: w.admin.upstream("a")["inflight"] == 0)
    w.backend, w.found = b, _limits(w)["pending"]
    _end(w)
    return w


def test_a_restart_under_load_does_not_begin_cold(rig, learnt):
    b, w = learnt.backend, _again(rig, learnt)
    _said(w, "what was learnt of 1 upstreams")
    assert _limits(w)["pending"] == learnt.found
    waiting = []

    def served():
        numbers = b.numbers()
        waiting.append(numbers["queued"])
        return numbers["served"]

    begin = served()
    load = rig.keep(Load(w, 20, 30, "--output", "30"))
    eventually(lambda: served() > begin + 30, 30)
    load.close()
    assert max(waiting) <= 2 * SLOTS, "the backend's queue stays short from the first request on"
    _end(w)


def test_the_file_is_nobody_elses_and_holds_no_secret(rig, tmp_path):
    path = tmp_path / "learnt"
    b = rig.backend()
    b.serve(always(200, b"x"))
    w = rig.weir(b, state={"path": str(path)})
    w.client().ask("POST", "/v1/chat/completions", body=b"{}",
                   fields=[("Authorization", "Bearer secret")])
    w.stop()
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert b"secret" not in path.read_bytes() and b"http" not in path.read_bytes()
    assert os.listdir(tmp_path) == ["learnt"]


def _file_of(rig, tmp_path):
    path = tmp_path / "learnt"
    w = rig.weir(rig.backend(), state={"path": str(path)})
    w.stop()
    return w, path


DAMAGE = {
    "is cut short": lambda bytes: bytes[:-1],
    "is damaged: its checksum is wrong": lambda bytes: bytes[:200] + b"x" + bytes[201:],
    "is no state file of weir": lambda bytes: b"x" + bytes[1:],
    "was written by another version of weir": lambda bytes: bytes[:8] + b"\x7f" + bytes[9:],
}


@pytest.mark.parametrize("words", DAMAGE)
def test_a_file_that_is_not_whole_is_named_and_not_used(rig, tmp_path, words):
    w, path = _file_of(rig, tmp_path)
    path.write_bytes(DAMAGE[words](path.read_bytes()))
    w = _again(rig, w)
    _said(w, f"{path} is not used: it {words}")
    w.stop()
    w = _again(rig, w)
    _said(w, "what was learnt of 1 upstreams")


def test_a_file_that_is_too_old_is_not_used(rig, tmp_path):
    w, path = _file_of(rig, tmp_path)
    made = path.stat().st_mtime
    eventually(lambda: time.time() - made > 1.1)
    w = _again(rig, w, max_age="1s")
    _said(w, "is older than state.max_age")


def test_what_was_learnt_of_another_url_is_not_used(rig, tmp_path):
    w, path = _file_of(rig, tmp_path)
    w.settings["pools"] = [config.pool([rig.backend()])]
    w = _again(rig, w)
    _said(w, "chat/a is not used: its URL is another one now")


def test_an_upstream_that_is_no_more_is_passed_over(rig, tmp_path):
    w, path = _file_of(rig, tmp_path)
    row = {**w.settings["pools"][0]["upstreams"][0], "name": "other"}
    w.settings["pools"] = [{**w.settings["pools"][0], "upstreams": [row]}]
    w = _again(rig, w)
    _said(w, "chat/a is not used: it is not in the settings")


def test_a_folder_that_goes_away_is_told_once(rig, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    w = rig.weir(rig.backend(), state={"path": str(folder / "learnt")})
    folder.rmdir()
    w.stop()
    assert w.errors.text().count("cannot be written") == 1


@pytest.mark.parametrize("path, words", [
    ("learnt", "a file is written with its folder"),
    ("/nowhere/learnt", "its folder is not there"),
    ("/proc", "it is no regular file"),
])
def test_check_tells_a_path_that_cannot_be(rig, path, words):
    w = rig.weir(rig.backend(), state={"path": path}, start=False)
    code, out, err = run("--check", *w.args[1:])
    assert code != 0 and words in err, (out, err)


def test_check_takes_a_path_that_can_be(rig, tmp_path):
    w = rig.weir(rig.backend(), state={"path": str(tmp_path / "learnt")}, start=False)
    code, out, err = run("--check", *w.args[1:])
    assert code == 0, (out, err)
    assert not list(tmp_path.iterdir()), "a check writes nothing"
