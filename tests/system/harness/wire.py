# SPDX-License-Identifier: Apache-2.0
"""One connection, from either side: exact bytes out, exact bytes in, and how it ended."""

import socket
import ssl
import struct
import time

from .deadline import Deadline, Late, USUAL, secs


class Ended(AssertionError):
    """The peer ended the connection in the middle of what was being read."""

    def __init__(self, how, got):
        super().__init__(f"the connection ended ({how}) after {bytes(got[-200:])!r}")
        self.how = how
        self.got = bytes(got)


class Wire:
    """how it ended: None while open, "fin" in order, "rst" broken off, "cut" TLS without end."""

    def __init__(self, sock, name=""):
        self.sock = sock
        self.name = name
        self.buf = bytearray()
        self.ended = None
        self.seen = bytearray()  # every byte that ever came
        self.remember = True

    # out

    def send(self, data, pieces=None, within=USUAL):
        """Sends all of data; pieces are the sizes of the single writes, the rest goes at once."""
        self.sock.settimeout(secs(within))
        try:
            for size in pieces or ():
                self.sock.sendall(data[:size])
                data = data[size:]
            if data:
                self.sock.sendall(data)
        except socket.timeout:
            raise Late(f"{self.name}: nobody took the bytes") from None

    def send_or_break(self, data):
        """Like send, when the peer may already have gone: then that is fine."""
        try:
            self.send(data)
            return True
        except (BrokenPipeError, ConnectionError, ssl.SSLError):
            return False

    def send_until_stuck(self, piece, most, quiet=0.25):
        """Sends piece over and over until nobody takes more for a while; how many bytes went."""
        sent = 0
        self.sock.settimeout(secs(quiet))
        while sent < most:
            try:
                sent += self.sock.send(piece[sent % len(piece):])
            except (socket.timeout, ssl.SSLWantWriteError):
                return sent
        return sent

    def finish(self):
        """FIN, and go on reading."""
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock = self.sock.unwrap()
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        """RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._drop()

    def close(self):
        """FIN if all that came was read; the kernel makes a RST of it otherwise."""
        self._drop()

    def _drop(self):
        raw = self.sock
        try:
            raw.close()
        except OSError:
            pass
        self.ended = self.ended or "closed here"

    # in

    def fill(self, deadline):
        """Waits for the next bytes or the end; False at the end."""
        if self.ended:
            return False
        left = deadline.left()
        if left <= 0:
            raise Late(f"{self.name}: nothing came; so far {bytes(self.buf[-300:])!r}")
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(1 << 16)
        except socket.timeout:
            return self.fill(deadline)
        except (ConnectionResetError, BrokenPipeError):
            self.ended = "rst"
            return False
        except ssl.SSLError:
            self.ended = "cut"
            return False
        if not data:
            self.ended = "fin"
            return False
        self.buf += data
        if self.remember:
            self.seen += data
        return True

    def take(self, n):
        data = bytes(self.buf[:n])
        del self.buf[:n]
        return data

    def read_exact(self, n, within=USUAL):
        deadline = Deadline(within)
        while len(self.buf) < n:
            if not self.fill(deadline):
                raise Ended(self.ended, self.buf)
        return self.take(n)

    def read_until(self, mark, within=USUAL):
        """Up to and with mark."""
        deadline = Deadline(within)
        start = 0
        while True:
            at = self.buf.find(mark, start)
            if at >= 0:
                return self.take(at + len(mark))
            start = max(0, len(self.buf) - len(mark) + 1)
            if not self.fill(deadline):
                raise Ended(self.ended, self.buf)

    def read_some(self, within=USUAL):
        """What has come, at least a byte; b"" at the end."""
        deadline = Deadline(within)
        while not self.buf:
            if not self.fill(deadline):
                return b""
        return self.take(len(self.buf))

    def read_to_end(self, within=USUAL):
        """Everything until the end; how it ended is in .ended."""
        deadline = Deadline(within)
        while self.fill(deadline):
            pass
        return self.take(len(self.buf))

    def wait_end(self, within=USUAL):
        """Waits for the end and allows nothing before it; returns how."""
        rest = self.read_to_end(within)
        assert not rest, f"{self.name}: bytes before the end: {rest[:300]!r}"
        return self.ended

    def time_to_end(self, within=USUAL):
        """Seconds until the peer went away; what comes before is thrown away."""
        start = time.monotonic()
        self.read_to_end(within)
        return time.monotonic() - start

    def quiet_for(self, seconds):
        """Nothing at all may happen on the connection for so long."""
        assert not self.buf, f"{self.name}: bytes are waiting: {bytes(self.buf[:300])!r}"
        assert not self.ended, f"{self.name}: ended ({self.ended})"
        self.sock.settimeout(secs(seconds))
        try:
            data = self.sock.recv(1 << 16)
        except (socket.timeout, ssl.SSLWantReadError):
            return
        raise AssertionError(f"{self.name}: not quiet: {data[:300]!r}")

    def is_open(self):
        """Looks without waiting: no end has come."""
        if self.ended:
            return False
        self.sock.settimeout(0)
        try:
            data = self.sock.recv(1 << 16)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except (ConnectionError, ssl.SSLError):
            self.ended = "rst"
            return False
        if not data:
            self.ended = "fin"
            return False
        self.buf += data
        self.seen += data
        return True
