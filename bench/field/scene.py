# SPDX-License-Identifier: Apache-2.0
"""What the rows of docs/field.md are played with: weir between scripted backends and clients."""

import json
import os
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tests/system"))

from harness import http1  # noqa: E402
from harness.body import Body  # noqa: E402
from harness.dialects import CHAT, sse  # noqa: E402
from harness.deadline import eventually  # noqa: E402,F401
from harness.rig import Rig  # noqa: E402
from harness.simulated import BENCH, Simulated  # noqa: E402
from harness.wire import Ended  # noqa: E402,F401

CHAT_PATH = "/v1/chat/completions"
JSON = [("Content-Type", "application/json")]
ROWS = []


def row(number, part, kind, right, seconds=60):
    """part: 1 (healthy traffic) or 2 (what is seen); the function gives (figure, holds)."""
    def keep(fn):
        ROWS.append({"n": number, "part": part, "kind": kind, "right": right,
                     "seconds": seconds, "play": fn})
        return fn
    return keep


class Reply:
    def __init__(self, head, body, how, ms):
        self.head, self.body, self.how, self.ms = head, body, how, ms
        self.status = head.status if head else 0

    @property
    def cause(self):
        said = (self.head.get("proxy-status") or "") if self.head else ""
        return said.split('details="', 1)[1].split('"', 1)[0] if "details=" in said else ""

    @property
    def id(self):
        return self.head.get("x-weir-request-id") or self.head.get("x-request-id")

    @property
    def fine(self):
        return self.status == 200 and self.how == "end" and b'"error"' not in self.body


class Scene:
    def __init__(self):
        self.rig = Rig()

    def server(self, handler, **how):
        b = self.rig.backend(**how)
        b.seen = []
        lock = threading.Lock()

        def one(peer, request):
            with lock:
                b.seen.append(request)
                request.nth = len(b.seen)
            handler(peer, request)
        return b.serve(one)

    def engine(self, name, *args):
        return self.rig.keep(Simulated("--engine", name, *map(str, args)))

    def weir(self, *upstreams, pool=None, **top):
        w = self.rig.weir(*upstreams, enforce=True, pool=pool, start=False, **top)
        w.check_books = False
        return w.start()

    def close(self):
        try:
            self.rig.close()
        except (AssertionError, OSError):
            pass  # a figure is told as it is; what is left behind is the harness's own business


# asking

def question(text="hi", stream=True, **more):
    return json.dumps({"model": "m", "stream": stream, "messages": [
        {"role": "user", "content": text}], **more}).encode()


def ask(w, path=CHAT_PATH, body=None, user="u", method="POST", fields=(), within=20, **more):
    """A request and all that comes of it, however it ends."""
    began = time.monotonic()
    client = w.client()
    head, got, how = None, b"", "none"
    if body is None and method == "POST":
        body = question()
    key = [("Authorization", f"Bearer {user}")] if user else []
    try:
        client.send(http1.request(method, path, [*JSON, *key, *fields], body or b"", **more))
        head, _ = client.final_head(within)
        got, how = Body(client, *head.framing(method)).rest_or_cut(within)
    except (AssertionError, Ended, OSError) as e:
        how = type(e).__name__
    client.close()
    return Reply(head, got, how, (time.monotonic() - began) * 1000)


def together(calls):
    out = [None] * len(calls)

    def one(i):
        out[i] = calls[i]()
    threads = [threading.Thread(target=one, args=(i,), daemon=True) for i in range(len(calls))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    return [o for o in out if o is not None]


def at_rate(n, per_s, call):
    """Open loop: call(i) every 1/per_s seconds, whatever became of those before."""
    def later(i):
        time.sleep(i / per_s)
        return call(i)
    return together([lambda i=i: later(i) for i in range(n)])


def load(target, *args, seconds=30):
    """The summary of weir-bench load, nobody retries."""
    url = target.url if hasattr(target, "url") else "http://%s:%d" % target.address
    done = subprocess.run([BENCH, "load", "--url", url, "--json", "-", "--quiet", "--sdk", "none",
                           "--ttft", "0s", "--pace", "0s", "--patience", "2m", "--exact",
                           *map(str, args)],
                          capture_output=True, text=True, timeout=seconds + 130)
    return json.loads(done.stdout)


def lost(summary):
    """Share of turns that were not served."""
    bad = sum(n for end, n in summary["ends"].items() if end not in ("good", "late", "slow", "left"))
    return bad / max(1, summary["turns"])


def percent(share):
    return f"{100 * share:.1f} %"


def of(replies, want=lambda r: r.fine):
    """How many of them were not as wanted: "3 of 40"."""
    return sum(1 for r in replies if not want(r)), len(replies)


def counted(replies, want=lambda r: r.fine, most=0, what="lost"):
    bad, n = of(replies, want)
    return f"{bad} of {n} {what}", bad <= most


def state(w, name="a", pool="chat"):
    return w.admin.upstream(name, pool)["state"]


def openings(w):
    """Times an upstream was opened, by the journal."""
    listed = w.admin.json("events")
    listed = listed if isinstance(listed, list) else listed.get("events", [])
    return sum(1 for e in listed if e["to"] == "open")


def outcome(w, reply):
    return w.log.entry(reply.id)["outcome"]


# answering

def stream(peer, *texts, gap=0, first=0, end=CHAT.end, kind="text/event-stream"):
    time.sleep(first)
    peer.begin(kind=kind)
    for text in texts or ("one", "two"):
        peer.chunk(CHAT.content(text))
        time.sleep(gap)
    if end:
        peer.chunk(end)
    peer.last_chunk()


def whole(peer, text="fine", status=200, fields=()):
    peer.answer(status, json.dumps({"choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant", "content": text}}]}).encode(), [*JSON, *fields])


def refuse(peer, status=503, fields=()):
    peer.answer(status, b'{"error":{"message":"no","type":"server_error"}}', [*JSON, *fields])


def usual(peer, request):
    """What a working backend does."""
    if request.method != "POST":
        peer.answer(200, b'{"data":[]}', JSON)
    elif b'"stream": true' in request.body or b'"stream":true' in request.body:
        stream(peer)
    else:
        whole(peer)


def read_slowly(peer, head):
    """The body of a request of which only the head was read."""
    head.body = peer.body(head).rest(60)
    return head


__all__ = [n for n in dir() if not n.startswith("_")]
