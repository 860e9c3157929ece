# SPDX-License-Identifier: Apache-2.0
"""The scripted client: sends exact bytes, reads answers strictly."""

import json
import socket
import ssl

from . import http1
from .body import Body
from .deadline import USUAL, secs
from .wire import Ended, Wire


class Answer:
    """A whole answer.  how: "end" if its framing ended as it should."""

    def __init__(self, head, body, how, interim, framing):
        self.head = head
        self.status = head.status
        self.body = body
        self.how = how
        self.interim = interim
        self.framing = framing

    def get(self, name, default=None):
        return self.head.get(name, default)

    @property
    def id(self):
        return self.head.get("x-request-id")

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """error.code of an answer of weir's own."""
        return self.json["error"]["code"]

    @property
    def cause(self):
        """What Proxy-Status gives as details; None if it is not weir's own answer."""
        status = self.get("proxy-status")
        if not status or "details=" not in status:
            return None
        return status.split('details="', 1)[1].split('"', 1)[0]

    def __repr__(self):
        return f"<answer {self.head!r} {self.body[:300]!r} {self.how}>"


class Client(Wire):
    def __init__(self, sock, name="client"):
        super().__init__(sock, name)

    def head(self, within=USUAL):
        """The next head, whatever its status."""
        return http1.response_head(self.read_until(b"\r\n\r\n", within))

    def final_head(self, within=USUAL):
        """The next head that is not 1xx, and the 1xx before it."""
        interim = []
        while True:
            head = self.head(within)
            if head.status >= 200 or head.status == 101:
                return head, interim
            interim.append(head)

    def begin(self, method="GET", within=USUAL):
        """Head and a body reader, for streams."""
        head, _ = self.final_head(within)
        return head, Body(self, *head.framing(method))

    def answer(self, method="GET", within=USUAL, cut=False):
        """A whole answer; a cut one fails unless cut=True."""
        head, interim = self.final_head(within)
        kind, length = head.framing(method)
        body, how = Body(self, kind, length).rest_or_cut(within)
        assert cut or how == "end", f"the answer was cut ({how}): {head} {body[:500]!r}"
        return Answer(head, body, how, interim, kind)

    def ask(self, method="GET", target="/", fields=(), body=b"", within=USUAL, **more):
        """A request and its answer."""
        self.send(http1.request(method, target, fields, body, **more))
        return self.answer(method, within)

    def assert_closed(self, within=USUAL):
        """The peer closed, and said nothing more."""
        how = self.wait_end(within)
        assert how in ("fin", "rst", "cut")
        return how


def dial(address, source=None, rcvbuf=None, within=USUAL):
    """A connected socket to (host, port), (v6 host, port) or a path."""
    if isinstance(address, str):
        sock = socket.socket(socket.AF_UNIX)
    else:
        sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.settimeout(secs(within))
    try:
        if source:
            sock.bind((source, 0))
        sock.connect(address if isinstance(address, str) else tuple(address))
    except OSError:
        sock.close()
        raise
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def connect(address, tls=None, server_name=None, session=None, **how):
    sock = dial(address, **how)
    if tls:
        try:
            sock = tls.wrap_socket(sock, server_hostname=server_name, session=session,
                                   suppress_ragged_eofs=False)
        except (OSError, ssl.SSLError):
            sock.close()
            raise
    return Client(sock)


__all__ = ["Answer", "Client", "Ended", "connect", "dial"]
