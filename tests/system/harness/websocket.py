# SPDX-License-Identifier: Apache-2.0
"""WebSockets: the handshake, and frames as they are on the wire (RFC 6455)."""

import struct

from .http1 import request

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
SHAKE = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", KEY),
         ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Protocol", "chat")]
SWITCH = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Accept: " + ACCEPT.encode() + b"\r\n\r\n")

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
NORMAL, GOING_AWAY, RESTART, TRY_LATER = 1000, 1001, 1012, 1013


def frame(kind, payload=b"", mask=None, final=True):
    n = len(payload)
    head = bytes([(0x80 if final else 0) | kind])
    bit = 0x80 if mask else 0
    if n < 126:
        head += bytes([bit | n])
    elif n < 1 << 16:
        head += bytes([bit | 126]) + struct.pack("!H", n)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", n)
    if not mask:
        return head + payload
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def said(payload):
    """What a client sends."""
    return frame(TEXT, payload, mask=b"mask")


def read_frame(wire, within=5):
    """(kind, payload, was it masked)"""
    first, second = wire.read_exact(2, within)
    n = second & 127
    if n > 125:
        n = int.from_bytes(wire.read_exact(2 if n == 126 else 8, within), "big")
    mask = wire.read_exact(4, within) if second & 128 else None
    payload = wire.read_exact(n, within)
    if mask:
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
    return first & 15, payload, mask is not None


def read_close(wire, masked=False, within=5):
    """(code, reason) of the close frame that is next."""
    kind, payload, was = read_frame(wire, within)
    assert kind == CLOSE and was == masked, (kind, payload)
    return int.from_bytes(payload[:2], "big"), payload[2:].decode()


def routes(**more):
    return [{"path": "/", "pool": "chat", **more}]


def ask(c, target="/ws"):
    c.send(request(target=target, fields=SHAKE))


def switched(rig, weir=None, **settings):
    """weir, and the two ends of a WebSocket through it."""
    b = weir[1] if weir else rig.backend()
    w = weir[0] if weir else rig.weir(b, routes=routes(websocket=True), **settings)
    c = w.client()
    ask(c)
    peer = b.accept()
    head = peer.head()
    assert head.tokens("upgrade") == ["websocket"] and "upgrade" in head.tokens("connection")
    assert head.get("sec-websocket-key") == KEY and head.get("sec-websocket-protocol") == "chat"
    peer.send(SWITCH)
    answer = c.head()
    assert answer.status == 101 and answer.tokens("upgrade") == ["websocket"]
    assert "upgrade" in answer.tokens("connection")
    assert answer.get("sec-websocket-accept") == ACCEPT
    return w, c, peer
