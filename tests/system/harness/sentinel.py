# SPDX-License-Identifier: Apache-2.0
"""Sentinels: a real one, and one that says what a test has it say."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading

from .deadline import eventually, secs
from .need import need
from .weir import HOST, free_port


class Sentinel:
    """Watches one master by itself; fails over when it is told to."""

    def __init__(self, master):
        need("redis-server", "redis-cli")
        self.folder, self.port, self.errors = tempfile.mkdtemp(prefix="sentinel-"), free_port(), []
        path = os.path.join(self.folder, "s.conf")
        with open(path, "w") as f:
            f.write(f"port {self.port}\nbind {HOST}\nsentinel monitor main {HOST} {master.port} 1\n"
                    "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n")
        self.process = subprocess.Popen(["redis-server", path, "--sentinel"], stdout=subprocess.DEVNULL, cwd=self.folder)
        eventually(lambda: self.master(), 10, "the Sentinel answers")

    def cli(self, *words):
        return subprocess.run(["redis-cli", "-h", HOST, "-p", str(self.port), *words], capture_output=True, text=True,
                              timeout=secs(5)).stdout.strip()

    def master(self):
        said = self.cli("sentinel", "get-master-addr-by-name", "main").split()
        return int(said[1]) if len(said) == 2 and said[1].isdigit() else None

    def replicas(self):
        return self.cli("sentinel", "replicas", "main").count("runid")

    def close(self):
        self.process.terminate()
        self.process.wait(secs(10))
        shutil.rmtree(self.folder, ignore_errors=True)


class Scripted:
    """Answers each question with what says(n) returns, n counting from 0: bytes, None for silence, a port for a master."""

    def __init__(self, says):
        self.says, self.asked, self.errors = says, 0, []
        self.listening = socket.create_server((HOST, 0))
        self.port = self.listening.getsockname()[1]
        self.peers = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.listening.accept()
            except OSError:
                return
            self.peers.append(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        try:
            while peer.recv(4096):
                says = self.says(self.asked)
                self.asked += 1
                if isinstance(says, int):
                    says = f"*2\r\n${len(HOST)}\r\n{HOST}\r\n${len(str(says))}\r\n{says}\r\n".encode()
                if says is not None:
                    peer.sendall(says)
        except OSError:
            pass

    def close(self):
        for s in (self.listening, *self.peers):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
