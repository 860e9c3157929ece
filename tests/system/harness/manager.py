# SPDX-License-Identifier: Apache-2.0
"""A service manager by script: the socket of NOTIFY_SOCKET, and what came to it."""

import os
import socket

from .deadline import Deadline, eventually


class Manager:
    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.heard = []  # each a dict of NAME: value
        self.read_to = 0

    def close(self):
        self.socket.close()

    def env(self, **more):
        return {"NOTIFY_SOCKET": self.path, **more}

    def read(self):
        while True:
            try:
                message = self.socket.recv(4096, socket.MSG_DONTWAIT).decode()
            except BlockingIOError:
                return self.heard
            self.heard.append(dict(line.split("=", 1) for line in message.splitlines()))

    def next(self, name, within=5, value=None):
        """The next message with NAME (and this value) after the one that was found last."""
        def find():
            for at, message in enumerate(self.read()[self.read_to:], self.read_to):
                if name in message and value in (None, message[name]):
                    self.read_to = at + 1
                    return message
            return None
        return eventually(find, within, f"{name}={value or ''} after {self.heard[self.read_to:]}")

    def silent(self, name, seconds):
        """Nothing with NAME comes for so long."""
        self.read_to = len(self.read())
        deadline = Deadline(seconds)
        while not deadline.passed():
            self.socket.settimeout(max(0.01, deadline.left()))
            try:
                message = self.socket.recv(4096).decode()
            except TimeoutError:
                break
            self.heard.append(dict(line.split("=", 1) for line in message.splitlines()))
        self.socket.settimeout(None)
        return not any(name in m for m in self.heard[self.read_to:])
