# SPDX-License-Identifier: Apache-2.0
"""weirctl top: the live screen, its keys with their questions, and what it is without a terminal."""

import os
import re
import signal

import pytest

from harness.ask import end_stream, open_stream
from harness.backend import always
from harness.deadline import eventually
from harness.dialects import CHAT
from harness.simulated import Load, Simulated
from harness.terminal import Terminal
from harness.weir import WEIRCTL, weirctl


def _weir(rig):
    a, b = rig.backend(), rig.backend()
    for backend in (a, b):
        backend.serve(always(200, b"fine"))
    return rig.weir(a, b, enforce=True)


def _top(rig, w, **how):
    return rig.keep(Terminal(WEIRCTL, "--socket", w.socket_path, "top", **how))


def test_without_a_terminal_it_prints_once(rig):
    w = _weir(rig)
    code, out, err = weirctl(w.socket_path, "top")
    assert (code, err) == (0, "") and "\x1b" not in out
    assert "SERVING" in out and "UPSTREAM" in out and len(out.splitlines()) >= 5


def test_the_screen_lives(rig):
    backend = rig.keep(Simulated("--slots", "16"))
    w = rig.weir(backend, enforce=True, log={"access": "off"})
    w.check_books = False
    t = _top(rig, w)
    t.shows("SERVING")
    assert "\x1b[?1049h" in t.raw, "another screen, so that the shell's stays"
    rig.keep(Load(w, 10, 8, "--output", "60"))
    t.shows(r"a +closed .* [1-9]\d* of \d+ .*[▂▃▄▅▆▇█].* ms", 8)
    backend.fault("down")
    t.shows(r"a +(open|half_open) .*(failed|connect_failed|consecutive)", 10)
    t.press("q")
    assert t.wait() == 0 and t.is_restored()


def test_all_say_in_the_same_words_which_limit_binds(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True)
    t = _top(rig, w)
    t.shows("1 of 1 upstream would take another request")
    client, _, body, peer = open_stream(w, b)
    w.admin("limit chat/a streams 1")
    binding = w.admin.upstream()["binding"]
    assert binding["rule"] == "stream_limit" and binding["enforced"]
    assert binding["sentence"] == (
        f"1 of 1 places used; places hold it: limit streams 1, commanded by uid {os.getuid()}")
    t.shows("  a: " + re.escape(binding["sentence"]))
    t.shows("0 of 1 upstream would take another request; places hold 1")
    assert "  a: " + binding["sentence"] in weirctl(w.socket_path, "status")[1]
    w.admin("limit chat/a streams 20")
    assert w.admin.upstream()["binding"] == {
        "rule": None, "enforced": True,
        "sentence": "1 of 20 places used; nothing holds it: 0 of 4 waiting for a first token"}
    end_stream(CHAT, body, peer)
    client.close()


def test_orders_are_asked_about_first(rig):
    w = _weir(rig)
    t = _top(rig, w)
    t.shows("q leave")
    t.press("j")  # from the pool to chat/a
    t.press("d")
    t.shows(r"Take chat/a out .*\?  y: yes, any other key: no")
    t.press("n")
    t.shows("q leave")
    assert w.admin.upstream("a")["state"] == "closed"
    t.press("d")
    t.shows("Take chat/a out")
    t.press("y")
    t.shows("chat/a: drained")
    assert w.admin.upstream("a")["state"] == "drained"
    t.press("u")
    t.shows("Take chat/a in again")
    t.press("y")
    eventually(lambda: w.admin.upstream("a")["state"] in ("ramping", "closed"))
    t.press("\x1b[A")  # up again: the pool
    t.press("d")
    t.shows("drain takes an upstream")
    t.press("q")
    assert t.wait() == 0


def test_hold_and_resume_reach_the_ramp_and_refusals_are_shown(rig):
    w = _weir(rig)
    t = _top(rig, w)
    t.shows("q leave")
    t.press("jj")  # chat/b
    t.press("h")
    t.shows("Freeze the share of chat/b")
    t.press("y")
    t.shows("refused: chat/b: it is not ramping")
    assert weirctl(w.socket_path, "ramp", "chat/b", "set", "30")[0] == 0
    t.shows(r"b +ramping, held .* 30 %")
    t.shows("ramp hold.*, commanded by uid")
    t.press("r")
    t.shows("Let the share of chat/b go on")
    t.press("y")
    eventually(lambda: not w.admin.upstream("b")["ramp_held"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_given_back_after_a_signal(rig, number):
    t = _top(rig, _weir(rig))
    t.shows("q leave")
    t.process.send_signal(number)
    assert t.wait() == 0 and t.is_restored()


def test_it_ends_with_3_when_weir_goes(rig):
    w = _weir(rig)
    t = _top(rig, w)
    t.shows("q leave")
    w.stop()
    assert t.wait() == 3 and t.is_restored()
    assert "does not answer any more" in t.raw


def test_it_goes_over_to_the_next_process_of_a_hot_restart(rig):
    w = _weir(rig)
    t = _top(rig, w)
    t.shows("q leave")
    w.upgrade()
    w.admin("limit chat/a streams 7")
    eventually(lambda: w.older[-1].poll() is not None, 15, "the old process ends")
    t.shows("a: limit streams 7, commanded by", 10)
    t.press("q")
    assert t.wait() == 0 and t.is_restored()


def test_lines_are_cut_to_the_screen(rig):
    t = _top(rig, _weir(rig), columns=60, lines=8)
    t.shows("SERVING")
    assert all(len(line) <= 60 for line in t.screen()) and len(t.screen()) <= 8
    t.resize(100, 20)
    t.process.send_signal(signal.SIGWINCH)
    eventually(lambda: any(len(line) > 60 for line in t.screen()))
    t.press("q")
    assert t.wait() == 0
