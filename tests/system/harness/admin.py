# SPDX-License-Identifier: Apache-2.0
"""The admin socket's line protocol: a line in, lines out, an empty line ends the answer."""

import json

from .client import dial
from .wire import Wire


class Refused(AssertionError):
    """weir answered `error: …`."""


class Admin:
    def __init__(self, path):
        self.path = path

    def raw(self, line):
        """The lines of the answer."""
        wire = Wire(dial(self.path), "admin")
        try:
            wire.send(line.encode() + b"\n")
            return self.read(wire)
        finally:
            wire.close()

    @staticmethod
    def read(wire):
        lines = []
        while True:
            line = wire.read_until(b"\n").decode().rstrip("\n")
            if not line:
                return lines
            lines.append(line)

    def __call__(self, line):
        lines = self.raw(line)
        if lines and lines[0].startswith("error: "):
            raise Refused("\n".join(lines))
        return "\n".join(lines)

    def json(self, line):
        return json.loads(self(line + " --json"))

    def status(self):
        return self.json("status")

    def upstream(self, name="a", pool="chat"):
        """The status of one upstream."""
        for p in self.status()["pools"]:
            for u in p["upstreams"]:
                if (p["name"], u["name"]) == (pool, name):
                    return u
        raise AssertionError(f"no upstream {pool}/{name}")
