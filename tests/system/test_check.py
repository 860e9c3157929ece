# SPDX-License-Identifier: Apache-2.0
"""--check: every diagnostic of a file at once, with its line, value, range and the nearest key."""

import os
import re

import pytest

from harness import config
from harness.weir import HOST, free_port, run

GOOD = {"pools": [{"name": "chat", "upstreams": [{"name": "a", "url": "http://127.0.0.1:9"}]}]}


@pytest.fixture
def check(tmp_path):
    """--check on a text: exit code, what it said."""
    def go(text):
        file = tmp_path / "weir.cfg"
        file.write_text(text if isinstance(text, str) else config.text(text))
        code, out, err = run("--check", "-c", str(file), cwd=str(tmp_path))
        return code, out + err

    return go


POOL = 'pools = ( { name = "chat"; upstreams = ( { name = "a"; url = "http://127.0.0.1:9"; } );'


def one(text):
    """A file whose line 3 is the text inside the pool."""
    return f"{POOL}\n\n{text}\n}} );\n"


def top(text):
    return f"{POOL} }} );\n\n{text}\n"


def test_a_good_file_is_good(check):
    code, said = check(GOOD)
    assert code == 0, said
    for word in ("127.0.0.1:8080", "chat", "http://127.0.0.1:9"):
        assert word in said, "it prints what would run"


DIAGNOSTICS = {
    # name: (text, line, words that must be in the complaint)
    "unknown key at the top": (top("workrs = 2;"), 3, ["workrs", "workers"]),
    "unknown key in a pool": (one("limitr = { };"), 3, ["limitr", "limiter"]),
    "unknown key in a group": (one("breaker = { widow = \"10s\"; };"), 3, ["widow", "window"]),
    "a number for a text": (one("heartbeat = \"15s\"; profile = 3;"), 3, ["profile"]),
    "a text for a number": (top('workers = "two";'), 3, ["workers", "two"]),
    "a text for a truth": (top('sandbox = "yes";'), 3, ["sandbox", "yes"]),
    "a bare number for a duration": (one("heartbeat = 15;"), 3, ["heartbeat", "15", '15s']),
    "a bare number for a size": (top("limits = { body = 1024; };"), 3, ["body", "1024", "B"]),
    "a duration of no unit": (one('heartbeat = "15x";'), 3, ["heartbeat", "15x"]),
    "a size with a wrong unit": (top('limits = { body = "10MB"; };'), 3, ["body", "10MB", "MiB"]),
    "too small": (one('breaker = { open_min = "1ms"; };'), 3, ["open_min", "1ms", "100ms", "60s"]),
    "too large": (one('queue = { max_wait = "11s"; };'), 3, ["max_wait", "11s", "10s"]),
    "a fraction too large": (one("breaker = { error_rate = 1.5; };"), 3, ["error_rate", "1.5"]),
    "zero workers": (top("workers = 0;"), 3, ["workers", "0", "1", "256"]),
    "a negative number": (top("workers = -1;"), 3, ["workers", "-1"]),
    "a word that is none": (one('breaker = { mode = "of"; };'), 3, ["mode", "of", "enforce"]),
    "an address that is none": (top('listeners = ( { address = "nowhere"; } );'), 3,
                                ["address", "nowhere"]),
    "a URL that is none": ('pools = ( { name = "chat";\nupstreams = ( { name = "a";\n'
                           'url = "ftp://x"; } ); } );', 3, ["url", "ftp://x", "http"]),
    "an unknown pool in a route": (top('routes = ( { path = "/"; pool = "caht"; } );'), 3,
                                   ["caht", "chat"]),
    "a class that is none": (top('routes = ( { path = "/"; pool = "chat"; class = "vip"; } );'), 3,
                             ["class", "vip", "paid"]),
    "a network that is none": (top('trusted = ( "10.0.0.0/33" );'), 3, ["trusted", "10.0.0.0/33"]),
    "a certificate that is not there": (top('listeners = ( { address = "127.0.0.1:9443"; tls = { '
                                            'certificate = "/no/such.pem"; key = "/no/such.key"; '
                                            '}; } );'), 3, ["/no/such.pem"]),
    "a key without certificate": (top('listeners = ( { address = "127.0.0.1:9443"; tls = { '
                                      'key = "/etc/hostname"; }; } );'), 3, ["certificate"]),
    "listeners twice": (top('listeners = ( { address = "127.0.0.1:9080"; },\n'
                            '{ address = "127.0.0.1:9080"; } );'), 4, ["127.0.0.1:9080"]),
    "upstreams of one name": ('pools = ( { name = "chat"; upstreams = (\n'
                              '{ name = "a"; url = "http://127.0.0.1:1"; },\n'
                              '{ name = "a"; url = "http://127.0.0.1:2"; } ); } );', 3, ['"a"']),
    "a name with capitals": ('pools = (\n\n{ name = "Chat"; upstreams = ( { name = "a"; '
                             'url = "http://127.0.0.1:1"; } ); } );', 3, ["name", "Chat"]),
    "no upstreams": ('\n\npools = ( { name = "chat"; } );', 3, ["upstreams"]),
}


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_a_diagnostic_is_told_with_its_line_and_what_would_be_right(check, name):
    text, line, words = DIAGNOSTICS[name]
    code, said = check(text)
    assert code == 1, said
    complaints = [s for s in said.splitlines() if f"weir.cfg:{line}" in s]
    assert complaints, f"nothing about line {line}:\n{said}"
    assert any(all(w in s for w in words) for s in complaints), f"{words} not in:\n{said}"


def test_pools_of_one_name_and_pools_no_route_reaches_are_diagnostics(check):
    code, said = check({"pools": [GOOD["pools"][0], {**GOOD["pools"][0], "name": "lost"}],
                        "routes": [{"path": "/", "pool": "chat"}]})
    assert code == 1 and "lost" in said
    code, said = check({"pools": [GOOD["pools"][0], GOOD["pools"][0]]})
    assert code == 1 and "chat" in said


def test_all_diagnostics_are_told_at_once(check):
    code, said = check("\n".join([
        'pools = ( { name = "chat";',                                             # 1
        '  upstreams = ( { name = "a"; url = "gopher://x"; } );',                  # 2
        '  heartbeat = 15;',                                                      # 3
        '  breaker = { mode = "maybe"; widow = "10s"; error_rate = 7.0; };',       # 4
        '} );',                                                                   # 5
        'workers = 1000;',                                                        # 6
        'rutes = ( );',                                                           # 7
        'limits = { fields = 2; };',                                              # 8
    ]) + "\n")
    assert code == 1
    for line, word in ((2, "gopher"), (3, "heartbeat"), (4, "maybe"), (4, "widow"),
                       (4, "error_rate"), (6, "workers"), (7, "rutes"), (8, "fields")):
        assert re.search(rf"weir\.cfg:{line}\b[^\n]*{word}", said), f"{line} {word}:\n{said}"
    assert "routes" in said and "window" in said


def test_a_file_that_does_not_parse_is_told_with_its_line(check):
    code, said = check("pools = (\n\n{ name = ;\n} );\n")
    assert code == 1 and re.search(r"weir\.cfg:3\b", said)


def test_a_file_that_is_not_there_is_told(tmp_path):
    code, out, err = run("--check", "-c", str(tmp_path / "none.cfg"))
    assert code == 1 and "none.cfg" in out + err


def test_a_bad_file_starts_nothing(tmp_path):
    file = tmp_path / "weir.cfg"
    file.write_text(top(f'listeners = ( {{ address = "{HOST}:{free_port()}"; }} ); workrs = 1;'))
    code, out, err = run("-c", str(file))
    assert code == 1 and re.search(r"weir\.cfg:3\b", out + err)


@pytest.mark.parametrize("args", [
    ["--no-such-option"], ["-c"], ["--check"], ["surplus"], ["--upstream"],
    ["-c", "x.cfg", "--upstream", "http://127.0.0.1:1"]])
def test_a_bad_command_line_is_2(args):
    code, out, err = run(*args)
    assert code == 2 and err and not out


def test_help_and_version():
    assert run("--version")[0] == 0 and "weir" in run("--version")[1]
    code, out, _ = run("--help")
    assert code == 0 and "--check" in out and "--upstream" in out


def test_checking_binds_nothing_and_so_can_check_the_file_of_a_running_weir(rig):
    w = rig.weir(rig.backend())
    code, out, err = run("--check", "-c", w.file)
    assert code == 0, out + err
    assert w.client().sock and os.path.exists(w.socket_path)
    assert w.admin.status()["state"] == "serving"


@pytest.mark.parametrize("key, good", [
    ("workers", "1"), ("drain_delay", '"0s"'), ("drain_timeout", '"24h"'), ("client_fin", '"keep"'),
    ("trusted", '( "10.0.0.0/8", "::1/128", "192.0.2.1" )'),
    ("limits", '{ request_line = "64KiB"; head = "256KiB"; fields = 1000; body = "16GiB"; '
               'response_head = "1MiB"; buffer = "4KiB"; keepalive_requests = 1; '
               'underscore_names = "drop"; }'),
    ("client_timeouts", '{ head = "100ms"; body_idle = "1h"; keepalive = "60s"; write = "30s"; '
                        'tls = "10s"; body_rate = "0B"; }'),
    ("identity", '{ header = "x-user"; cookie = "sid"; address = false; }'),
    ("cors", '{ origins = ( "https://a.test", "*" ); }'),
    ("admin", '{ socket = "/tmp/x.sock"; uids = ( "root" ); http = ""; why_entries = 100; }'),
    ("log", '{ access = "off"; level = "debug"; query = false; }')])
def test_every_group_takes_what_its_table_says(check, key, good):
    code, said = check(top(f"{key} = {good};"))
    assert code == 0, said


@pytest.mark.parametrize("text", [
    'profile = "api";',
    'limiter = { mode = "observe"; queue_target = "50ms"; pace_target = "5s"; };',
    'breaker = { window = "1s"; min_requests = 1; error_rate = 0.01; consecutive = 1; '
    'open_min = "100ms"; open_max = "10m"; probes = 1; silence = "1s"; silence_streams = 1; };',
    'ramp = { mode = "observe"; start = 1; factor = 1.1; dwell = "10m"; rest = "0s"; };',
    'queue = { mode = "observe"; max_wait = "0s"; batch_wait = "10s"; max_length = 0; };',
    'retry = { budget = 0; burst = 0; };', 'overload_status = 429; restate_errors = false;',
    'timeouts = { connect = "50ms"; first_token = "100ms"; first_token_last = "2h"; stall = "1s"; '
    'total = "24h"; unary = "1s"; };',
    'health = { path = "/h"; interval = "100ms"; timeout = "1s"; rise = 1; fall = 1; };',
    'users = { fair_share = 0.01; max_streams = 65535; requests_per_minute = 1000000; };',
    'lease = "0s"; heartbeat = "0s";'])
def test_every_group_of_a_pool_takes_what_its_table_says(check, text):
    code, said = check(one(text))
    assert code == 0, said
