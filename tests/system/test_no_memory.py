# SPDX-License-Identifier: Apache-2.0
"""Memory runs out in the real process: each allocation of a reload, of a command, of requests by every
way.  Nothing dies, what cannot be done says so and changes nothing, and once there is memory all is well.

WEIR_STRIDE=1 lets every single allocation fail; by default some of them, others in each run."""

import mmap
import os
import random
import signal
import struct
import subprocess
import threading

import pytest

from harness.admin import Refused
from harness.config import merge
from harness.deadline import eventually, secs
from harness.ways import Ways, ask_all
from harness.weir import BUILD, HOST, free_port

MODULE = os.path.join(BUILD, "tests/system/shortage.so")
ROW = struct.Struct("5I44s")
STRIDE = int(os.environ.get("WEIR_STRIDE", "0"))

pytestmark = pytest.mark.skipif(not os.path.exists(MODULE), reason="a sanitizer's malloc is its own")


class Shortage:
    """What shortage.c reads, written while weir runs.  whose: part of a library's name; "" = weir."""

    def __init__(self, path, whose=""):
        with open(path, "w+b") as f:
            f.write(ROW.pack(0, 0, 0, 0, 0, whose.encode()))
            f.flush()
            self.memory = mmap.mmap(f.fileno(), ROW.size)
        self.env = {"LD_PRELOAD": MODULE, "SHORTAGE": path}

    def close(self):
        self.memory.close()

    def set(self, nth=0, per_mille=0):
        struct.pack_into("5I", self.memory, 0, 0, nth, per_mille, 0, 0)
        struct.pack_into("I", self.memory, 0, 1)

    def over(self):
        struct.pack_into("I", self.memory, 0, 0)
        return self.struck

    @property
    def made(self):
        return struct.unpack_from("5I", self.memory)[3]

    @property
    def struck(self):
        return struct.unpack_from("5I", self.memory)[4]


def shortage(rig, whose=""):
    return rig.keep(Shortage(rig.path(f"shortage{whose}"), whose))


def each(most, do, shortage):
    """Lets the first, the second ... allocation of do() fail, or some of them; how often one did."""
    stride = STRIDE or max(1, most // 60)
    struck, n = 0, 1 + (0 if STRIDE else random.randrange(stride))
    while n <= most:
        shortage.set(nth=n)
        do(n)
        struck += shortage.over()
        n += stride
    return struck


def count(do, shortage):
    """How many allocations there are to fail."""
    shortage.set(nth=1 << 31)
    do(0)
    shortage.over()
    return shortage.made


def _in_force(w):
    """The settings in force, but for where each one stands."""
    lines = w.admin("config").splitlines()
    return [line.split("#")[0].split("(")[0].rstrip() for line in lines]


def test_a_reload_without_memory_changes_nothing_and_says_so(rig, authority):
    s = shortage(rig)
    ways = Ways(rig, authority, env=s.env)
    w, before = ways.w, ways.w.settings
    port = free_port()
    other = merge(before, {"listeners": [*before["listeners"], {"address": f"{HOST}:{port}"}],
                           "log": {"redact": ["one", "two"]},
                           "routes": [*before["routes"], {"path": "/", "host": "more.test", "pool": "more"}],
                           "pools": [*before["pools"], {**before["pools"][0], "name": "more"}]})
    files, texts = [before, other], []
    for settings in files:
        w.write_file(settings)
        w.admin("reload")
        texts.append(_in_force(w))
    assert texts[0] != texts[1]
    now = [1]

    def reload(n):
        wanted = 1 - now[0]
        w.write_file(files[wanted])
        try:
            w.admin("reload")
        except Refused as e:
            assert "memory" in str(e), (n, e)
        except (OSError, AssertionError):
            pass  # the command's own connection
        s.over()
        is_now = _in_force(w)
        assert is_now in texts, (n, [x for x in is_now if x not in texts[0] + texts[1]])
        now[0] = texts.index(is_now)

    total = max(count(reload, s), count(reload, s))
    assert total > 100
    struck = each(total, reload, s)
    assert struck > 20, struck
    print(f"{struck} of {total} allocations of a reload failed")

    def comes_back():
        w.write_file(before)
        w.admin("reload")
        seen = ask_all(ways, 2)
        return all(set(v) == {"whole"} for v in seen.values())
    eventually(comes_back, 30, "everybody is served when there is memory again")


COMMANDS = ["status", "status --json", "upstreams", "sessions", "sessions --json", "metrics", "events",
            "config", "reload --dry-run", "incident http1 set something is wrong", "incident http1 clear",
            "upstream http1/a drain", "upstream http1/a undrain", "doctor", "why nobody", "users"]


def test_a_command_without_memory_fails_and_weir_goes_on(rig, authority):
    s = shortage(rig)
    w = Ways(rig, authority, env=s.env).w
    for command in COMMANDS:
        if command == "why nobody":
            with pytest.raises(Refused, match="not among the last"):
                w.admin(command)
        else:
            w.admin(command)  # it is one, and does what it says when there is memory

        def run(_, command=command):
            try:
                w.admin(command)
            except (OSError, AssertionError):
                pass
        each(count(run, s), run, s)
        w.admin("status")


@pytest.mark.parametrize("whose", ["", "libssl", "libcrypto"])
def test_requests_without_memory_are_refused_or_cut_and_nothing_dies(rig, authority, whose):
    s = shortage(rig, whose)
    ways = Ways(rig, authority, env=s.env)
    ask_all(ways, 1)
    s.set(per_mille=20)
    seen = ask_all(ways, 12, seed=1)
    struck = s.over()
    kinds = [v for row in seen.values() for v in row]
    assert struck, "no allocation failed"
    may = {"whole", "cut", "502 upstream_reset", "502 upstream_truncated", "503 overloaded"}
    if whose == "libcrypto":
        may.add("502 connect_failed")  # not all of its errors name their cause
    assert set(kinds) <= may, set(kinds)
    assert "whole" in kinds
    print(f"{whose or 'weir'}: {struck} allocations failed; {kinds.count('whole')} of {len(kinds)} whole, "
          f"{kinds.count('cut')} cut")
    eventually(lambda: all(set(v) == {"whole"} for v in ask_all(ways, 1, seed=2).values()), 30,
               "everybody is served when there is memory again")
    states = {u["state"] for p in ways.w.admin.status()["pools"] for u in p["upstreams"]}
    assert states == {"closed"}, "a lack of weir's own is no evidence"
    failed = [u["window"]["failed"] + u["window"]["connect_failed"]
              for p in ways.w.admin.status()["pools"] for u in p["upstreams"]]
    assert not any(failed) or whose == "libcrypto", failed


def test_a_start_without_memory_ends_with_a_reason(rig, authority):
    """Or it succeeds, where what failed could be had a moment later; a signal ends none."""
    s = shortage(rig)
    first = Ways(rig, authority, env=s.env).w
    first.signal(signal.SIGTERM)
    first.wait_exit()
    ended = []

    def start(_):
        with subprocess.Popen(first.args, env=first.env, cwd=first.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as p:
            told = threading.Timer(secs(20), p.kill)
            told.start()
            said = ""
            for line in p.stderr:
                said += line
                if "metrics and live page" in line:
                    p.terminate()
            told.cancel()
            assert p.wait() in (0, 1), (p.returncode, said[-1500:])
            assert p.returncode == 0 or said.strip(), "it ended without a word"
            ended.append((p.returncode, said[-200:]))

    total = count(start, s)
    assert total > 200
    assert each(total, start, s) > 20
    assert any(code == 1 and "memory" in said for code, said in ended)
    print(f"a start: {total} allocations, {len([1 for code, _ in ended if code])} ends with a reason")
