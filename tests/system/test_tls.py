# SPDX-License-Identifier: Apache-2.0
"""TLS on both sides: which certificate, which versions, resumption, whom weir believes."""

import socket
import ssl

import pytest

from harness import config
from harness.ask import exchange, end_stream, open_stream
from harness.backend import always
from harness.certs import Authority
from harness.client import connect
from harness.deadline import eventually, secs
from harness.dialects import CHAT
from harness.http1 import request
from harness.weir import HOST, run


@pytest.fixture(scope="session")
def certs(authority):
    """(certificate, key) of two names."""
    return {n: authority.issue(n, n, "127.0.0.1") for n in ("one.test", "two.test")}


@pytest.fixture
def front(rig, certs):
    """weir with a TLS listener that has two certificates."""
    def start(tls=None, **settings):
        b = rig.backend()
        w = rig.weir(b, start=False, **settings)
        row = {"address": f"{HOST}:{w.address[1]}", "tls": {
            "certificate": certs["one.test"][0], "key": certs["one.test"][1],
            "sni": [{"certificate": certs["two.test"][0], "key": certs["two.test"][1]}],
            **(tls or {})}}
        w.settings["listeners"] = [row]
        w.write_file(w.settings)
        return w.start(), b

    return start


def dial_tls(w, context, name="one.test", session=None):
    c = connect(w.address, tls=context, server_name=name, session=session)
    w.clients.append(c)
    return c


# towards clients

@pytest.mark.parametrize("asked, served", [("one.test", "one.test"), ("two.test", "two.test"),
                                           (None, "one.test"), ("other.test", "one.test")])
def test_the_certificate_is_chosen_by_name(front, authority, asked, served):
    w, b = front()
    context = authority.client(check=asked in ("one.test", "two.test"))
    c = dial_tls(w, context, asked)
    der = c.sock.getpeercert(True)
    assert served.encode() in der
    exchange(c, b)


def test_requests_and_streams_pass_as_in_the_clear(front, authority):
    w, b = front()
    c = dial_tls(w, authority.client())
    c.send(request("POST", CHAT.path, CHAT.fields, CHAT.body))
    peer, head = b.request()
    assert head.get("x-forwarded-proto") == "https"
    peer.begin()
    for i in range(20):
        peer.chunk(CHAT.content(str(i)))
        if i == 0:
            _, body = c.begin()
        assert body.event(2) == CHAT.content(str(i))
    end_stream(CHAT, body, peer)
    exchange(c, b, "/again", peer if peer.is_open() else None)


def test_large_bodies_pass_both_ways(front, authority):
    w, b = front()
    b.serve(lambda p, r: p.answer(200, r.body))
    body = bytes(range(256)) * 8000
    c = dial_tls(w, authority.client())
    c.send(request("POST", "/", [("Content-Length", len(body))]))
    c.send(body)
    assert c.answer().body == body


@pytest.mark.parametrize("offers, agreed", [
    (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], ("http/1.1", "h2")),
    (["http/1.1", "h2"], ("http/1.1", "h2")), (None, None)])
def test_alpn_agrees_on_what_is_spoken(front, authority, offers, agreed):
    w, _ = front()
    c = dial_tls(w, authority.client(alpn=offers))
    got = c.sock.selected_alpn_protocol()
    assert got in (agreed if isinstance(agreed, tuple) else (agreed,))


def test_alpn_is_strict(front, authority):
    """Somebody who speaks nothing weir speaks is not served."""
    w, _ = front()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        c = dial_tls(w, authority.client(alpn=["smtp"]))
        c.ask()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(front, authority, version):
    w, b = front()
    context = authority.client()
    context.minimum_version = context.maximum_version = version
    c = dial_tls(w, context)
    cipher = c.sock.cipher()[0]
    assert "GCM" in cipher or "CHACHA20" in cipher, "AEAD"
    assert version == ssl.TLSVersion.TLSv1_3 or cipher.startswith("ECDHE-")
    exchange(c, b)


@pytest.mark.parametrize("how", ["old", "cbc", "static"])
def test_older_and_weaker_tls_is_refused(front, authority, how):
    w, _ = front()
    context = authority.client()
    context.set_ciphers({"old": "ALL:@SECLEVEL=0", "cbc": "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0",
                         "static": "AES128-GCM-SHA256:@SECLEVEL=0"}[how])
    context.minimum_version = ssl.TLSVersion.TLSv1 if how == "old" else ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_1 if how == "old" else ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        dial_tls(w, context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed_whichever_worker_answers(front, authority, version):
    w, b = front(workers=4)
    b.serve(always(200, b"x"))
    context = authority.client()
    context.minimum_version = context.maximum_version = version
    c = dial_tls(w, context)
    c.ask()
    session = c.sock.session
    for _ in range(8):
        again = dial_tls(w, context, session=session)
        assert again.ask().status == 200
        assert again.sock.session_reused
        session = again.sock.session


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_reload_does_not_make_everybody_shake_hands_again(front, certs, authority, version):
    w, b = front(workers=1)
    b.serve(always(200, b"x"))
    context = authority.client(check=False)
    context.minimum_version = context.maximum_version = version
    c = dial_tls(w, context)
    c.ask()
    _reload_with(w, authority, certs["two.test"])
    again = dial_tls(w, context, session=c.sock.session)
    assert again.ask().status == 200
    assert again.sock.session_reused


def test_tickets_of_before_a_reload_do_not_replace_a_client_certificate(front, authority):
    pem, key = authority.issue("client", "client.test")
    w, b = front(tls={"client_ca": authority.pem})
    b.serve(always(200, b"x"))
    context = authority.client(pem, key)
    c = dial_tls(w, context)
    c.ask()
    w.admin("reload")

    def asked_again():
        again = dial_tls(w, context, session=c.sock.session)
        assert again.ask().status == 200
        return not again.sock.session_reused

    eventually(asked_again)


def test_clear_text_on_a_tls_port_is_closed(front):
    w, b = front()
    c = w.client()
    c.send(request())
    rest = c.read_to_end()
    assert b"HTTP/1.1 200" not in rest
    b.assert_untouched()


def test_a_handshake_has_its_time(front):
    w, _ = front(client_timeouts={"tls": "300ms"})
    c = w.client()
    c.send(b"\x16\x03\x01")
    c.read_to_end(3)
    assert c.ended


def test_client_certificates_are_asked_for_if_configured(front, authority, tmp_path):
    pem, key = authority.issue("client", "client.test")
    w, b = front(tls={"client_ca": authority.pem})
    exchange(dial_tls(w, authority.client(pem, key)), b)
    with pytest.raises((AssertionError, ssl.SSLError, ConnectionError)):
        dial_tls(w, authority.client()).ask()
    stranger = Authority(str(tmp_path), "a stranger")
    pem, key = stranger.issue("client", "client.test")
    with pytest.raises((AssertionError, ssl.SSLError, ConnectionError)):
        dial_tls(w, authority.client(pem, key)).ask()


def test_a_gone_tls_client_cancels_upstream(front, authority):
    w, b = front()
    for leave in ("close", "reset"):
        c = dial_tls(w, authority.client())
        c.send(request("POST", CHAT.path, CHAT.fields, CHAT.body))
        peer, _ = b.request()
        getattr(c, leave)()
        assert peer.time_to_end() < secs(1)


def test_a_cut_answer_is_no_clean_end_in_tls(front, authority):
    w, b = front()
    c = dial_tls(w, authority.client())
    c.send(request(version="HTTP/1.0"))
    peer, _ = b.request()
    peer.begin(kind="text/plain")
    peer.chunk(b"half")
    _, body = c.begin()
    assert body.exactly(4) == b"half"
    peer.close()
    assert body.rest_or_cut()[1] in ("cut", "rst"), "no close_notify behind half an answer"


def _reload_with(w, authority, pair):
    """Returns once weir shows the new certificate, which must be two.test's."""
    row = dict(w.settings["listeners"][0])
    row["tls"] = {"certificate": pair[0], "key": pair[1]}
    w.write_file({**w.settings, "listeners": [row]})
    w.admin("reload")

    def renewed():
        c = dial_tls(w, authority.client(check=False), "one.test")
        return b"two.test" in c.sock.getpeercert(True)

    eventually(renewed)


def test_a_reload_brings_new_certificates(front, certs, authority):
    w, _ = front()
    _reload_with(w, authority, certs["two.test"])


# towards upstreams

@pytest.fixture
def back(rig, authority):
    """weir before a TLS backend with these names."""
    def start(names=("127.0.0.1", HOST), each=None, issuer=None, **server):
        issuer = issuer or authority
        pem, key = issuer.issue("backend-" + "-".join(names), *names)
        b = rig.backend(tls=issuer.server(pem, key, **server))
        return rig.weir(b, each={"ca": authority.pem, **(each or {})}, workers=1), b

    return start


def test_an_upstream_is_spoken_to_in_tls(back):
    w, b = back()
    c = w.client()
    _, peer = exchange(c, b, "/1")
    exchange(c, b, "/2", peer)
    assert peer.sock.version() in ("TLSv1.2", "TLSv1.3")


def test_a_stream_over_tls_arrives_as_it_comes(back):
    w, b = back()
    c, _, body, peer = open_stream(w, b)
    for i in range(20):
        peer.chunk(CHAT.content(str(i)))
        assert body.event(2) == CHAT.content(str(i))
    end_stream(CHAT, body, peer)


def _refused(w, b):
    c = w.client()
    c.send(request())
    with pytest.raises((ssl.SSLError, ConnectionError)):
        b.accept().request()
    answer = c.answer()
    assert (answer.status, answer.code, answer.cause) == (502, "connect_failed", "connect_failed")
    assert "error=tls_" in answer.get("proxy-status")
    assert w.log.entry(answer.id).outcome == "connect_failed"
    return answer


def test_an_upstream_with_another_name_is_not_believed(back):
    answer = _refused(*back(names=("other.test",)))
    assert "error=tls_certificate_error" in answer.get("proxy-status")


def test_an_upstream_of_an_unknown_authority_is_not_believed(back, tmp_path):
    answer = _refused(*back(issuer=Authority(str(tmp_path), "a stranger")))
    assert "error=tls_certificate_error" in answer.get("proxy-status")


def test_without_a_ca_the_systems_own_is_meant(rig, authority):
    pem, key = authority.issue("own", "127.0.0.1", HOST)
    b = rig.backend(tls=authority.server(pem, key))
    _refused(rig.weir(b), b)


def test_verification_may_be_turned_off(back):
    w, b = back(names=("other.test",), each={"verify": False})
    exchange(w.client(), b)


def test_the_name_to_verify_and_to_send_may_be_given(rig, authority):
    asked = []
    pem, key = authority.issue("named", "inner.test")
    context = authority.server(pem, key)
    context.sni_callback = lambda sock, name, ctx: asked.append(name)
    b = rig.backend(tls=context)
    w = rig.weir(b, each={"ca": authority.pem, "server_name": "inner.test"})
    exchange(w.client(), b)
    assert asked == ["inner.test"]


def test_weir_shows_its_certificate_to_the_upstream(back, authority):
    pem, key = authority.issue("weir", "weir.test")
    w, b = back(each={"certificate": pem, "key": key}, client_ca=authority.pem)
    c = w.client()
    c.send(request())
    peer, _ = b.request()
    assert ("commonName", "weir") in [x for rdn in peer.sock.getpeercert()["subject"] for x in rdn]
    peer.answer(200, b"x")
    assert c.answer().status == 200


def test_an_upstream_that_wants_a_certificate_and_gets_none_is_a_failure(back, authority):
    w, b = back(client_ca=authority.pem)
    c = w.client()
    c.send(request())
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        b.accept().request()
    answer = c.answer()
    assert answer.status == 502 and answer.code in ("connect_failed", "upstream_reset")


def test_an_upstream_that_does_not_speak_tls_is_a_failure(rig, authority):
    b = rig.backend()
    w = rig.weir(b.url.replace("http:", "https:"), each={"ca": authority.pem})
    c = w.client()
    c.send(request())
    peer = b.accept()
    peer.read_some()
    peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    peer.close()
    answer = c.answer()
    assert (answer.status, answer.code) == (502, "connect_failed")
    assert "error=tls_" in answer.get("proxy-status")


def test_an_upstreams_handshake_has_its_time(rig, authority):
    b = rig.backend()
    w = rig.weir(b.url.replace("http:", "https:"), each={"ca": authority.pem},
                 pool={"timeouts": {"connect": "300ms"}})
    c = w.client()
    c.send(request())
    peer = b.accept()
    answer = c.answer()
    assert (answer.status, answer.code) == (502, "connect_failed")
    assert peer.time_to_end() < secs(1)


def test_an_end_without_goodbye_is_truncation(back):
    """A counted-to-the-end answer over TLS that ends without close_notify may be half of it."""
    w, b = back()
    c = w.client()
    c.send(request(target="/cut"))
    peer, _ = b.request()
    peer.begin(kind="text/plain", chunked=False)
    peer.send(b"half")
    _, body = c.begin()
    assert body.exactly(4) == b"half"
    peer.sock.shutdown(socket.SHUT_RDWR)
    assert body.rest_or_cut()[1] in ("fin", "rst")
    assert w.log.entry(path="/cut").outcome == "failed"


def test_a_bad_certificate_file_stops_the_start(rig, tmp_path):
    bad = tmp_path / "bad.pem"
    bad.write_text("this is no certificate\n")
    file = tmp_path / "weir.cfg"
    file.write_text(config.text({
        "listeners": [{"address": f"{HOST}:9443", "tls": {
            "certificate": str(bad), "key": str(bad)}}],
        "pools": [config.pool(["http://127.0.0.1:9"])]}))
    code, out, err = run("--check", "-c", str(file))
    assert code == 1 and "bad.pem" in out + err
