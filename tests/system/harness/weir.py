# SPDX-License-Identifier: Apache-2.0
"""The real weir: started with a file of its own, watched, and judged when it ends."""

import http.client
import os
import re
import signal
import socket
import subprocess

from . import config
from .admin import Admin
from .client import connect, dial
from .deadline import eventually, secs
from .lines import AccessLog, Lines
from .metrics import Metrics
from .successor import Successor, adopt_orphans

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("WEIR_BUILD") or os.path.join(HERE, "../../../build"))
BINARY = os.path.join(BUILD, "weir")
WEIRCTL = os.path.join(BUILD, "weirctl")

# Every process of the suite has a loopback address to itself, so that suites that run at the same
# time never meet on a port (SO_REUSEPORT would let two weirs share one).
HOST = f"127.{64 + os.getpid() % 128}.{os.getpid() // 128 % 256}.{1 + os.getpid() // 32768 % 250}"

REPORT = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehavior"
                    r"|runtime error:|assertion|sandbox: the system call", re.I)


_given = set()


def free_port(host=None):
    """A port nobody has, and that was not given before."""
    host = host or HOST
    while True:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
            s.bind((host, 0))
            port = s.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def is_sanitized(binary=None):
    """Was it built with a sanitizer?  Its shadow is address space without end."""
    with open(binary or BINARY, "rb") as f:
        return re.search(rb"lib[atu]+b?san\.so|__asan_init|__tsan_init", f.read()) is not None


def sanitizer_env():
    env = dict(os.environ)
    env.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=86")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1:exitcode=86")
    env.setdefault("TSAN_OPTIONS", "halt_on_error=0:exitcode=86:second_deadlock_stack=1")
    return env


class Weir:
    """settings: the file as nested dicts, see config.py.  What it lacks the harness adds."""

    def __init__(self, folder, settings, args=(), env=None):
        self.folder = folder
        self.address = (HOST, free_port())
        self.admin_address = (HOST, free_port())
        self.socket_path = os.path.join(folder, "admin.sock")
        base = {
            "workers": 2,
            "listeners": [{"address": f"{HOST}:{self.address[1]}"}],
            "admin": {"socket": self.socket_path,
                      "http": f"{HOST}:{self.admin_address[1]}"},
            "log": {"access": "stdout", "level": "info"},
        }
        if os.environ.get("WEIR_SANDBOX") == "0":
            base["sandbox"] = False
        self.settings = config.merge(base, settings)
        self.file = os.path.join(folder, "weir.cfg")
        self.write_file(self.settings)
        self.args = [BINARY, "-c", self.file, *args]
        self.env = {**sanitizer_env(), **(env or {})}
        self.admin = Admin(self.socket_path)
        self.pass_fds = ()
        self.process = None
        self.older = []  # processes that this one's took over from
        self.clients = []
        self.exit_code = None
        self.expect_exit = 0
        self.check_books = True
        self.may_complain = False

    def write_file(self, settings):
        with open(self.file, "w") as f:
            f.write(config.text(settings))

    # life

    def start(self):
        self.process = subprocess.Popen(self.args, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, env=self.env, cwd=self.folder,
                                        pass_fds=self.pass_fds)
        self.log = AccessLog(self.process.stdout)
        self.errors = Lines(self.process.stderr)
        try:
            eventually(self._is_ready, 10, "weir listens")
        except RuntimeError:
            self.process = None
            raise
        return self

    def _is_ready(self):
        if self.process.poll() is not None:
            self.errors.thread.join(2)
            raise RuntimeError(f"weir ended with {self.process.returncode}:\n{self.errors.text()}")
        for address in (self.address, self.admin_address):
            try:
                dial(address).close()
            except OSError:
                return False
        try:
            return self.admin("status")
        except (OSError, AssertionError):
            return False

    def upgrade(self):
        """A hot restart; the process that took over is this weir's from now on."""
        adopt_orphans()
        code, out, err = weirctl(self.socket_path, "upgrade", within=20)
        assert code == 0, f"{err}\n{self.errors.text()[-3000:]}"
        self.older.append(self.process)
        self.process = Successor(int(re.search(r"\(pid (\d+)\) has taken over", out).group(1)))
        return out

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, within=5):
        try:
            self.exit_code = self.process.wait(secs(within))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"weir did not end within {secs(within):.1f} s") from None
        for older in self.older:
            assert older.wait(secs(15)) == 0, self.errors.text()[-3000:]
        self.log.thread.join(5)
        self.errors.thread.join(5)
        return self.exit_code

    def stop(self):
        """The end of a test: clients gone, books checked, an orderly end, no complaint."""
        for client in self.clients:
            client.close()
        if not self.process:
            return
        try:
            if self.process.poll() is None:
                if self.check_books:
                    self.assert_books()
                self.signal(signal.SIGTERM)
                try:
                    self.process.wait(secs(0.5))
                except subprocess.TimeoutExpired:
                    self.signal(signal.SIGTERM)
            self.wait_exit()
        finally:
            for process in (self.process, *self.older):
                if process.poll() is None:
                    process.kill()
                    process.wait()
        complaint = REPORT.search(self.errors.text())
        assert not complaint or self.may_complain, f"weir complained:\n{self.errors.text()[-6000:]}"
        assert self.exit_code == self.expect_exit, (
            f"weir ended with {self.exit_code}:\n{self.errors.text()[-3000:]}")
        self._assert_last_sum()

    def _assert_last_sum(self):
        """What weir says at its very end is what it has logged, to the request."""
        log = self.settings["log"]
        if self.exit_code or log["access"] != "stdout" or log["level"] not in ("info", "debug"):
            return
        counted, by, dropped = self.last_sum()
        logged, logged_by, _ = self.log.books()
        assert counted == logged + dropped == sum(by.values()), (counted, by, logged)
        if not dropped:
            assert {d: n for d, n in by.items() if n} == logged_by

    def last_sum(self):
        """From the last line of each process's event log, summed: requests, by decision, access log
        lines dropped."""
        found = re.findall(r"the end: (\d+) requests \((.*)\), (\d+) lines", self.errors.text())
        assert len(found) == 1 + len(self.older), "weir did not say what it came to"
        by = {}
        for _, decisions, _ in found:
            for d, n in (part.rsplit(" ", 1) for part in decisions.split(", ")):
                by[d] = by.get(d, 0) + int(n)
        return sum(int(n) for n, _, _ in found), by, sum(int(n) for _, _, n in found)

    def assert_books(self, within=5):
        """What must hold at the end of any test: nothing held, everything counted once."""
        eventually(self._books_hold, within, "the books hold")

    def _books_hold(self):
        m = self.metrics()
        for name in ("weir_inflight", "weir_pending", "weir_queue_length"):
            assert m.sum(name) == 0, f"{name} is {m.sum(name)} when everybody has gone"
        if self.older:
            return True  # each process has counted its own: _assert_last_sum adds them up
        logged, _, faults = self.log.books()
        counted, dropped = m.sum("weir_requests_total"), m.sum("weir_access_log_dropped_total")
        assert counted == logged + dropped, (
            f"{counted} requests counted, {logged} logged, {dropped} lines dropped")
        assert not faults, faults[0]
        return True

    # sides

    def client(self, address=None, **how):
        client = connect(address or self.address, **how)
        self.clients.append(client)
        return client

    def http(self, path, method="GET"):
        """A request to admin.http: status, fields, body."""
        c = http.client.HTTPConnection(*self.admin_address, timeout=secs(5))
        try:
            c.request(method, path)
            r = c.getresponse()
            return r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()
        finally:
            c.close()

    def metrics(self):
        """By the socket's command; what HTTP gives has tests of its own."""
        return Metrics(self.admin("metrics"))

    def assert_grew_less(self, before, kib):
        """Of resident memory; a sanitizer's own is nobody's business."""
        with open(f"/proc/{self.pid}/maps") as f:
            if re.search(r"lib[atu]*san", f.read()):
                return
        grew = self.resident_kib() - before
        assert grew < kib, f"{grew} KiB more than before"

    def resident_kib(self):
        with open(f"/proc/{self.pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+) kB", f.read()).group(1))


def run(*args, env=None, within=10, stdin=None, cwd=None):
    """weir with these arguments, to its end: exit code, stdout, stderr."""
    done = subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=secs(within),
                          env={**sanitizer_env(), **(env or {})}, input=stdin, cwd=cwd)
    assert not REPORT.search(done.stderr), done.stderr
    return done.returncode, done.stdout, done.stderr


def weirctl(socket_path, *args, within=10):
    done = subprocess.run([WEIRCTL, "--socket", socket_path, *args], capture_output=True,
                          text=True, timeout=secs(within), env=sanitizer_env())
    assert not REPORT.search(done.stderr), done.stderr
    return done.returncode, done.stdout, done.stderr
