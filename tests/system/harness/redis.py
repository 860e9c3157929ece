# SPDX-License-Identifier: Apache-2.0
"""A real Redis, Debian's, in a folder of the test's own: started, stopped, killed, emptied."""

import os
import signal
import subprocess
import tempfile

from .deadline import eventually, secs
from .need import need
from .weir import HOST, free_port


class Redis:
    """Listens on a unix socket and on a port of loopback; args as of redis-server."""

    def __init__(self, *args, user=None, tls=None):
        self.program, self.cli_program = need("redis-server"), need("redis-cli")
        self.folder = tempfile.mkdtemp(prefix="redis-")
        self.socket = os.path.join(self.folder, "r.sock")
        self.port = free_port()
        self.args, self.user, self.errors = list(args), user, []
        listens = ["--port", "0", "--tls-port", str(self.port), *tls] if tls else ["--port", str(self.port)]
        self.listens = ["--bind", HOST, *listens]
        self.process = None
        self.start()

    @property
    def unix_url(self):
        return f"unix:{self.socket}"

    def url(self, user="", database="", scheme="redis"):
        return f"{scheme}://{user + '@' if user else ''}{HOST}:{self.port}{'/' + database if database else ''}"

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "--unixsocket", self.socket, "--save", "", "--appendonly", "no", "--dir", self.folder,
             *self.listens, *self.args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(self.answers, 10, "redis answers")
        return self

    def cli(self, *words, within=5):
        as_user = ["--user", self.user[0], "--pass", self.user[1], "--no-auth-warning"] if self.user else []
        done = subprocess.run([self.cli_program, "-s", self.socket, *as_user, *words], capture_output=True, text=True,
                              timeout=secs(within))
        return done.stdout.strip()

    def answers(self):
        return self.cli("ping") == "PONG"

    def calls(self):
        """Commands so far, by name, those of scripts' own not counted: what the nodes have said."""
        rows = (line.split(":", 1) for line in self.cli("info", "commandstats").splitlines() if line.startswith("cmdstat_"))
        return {name[len("cmdstat_"):]: int(rest.split("calls=")[1].split(",")[0]) for name, rest in rows}

    def kill(self):
        self.process.kill()
        self.process.wait()

    def hang(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        if self.process.poll() is None:
            self.go_on()
            self.kill()
        subprocess.run(["rm", "-rf", self.folder], check=True)
