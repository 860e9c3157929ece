#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""weir, nginx and haproxy over HTTP/2, side by side: CPU time under h2load, in turns, and ratios.

    run.py [--rounds N] [--seconds S] [--only NAME,...] [--targets weir,nginx,haproxy]

WEIR_BUILD says where the build is (build/).  One worker thread each, as `weir-bench compare` has it
(docs/benchmarks.md), in front of its lean backend, to which all of them speak HTTP/1.1.
"""

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("WEIR_BUILD") or os.path.join(HERE, "../../build"))
HOST = "127.0.0.1"
CHAT = "/v1/chat/completions"
TICKS = os.sysconf("SC_CLK_TCK")

WEIR = """
workers = 1;
listeners = ( {{ address = "{host}:{clear}"; http2 = "clear"; }},
  {{ address = "{host}:{tls}"; tls = {{ certificate = "{dir}/tls.pem"; key = "{dir}/tls.pem"; }}; }} );
limits = {{ keepalive_requests = 1000000; http2_streams = 256; }};
pools = ( {{ name = "bench"; upstreams = ( {{ name = "a"; url = "http://{host}:{backend}"; idle_connections = 512; }} );
  limiter = {{ mode = "observe"; pace_target = "5s"; }}; }} );
admin = {{ socket = "{dir}/admin.sock"; http = ""; }};
log = {{ access = "off"; }};
"""
NGINX = """
worker_processes 1; daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/nginx.err error;
events {{ worker_connections 20000; multi_accept on; }}
http {{
  access_log off; keepalive_requests 1000000; http2_max_concurrent_streams 256;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u;
  scgi_temp_path {dir}/s;
  upstream backend {{ zone backend 256k; server {host}:{backend} max_fails=0; keepalive 512; keepalive_requests 1000000; }}
  server {{
    listen {host}:{clear} http2 backlog=4096; listen {host}:{tls} ssl http2 backlog=4096;
    ssl_certificate {dir}/tls.pem; ssl_certificate_key {dir}/tls.pem;
    location / {{
      proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffering off;
      proxy_read_timeout 1h; proxy_send_timeout 1h;
    }}
  }}
}}
"""
HAPROXY = """
global
  nbthread 1
  maxconn 4000
  tune.h2.max-concurrent-streams 256
defaults
  mode http
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  option http-no-delay
  http-reuse always
frontend in
  bind {host}:{clear} backlog 4096 proto h2
  bind {host}:{tls} backlog 4096 ssl crt {dir}/tls.pem alpn h2
  default_backend out
backend out
  server a {host}:{backend} pool-max-conn -1
"""
TARGETS = {
    "weir": ("weir.cfg", WEIR, lambda f: [os.path.join(BUILD, "weir"), "-c", f]),
    "nginx": ("nginx.conf", NGINX, lambda f: [shutil.which("nginx"), "-c", f, "-p", os.path.dirname(f)]),
    "haproxy": ("haproxy.cfg", HAPROXY, lambda f: [shutil.which("haproxy"), "-db", "-f", f]),
}

# name: title, TLS?, connections, streams each, body, events a stream (0: without end), interval in ms
ROWS = {
    "request": ("CPU per small request, 16 connections of 8 streams, µs", False, 16, 8, None, None, 20),
    "request-tls": ("the same over TLS, µs", True, 16, 8, None, None, 20),
    "stream": ("CPU per event stream of 10 events, 32 connections of 8, µs", False, 32, 8, 10, 10, 5),
    "event": ("CPU per relayed event, 8 connections of 50 streams of 50 a second, µs", False, 8, 50, 0, 0, 20),
    "event-tls": ("the same over TLS, µs", True, 8, 50, 0, 0, 20),
    "upload": ("CPU per request with a body of 64 KiB, 8 connections of 4, µs", False, 8, 4, "upload", None, 20),
}


def free_port():
    with socket.socket() as s:
        s.bind((HOST, 0))
        return s.getsockname()[1]


def wait_for(port, process, said):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if process.poll() is not None:
            with open(said) as f:
                sys.exit(f"{process.args[0]} ended with {process.returncode}:\n{f.read()}")
        try:
            socket.create_connection((HOST, port)).close()
            return
        except OSError:
            time.sleep(0.02)
    sys.exit(f"{process.args[0]} does not listen")


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Run:
    def __init__(self, folder):
        self.folder = folder
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-keyout", "key", "-out", "cert", "-days", "2", "-subj", "/CN=localhost"],
                       cwd=folder, check=True, capture_output=True)
        with open(os.open(f"{folder}/tls.pem", os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
            for part in ("cert", "key"):
                with open(f"{folder}/{part}") as f:
                    out.write(f.read())

    def start(self, args, port):
        with open(f"{self.folder}/said", "a") as said:
            p = subprocess.Popen(args, cwd=self.folder, stdout=said, stderr=said)
        wait_for(port, p, f"{self.folder}/said")
        return p

    def body(self, row):
        kind = ROWS[row][4]
        if kind is None:
            return []
        path = f"{self.folder}/body.{row}"
        with open(path, "w") as f:
            if kind == "upload":
                f.write("x" * 65536)
            else:
                f.write('{"stream":true,"messages":[]' + (f',"max_tokens":{kind}' if kind else "") + "}")
        return ["-d", path, "-H", "content-type: application/json"]

    def measure(self, name, row, seconds):
        """(µs of CPU each, how many a second, share of a processor), None where it does not come out."""
        title, tls, connections, streams, _, events, interval = ROWS[row]
        ports = {"backend": free_port(), "clear": free_port(), "tls": free_port()}
        backend = self.start([f"{BUILD}/weir-bench", "backend", "--engine", "null", "--listen",
                              f"{HOST}:{ports['backend']}", "--interval", f"{interval}ms"], ports["backend"])
        file, text, args = TARGETS[name]
        with open(f"{self.folder}/{file}", "w") as f:
            f.write(text.format(host=HOST, dir=self.folder, **ports))
        target = self.start(args(f"{self.folder}/{file}"), ports["tls" if tls else "clear"])
        try:
            url = f"http{'s' if tls else ''}://{HOST}:{ports['tls' if tls else 'clear']}{CHAT}"
            load = subprocess.Popen(
                ["h2load", "-t", "1", "-c", str(connections), "-m", str(streams), "-D", str(seconds),
                 "--warm-up-time", "1", *self.body(row), url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            time.sleep(1.3)
            cpu, at = cpu_s(target.pid), time.monotonic()
            time.sleep(seconds - 0.6)
            cpu, took = cpu_s(target.pid) - cpu, time.monotonic() - at
            said = load.communicate(timeout=60)[0]
        finally:
            for p in (target, backend):
                p.kill()
                p.wait()
        return self.judge(said, cpu / took, row, seconds)

    @staticmethod
    def judge(said, share, row, seconds):
        _, _, connections, streams, _, events, interval = ROWS[row]
        failed = re.search(r"(\d+) failed, (\d+) errored", said)
        good = re.search(r"(\d+) 2xx", said)
        data = re.search(r"\((\d+)\) data", said)
        window = seconds + 1
        if events == 0:  # they never end: as many as arrived, by their bytes
            per_s = connections * streams * 1000 / interval
            arrived = int(data.group(1)) / 167 / (window * per_s)
            if not 0.9 < arrived < 1.2:
                return None, said
        else:
            m = re.search(r"finished in [\d.]+s, ([\d.]+) req/s", said)
            per_s = float(m.group(1))
            if not failed or int(failed.group(1)) + int(failed.group(2)) > streams * connections or int(good.group(1)) == 0:
                return None, said
        return (share / per_s * 1e6, per_s, share), said


def ratio(values, peers):
    best = min((values[p] for p in peers if values.get(p)), default=None)
    return "–" if best is None or not values.get("weir") else f"{values['weir'] / best:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", default=",".join(ROWS))
    parser.add_argument("--targets", default=",".join(TARGETS))
    o = parser.parse_args()
    missing = [p for p in ("h2load", *o.targets.replace("weir", "openssl").split(",")) if not shutil.which(p)]
    if missing:
        sys.exit(f"missing: {', '.join(missing)}")
    targets, rows = o.targets.split(","), o.only.split(",")
    lines = []
    with tempfile.TemporaryDirectory(prefix="weir-h2-") as folder:
        run = Run(folder)
        for row in rows:
            print(f"{row}: {ROWS[row][0]}", file=sys.stderr)
            found = {t: [] for t in targets}
            for round_ in range(o.rounds):
                for t in targets[round_ % len(targets):] + targets[:round_ % len(targets)]:
                    got, said = run.measure(t, row, o.seconds)
                    if got is None:
                        print(f"  {t:8} no number:\n{said}", file=sys.stderr)
                        continue
                    found[t].append(got[0])
                    print(f"  {t:8} {got[0]:8.1f} µs {got[1]:9.0f} a second, {100 * got[2]:3.0f} % of a processor",
                          file=sys.stderr)
            values = {t: statistics.median(v) if v else None for t, v in found.items()}
            lines.append([ROWS[row][0], *(f"{values[t]:.1f}" if values[t] else "–" for t in targets),
                          ratio(values, [t for t in targets if t != "weir"])])
    head = ["HTTP/2", *targets, "weir to the better"]
    for line in (head, ["---"] * len(head), *lines):
        print("| " + " | ".join(line) + " |")


if __name__ == "__main__":
    main()
