# SPDX-License-Identifier: Apache-2.0
"""Clients that come through the PROXY protocol: who they are, and who may say so."""

import socket
import struct

import pytest

from harness.backend import always
from harness.client import Client, connect
from harness.deadline import eventually
from harness.http1 import request
from harness.http2 import Http2
from harness.weir import HOST

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(client="192.0.2.7", port=4711):
    family = "TCP6" if ":" in client else "TCP4"
    to = "2001:db8::1" if ":" in client else "10.0.0.1"
    return f"PROXY {family} {client} {to} {port} 80\r\n".encode()


def v2(client="192.0.2.7", port=4711, tlvs=b""):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    to = "2001:db8::1" if ":" in client else "10.0.0.1"
    addresses = (socket.inet_pton(family, client) + socket.inet_pton(family, to) +
                 struct.pack("!HH", port, 80))
    kind = 0x21 if family == socket.AF_INET6 else 0x11
    return (SIGNATURE + bytes([0x21, kind]) + struct.pack("!H", len(addresses) + len(tlvs)) +
            addresses + tlvs)


def front(rig, trusted=("127.0.0.0/8",), listener=None, **settings):
    b = rig.backend()
    w = rig.weir(b, start=False, trusted=list(trusted), **settings)
    w.settings["listeners"] = [{"address": f"{HOST}:{w.address[1]}", "proxy_protocol": "on",
                                **(listener or {})}]
    w.write_file(w.settings)
    return w.start(), b


@pytest.mark.parametrize("client", ["192.0.2.7", "2001:db8::7"])
@pytest.mark.parametrize("header", [v1, v2])
@pytest.mark.parametrize("pieces", [None, [1, 5, 10, 1]])
def test_the_client_that_is_named_is_the_client(rig, client, header, pieces):
    w, b = front(rig)
    c = w.client()
    c.send(header(client) + request(), pieces)
    peer, head = b.request()
    assert head.get("x-forwarded-for") == client
    peer.answer(200, b"fine")
    assert c.answer().body == b"fine"
    shown = f"[{client}]:4711" if ":" in client else f"{client}:4711"
    assert w.log.entry(path="/").client == shown
    c.send(request(target="/2"))
    assert peer.request().get("x-forwarded-for") == client


def test_what_else_a_header_says_is_overlooked(rig):
    w, b = front(rig)
    c = w.client()
    c.send(v2(tlvs=b"\x04\0\x03abc" + b"\x01\0\x02h2") + request())
    peer, head = b.request()
    assert head.get("x-forwarded-for") == "192.0.2.7"


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", SIGNATURE + b"\x20\0\0\0"])
def test_a_proxy_that_speaks_for_itself_is_the_client(rig, header):
    w, b = front(rig)
    c = w.client()
    c.send(header + request())
    _, head = b.request()
    assert head.get("x-forwarded-for").startswith("127.")


def test_tls_follows_the_header(rig, authority):
    pem, key = authority.issue("one.test", "one.test", "127.0.0.1")
    w, b = front(rig, listener={"tls": {"certificate": pem, "key": key}})
    raw = w.client()
    raw.send(v2(), [3, 20])
    c = Client(authority.client().wrap_socket(raw.sock, server_hostname="one.test"))
    c.send(request())
    peer, head = b.request()
    assert (head.get("x-forwarded-for"), head.get("x-forwarded-proto")) == ("192.0.2.7", "https")
    peer.answer(200, b"fine")
    assert c.answer().body == b"fine"
    c.close()


def test_http_2_follows_the_header(rig):
    w, b = front(rig, listener={"http2": "clear"})
    raw = w.client()
    raw.send(v1())
    c = Http2(raw)
    s = c.open()
    peer, head = b.request()
    assert head.get("x-forwarded-for") == "192.0.2.7"
    peer.answer(200, b"fine")
    assert c.answer(s).body == b"fine"


def test_only_trusted_peers_may_name_a_client(rig):
    w, b = front(rig, trusted=["10.0.0.0/8"])
    c = w.client()
    c.send_or_break(v1() + request())
    c.read_to_end()
    assert c.ended in ("fin", "rst") and not c.seen
    b.assert_untouched()


@pytest.mark.parametrize("bytes", [request(), v1()[:-2] + b"\n", b"PROXY TCP4 a b c d\r\n",
                                   SIGNATURE + b"\x21\x12\0\x0c" + b"a" * 12])
def test_without_a_header_nobody_is_served(rig, bytes):
    w, b = front(rig)
    c = w.client()
    c.send_or_break(bytes + request())
    c.read_to_end()
    assert not c.seen
    b.assert_untouched()


def test_a_header_that_does_not_end_is_not_waited_for(rig):
    w, b = front(rig, client_timeouts={"head": "300ms"})
    c = w.client()
    c.send(v2()[:20])
    c.read_to_end()
    assert not c.seen


def test_connections_are_counted_by_the_client_that_is_named(rig):
    w, b = front(rig, listener={"per_address": 1})
    b.serve(always())
    kept = w.client()
    kept.send(v1("192.0.2.1") + request())
    assert kept.answer().status == 200
    other = w.client()
    other.send(v1("192.0.2.2") + request())
    assert other.answer().status == 200
    third = w.client()
    third.send_or_break(v1("192.0.2.1") + request())
    third.read_to_end()
    assert not third.seen
    kept.close()

    def again():
        c = w.client()
        c.send_or_break(v1("192.0.2.1") + request())
        return c.read_some(2).startswith(b"HTTP/1.1 200")

    eventually(again)


def test_it_is_off_by_default(rig):
    b = rig.backend()
    w = rig.weir(b)
    c = connect(w.address)
    c.send(v1() + request())
    assert c.answer().status == 400
    c.close()
    b.assert_untouched()
