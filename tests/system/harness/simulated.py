# SPDX-License-Identifier: Apache-2.0
"""The simulated inference server and the load generator of weir-bench, as processes of a test."""

import http.client
import json
import os
import subprocess

from .deadline import eventually, secs
from .weir import BUILD, HOST, free_port, sanitizer_env

BENCH = os.path.join(BUILD, "weir-bench")


class Simulated:
    """A backend that answers as an inference server would; url and close as the scripted one."""

    def __init__(self, *args):
        self.errors = []
        self.address = (HOST, free_port())
        self.control = (HOST, free_port())
        self.url = f"http://{self.address[0]}:{self.address[1]}"
        self.process = subprocess.Popen(
            [BENCH, "backend", "--listen", "%s:%d" % self.address, "--control",
             "%s:%d" % self.control, "--quiet", *args], env=sanitizer_env())
        eventually(lambda: self.numbers()["state"] == "up", 10, "the simulated backend is up")

    def _ask(self, method, path, body=None):
        c = http.client.HTTPConnection(*self.control, timeout=secs(5))
        try:
            c.request(method, path, body)
            return json.loads(c.getresponse().read())
        except OSError as e:
            raise AssertionError(f"the control port does not answer: {e}") from None
        finally:
            c.close()

    def numbers(self):
        return self._ask("GET", "/stats")

    def fault(self, lines):
        """down, up, up-cold, stall, ... as `weir-bench backend` knows them."""
        return self._ask("POST", "/fault", lines)

    def close(self):
        self.process.terminate()
        self.process.wait(secs(10))


class Load:
    """Users in numbers, until the end of the test at the latest."""

    def __init__(self, weir, rate, seconds, *args):
        self.process = subprocess.Popen(
            [BENCH, "load", "--url", "http://%s:%d" % weir.address, "--rate", str(rate),
             "--duration", f"{seconds}s", *args],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=sanitizer_env())

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=secs(20))
