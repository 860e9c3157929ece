# SPDX-License-Identifier: Apache-2.0
"""Healthy traffic: load that its backend carries without trouble."""

import time

from scene import *  # noqa: F403

@row(1, 1, "first tokens vary by nature: lognormal, median 0.8 s, sigma 0.6, no limit anywhere",
     "< 2 % refused", 100)
def _(s):
    w = s.weir(s.engine("hosted", "--key-quota", 0))
    share = lost(load(w, "--rate", 3, "--duration", "60s", "--output", 20))
    return f"{percent(share)} refused", share < 0.02


@row(2, 1, "two of three prompts in a prefix cache: 0.1 s, else 1.5 s", "< 2 % refused", 100)
def _(s):
    w = s.weir(s.engine("cached"))
    share = lost(load(w, "--rate", 3, "--duration", "60s", "--output", 20))
    return f"{percent(share)} refused", share < 0.02


@row(3, 1, "silent reasoning, 8 s, give or take a fifth", "< 2 % refused", 100)
def _(s):
    w = s.weir(s.engine("hosted", "--first-token", 8000, "--first-token-sigma", 0.2,
                        "--key-quota", 0))
    share = lost(load(w, "--rate", 1, "--duration", "60s", "--output", 10))
    return f"{percent(share)} refused", share < 0.02


@row(4, 1, "whole answers of 0.35 s, one in ten takes 6 s", "< 2 % refused", 100)
def _(s):
    w = s.weir(s.engine("hosted", "--key-quota", 0))
    share = lost(load(w, "--rate", 8, "--duration", "50s", "--output", 10, "--unary", "100%"))
    return f"{percent(share)} refused", share < 0.02


def _cold(s, clients, ms, most):
    w = s.weir(s.engine("hosted", "--first-token", ms, "--first-token-sigma", 0, "--key-quota", 0))
    got = load(w, "--clients", clients, "--duration", "5s", "--output", 1)
    share = lost(got)
    return f"{percent(share)} of {got['turns']} refused", share < most


@row(5, 1, "cold start, 200 clients at once, answers of 300 ms, an idle backend", "< 2 % refused", 60)
def _(s):
    return _cold(s, 200, 300, 0.02)


@row(6, 1, "cold start, 2,000 clients at once, answers of 50 ms", "< 5 % refused", 60)
def _(s):
    return _cold(s, 2000, 50, 0.05)


def _drip(w, size, seconds, fields=(), chunked=False):
    """A body sent evenly over some seconds."""
    client, body = w.client(), question("x" * size)
    head = [*JSON, *fields, ("Transfer-Encoding", "chunked") if chunked
            else ("Content-Length", str(len(body)))]
    text = "POST %s HTTP/1.1\r\nHost: h\r\n" % CHAT_PATH
    client.send((text + http1.fields_text(head) + "\r\n").encode())
    try:
        for i in range(20):
            piece = body[i * len(body) // 20:(i + 1) * len(body) // 20]
            client.send(http1.chunk(piece) if chunked else piece)
            time.sleep(seconds / 20)
        if chunked:
            client.send(http1.LAST_CHUNK)
        answer = client.answer(within=20, cut=True)
        return Reply(answer.head, answer.body, answer.how, 0)
    except (AssertionError, OSError, Ended):
        return Reply(None, b"", "cut", 0)


@row(7, 1, "six telephones send 200 KB over 6 s each before an idle backend",
     "nobody else waits or is refused, the uploads are answered", 60)
def _(s):
    w = s.weir(s.server(usual))
    phones = [lambda c=i % 2: _drip(w, 200000, 6, chunked=c) for i in range(6)]
    others = [lambda: at_rate(60, 12, lambda i: ask(w, user=f"o{i}"))]
    got = together(phones + others)
    others = got.pop() if isinstance(got[-1], list) else []
    bad, n = of(others + got)
    slow = max(r.ms for r in others)
    return f"{bad} of {n} lost, others at most {slow:.0f} ms", bad == 0 and slow < 900


@row(8, 1, "the question takes 2 s to arrive, `first_token` is 1 s, the answer comes at once",
     "the clock starts with the last byte: answered, no evidence", 60)
def _(s):
    w = s.weir(s.server(usual), pool={"timeouts": {"first_token": "1s"}})
    got = together([lambda: _drip(w, 20000, 2.5) for _ in range(6)])
    text, fine = counted(got)
    return f"{text}, {openings(w)} openings", fine and openings(w) == 0


def _chat(**delta):
    finish = delta.pop("finish", None)
    return sse({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


DONE = b"data: [DONE]\n\n"
WHOLE = {
    "content_filter": (CHAT_PATH, _chat(role="assistant", content="") + _chat(finish="content_filter")
                       + DONE),
    "length": (CHAT_PATH, _chat(finish="length") + DONE),
    "stop, no text": (CHAT_PATH, _chat(finish="stop") + DONE),
    "reasoning_details": (CHAT_PATH, _chat(reasoning_details=[{"type": "t", "text": "x"}])
                          + _chat(finish="stop") + DONE),
    "anthropic refusal": ("/v1/messages", sse({"type": "message_start", "message": {}},
                                              "message_start")
                          + sse({"type": "message_delta", "delta": {"stop_reason": "refusal"}},
                                "message_delta")
                          + sse({"type": "message_stop"}, "message_stop")),
    "anthropic empty end_turn": ("/v1/messages", sse({"type": "message_start", "message": {}},
                                                     "message_start")
                                 + sse({"type": "message_delta",
                                        "delta": {"stop_reason": "end_turn"}}, "message_delta")
                                 + sse({"type": "message_stop"}, "message_stop")),
    "responses incomplete": ("/v1/responses", sse({"type": "response.incomplete", "response": {
        "status": "incomplete"}}, "response.incomplete")),
    "responses item only": ("/v1/responses", sse(
        {"type": "response.output_item.done", "item": {"type": "function_call"}},
        "response.output_item.done") + sse({"type": "response.completed", "response": {}},
                                           "response.completed")),
    "gemini SAFETY": ("/v1beta/models/g:streamGenerateContent?alt=sse", sse(
        {"candidates": [{"finishReason": "SAFETY"}]})),
    "gemini MAX_TOKENS": ("/v1beta/models/g:streamGenerateContent?alt=sse", sse(
        {"candidates": [{"finishReason": "MAX_TOKENS"}]})),
    "ollama done": ("/api/chat", b'{"message":{"content":""},"done":true,"done_reason":"load"}\n'),
}


@row(9, 1, f"{len(WHOLE)} kinds of whole answers without text, in five dialects",
     "relayed as they are, `ok`", 60)
def _(s):
    def answer(peer, request):
        _, text = WHOLE[request.get("x-kind")]
        peer.begin(kind="application/x-ndjson" if "ollama" in request.get("x-kind")
                   else "text/event-stream")
        peer.chunk(text)
        peer.last_chunk()
    w = s.weir(s.server(answer))
    bad = []
    for kind, (path, text) in WHOLE.items():
        r = ask(w, path, fields=[("x-kind", kind)])
        if r.status != 200 or r.body != text or outcome(w, r) != "ok":
            bad.append(kind)
    return f"{len(bad)} of {len(WHOLE)} not so {', '.join(bad)}".strip(), not bad


@row(10, 1, "after the end marker: no last chunk, a late one, a reset",
     "nothing is added, `ok`, no evidence", 60)
def _(s):
    def answer(peer, request):
        how = request.get("x-how")
        peer.begin()
        peer.chunk(CHAT.whole("one"))
        if how == "late":
            time.sleep(0.5)
            peer.last_chunk()
        elif how == "reset":
            peer.reset()
        else:
            peer.finish()
    w = s.weir(s.server(answer))
    bad = []
    for how in ("missing", "late", "reset") * 3:
        r = ask(w, fields=[("x-how", how)])
        if not r.body.endswith(DONE) or outcome(w, r) != "ok":
            bad.append(how)
    return f"{len(bad)} of 9 not so {' '.join(bad)}".strip(), not bad and openings(w) == 0


@row(11, 1, "the client closes right after the end marker", "`ok`, the connection is kept", 60)
def _(s):
    def answer(peer, request):
        peer.begin()
        peer.chunk(CHAT.whole("one"))
        time.sleep(0.2)
        peer.last_chunk()
    b = s.server(answer)
    w = s.weir(b, workers=1)
    outcomes = []
    for _i in range(4):
        c = w.client()
        c.send(http1.request("POST", CHAT_PATH, JSON, question()))
        head, body = c.begin()
        body.until(DONE)
        c.close()
        outcomes.append(w.log.entry(head.get("x-weir-request-id") or head.get("x-request-id"))
                        ["outcome"])
        time.sleep(0.4)
    good = outcomes.count("ok")
    return f"{good} of 4 ok, {len(b.peers)} connections", good == 4 and len(b.peers) == 1


@row(12, 1, "event streams that are silent, or have comments or ids only (/mcp, /events)",
     "head at once, comments as they come, no judgement", 60)
def _(s):
    w = s.weir(s.engine("quiet", "--speed", 9), pool={"timeouts": {"first_token": "1s",
                                                                   "stall": "1s"}})
    heads = []

    def listen(path):
        began = time.monotonic()
        c = w.client()
        c.send(http1.request("GET", path, [("Accept", "text/event-stream")]))
        try:
            head, body = c.begin(within=8)
            heads.append((time.monotonic() - began) * 1000)
            rest, how = body.rest_or_cut(20)
            return Reply(head, rest, how, 0)
        except (AssertionError, Ended, OSError):
            return Reply(None, b"", "cut", 0)
    got = together([lambda p=p: listen(p) for p in ("/mcp", "/events") * 4])
    text, fine = counted(got)
    slowest = max(heads, default=9999)
    return (f"{text}, head after {slowest:.0f} ms, {openings(w)} openings",
            fine and slowest < 500 and openings(w) == 0)


@row(13, 1, "three streams pause for 8 s at the same time, one of them with pings",
     "newcomers are served, nothing opens", 60)
def _(s):
    def answer(peer, request):
        if b"newcomer" in request.body:
            stream(peer)
            return
        peer.begin()
        peer.chunk(CHAT.content("one"))
        for _i in range(8):
            time.sleep(1)
            if b"pings" in request.body:
                peer.chunk(b": ping\n\n")
        peer.chunk(CHAT.content("two") + CHAT.end)
        peer.last_chunk()
    w = s.weir(s.server(answer))
    paused = [lambda t=t: ask(w, body=question(t)) for t in ("tool", "pings", "tool")]
    news = [lambda: at_rate(40, 5, lambda i: ask(w, user=f"n{i}", body=question("newcomer")))]
    got = together(paused + news)
    flat = [r for g in got for r in (g if isinstance(g, list) else [g])]
    text, fine = counted(flat)
    return f"{text}, {openings(w)} openings", fine and openings(w) == 0


@row(14, 1, "thinking takes longer than `first_token`, with two upstreams and with one",
     "nobody is lost, nothing opens", 60)
def _(s):
    def answer(peer, request):
        stream(peer, first=3)
    lines, good = [], True
    for n in (2, 1):
        w = s.weir(*[s.server(answer) for _i in range(n)], pool={"timeouts": {"first_token": "1s"}})
        got = together([lambda i=i: ask(w, user=f"u{i}") for i in range(12)])
        text, fine = counted(got)
        lines.append(f"{n} upstreams: {text}, {openings(w)} openings")
        good = good and fine and openings(w) == 0
    return "; ".join(lines), good


@row(15, 1, "an engine of 8 slots says 503 while all 8 stream", "back-pressure, nothing opens", 60)
def _(s):
    w = s.weir(s.engine("demo", "--queue", 1, "--output", 150, "--output-sigma", 0))
    load(w, "--rate", 6, "--duration", "15s", "--output", 150)
    return f"{openings(w)} openings", openings(w) == 0


@row(16, 1, "/health hangs while tokens flow", "nothing opens, everybody is served", 60)
def _(s):
    def answer(peer, request):
        if request.target == "/health":
            time.sleep(6)
        stream(peer, *["t"] * 10, gap=0.05)
    w = s.weir(s.server(answer), pool={"health": {"path": "/health", "interval": "500ms",
                                                  "timeout": "300ms", "fall": 2}})
    got = at_rate(60, 8, lambda i: ask(w, user=f"u{i}"))
    text, fine = counted(got)
    return f"{text}, {openings(w)} openings", fine and openings(w) == 0


@row(28, 1, "ten times the load", "p95 of refusals within 300 ms", 60)
def _(s):
    w = s.weir(s.engine("demo", "--output", 20))
    load(w, "--rate", 100, "--duration", "12s", "--output", 20)
    refused = [e for e in w.log.entries() if e["status"] in (429, 503)]
    took = sorted(e["duration_ms"] for e in refused[len(refused) // 3:])
    p95 = took[int(len(took) * 0.95)] if took else 0
    return f"p95 {p95:.0f} ms of {len(took)} refusals", bool(took) and p95 <= 300
