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


class Cluster:
    """Redis Cluster of some masters, each with a replica if so wanted; `slot` is that of the keys with this tag."""

    def __init__(self, masters=3, replicas=0, args=(), tag="test"):
        self.errors, self.tag = [], tag
        self.nodes = [Redis("--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-announce-ip", HOST,
                            "--cluster-port", str(free_port()), *args)
                      for _ in range(masters * (1 + replicas))]
        buses = [n.args[n.args.index("--cluster-port") + 1] for n in self.nodes]
        for i, n in enumerate(self.nodes):
            for other, bus in zip(self.nodes[:i], buses):
                n.cli("cluster", "meet", HOST, str(other.port), bus)
        for i in range(masters):
            self.nodes[i].cli("cluster", "addslotsrange", str(16384 * i // masters), str(16384 * (i + 1) // masters - 1))
        ids = [n.cli("cluster", "myid") for n in self.nodes]
        for i, n in enumerate(self.nodes[masters:]):
            eventually(lambda n=n, i=i: n.cli("cluster", "replicate", ids[i % masters]) == "OK", 20, "it is a replica")
        eventually(lambda: all("cluster_state:ok" in n.cli("cluster", "info") for n in self.nodes), 30, "the cluster works")
        eventually(lambda: all("master_link_status:up" in n.cli("info", "replication") for n in self.nodes[masters:]), 20)
        self.slot = self.nodes[0].cli("cluster", "keyslot", "{%s}" % tag)

    @property
    def urls(self):
        return ",".join(f"{HOST}:{n.port}" for n in self.nodes)

    def owner(self, asked=None):
        """Who has the slot, as one of the nodes sees it."""
        for line in (asked or self.nodes[0]).cli("cluster", "nodes").splitlines():
            words = line.split()
            ranges = [r.split("-") for r in words[8:] if not r.startswith("[")]
            if any(int(r[0]) <= int(self.slot) <= int(r[-1]) for r in ranges):
                return next(n for n in self.nodes if str(n.port) == words[1].split("@")[0].split(":")[1])
        return None

    def move(self, to, during=None):
        """The slot to another master, as an operator's tool does it; during: is called while it is between the two."""
        owner = self.owner()
        ids = {n: n.cli("cluster", "myid") for n in (owner, to)}
        to.cli("cluster", "setslot", self.slot, "importing", ids[owner])
        owner.cli("cluster", "setslot", self.slot, "migrating", ids[to])
        if during:
            during()
        while keys := owner.cli("cluster", "getkeysinslot", self.slot, "100").split():
            said = owner.cli("migrate", HOST, str(to.port), "", "0", "5000", "keys", *keys)
            assert said in ("OK", "NOKEY"), said
        for n in (to, owner, *self.nodes):
            n.cli("cluster", "setslot", self.slot, "node", ids[to])

    def close(self):
        for n in self.nodes:
            n.close()
