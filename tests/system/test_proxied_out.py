# SPDX-License-Identifier: Apache-2.0
"""The PROXY protocol towards upstreams: whom a connection speaks for, and who may share it."""

import socket
import struct

import pytest

from harness.backend import Peer, always
from harness.client import Client
from harness.config import pool
from harness.http1 import request
from harness.http2 import Server
from harness.others import haproxy, nginx
from harness.weir import HOST
from harness.wire import Ended

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def header(peer):
    """(client, its port, destination, its port) as the first bytes say; None: nobody is named."""
    first = peer.read_exact(1)
    if first != b"P":
        fixed = first + peer.read_exact(15)
        assert fixed[:12] == SIGNATURE and fixed[12] in (0x20, 0x21)
        rest = peer.read_exact(struct.unpack("!H", fixed[14:16])[0])
        if fixed[12] == 0x20:
            assert not rest and fixed[13] == 0
            return None
        family, n = {0x11: (socket.AF_INET, 4), 0x21: (socket.AF_INET6, 16)}[fixed[13]]
        assert len(rest) == 2 * n + 4
        ports = struct.unpack("!HH", rest[2 * n:])
        return (socket.inet_ntop(family, rest[:n]), ports[0],
                socket.inet_ntop(family, rest[n:2 * n]), ports[1])
    words = (first + peer.read_until(b"\r\n")).decode()[:-2].split(" ")
    assert words[0] == "PROXY"
    if words[1] == "UNKNOWN":
        return None
    assert words[1] == ("TCP6" if ":" in words[2] else "TCP4")
    return words[2], int(words[4]), words[3], int(words[5])


@pytest.fixture(params=["v1", "v2"])
def version(request):
    return request.param


def before(rig, b, version, each=None, **settings):
    return rig.weir(b, each={"proxy_protocol": version, **(each or {})}, workers=1, **settings)


def named(w, c, forwarded=None):
    me = c.sock.getsockname()
    return (forwarded, 0, *w.address) if forwarded else (*me, *w.address)


def test_a_connection_begins_with_the_client(rig, version):
    b = rig.backend()
    w = before(rig, b, version)
    c = w.client()
    c.send(request(target="/1"))
    peer = b.accept()
    assert header(peer) == named(w, c)
    assert peer.request().target == "/1"
    peer.answer(200, b"fine")
    assert c.answer().body == b"fine"


def test_a_client_keeps_its_connection_and_another_gets_its_own(rig, version):
    b = rig.backend()
    w = before(rig, b, version, each={"idle_timeout": "1m"})
    one, other = w.client(), w.client()
    one.send(request(target="/1"))
    first = b.accept()
    assert header(first) == named(w, one)
    first.request()
    first.answer(200, b"1")
    assert one.answer().body == b"1"
    other.send(request(target="/2"))
    second = b.accept()
    assert header(second) == named(w, other)
    assert second.request().target == "/2"
    second.answer(200, b"2")
    assert other.answer().body == b"2"
    for c, peer in ((one, first), (other, second)):
        c.send(request(target="/3"))
        assert peer.request().target == "/3"  # without another header
        peer.answer(200, b"3")
        assert c.answer().body == b"3"
    b.assert_untouched()


def test_who_a_trusted_peer_speaks_for_is_named(rig, version):
    b = rig.backend()
    w = before(rig, b, version, trusted=["127.0.0.0/8"])
    seen = []
    for client in ("192.0.2.7", "2001:db8::7", "192.0.2.7"):
        c = w.client()
        c.send(request(target="/1", fields=[("X-Forwarded-For", f"10.0.0.1, {client}")]))
        if client in seen:
            peer.request()  # noqa: F821: the connection of before: the same client, as far as is known
        else:
            peer = b.accept()
            got = header(peer)
            at = ("::", w.address[1]) if ":" in client else w.address
            assert got == (client, 0, *at)
            assert peer.request().get("x-forwarded-for").startswith(f"10.0.0.1, {client}")
        peer.answer(200, b"fine")
        assert c.answer().status == 200
        if not seen:
            first = peer
        seen.append(client)
        peer = first
    b.assert_untouched()


def test_an_ipv6_client_is_named(rig, version):
    b = rig.backend()
    w = before(rig, b, version)
    probe = socket.socket(socket.AF_INET6)
    try:
        probe.bind(("::1", 0))
    except OSError:
        pytest.fail("missing: IPv6 on loopback", pytrace=False)
    port = probe.getsockname()[1]
    probe.close()
    w.settings["listeners"].append({"address": f"[::1]:{port}"})
    w.write_file(w.settings)
    w.admin("reload")
    c = w.client(("::1", port))
    c.send(request())
    got = header(b.accept())
    assert got == ("::1", c.sock.getsockname()[1], "::1", port)


def test_a_client_without_an_address_is_nobody(rig, version):
    b = rig.backend()
    w = rig.weir(b, each={"proxy_protocol": version}, start=False, workers=1)
    path = rig.path("front.sock")
    w.settings["listeners"].append({"address": f"unix:{path}"})
    w.write_file(w.settings)
    w.start()
    clients = []
    for target in ("/1", "/2"):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        c = Client(sock)
        clients.append(c)
        c.send(request(target=target))
        if target == "/1":
            peer = b.accept()
            assert header(peer) is None
        assert peer.request().target == target
        peer.answer(200, b"x")
        assert c.answer().status == 200
    b.assert_untouched()  # all of them are one
    for c in clients:
        c.close()


def test_a_check_speaks_for_weir_itself(rig, version):
    b = rig.backend()
    w = before(rig, b, version, pool={"health": {"path": "/health", "interval": "100ms"}})
    peer = b.accept()
    assert header(peer) is None
    assert peer.request().target == "/health"
    peer.answer(200, b"well")
    w.client()


def test_tls_follows_the_header(rig, version, authority):
    pem, key = authority.issue("one.test", "one.test", "127.0.0.1")
    b = rig.backend()
    b.url = b.url.replace("http:", "https:")
    w = before(rig, b, version, each={"ca": authority.pem, "server_name": "one.test"})
    c = w.client()
    c.send(request(target="/1"))
    raw = b.accept()
    size = {"v1": len("PROXY TCP4    \r\n") + sum(len(str(x)) for x in named(w, c)), "v2": 28}[version]
    raw.sock.settimeout(5)
    got = b""
    while len(got) < size:  # and not one more: the handshake is behind it
        got += raw.sock.recv(size - len(got))
    raw.buf += got
    assert header(raw) == named(w, c)
    peer = Peer(authority.server(pem, key).wrap_socket(raw.sock, server_side=True))
    b.peers.append(peer)
    assert peer.request().target == "/1"
    peer.answer(200, b"fine")
    assert c.answer().body == b"fine"


def test_http_2_has_a_connection_for_each_client(rig, version):
    b = rig.backend()
    w = before(rig, b, version, each={"http2": "clear", "idle_timeout": "1m"})
    one, other = w.client(), w.client()
    servers = []
    for c in (one, other):
        c.send(request(target="/1"))
        peer = b.accept()
        assert header(peer) == named(w, c)
        servers.append(Server(peer))
        servers[-1].answer(servers[-1].request(), 200, b"fine")
        assert c.answer().body == b"fine"
    for c, s in zip((one, other), servers):
        c.send(request(target="/2"))
        s.answer(s.request(), 200, b"fine")
        assert c.answer().body == b"fine"
    b.assert_untouched()


def test_links_of_single_clients_do_not_pile_up(rig):
    b = rig.backend()
    w = before(rig, b, "v2", each={"http2": "clear", "idle_timeout": "1m", "idle_connections": 1})
    ends = []
    for _ in range(3):
        c = w.client()
        c.send(request())
        peer = b.accept()
        header(peer)
        s = Server(peer)
        s.answer(s.request(), 200, b"fine")
        assert c.answer().body == b"fine"
        ends.append(s)
    for s in ends[1:]:
        with pytest.raises(Ended):
            s.until(lambda: False)
    c = w.client()
    c.send(request())
    header(b.accept())


def test_a_second_attempt_has_its_header_too(rig, version):
    """The first connection was stale: a new one, for the same client."""
    b = rig.backend()
    w = before(rig, b, version, each={"idle_timeout": "1m"})
    c = w.client()
    c.send(request(target="/1"))
    peer = b.accept()
    header(peer)
    peer.request()
    peer.answer(200, b"fine")
    assert c.answer().status == 200
    c.send(request(target="/2"))
    peer.request()
    peer.reset()
    again = b.accept()
    assert header(again) == named(w, c)
    assert again.request().target == "/2"
    again.answer(200, b"again")
    assert c.answer().body == b"again"


def test_a_reload_that_turns_it_on_or_off_leaves_no_connection_of_before(rig):
    b = rig.backend()
    w = rig.weir(b, each={"idle_timeout": "1m"}, workers=1)
    c = w.client()
    for turn, version in enumerate(["off", "v1", "off"]):
        w.settings["pools"] = [pool([b], each={"idle_timeout": "1m", "proxy_protocol": version})]
        w.write_file(w.settings)
        w.admin("reload")
        c.send(request(target=f"/{turn}"))
        if turn == 2:
            peer = off  # noqa: F821: the one of before is as good as a new one
        else:
            peer = b.accept()
        if version != "off":
            assert header(peer) == named(w, c)
        else:
            off = peer
        assert peer.request().target == f"/{turn}"
        peer.answer(200, b"x")
        assert c.answer().status == 200


def test_weir_understands_weir(rig, version):
    b = rig.backend()
    b.serve(always())
    inner = rig.weir(b, start=False, trusted=["127.0.0.0/8"])
    inner.settings["listeners"] = [{"address": f"{HOST}:{inner.address[1]}", "proxy_protocol": "on"}]
    inner.write_file(inner.settings)
    inner.check_books = True
    inner.start()
    w = rig.weir(pools=[pool([f"http://{HOST}:{inner.address[1]}"], each={"proxy_protocol": version})])
    c = w.client()
    c.send(request(target="/1"))
    assert c.answer().body == b"hello"
    host, port = c.sock.getsockname()
    assert inner.log.entry(path="/1").client == f"{host}:{port}"


def assert_told(w):
    """What the answer says of client and destination; both programs write the port 0 as nothing."""
    c = w.client()
    for forwarded in (None, "192.0.2.7", "2001:db8::7"):
        c.send(request(fields=[("X-Forwarded-For", forwarded)] if forwarded else []))
        a = c.answer()
        host, port = c.sock.getsockname()
        at = "::" if forwarded and ":" in forwarded else w.address[0]
        assert a.body.decode() == (f"{forwarded or host} {'' if forwarded else port} "
                                   f"{at} {w.address[1]}")


def test_nginx_understands_it(rig, version):
    n = nginx(rig, "listen {listens} proxy_protocol; location / {{ return 200 "
                   "\"$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr "
                   "$proxy_protocol_server_port\"; }}")
    w = rig.weir(pools=[pool([n.url], each={"proxy_protocol": version})], trusted=["127.0.0.0/8"])
    assert_told(w)


def test_haproxy_understands_it(rig, version):
    h = haproxy(rig, "  bind {listens} accept-proxy\n  http-request return status 200 content-type "
                     "text/plain lf-string \"%[src] %[src_port] %[dst] %[dst_port]\"")
    w = rig.weir(pools=[pool([h.url], each={"proxy_protocol": version})], trusted=["127.0.0.0/8"])
    assert_told(w)
