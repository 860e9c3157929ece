# SPDX-License-Identifier: Apache-2.0
"""A node and its Redis: users, passwords and their rights, TLS, and what of it is written down."""

import os
import re

import pytest

from harness.backend import always
from harness.certs import Authority
from harness.deadline import eventually
from harness.redis import Redis
from harness.weir import HOST, run

HERE = os.path.dirname(os.path.abspath(__file__))
PASSWORD = "corr3ct-h0rse"


def acl():
    """The line of the manual, for the fleet of these tests."""
    with open(os.path.join(HERE, "../../docs/fleet.md")) as f:
        [line] = re.findall(r"^    user (weir on .*)$", f.read(), re.M)
    return line.replace(">PASSWORD", f">{PASSWORD}").replace("{chat-eu}", "{test}").split()


@pytest.fixture
def backend(rig):
    b = rig.backend()
    b.serve(always(body=b"fine"))
    return b


def password_file(rig, text=PASSWORD + "\n"):
    path = rig.path("redis.pw")
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o600)
    return path


def node(rig, backend, **fleet):
    return rig.weir(backend, each={"shared": True}, workers=1, log={"level": "debug"},
                    fleet={"name": "test", "node": "n", **fleet})


def fleet(w):
    return w.admin.status()["fleet"]


def joined(w):
    return fleet(w)["state"] == "joined"


def assert_secret(w):
    for text in (w.errors.text(), w.admin("config"), w.admin("status"), w.admin("events")):
        assert PASSWORD not in text


def test_a_user_with_the_manuals_rights_can_do_all_that_weir_does(rig, backend):
    redis = rig.keep(Redis("--user", *acl()))
    w = node(rig, backend, redis=redis.url("weir", "0"), password_file=password_file(rig))
    eventually(lambda: joined(w), 5, "it has joined")
    w.admin("incident chat set known for 10m")
    eventually(lambda: "known" in redis.cli("hvals", "weir:{test}:orders"), 2)
    redis.cli("script", "flush")
    before = w.metrics().sum("weir_fleet_calls_total", call="sync", result="ok")
    eventually(lambda: w.metrics().sum("weir_fleet_calls_total", call="sync", result="ok") > before + 3, 5)
    w.admin("fleet")
    assert joined(w)
    errors = [v for k in ("sync", "read", "plan", "orders", "order") for v in [w.metrics().sum(
        "weir_fleet_calls_total", call=k, result="error")]]
    assert not any(errors), errors
    assert all(k.startswith("weir:{test}:") for k in redis.cli("keys", "*").splitlines())
    assert_secret(w)
    w.stop()
    denied = [r for r in redis.cli("acl", "log").splitlines() if r == "reason"]
    assert not denied, redis.cli("acl", "log")


def test_a_wrong_password_is_said_and_not_written_down(rig, backend):
    redis = rig.keep(Redis("--user", *acl()))
    w = node(rig, backend, redis=redis.url("weir"), password_file=password_file(rig, "wr0ng-" + PASSWORD))
    eventually(lambda: fleet(w)["state"] == "alone", 5)
    assert "WRONGPASS" in fleet(w)["error"]
    assert w.metrics().sum("weir_fleet_connects_total") == 1, "it is not tried over and over"
    assert w.client().ask().head.status == 200
    assert_secret(w)


def test_a_right_that_is_missing_is_said(rig, backend):
    redis = rig.keep(Redis("--user", *[x for x in acl() if x != "+evalsha"]))
    w = node(rig, backend, redis=redis.url("weir"), password_file=password_file(rig))
    eventually(lambda: fleet(w)["state"] == "alone", 5)
    assert "NOPERM" in fleet(w)["error"] and "evalsha" in fleet(w)["error"]


def test_a_password_without_a_user_and_a_new_one_by_reload(rig, backend):
    redis = rig.keep(Redis("--requirepass", PASSWORD, user=("default", PASSWORD)))
    path = password_file(rig, "0ld\n")
    w = node(rig, backend, redis=redis.unix_url, password_file=path)
    eventually(lambda: fleet(w)["state"] == "alone", 5)
    password_file(rig)
    w.admin("reload")
    eventually(lambda: joined(w), 5, "the new password is used")
    assert_secret(w)


def test_tls_verifies_the_server_and_shows_a_certificate(rig, backend, tmp_path):
    ca = Authority(str(tmp_path / "ca"))
    pem, key = ca.issue("redis", HOST)
    own, own_key = ca.issue("node", "n.test")
    redis = rig.keep(Redis(tls=["--tls-cert-file", pem, "--tls-key-file", key, "--tls-ca-cert-file", ca.pem]))
    w = node(rig, backend, redis=redis.url(scheme="rediss"), ca=ca.pem, certificate=own, key=own_key)
    eventually(lambda: joined(w), 5, "by TLS on both sides")
    stranger = Authority(str(tmp_path / "other"), "somebody else")
    w = node(rig, backend, redis=redis.url(scheme="rediss"), ca=stranger.pem, certificate=own, key=own_key, node="m")
    eventually(lambda: fleet(w)["state"] == "alone", 5)
    assert "certificate" in fleet(w)["error"], fleet(w)


def test_check_finds_what_a_start_would(rig):
    path = rig.path("c.cfg")
    pools = 'pools = ( { name = "p"; upstreams = ( { name = "u"; url = "http://h"; } ); } );\n'

    def check(block):
        with open(path, "w") as f:
            f.write(pools + f"fleet = {{ name = \"f\"; {block} }};\n")
        code, out, err = run("--check", "-c", path)
        return code, out + err
    empty = password_file(rig, "\n\n")
    code, said = check(f'redis = "redis://h"; password_file = "{empty}";')
    assert code == 1 and "one line of 1 to 512 bytes is wanted" in said
    code, said = check(f'redis = "redis://weir:{PASSWORD}@h";')
    assert code == 1 and "a password is in it" in said and PASSWORD not in said
    code, said = check('redis = "redis://h";')
    assert code == 0, said
    code, said = check('redis = "redis+cluster://weir@a,b:7000";')
    assert code == 0, said
    code, said = check('redis = "redis+cluster://a,b/1";')
    assert code == 1 and "a cluster has no other database than 0" in said
