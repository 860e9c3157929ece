# SPDX-License-Identifier: Apache-2.0
"""Reads a message's body from a wire as its framing says, piece by piece and strictly."""

import re

from .deadline import USUAL
from .http1 import Malformed
from .wire import Ended


class Body:
    """kind: none, counted, chunked, close.  `done` once it ended as it should."""

    def __init__(self, wire, kind, length=0):
        self.wire = wire
        self.kind = kind
        self.left = length
        self.in_chunk = False
        self.done = kind == "none" or (kind == "counted" and length == 0)
        self.chunk_sizes = []
        self.ahead = b""

    def pull(self, within=USUAL):
        """The next bytes, as many as are there; b"" at the proper end; Ended if it was cut."""
        if self.ahead:
            data, self.ahead = self.ahead, b""
            return data
        if self.done:
            return b""
        if self.kind == "close":
            data = self.wire.read_some(within)
            if not data:
                self.done = self.wire.ended == "fin"
                if not self.done:
                    raise Ended(self.wire.ended, b"")
            return data
        if self.kind == "chunked":
            return self._pull_chunk(within)
        data = self._some(within)
        self.done = self.left == 0
        return data

    def _some(self, within):
        if not self.wire.buf:
            data = self.wire.read_some(within)
            if not data:
                raise Ended(self.wire.ended, b"")
            self.wire.buf[:0] = data
        data = self.wire.take(min(self.left, len(self.wire.buf)))
        self.left -= len(data)
        return data

    def _pull_chunk(self, within):
        if not self.in_chunk:
            line = self.wire.read_until(b"\r\n", within)
            if not re.match(rb"^[0-9a-fA-F]{1,16}\r\n$", line):
                raise Malformed(f"chunk size {line!r}")
            self.left = int(line, 16)
            self.chunk_sizes.append(self.left)
            if self.left == 0:
                end = self.wire.read_exact(2, within)
                if end != b"\r\n":
                    raise Malformed(f"after the last chunk {end!r}")
                self.done = True
                return b""
            self.in_chunk = True
        data = self._some(within)
        if self.left == 0:
            end = self.wire.read_exact(2, within)
            if end != b"\r\n":
                raise Malformed(f"after a chunk {end!r}")
            self.in_chunk = False
        return data

    def exactly(self, n, within=USUAL):
        got = bytearray()
        while len(got) < n:
            data = self.pull(within)
            if not data:
                raise Ended("end of body", got)
            got += data
        self.ahead = bytes(got[n:])
        return bytes(got[:n])

    def until(self, mark, within=USUAL):
        """Up to and with mark."""
        got = bytearray()
        while mark not in got:
            data = self.pull(within)
            if not data:
                raise Ended("end of body", got)
            got += data
        end = got.index(mark) + len(mark)
        self.ahead = bytes(got[end:]) + self.ahead
        return bytes(got[:end])

    def event(self, within=USUAL):
        """One event of an event stream with its empty line."""
        return self.until(b"\n\n", within)

    def rest(self, within=USUAL):
        """All that is left, to the proper end."""
        got = bytearray()
        while True:
            data = self.pull(within)
            if not data:
                return bytes(got)
            got += data

    def rest_or_cut(self, within=USUAL):
        """All that came, and how: "end" in order, else "fin", "rst" or "cut"."""
        got = bytearray()
        while True:
            try:
                data = self.pull(within)
            except Ended as e:
                return bytes(got), e.how
            if not data:
                return bytes(got), "end"
            got += data
