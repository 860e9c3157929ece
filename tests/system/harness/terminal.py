# SPDX-License-Identifier: Apache-2.0
"""A program on a terminal: keys in, what it drew last out."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios

from .deadline import eventually, secs
from .need import need_terminal

SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    def __init__(self, *command, columns=150, lines=30, env=None):
        self.master, slave = need_terminal()
        self.slave = slave
        self.resize(columns, lines)
        self.before = termios.tcgetattr(slave)
        self.raw = ""
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True,
                                        env={**os.environ, "TERM": "xterm", **(env or {})})

    def resize(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def _take(self):
        while select.select([self.master], [], [], 0.02)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            self.raw += data.decode(errors="replace")

    def screen(self):
        """The lines of the last whole picture, without colours."""
        self._take()
        pictures = self.raw.split("\x1b[H")
        whole = [p for p in pictures if "\x1b[J" in p]
        return SEQUENCE.sub("", whole[-1]).split("\r\n") if whole else []

    def text(self):
        return "\n".join(self.screen())

    def shows(self, pattern, within=5):
        return eventually(lambda: re.search(pattern, self.text()), within, f"the screen shows {pattern}")

    def press(self, keys):
        os.write(self.master, keys.encode())

    def wait(self, within=5):
        eventually(lambda: self._take() or self.process.poll() is not None, within, "it ends")
        self._take()
        return self.process.returncode

    def is_restored(self):
        """Is the terminal as it was, and its other screen left?"""
        last_on, last_off = self.raw.rfind("\x1b[?1049h"), self.raw.rfind("\x1b[?1049l")
        return termios.tcgetattr(self.slave)[3] == self.before[3] and last_off >= last_on

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(secs(5))
        os.close(self.master)
        os.close(self.slave)
