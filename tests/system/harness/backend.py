# SPDX-License-Identifier: Apache-2.0
"""The scripted backend: a test takes its connections one by one and says what each does.

`accept` gives the next connection to the test itself, which then reads and sends in its own time;
nothing happens behind its back.  Where many connections are wanted at once, `serve` runs a function
for each in a thread.
"""

import os
import socket
import ssl
import threading

from . import http1
from .body import Body
from .deadline import Deadline, Late, USUAL, secs
from .wire import Ended, Wire


class Peer(Wire):
    """weir, as a backend sees it."""

    def __init__(self, sock, name="backend"):
        super().__init__(sock, name)
        self.method = "GET"

    def head(self, within=USUAL):
        head = http1.request_head(self.read_until(b"\r\n\r\n", within))
        self.method = head.method
        return head

    def body(self, head):
        return Body(self, *head.framing())

    def request(self, within=USUAL):
        """A whole request: its head, with .body as bytes."""
        head = self.head(within)
        head.body = self.body(head).rest(within)
        return head

    def answer(self, status=200, body=b"", fields=(), **more):
        self.send(http1.response(status, body, fields, **more))

    def begin(self, status=200, fields=(), kind="text/event-stream", chunked=True, reason="Fine"):
        """Sends the head of an answer whose length is not known."""
        text = f"HTTP/1.1 {status} {reason}\r\n"
        if kind:
            text += f"Content-Type: {kind}\r\n"
        text += http1.fields_text(fields)
        text += "Transfer-Encoding: chunked\r\n\r\n" if chunked else "Connection: close\r\n\r\n"
        self.send(text.encode("latin-1"))

    def chunk(self, data):
        self.send(http1.chunk(data))

    def last_chunk(self):
        self.send(http1.LAST_CHUNK)


class Backend:
    """One listening address.  tls: a server-side SSLContext."""

    def __init__(self, host="127.0.0.1", path=None, tls=None, backlog=4096, rcvbuf=None,
                 sndbuf=None):
        self.tls = tls
        self.path = path
        self.peers = []
        self.errors = []
        self.backlog, self.rcvbuf, self.sndbuf = backlog, rcvbuf, sndbuf
        self._lock = threading.Lock()
        self.address = (host, 0)
        self.listen()
        shown = f"[{host}]" if ":" in host else host
        self.url = f"unix:{path}" if path else (
            f"http{'s' if tls else ''}://{shown}:{self.address[1]}")

    def listen(self):
        """Begins to listen; after `refuse` again, on the same address."""
        self._closing = False
        if self.path:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.bind(self.path)
        else:
            v6 = ":" in self.address[0]
            self.sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self.rcvbuf:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.rcvbuf)
            self.sock.bind(self.address)
            self.address = self.sock.getsockname()[:2]
        self.sock.listen(self.backlog)

    @property
    def port(self):
        return self.address[1]

    def accept(self, within=USUAL):
        """The next connection."""
        deadline = Deadline(within)
        self.sock.settimeout(deadline.left())
        try:
            sock, _ = self.sock.accept()
        except socket.timeout:
            raise Late("weir did not connect to the backend") from None
        return self.peer_of(sock)

    def peer_of(self, sock):
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.sndbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.sndbuf)
        if self.tls:
            sock.settimeout(secs(USUAL))
            sock = self.tls.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)
        with self._lock:
            peer = Peer(sock, f"backend {self.url} connection {len(self.peers)}")
            self.peers.append(peer)
        return peer

    def request(self, within=USUAL):
        """The next connection and its first request."""
        peer = self.accept(within)
        return peer, peer.request(within)

    def assert_untouched(self):
        """Nobody connected (beyond what was accepted)."""
        self.sock.settimeout(0)
        try:
            sock, _ = self.sock.accept()
        except BlockingIOError:
            return
        sock.close()
        raise AssertionError("somebody connected to the backend")

    def serve(self, handler, loop=True):
        """handler(peer, request) for each request, a thread per connection, until closed."""
        self.sock.settimeout(None)
        threading.Thread(target=self._accept_all, args=(handler, loop), daemon=True).start()
        return self

    def _accept_all(self, handler, loop):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            if self._closing:
                sock.close()
                return
            threading.Thread(target=self._serve_one, args=(sock, handler, loop),
                             daemon=True).start()

    def _serve_one(self, sock, handler, loop):
        try:
            peer = self.peer_of(sock)
        except (OSError, ssl.SSLError):
            return
        try:
            handler(peer, peer.request(60))
            while loop and not peer.ended:
                handler(peer, peer.request(60))
        except (Ended, ConnectionError, ssl.SSLError):
            pass
        except OSError as e:
            if not self._closing and not peer.ended:
                self.errors.append(e)
        except Exception as e:
            if not self._closing:
                self.errors.append(e)
        finally:
            peer.close()

    def refuse(self):
        """From now on nobody listens there; connections stay."""
        self._closing = True
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
        if self.path and os.path.exists(self.path):
            os.unlink(self.path)

    def close(self):
        self.refuse()
        for peer in self.peers:
            peer.close()


def closed_port(host="127.0.0.1"):
    """A port where a connection is refused, kept taken as long as the socket lives."""
    sock = socket.socket()
    sock.bind((host, 0))
    return sock


class BlackHole:
    """Accepts no connection and refuses none: its backlog is full."""

    def __init__(self, host="127.0.0.1"):
        self.sock = socket.socket()
        self.sock.bind((host, 0))
        self.sock.listen(0)
        self.fillers = []
        self.url = f"http://{host}:{self.sock.getsockname()[1]}"
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self.sock.getsockname())
            self.fillers.append(filler)

    def close(self):
        for sock in [self.sock, *self.fillers]:
            sock.close()


def always(status=200, body=b"hello", fields=()):
    """A handler that gives the same answer to everything."""
    raw = http1.response(status, body, fields)

    def handler(peer, request):
        peer.send(raw if request.method != "HEAD" else raw[:raw.index(b"\r\n\r\n") + 4])

    return handler
