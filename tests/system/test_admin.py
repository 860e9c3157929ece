# SPDX-License-Identifier: Apache-2.0
"""The admin socket and weirctl: every command in text and JSON, wrong arguments, other uids, and
clients that send garbage, never end a line, or never read."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from harness.ask import open_stream, post
from harness.backend import always
from harness.client import dial
from harness.deadline import eventually, secs
from harness.dialects import CHAT
from harness.need import need
from harness.rig import Standing
from harness.simulated import Load, Simulated
from harness.weir import WEIRCTL, run, sanitizer_env, weirctl
from harness.wire import Wire

NOBODY = 65534


def _build(rig):
    a, b = rig.backend(), rig.backend()
    for backend in (a, b):
        backend.serve(always(200, b"fine"))
    return rig.weir(a, b, enforce=True, pool={"queue": {"max_wait": "0s"}})


_standing = Standing(_build)


@pytest.fixture
def standing():
    yield _standing.get()
    _standing.look()


@pytest.fixture(scope="module", autouse=True)
def _end():
    yield
    _standing.close()


def _ctl(w, *args, expect=0):
    code, out, err = weirctl(w.socket_path, *args)
    assert code == expect, (code, out, err)
    return out if expect == 0 else err


def _json(w, *args):
    return json.loads(_ctl(w, "--json", *args))


# reading

READING = ["status", "upstreams", "sessions", "events", "config", "metrics", "help"]


@pytest.mark.parametrize("command", READING)
def test_every_reading_command_has_text_and_json(standing, command):
    text = _ctl(standing, command)
    assert text.strip() and not text.startswith("{")
    assert "\n\n" not in text, "an empty line would end the answer on the raw socket"
    assert json.loads(_ctl(standing, command, "--json")) is not None
    assert json.loads(_ctl(standing, "--json", command)) is not None


def test_the_raw_socket_takes_any_number_of_lines(standing):
    wire = Wire(dial(standing.socket_path), "admin")
    wire.send(b"help ramp\nstatus --json\nno-such-command\n\nhelp status\r\n")
    assert "ramp POOL[/UPSTREAM] start" in standing.admin.read(wire)[0]
    assert json.loads(standing.admin.read(wire)[0])["state"]
    assert standing.admin.read(wire) == ['error: there is no command "no-such-command" (see: help)']
    assert standing.admin.read(wire)[0].startswith("  status")
    wire.close()


def test_socat_is_client_enough(standing):
    done = subprocess.run([need("socat"), "-t", "5", "-", f"UNIX-CONNECT:{standing.socket_path}"],
                          input="status --json", capture_output=True, text=True, timeout=secs(10))
    assert json.loads(done.stdout)["pools"][0]["name"] == "chat", done


def test_status_json_keeps_its_promised_names(standing):
    s = _json(standing, "status")
    assert set(s) >= {"state", "since", "uptime_s", "version", "incident", "pools"}
    pool = s["pools"][0]
    assert set(pool) >= {"name", "state", "share", "queue", "shed_per_s", "upstreams", "override"}
    assert set(pool["queue"]) >= {"length", "oldest_ms"}
    u = pool["upstreams"][0]
    assert set(u) >= {"name", "url", "state", "cause", "since", "until", "held_until", "override",
                      "share", "pending", "inflight", "limits", "window", "ttft_ms", "pace_ms",
                      "modes"}
    assert set(u["limits"]) >= {"pending", "streams"}
    assert set(u["window"]) >= {"seconds", "ok", "failed", "connect_failed", "stalled", "refused",
                                "neutral", "on_time", "late"}
    assert set(u["ttft_ms"]) >= {"p50", "p90", "p99"} and "p50" in u["pace_ms"]
    assert set(u["modes"]) == {"breaker", "limiter", "ramp", "queue"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", u["since"])


def test_sessions_and_why_tell_of_a_live_stream(rig):
    b = rig.backend()
    w = rig.weir(b)
    client, head, body, peer = open_stream(w, b)
    live = eventually(lambda: _json(w, "sessions"))
    assert live[0]["request_id"] == head.get("x-request-id")
    assert live[0]["pool"] == "chat" and live[0]["upstream"] == "a"
    assert head.get("x-request-id") in _ctl(w, "sessions")
    peer.chunk(CHAT.end)
    peer.last_chunk()
    body.rest()
    why = eventually(lambda: _json(w, "why", head.get("x-request-id")))
    assert why["decision"] == "admitted" and why["numbers"]["rule"] == "room"
    assert {k: why["numbers"][k] for k in ("shown", "doubt", "on_time", "late", "overtaken", "alone",
                                           "cooldown_of")} == {
        "shown": False, "doubt": 0, "on_time": 0, "late": 0, "overtaken": 0, "alone": 0,
        "cooldown_of": None}
    assert "load was not shown to make it late" in _ctl(w, "why", head.get("x-request-id"))
    assert "the upstream had room" in _ctl(w, "why", head.get("x-request-id"))


def test_why_says_what_a_refused_request_was_missing(standing):
    for name in ("a", "b"):
        _ctl(standing, "breaker", f"chat/{name}", "open")
    try:
        refused = standing.client().ask("POST", "/v1/chat/completions", body=b"{}")
        why = eventually(lambda: _json(standing, "why", refused.id))
        assert why["decision"] == "refused" and why["cause"] == "circuit_open"
        assert why["numbers"]["rule"] == "breaker_open" and why["needed"]
        text = _ctl(standing, "why", refused.id)
        assert "refused, cause circuit_open" in text and "it would have taken:" in text
    finally:
        for name in ("a", "b"):
            _ctl(standing, "breaker", f"chat/{name}", "auto")
            _ctl(standing, "ramp", f"chat/{name}", "finish")


def test_config_says_where_each_setting_came_from(standing):
    rows = {r["key"]: r for r in _json(standing, "config")}
    assert any(r["from"].startswith(standing.file) or "weir.cfg" in r["from"] for r in rows.values())
    assert any(r["from"] == "default" for r in rows.values())
    only = _json(standing, "config", "breaker")
    assert only and all("breaker" in r["key"] for r in only)


# writing

WRITING = [
    ("ramp chat start", "ramp begun"),
    ("ramp chat/a hold for 5m", "frozen"),
    ("ramp chat/a set 30 for 90s", "30 %"),
    ("ramp chat/a resume", "by the rules"),
    ("ramp chat/a abort", "aborted"),
    ("ramp chat finish", "100 %"),
    ("breaker chat/b open for 1h", "held open for 1 h"),
    ("breaker chat/b auto", "back to the rules"),
    ("breaker chat/b close", "forced closed"),
    ("breaker chat/b auto", "back to the rules"),
    ("upstream chat/b drain", "drained"),
    ("upstream chat/b undrain", "through the ramp"),
    ("limit chat/a streams 8 for 10m", "to 8 for 10 min"),
    ("limit chat/a auto", "back to the rules"),
    ("mode chat breaker observe", "looks on"),
    ("mode chat breaker enforce", "enforces"),
    ("incident chat set We are on it for 2h", 'read "We are on it" for 2 h'),
    ("incident chat clear", "gone"),
    ("log-level info", "info and above"),
    ("reload", "in force"),
]


@pytest.mark.parametrize("form", ["text", "json"])
def test_every_command_is_done_and_logged_with_uid_and_text(rig, form):
    w = _build(rig)
    for line, says in WRITING:
        words = line.split()
        done = _json(w, *words)["done"] if form == "json" else _ctl(w, *words)
        assert says in done, (line, done)
        order = line if form == "text" else line.replace(words[0], words[0] + " --json", 1)
        eventually(lambda: f"command by uid {os.getuid()}: {order}:" in w.errors.text(),
                   what=f"the audit line of {order}")
        if words[0] not in ("log-level", "reload"):
            assert f"command by uid {os.getuid()}: {order}" in [
                e["sentence"] for e in w.admin.json("events")], order


REFUSED = ["ramp chat set 150", "limit chat/nope streams 5", "breaker nowhere/a open", "drain now",
           "brekaer chat/a open", "mode chat breaker", 'incident chat set "never closed']


def test_every_command_that_is_refused_is_logged_with_uid_text_and_reason(standing):
    for line in REFUSED:
        said = standing.admin.raw(line)
        assert said[0].startswith("error: "), (line, said)
        reason = said[0][len("error: "):]
        eventually(lambda: f"command by uid {os.getuid()}: {line}: refused: {reason}"
                   in standing.errors.text(), what=f"the audit line of {line}")
    for line in ("events nothing", "why", "status chat"):
        standing.admin.raw(line)
    assert not [line for line in standing.errors.text().splitlines()
                if re.search("command by uid .*: (events|why|status) ", line)]


def test_orders_show_until_they_lapse(rig):
    w = _build(rig)
    _ctl(w, "breaker", "chat/a", "open", "for", f"{round(secs(1))}s")
    u = w.admin.upstream("a")
    assert u["state"] == "open" and u["cause"] == "operator"
    assert [(o["what"], o["by"]) for o in u["override"]] == [("breaker open", f"uid {os.getuid()}")]
    assert u["override"][0]["until"]
    assert "commanded by uid" in _ctl(w, "status")
    eventually(lambda: not w.admin.upstream("a")["override"])
    assert w.admin.upstream("a")["state"] != "open", "held open lapses to half-open"
    assert any("laps" in e["cause"] or "laps" in e["sentence"] for e in w.admin.json("events"))


def test_an_incident_text_may_hold_quotes_and_lapses(rig):
    w = _build(rig)
    text = 'Störung: "we" are on it for 3h \\ soon'
    _ctl(w, "incident", "chat", "set", text, "for", "1s")
    assert w.admin.status()["incident"] == text
    eventually(lambda: w.admin.status()["incident"] is None)


def test_the_limit_of_an_operator_is_the_limit(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True, pool={"queue": {"max_wait": "0s"}})
    _ctl(w, "limit", "chat/a", "streams", "1")
    streams = open_stream(w, b)
    c = w.client()
    c.send(post(CHAT))
    assert c.answer("POST").status == 503
    assert w.admin.upstream("a")["limits"]["streams"] == 1
    streams[3].chunk(CHAT.end)
    streams[3].last_chunk()
    streams[2].rest()


def test_a_reload_with_diagnostics_lists_them_all_and_changes_nothing(rig):
    w = _build(rig)
    before = _json(w, "config")
    with open(w.file, "a") as f:
        f.write('wrokers = 3;\nclient_fin = "perhaps";\n')
    err = _ctl(w, "reload", expect=1)
    assert "2 errors" in err and "wrokers" in err and "perhaps" in err, err
    assert json.loads(_ctl(w, "--json", "reload", expect=1))["error"]["code"] == "refused"
    assert _json(w, "config") == before


# wrong

WRONG = [
    ("ramp",), ("ramp", "chat"), ("ramp", "chat", "sideways"), ("ramp", "chat", "set"),
    ("ramp", "chat", "set", "0"), ("ramp", "chat", "set", "101"), ("ramp", "chat", "set", "x"),
    ("ramp", "chat", "hold", "for"), ("ramp", "chat", "hold", "for", "5"),
    ("ramp", "chat", "hold", "for", "99d"), ("breaker", "chat", "open"),
    ("breaker", "chat/a", "ajar"), ("upstream", "chat/a"), ("limit", "chat/a", "streams", "-1"),
    ("limit", "chat/a", "streams", "70000"), ("mode", "chat", "breaker"),
    ("mode", "chat", "brake", "observe"), ("incident", "chat", "set"), ("incident", "chat"),
    ("log-level", "loud"), ("why",), ("status", "now"), ("events", "-3"), ("watch", "me"),
    ("no-such-command",), ("",), ("incident", "chat", "set", "a\nb"),
    ("incident", "chat", "set", "x" * 600), ("completion", "fish"), ("--no-such-option", "status"),
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_arguments_end_with_2_and_say_what_was_expected(standing, words):
    events = len(_json(standing, "events"))
    err = _ctl(standing, *words, expect=2)
    assert err.startswith("weirctl: ") and len(err.splitlines()) == 1, err
    error = json.loads(_ctl(standing, "--json", *words, expect=2))["error"]
    assert error["code"] in ("usage", "unknown_command") and error["message"]
    assert len(_json(standing, "events")) == events


@pytest.mark.parametrize("words, says", [
    (("ramp", "chta", "start"), "there is: chat"), (("breaker", "chat/c", "open"), "chat/a, chat/b"),
    (("why", "nobody-asked"), "not among the last"), (("help", "rmap"), "no command"),
    (("ramp", "chat/a", "hold"), "not ramping")])
def test_what_weir_refuses_ends_with_1_and_the_reason(standing, words, says):
    code, out, err = weirctl(standing.socket_path, *words)
    if words[0] == "help":
        assert code == 2 and says in err
        return
    assert (code, out) == (1, "") and says in err
    code, out, err = weirctl(standing.socket_path, "--json", *words)
    assert (code, out) == (1, "")
    assert set(json.loads(err)["error"]) == {"code", "message"}


def test_nothing_that_answers_ends_with_3(rig):
    path = rig.path("nobody.sock")
    for command in ("status", "watch", "top"):
        code, _, err = weirctl(path, command)
        assert code == 3 and path in err
        code, _, err = weirctl(path, "--json", command)
        assert code == 3 and json.loads(err)["error"]["code"] == "no_answer"
    with socket.socket(socket.AF_UNIX) as s:  # somebody listens and never answers
        s.bind(path)
        s.listen()
        done = subprocess.Popen([WEIRCTL, "--socket", path, "status"], stderr=subprocess.PIPE,
                                env=sanitizer_env())
        peer, _ = s.accept()
        peer.close()
        assert done.wait(secs(10)) == 3
        done.stderr.close()


def test_weirctl_looks_at_the_default_places_in_their_order(rig):
    b = rig.backend()
    places = {}
    for name in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"):
        places[name] = rig.path(name.lower())
        os.mkdir(places[name], 0o700)
    env = dict(places, TMPDIR=rig.folder)
    first = rig.weir(b, env=env, start=False, admin={"socket": ""})
    first.socket_path = os.path.join(places["RUNTIME_DIRECTORY"], "admin.sock")
    first.admin.path = first.socket_path
    first.start()
    second = rig.weir(b, env=env, start=False, admin={"socket": ""}, workers=1)
    second.socket_path = os.path.join(places["XDG_RUNTIME_DIR"], "weir", "admin.sock")
    second.admin.path = second.socket_path
    second.start()
    for weir in (first, second):  # the start says where it is
        eventually(lambda weir=weir: weir.socket_path in weir.errors.text())

    def found(**env):
        done = subprocess.run([WEIRCTL, "config", "workers", "--json"], capture_output=True,
                              text=True, env={**sanitizer_env(), **env}, timeout=secs(10))
        return int(json.loads(done.stdout)[0]["value"])

    assert found(**env) == 2
    assert found(**dict(env, RUNTIME_DIRECTORY="")) == 1
    os.rename(first.socket_path, first.socket_path + "-away")
    assert found(**env) == 1, "what is not there is passed over"
    os.rename(first.socket_path + "-away", first.socket_path)


# who

@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become somebody else")
class TestOtherUids:
    @staticmethod
    def _as_nobody(w, *args):
        # A copy: the build may lie in a folder that is closed to others, as /root is.
        program = shutil.copy(WEIRCTL, w.folder)
        return subprocess.run([program, "--socket", w.socket_path, *args], capture_output=True,
                              text=True, timeout=secs(10), env=sanitizer_env(), user=NOBODY,
                              group=NOBODY, extra_groups=[], cwd="/")

    @staticmethod
    def _weir(rig, uids):
        w = rig.weir(rig.backend(), start=False, admin={"uids": uids} if uids else {})
        os.chmod(rig.folder, 0o755)
        os.chmod(w.folder, 0o755)
        w.start()
        return w

    def test_the_file_is_closed_to_others(self, rig):
        w = self._weir(rig, [])
        assert os.stat(w.socket_path).st_mode & 0o777 == 0o600
        done = self._as_nobody(w, "status")
        assert done.returncode == 3 and "Permission denied" in done.stderr

    def test_strangers_are_told_that_they_are_not_allowed(self, rig):
        w = self._weir(rig, ["65533"])
        done = self._as_nobody(w, "status")
        assert (done.returncode, done.stderr) == (1, "weirctl: not allowed\n")
        done = self._as_nobody(w, "--json", "status")
        assert json.loads(done.stderr)["error"]["code"] == "not_allowed"
        eventually(lambda: f"uid {NOBODY}" in w.errors.text())

    def test_admin_uids_may_read_and_write(self, rig):
        w = self._weir(rig, [str(NOBODY)])
        assert self._as_nobody(w, "status").returncode == 0
        assert self._as_nobody(w, "incident", "chat", "set", "x").returncode == 0
        eventually(lambda: f"command by uid {NOBODY}: incident chat set x" in w.errors.text())

    def test_who_may_read_may_not_write(self, rig):
        w = self._weir(rig, [f"{NOBODY}:read"])
        assert self._as_nobody(w, "status").returncode == 0
        done = self._as_nobody(w, "breaker", "chat/a", "open")
        assert done.returncode == 1 and "may only read" in done.stderr
        assert w.admin.upstream()["state"] == "closed"
        eventually(lambda: f"command by uid {NOBODY}: breaker chat/a open: refused: not allowed"
                   in w.errors.text())


# bad company

def _healthy(w, within=1.0):
    start = time.monotonic()
    assert w.admin.status()["state"]
    assert time.monotonic() - start < secs(within)


def test_garbage_gets_an_error_and_hurts_nobody(standing):
    for garbage in (b"\x16\x03\x01\x00\xff\n", b"\x00\x00\x00\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                    b'"' * 200 + b"\n", b"\xff\xfe status\n", b"ramp chat hold for for for\n",
                    b"x" * 4095 + b"\n"):
        wire = Wire(dial(standing.socket_path), "admin")
        wire.send(garbage)
        assert standing.admin.read(wire)[0].startswith("error: ")
        wire.close()
    _healthy(standing)


def test_a_line_without_an_end_is_cut_off(standing):
    wire = Wire(dial(standing.socket_path), "admin")
    wire.send_or_break(b"a" * 100_000)
    assert standing.admin.read(wire) == ["error: a line may hold 4096 bytes"]
    _healthy(standing)


def test_who_does_not_read_is_dropped_with_a_line_in_the_log(rig):
    w = _build(rig)
    wire = Wire(dial(w.socket_path), "admin")
    wire.send_until_stuck(b"metrics\n" * 2000, 10_000_000)
    _healthy(w)
    eventually(lambda: "did not read its answer for 10 s" in w.errors.text(), 14)
    _healthy(w)
    wire.close()


def test_slow_writers_do_not_hold_up_the_others(standing):
    slow = [Wire(dial(standing.socket_path), "admin") for _ in range(40)]
    for wire in slow:
        wire.send(b"stat")
    for _ in range(5):
        _healthy(standing)
    for wire in slow:
        wire.send(b"us --json\n")
    for wire in slow:
        assert json.loads(standing.admin.read(wire)[0])["state"]
        wire.close()


MOST = 64 if os.getuid() == 0 else 56


def test_connections_are_bounded_and_the_one_idle_longest_makes_room(rig):
    w = _build(rig)
    wires = []
    for _ in range(MOST):
        wires.append(Wire(dial(w.socket_path), "admin"))
        wires[-1].send(b"help status\n")
        w.admin.read(wires[-1])
    extra = Wire(dial(w.socket_path), "admin")
    assert wires[0].wait_end() == "fin"
    for wire in [*wires[1:], extra]:
        wire.send(b"help status\n")
        assert w.admin.read(wire)[0].startswith("  status")
        wire.close()


def test_who_watches_does_not_make_room_and_places_come_back(rig):
    w = _build(rig)
    wires = [Wire(dial(w.socket_path), "admin") for _ in range(MOST)]
    for wire in wires:
        wire.send(b"watch --json\n")

    def all_watch():
        os.kill(w.pid, signal.SIGHUP)  # an order that needs no place, of which who watches is told
        wires[-1].read_until(b"\n", 0.5)
        return True

    eventually(all_watch)
    for wire in wires[:-1]:
        wire.read_until(b"\n")
    extra = Wire(dial(w.socket_path), "admin")
    assert w.admin.read(extra)[0].startswith("error: busy")
    wires.pop().close()
    eventually(lambda: w.admin.raw("help status")[0].startswith("  status"))
    for wire in wires:
        wire.close()


# under load

def test_it_answers_at_once_during_a_storm(rig):
    backend = rig.keep(Simulated("--slots", "8"))
    w = rig.weir(backend, enforce=True, log={"access": "off"})
    w.check_books = False
    rig.keep(Load(w, 300, 8, "--output", "20"))
    eventually(lambda: w.admin.status()["state"] == "shedding", 6)
    took = []
    for command in ["status", "upstreams", "events", "metrics", "sessions", "config"] * 5:
        start = time.monotonic()
        assert w.admin.json(command) is not None
        took.append(time.monotonic() - start)
    assert sorted(took)[len(took) // 2] < secs(0.25), took
    assert max(took) < secs(2), took
    assert w.admin.status()["state"] == "shedding"
    eventually(lambda: re.search(r"refused in the last minute: \d+ requests: ", w.admin("status")))


# watch

def test_watch_shows_changes_as_they_happen(rig):
    w = _build(rig)
    watch = [subprocess.Popen([WEIRCTL, "--socket", w.socket_path, *how, "watch"], text=True,
                              stdout=subprocess.PIPE, env=sanitizer_env())
             for how in ([], ["--json"])]
    try:
        def both():
            _ctl(w, "breaker", "chat/a", "open")
            _ctl(w, "breaker", "chat/a", "auto")
            return all(select_line(p) for p in watch)

        def select_line(p):
            import select
            return select.select([p.stdout], [], [], 0.05)[0]

        eventually(both)
        text = next(line for line in watch[0].stdout if "command by uid" not in line)
        assert re.match(r"\d{4}-\d\d-\d\dT\S+  chat/a: \w+ -> \w+, operator", text)
        event = next(e for e in map(json.loads, watch[1].stdout) if e["cause"] != "command")
        assert (event["pool"], event["upstream"], event["cause"]) == ("chat", "a", "operator")
        w.stop()
        assert [p.wait(secs(5)) for p in watch] == [3, 3], "weir has gone"
    finally:
        for p in watch:
            p.kill()
            p.wait()
            p.stdout.close()


# completion

def _bash_completes(w, line):
    script = subprocess.run([WEIRCTL, "completion", "bash"], capture_output=True, text=True,
                            check=True).stdout
    words = line.split(" ")
    ask = (f"{script}\nPATH={os.path.dirname(WEIRCTL)}:$PATH\nCOMP_WORDS=("
           + " ".join(f"'{x}'" for x in words) + f")\nCOMP_CWORD={len(words) - 1}\n_weirctl\n"
           'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run([need("bash"), "-c", ask], capture_output=True, text=True, timeout=secs(10))
    assert not done.stderr, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("line, some, none", [
    ("weirctl ", ["status", "ramp", "top", "completion"], ["chat"]),
    ("weirctl st", ["status", "stop"], ["ramp"]),
    ("weirctl --so", ["--socket"], ["status"]),
    ("weirctl --socket SOCKET ramp ", ["chat", "chat/a", "chat/b"], ["start"]),
    ("weirctl --socket SOCKET breaker ", ["chat/a"], ["chat"]),
    ("weirctl ramp chat ", ["start", "hold", "set", "abort"], ["chat", "open"]),
    ("weirctl ramp chat h", ["hold"], ["start"]),
    ("weirctl ramp chat hold ", ["for"], ["start"]),
    ("weirctl ramp chat hold for ", ["30m"], ["for"]),
    ("weirctl mode chat ", ["breaker", "queue"], ["observe"]),
    ("weirctl mode chat queue ", ["observe", "enforce"], ["queue"]),
    ("weirctl status ", ["--fleet"], ["--dry-run"]),
    ("weirctl status --f", ["--fleet"], ["--socket"]),
    ("weirctl reload --", ["--dry-run", "--json"], ["--fleet"]),
    ("weirctl help ", ["ramp", "why"], ["chat"])])
def test_bash_completes_from_the_rows(standing, line, some, none):
    got = _bash_completes(standing, line.replace("SOCKET", standing.socket_path))
    assert set(some) <= set(got) and not set(none) & set(got), got


def test_the_zsh_script_is_zsh(standing, tmp_path):
    script = tmp_path / "_weirctl"
    script.write_text(subprocess.run([WEIRCTL, "completion", "zsh"], capture_output=True, text=True,
                                     check=True).stdout)
    ask = (f"compdef() {{ : }}; source {script};"
           "compadd() { shift; [[ $1 == -- ]] && shift; print -l -- \"$@\" };"
           f"PATH={os.path.dirname(WEIRCTL)}:$PATH; words=(%s); CURRENT=%d; _weirctl")
    for words, some in (("weirctl ''", "status"), ("weirctl ramp chat ''", "hold"),
                        (f"weirctl --socket {standing.socket_path} breaker ''", "chat/b"),
                        ("weirctl status --fl", "--fleet"), ("weirctl mode chat queue obs", "observe")):
        done = subprocess.run([need("zsh"), "-fc", ask % (words, len(words.split()))],
                              capture_output=True, text=True, timeout=secs(10))
        assert some in done.stdout.split(), (words, done)


def test_nothing_an_operator_reads_has_hidden_characters(rig):
    """C1 controls and what turns the direction of a text: in orders, events, the log, diagnostics."""
    w = rig.weir(rig.backend())
    hidden = "hi \u009b31m \u202e there"
    said = [weirctl(w.socket_path, *words) for words in (
        ("incident", "chat", "set", hidden), ("status",), ("events",), ("incident", "chat", "clear"))]
    w.settings["pools"][0]["name"] = hidden
    w.write_file(w.settings)
    said += [weirctl(w.socket_path, "reload"), run("--check", "-c", w.file)]
    shown = "".join(out + err for _, out, err in said) + w.errors.text()
    assert "\\xc2\\x9b31m" in shown and "\\xe2\\x80\\xae there" in shown
    assert not [c for c in shown if "\x7f" <= c < "\xa0" or c == "\u202e"]
