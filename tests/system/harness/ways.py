# SPDX-License-Identifier: Apache-2.0
"""Every way through weir at once: clients by HTTP/1 and HTTP/2, in the clear and over TLS, to upstreams
by the same.  Whoever makes something fail beneath weir asks by each of them, and judges what came."""

import random
import threading

from . import config
from .ask import noise
from .client import connect
from .deadline import Deadline
from .dialects import CHAT
from .http1 import request
from .http2 import Http2
from .weir import HOST, free_port

STREAM = [*CHAT.preamble, *[CHAT.content(f"event {i}") for i in range(40)], CHAT.end]
SIZES = [0, 1, 5000, 70000, 300000]
FRONTS = ["http1", "http2", "tls http1", "tls http2"]
BACKS = ["http1", "tls", "http2"]


def serve(peer, r):
    """An upstream's answers: bytes, as many as x-size says, to GET; a stream to a chat; else what came."""
    if r.method == "GET":
        peer.answer(200, noise(int(r.get("x-size")), int(r.get("x-size"))))
    elif r.target == CHAT.path:
        peer.begin(kind=CHAT.kind)
        for part in STREAM:
            peer.chunk(part)
        peer.last_chunk()
    else:
        peer.answer(200, r.body)


class Wrong(AssertionError):
    """What no failure beneath weir excuses."""


def _pool(name, backend, **each):
    return config.pool([backend], name=name, enforce=True, each=each)


class Ways:
    """weir with all fronts and backs; the request's host names the back."""

    def __init__(self, rig, authority, env=None, **more):
        pem, key = authority.issue("ways.test", "ways.test", "127.0.0.1")
        self.tls = {p: authority.client(alpn=[p]) for p in ("http/1.1", "h2")}
        plain = rig.backend().serve(serve)
        secret = rig.backend(tls=authority.server(pem, key)).serve(serve)
        inner = rig.weir(plain, start=False)  # the server of HTTP/2
        inner.settings["listeners"][0]["http2"] = "clear"
        inner.write_file(inner.settings)
        inner.start()
        ports = {front: free_port() for front in FRONTS}
        self.addresses = {front: (HOST, port) for front, port in ports.items()}
        secrets = {"certificate": pem, "key": key}
        pools = [_pool("http1", plain),
                 _pool("tls", secret, ca=authority.pem, server_name="ways.test", http2="off"),
                 _pool("http2", f"http://{HOST}:{inner.address[1]}", http2="clear")]
        self.w = rig.weir(env=env, pools=pools, start=False, routes=[
            {"path": "/", "host": f"{back}.test", "pool": back} for back in BACKS], **more)
        self.w.address = self.addresses["http1"]
        self.w.settings["listeners"] = [
            {"address": f"{HOST}:{ports['http1']}"},
            {"address": f"{HOST}:{ports['http2']}", "http2": "clear"},
            {"address": f"{HOST}:{ports['tls http1']}", "tls": secrets},
            {"address": f"{HOST}:{ports['tls http2']}", "tls": secrets}]
        self.w.write_file(self.w.settings)
        self.w.start()

    def connect(self, front):
        tls = self.tls["h2" if "http2" in front else "http/1.1"] if "tls" in front else None
        wire = connect(self.addresses[front], tls=tls, **({"server_name": "ways.test"} if tls else {}))
        return Http2(wire, scheme="https" if tls else "http") if "http2" in front else wire

    def ask(self, client, back, rng, within=20):
        """One request of some kind: "whole", "cut" or a cause of weir's own; and may the connection be
        used on?"""
        size, kind = rng.choice(SIZES), rng.randrange(3)
        method, target, fields, body, wanted = [
            ("POST", CHAT.path, list(CHAT.fields), CHAT.body, b"".join(STREAM)),
            ("GET", "/", [("x-size", str(size))], b"", noise(size, size)),
            ("POST", "/echo", [], noise(size, size), noise(size, size))][kind]
        ask = self._ask2 if isinstance(client, Http2) else self._ask1
        return ask(client, f"{back}.test", method, target, fields, body, wanted, within)

    def _ask1(self, c, host, method, target, fields, body, wanted, within):
        if method == "POST" and not body:
            fields = [*fields, ("Content-Length", 0)]
        c.send(request(method, target, fields, body, host=host))
        a = c.answer(method, within=within, cut=True)
        kept = a.how == "end" and "close" not in a.head.tokens("connection")
        return _judge(a.cause, a.how == "end", a.status, a.body, wanted), kept

    def _ask2(self, c, host, method, target, fields, body, wanted, within):
        c.authority = host
        s = c.open(method, target, [(n.lower(), str(v)) for n, v in fields], end=not body)
        deadline, alive = Deadline(within), True
        while body and alive and s.end is None:
            room = min(c.h2.local_flow_control_window(s.id), c.h2.max_outbound_frame_size, len(body))
            if room > 0:
                c.h2.send_data(s.id, body[:room], end_stream=room == len(body))
                c.flush()
                body = body[room:]
            else:
                alive = c.receive(deadline)
        while alive and s.end is None:
            alive = c.receive(deadline)
        status = s.get("proxy-status") or ""
        cause = status.split('details="', 1)[1].split('"', 1)[0] if "details=" in status else None
        return _judge(cause, s.end == "end", s.status, bytes(s.body), wanted), \
            alive and not body and not c.goaways


def _judge(cause, ended, status, body, wanted):
    if cause:
        return f"{status} {cause}"
    if not ended:
        if not wanted.startswith(body) and b"event: error" not in body:
            raise Wrong(f"bytes that nobody said: {body[-200:]!r}")
        return "cut"
    if body != wanted:
        raise Wrong(f"a clean end after {len(body)} bytes of {len(wanted)}: {status} {body[-200:]!r}")
    return "whole"


class Asker(threading.Thread):
    """So many requests by one way, on connections that are kept while they last."""

    def __init__(self, ways, front, back, n, seed=0):
        super().__init__(daemon=True)
        self.ways, self.front, self.back, self.left = ways, front, back, n
        self.rng = random.Random(f"{front} {back} {seed}")
        self.seen, self.wrong = [], []

    def run(self):
        c = None
        while self.left:
            self.left -= 1
            try:
                c = c or self.ways.connect(self.front)
                verdict, kept = self.ways.ask(c, self.back, self.rng)
            except Wrong as e:
                self.wrong.append(f"{self.front} to {self.back}: {e}")
                return
            except (OSError, AssertionError) as e:
                if type(e).__name__ == "Late":
                    self.wrong.append(f"{self.front} to {self.back}: no end came: {e}"[:500])
                    return
                verdict, kept = "cut", False
            self.seen.append(verdict)
            if not kept and c:
                c.close()
                c = None
        if c:
            c.close()


def ask_all(ways, n, seed=0, fronts=FRONTS, backs=BACKS):
    """n requests by each way, side by side; what was seen, by way."""
    askers = [Asker(ways, f, b, n, seed) for f in fronts for b in backs]
    for a in askers:
        a.start()
    for a in askers:
        a.join(240)
        assert not a.is_alive(), "a client waits for ever"
    wrong = [w for a in askers for w in a.wrong]
    assert not wrong, wrong[:3]
    return {(a.front, a.back): a.seen for a in askers}
