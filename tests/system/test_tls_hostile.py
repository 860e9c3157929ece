# SPDX-License-Identifier: Apache-2.0
"""TLS against another implementation's tool, and against those who mean no good."""

import os
import re
import ssl
import subprocess

import pytest

from harness.backend import always
from harness.certs import Authority
from harness.deadline import secs
from harness.http1 import request
from harness.need import need
from harness.weir import HOST, run


@pytest.fixture(scope="session")
def pair(authority):
    return authority.issue("one.test", "one.test", "127.0.0.1")


@pytest.fixture
def front(rig, pair):
    w = rig.weir(rig.backend().serve(always(200, b"fine")), start=False)
    w.settings["listeners"] = [{"address": f"{HOST}:{w.address[1]}",
                                "tls": {"certificate": pair[0], "key": pair[1]}}]
    w.write_file(w.settings)
    return w.start()


def s_client(w, *args, say=b"", within=10):
    """What openssl s_client says: (exit code, text)."""
    done = subprocess.run([need("openssl"), "s_client", "-connect", f"{HOST}:{w.address[1]}",
                           "-servername", "one.test", *args], input=say, capture_output=True,
                          timeout=secs(within))
    return done.returncode, (done.stdout + done.stderr).decode("latin-1")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_current_versions_are_spoken_with_a_forward_secret_aead(front, version):
    code, text = s_client(front, version)
    assert code == 0, text
    cipher = re.search(r"Cipher is (\S+)", text).group(1)
    assert re.search(r"GCM|CHACHA20|CCM", cipher), cipher
    assert version == "-tls1_3" or cipher.startswith("ECDHE"), cipher
    assert "Compression: NONE" in text


@pytest.mark.parametrize("args", [
    ["-tls1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
    *[["-tls1_2", "-cipher", f"{c}:@SECLEVEL=0"] for c in (
        "AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA",
        "aNULL", "eNULL", "PSK", "DHE", "CAMELLIA", "ARIA")],
], ids=lambda a: " ".join(a)[1:50])
def test_old_versions_and_weak_ciphers_are_not(front, args):
    code, text = s_client(front, *args)
    assert code != 0 and "Cipher is (NONE)" in text or "no ciphers available" in text \
        or "no cipher match" in text or "no protocols available" in text, text


def test_nobody_renegotiates(front):
    """R makes s_client ask for it; the connection does not go on."""
    code, text = s_client(front, "-tls1_2", "-legacy_renegotiation", say=b"R\n")
    assert "RENEGOTIATING" in text
    assert re.search(r"no.renegotiation|unexpected message|handshake failure|closed", text, re.I), text
    assert "HTTP/1.1" not in text.split("RENEGOTIATING", 1)[1]


def test_early_data_is_not_taken(front, tmp_path):
    session, early = str(tmp_path / "session"), tmp_path / "early"
    early.write_bytes(request(target="/early"))
    code, _ = s_client(front, "-tls1_3", "-ign_eof", "-sess_out", session,
                       say=request(fields=[("Connection", "close")]))
    assert code == 0 and os.path.exists(session)
    _, text = s_client(front, "-tls1_3", "-sess_in", session, "-early_data", str(early))
    assert "Early data was accepted" not in text
    assert not [e for e in front.log.entries() if e.path == "/early"]


def test_what_is_offered_by_alpn_and_not_known_ends_the_handshake(front):
    code, text = s_client(front, "-alpn", "spdy/3,gopher")
    assert code != 0 and "no application protocol" in text.lower(), text


def test_an_expired_upstream_certificate_is_not_believed(rig, authority):
    pem, key = authority.issue("expired", "127.0.0.1", HOST, days="-1")
    b = rig.backend(tls=authority.server(pem, key))
    w = rig.weir(b, each={"ca": authority.pem}, workers=1)
    c = w.client()
    c.send(request())
    with pytest.raises((ssl.SSLError, ConnectionError)):
        b.accept().request()
    answer = c.answer()
    assert (answer.status, answer.code) == (502, "connect_failed")
    assert "error=tls_certificate_error" in answer.get("proxy-status")


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602])
def test_a_key_that_others_can_read_is_refused(rig, tmp_path, mode):
    pem, key = Authority(str(tmp_path / "ca")).issue("weir", "localhost", "127.0.0.1")
    os.chmod(key, mode)
    w = rig.weir(rig.backend(), start=False)
    w.settings["listeners"][0]["tls"] = {"certificate": pem, "key": key}
    w.write_file(w.settings)
    code, _, err = run("--check", "-c", w.file)
    assert code != 0 and os.path.basename(key) in err and f"{mode:04o}" in err
    os.chmod(key, 0o640)
    assert run("--check", "-c", w.file)[0] == 0, "a group of its own is a way to share it"
