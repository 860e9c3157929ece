# SPDX-License-Identifier: Apache-2.0
"""What clients and backends would not have seen without a proxy between them."""

import base64
import hashlib
import time

from scene import *  # noqa: F403


@row(30, 2, "a refusal while 2, 8 or 20 MB are being sent", "the client reads it, with `Retry-After`", 90)
def _(s):
    w = s.weir(s.server(lambda peer, request: refuse(peer, 500)),
               limits={"body": "32MiB"})
    for i in range(12):
        ask(w, user=f"b{i}")

    def send_all(mb):
        c = w.client()
        body = question("x" * (mb << 20))
        try:  # as SDKs do: everything is sent before anything is read
            c.send(http1.request("POST", CHAT_PATH, JSON, body), within=20)
            a = c.answer(within=20, cut=True)
            probe = a.status == 500  # the backend's own answer
            return probe or a.status in (429, 503) and bool(a.get("retry-after"))
        except (AssertionError, OSError, Ended):
            return False
    got = [send_all(mb) for mb in (2, 8, 20) * 2]
    return f"{sum(got)} of {len(got)} read it", all(got)


@row(31, 2, "an upstream reads a POST whole and resets", "never sent to another one", 60)
def _(s):
    bad = s.server(lambda peer, request: peer.reset())
    good = s.server(usual)
    w = s.weir(bad, good)
    got = [ask(w, user=f"u{i}") for i in range(8)]
    twice = len(bad.seen) + len(good.seen) - len(got)
    return f"{twice} of {len(got)} were sent twice", twice <= 0


@row(32, 2, "upstreams that insist on their own Host", "`host` = client (default), url, a name", 60)
def _(s):
    seen = []
    for setting in (None, "url", "api.example.org"):
        b = s.server(usual)
        ups = [{"name": "a", "url": b.url, **({"host": setting} if setting else {})}]
        w = s.weir(pools=[{"name": "chat", "upstreams": ups}])
        ask(w, fields=[])
        seen.append(b.seen[0].get("host"))
    port = "127.0.0.1:"
    good = (seen[0] not in ("", "url") and seen[1].startswith("127.") and ":" in seen[1]
            and seen[2] == "api.example.org" and port)
    return ", ".join(seen), bool(good)


@row(33, 2, "the backend's own `x-request-id`", "stays; weir's is `x-weir-request-id`", 60)
def _(s):
    w = s.weir(s.server(lambda peer, request: whole(peer, fields=[("x-request-id", "req_theirs")])))
    r = ask(w, body=question(stream=False))
    own = r.head.get("x-weir-request-id")
    return (f"{r.head.get('x-request-id')} and {'one' if own else 'none'} of weir's",
            r.head.get("x-request-id") == "req_theirs" and bool(own))


@row(34, 2, "field names with `_`", "pass with `underscore_names = \"pass\"`", 60)
def _(s):
    b = s.server(usual)
    w = s.weir(b, limits={"underscore_names": "pass"})
    r = ask(w, fields=[("session_id", "s1"), ("langfuse_trace", "t")])
    got = [b.seen[0].get(n) for n in ("session_id", "langfuse_trace")] if b.seen else []
    return f"{r.status}, the backend saw {got}", r.fine and got == ["s1", "t"]


@row(35, 2, "a WebSocket on which only the client speaks", "both directions move the clock", 60)
def _(s):
    def answer(peer, request):
        key = request.get("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest())
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        while peer.read_some(30):
            pass
    w = s.weir(pools=[{"name": "chat", "upstreams": [{"name": "a", "url": s.server(answer).url}],
                       "timeouts": {"unary": "1s", "tunnel_idle": "2s"}}],
               routes=[{"path": "/", "pool": "chat", "websocket": True}])
    c = w.client()
    c.send(b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: d2VpciB3ZWlyIHdlaXIhIQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    if c.final_head()[0].status != 101:
        return "no tunnel", False
    began = time.monotonic()
    while time.monotonic() - began < 6 and c.is_open():
        c.send_or_break(b"\x81\x80abcd")
        time.sleep(0.5)
    lasted = time.monotonic() - began
    return f"open after {lasted:.0f} s", lasted >= 6


@row(36, 2, "a backend without `Date`", "added; the backend's own stays", 60)
def _(s):
    own = "Sun, 06 Nov 1994 08:49:37 GMT"
    w = s.weir(s.server(lambda peer, request: whole(
        peer, fields=[("Date", own)] if request.has("x-own") else [])))
    added = ask(w, body=question(stream=False)).head.get("date")
    kept = ask(w, body=question(stream=False), fields=[("x-own", "1")]).head.get("date")
    return f"{'added' if added else 'none'}, {'kept' if kept == own else kept}", bool(
        added) and kept == own


@row(37, 2, "no trace context, or only b3", "nothing is invented", 60)
def _(s):
    b = s.server(usual)
    w = s.weir(b)
    ask(w)
    ask(w, fields=[("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1")])
    ask(w, fields=[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")])
    got = [r.get("traceparent") for r in b.seen]
    return (f"{got[0]}, {got[1]}, with one: {'kept' if got[2] else 'lost'}",
            got[0] is None and got[1] is None and bool(got[2]))


@row(38, 2, "`\"error\": null`, or an error that says nothing, beside choices", "relayed, `ok`", 60)
def _(s):
    texts = [b'data: {"error":null,"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n',
             b'data: {"choices":[{"index":0,"delta":{"content":"x"}}],"error":'
             b'{"code":null,"message":null}}\n\n']

    def answer(peer, request):
        peer.begin()
        peer.chunk(texts[int(request.get("x-n"))] + CHAT.end)
        peer.last_chunk()
    w = s.weir(s.server(answer))
    got = []
    for i in range(2):
        r = ask(w, fields=[("x-n", str(i))])
        got.append(r.status == 200 and r.body.startswith(texts[i]) and outcome(w, r) == "ok")
    return f"{sum(got)} of 2", all(got)


@row(39, 2, "`Content-Encoding: identity`, `none`, `utf-8` on a stream", "read as it is", 60)
def _(s):
    bad = b'data: {"error":{"message":"overloaded","type":"server_error","code":503}}\n\n'

    def answer(peer, request):
        peer.begin(fields=[("Content-Encoding", request.get("x-enc"))])
        peer.chunk(bad)
        peer.last_chunk()
    w = s.weir(s.server(answer))
    got = [ask(w, user=f"u{i}", fields=[("x-enc", e)]).status
           for i, e in enumerate(("identity", "none", "utf-8"))]
    return f"an error inside is seen: {got}", all(x >= 500 for x in got)


@row(40, 2, "103 before every answer of a kept connection, 40 of them", "all are answered", 60)
def _(s):
    def answer(peer, request):
        peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        whole(peer)
    w = s.weir(s.server(answer), workers=1)
    c = w.client()
    got = []
    for _i in range(40):
        c.send(http1.request("POST", CHAT_PATH, JSON, question(stream=False)))
        try:
            got.append(c.answer().status)
        except (AssertionError, Ended, OSError):
            got.append(0)
            break
    return f"{got.count(200)} of 40", got.count(200) == 40


@row(41, 2, "paths with doubled or trailing slashes", "matched as one slash, sent on as received", 60)
def _(s):
    b = s.server(lambda peer, request: stream(peer) if request.method == "POST"
                 else peer.answer(200, b"{}", JSON))
    w = s.weir(pools=[{"name": "chat", "upstreams": [{"name": "a", "url": b.url}]}],
               routes=[{"path": "/v1/chat", "pool": "chat", "class": "batch"}])
    paths = ["//v1/chat/completions", "/v1//chat/completions", "/v1/chat/completions/"]
    got = [ask(w, p) for p in paths]
    sent = [r.target for r in b.seen]
    text, fine = counted(got)
    return f"{text}, sent on: {sent == paths}", fine and sent == paths


@row(42, 2, "a backend's head that is wrong (Content-Length with Transfer-Encoding, chunk sizes)",
     "the reason is in the log and in `why`", 60)
def _(s):
    heads = [b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"]

    def answer(peer, request):
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                  + heads[int(request.get("x-n"))])
    w = s.weir(s.server(answer))
    told = []
    for i in range(2):
        r = ask(w, user=f"u{i}", body=question(stream=False), fields=[("x-n", str(i))])
        why = eventually(lambda: w.admin(f"why {r.id}")).lower()
        told.append("transfer-encoding" in why or "framing" in why or "coding" in why)
    logged = "transfer" in w.errors.text().lower()
    return f"why tells {sum(told)} of 2, the log {'tells' if logged else 'does not'}", all(
        told) and logged


@row(43, 2, "half a stream", "an error event, and the framing is broken off, too", 60)
def _(s):
    def answer(peer, request):
        peer.begin()
        peer.chunk(CHAT.content("one"))
        peer.reset() if request.has("x-rst") else peer.finish()
    w = s.weir(s.server(answer))
    got = [ask(w, user=f"u{i}", fields=[("x-rst", "1")] if i % 2 else []) for i in range(4)]
    good = [r.how != "end" and b'"error"' in r.body for r in got]
    return f"{sum(good)} of 4, ended by {sorted({r.how for r in got})}", all(good)


@row(44, 2, "backends that never write `[DONE]`", "whole with `end_marker = \"finish_reason\"`", 60)
def _(s):
    end = CHAT.end.replace(b"data: [DONE]\n\n", b"")
    w = s.weir(s.server(lambda peer, request: stream(peer, end=end)),
               pool={"end_marker": "finish_reason"})
    got = [ask(w, user=f"u{i}") for i in range(4)]
    good = sum(r.fine and outcome(w, r) == "ok" for r in got)
    return f"{good} of 4 ok", good == 4


