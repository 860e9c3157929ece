# SPDX-License-Identifier: Apache-2.0
"""nginx and haproxy as the other end of a connection, with settings of a test's own."""

import os
import subprocess

from .client import dial
from .deadline import eventually
from .need import need
from .weir import HOST, free_port

# nginx writes what it was told of whom it serves; haproxy puts it into the answer.
NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 200; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ {body} }}
}}
"""
HAPROXY = """
global
  maxconn 100
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
{body}
"""


class Other:
    """A program that listens on .address, .url, until closed."""

    def __init__(self, folder, program, text, body):
        path = need(program)
        self.address = (HOST, free_port())
        self.url = f"http://{self.address[0]}:{self.address[1]}"
        self.folder = os.path.join(folder, f"{program}-{self.address[1]}")
        os.mkdir(self.folder, 0o700)
        listens = f"{self.address[0]}:{self.address[1]}"
        file = os.path.join(self.folder, "settings")
        with open(file, "w") as f:
            f.write(text.format(folder=self.folder, body=body.format(listens=listens)))
        args = [path, "-c", file, "-p", self.folder] if program == "nginx" else [path, "-db", "-f", file]
        with open(os.path.join(self.folder, "said"), "w") as said:
            self.process = subprocess.Popen(args, stdout=said, stderr=said, cwd=self.folder)
        try:
            eventually(self._listens, 10, f"{program} listens")
        except AssertionError:
            self.close()
            raise

    def _listens(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.folder, "said")) as f:
                raise RuntimeError(f"it ended: {f.read()}")
        try:
            dial(self.address).close()
        except OSError:
            return False
        return True

    def close(self):
        self.process.kill()
        self.process.wait()


def nginx(rig, server):
    """server: what stands in its server block; {listens} is where."""
    return rig.keep(Other(rig.folder, "nginx", NGINX, server))


def haproxy(rig, frontend):
    return rig.keep(Other(rig.folder, "haproxy", HAPROXY, frontend))
