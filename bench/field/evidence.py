# SPDX-License-Identifier: Apache-2.0
"""Trouble of one user, one model or one kind of request, which is not everybody's; and the reverse."""

import time

from scene import *  # noqa: F403


@row(17, 1, "one key is over its quota: 429 with `Retry-After: 30`", "the others are served", 60)
def _(s):
    def answer(peer, request):
        if request.get("authorization") == "Bearer greedy":
            refuse(peer, 429, [("Retry-After", "30")])
        else:
            stream(peer)
    w = s.weir(s.server(answer))
    greedy = [ask(w, user="greedy") for _i in range(4)]
    others = at_rate(60, 20, lambda i: ask(w, user=f"u{i % 6}"))
    more = ask(w, user="greedy")
    text, fine = counted(others)
    return (f"{text}; the greedy one: {greedy[0].status}, then {more.status}",
            fine and more.status in (429, 503))


@row(18, 1, "one model is loading (503), another serves, one URL", "the other model is served", 60)
def _(s):
    def answer(peer, request):
        if b'"beta"' in request.body:
            refuse(peer, 503, [("Retry-After", "20")])
        else:
            stream(peer)
    w = s.weir(s.server(answer))
    got = at_rate(60, 15, lambda i: (i % 2, ask(w, user=f"u{i}", body=question(
        model="beta" if i % 2 else "alpha"))))
    text, fine = counted([r for beta, r in got if not beta])
    return f"alpha: {text}, {openings(w)} openings", fine and openings(w) == 0


@row(19, 1, "501, 505 and 511 to one client", "neutral: nothing opens", 60)
def _(s):
    def answer(peer, request):
        if b"odd" in request.body:
            refuse(peer, int(request.get("x-status")))
        else:
            stream(peer)
    w = s.weir(s.server(answer))
    for i in range(24):
        ask(w, user=f"o{i}", body=question("odd"), fields=[("x-status", str((501, 505, 511)[i % 3]))])
    text, fine = counted([ask(w, user=f"u{i}") for i in range(10)])
    return f"{text}, {openings(w)} openings", fine and openings(w) == 0


@row(20, 1, "one application with one key, one of two upstreams answers 500",
     "that one opens or is asked no more, then nobody fails", 60)
def _(s):
    bad = s.server(lambda peer, request: refuse(peer, 500))
    w = s.weir(bad, s.server(usual))
    got = at_rate(80, 20, lambda i: ask(w, user="app"))
    text, fine = counted(got[40:], most=2)  # a probe may fail
    asked = len(bad.seen)
    return (f"of the second half {text}, {openings(w)} openings, asked {asked} times",
            fine and (openings(w) >= 1 or asked <= 10))


@row(21, 1, "of two upstreams one answers 404 at once, the other works in 300 ms",
     "quick failures attract nobody: at most a third goes there", 60)
def _(s):
    bad = s.server(lambda peer, request: refuse(peer, 404))
    good = s.server(lambda peer, request: stream(peer, first=0.3))
    w = s.weir(bad, good)
    at_rate(120, 30, lambda i: ask(w, user=f"u{i % 9}"))
    share = len(bad.seen) / (len(bad.seen) + len(good.seen))
    return f"{percent(share)} to the broken one", share <= 0.34


@row(22, 1, "the list of models is well while every chat fails", "opens, and lists do not close it", 60)
def _(s):
    def answer(peer, request):
        if request.method == "GET":
            peer.answer(200, b'{"data":[]}', JSON)
        else:
            refuse(peer, 500)
    w = s.weir(s.server(answer))

    def one(i):
        if i % 2:
            return ask(w, "/v1/models", method="GET", body=b"", user=f"g{i}")
        return ask(w, user=f"u{i}")
    at_rate(60, 20, one)
    opened = openings(w)
    at_rate(40, 10, lambda i: ask(w, "/v1/models", method="GET", body=b"", user=f"g{i}"))
    now = state(w)
    return f"{opened} openings, then {now}", opened >= 1 and now not in ("closed", "ramping")


@row(23, 1, "after an outage the first request through takes 25 s", "others go on within 5 s", 90)
def _(s):
    st = {"dead": False, "slow": True}

    def answer(peer, request):
        if st["dead"]:
            peer.reset()
        elif st["slow"] and b"long" in request.body:
            st["slow"] = False
            time.sleep(25)
            whole(peer)
        else:
            stream(peer)
    w = s.weir(s.server(answer))
    for i in range(3):
        ask(w, user=f"a{i}")
    st["dead"] = True
    for i in range(12):
        ask(w, user=f"b{i}")
    if state(w) == "closed":
        return "the breaker did not open", False
    st["dead"] = False
    begun = []

    def one(i):
        r = ask(w, user=f"u{i}", body=question("long" if st["slow"] else "hi", not st["slow"]),
                within=40)
        begun.append((i / 5, r.fine))
        return r
    at_rate(100, 5, one)
    first = min((t for t, fine in begun if fine and t > 0.5), default=99)
    late = [fine for t, fine in begun if t >= 12]
    return (f"the first other after {first:.1f} s, of the last 8 s "
            f"{sum(late)} of {len(late)} served", first < 8 and sum(late) >= 0.9 * len(late))


@row(24, 1, "clients give up after 3 s at a backend that hangs", "opens; the cause told is true", 60)
def _(s):
    w = s.weir(s.server(lambda peer, request: time.sleep(20)),
               pool={"timeouts": {"first_token": "2s", "first_token_last": "8s"}})
    got = at_rate(80, 8, lambda i: ask(w, user=f"u{i}", within=3))
    told = sorted({r.cause for r in got if r.status})
    return (f"{openings(w)} openings, told: {', '.join(told) or 'nothing'}",
            openings(w) >= 1 and "queue_timeout" not in told)


@row(25, 1, "the backend is back, its checks pass, nobody asks", "half-open within 15 s, no alarm", 60)
def _(s):
    st = {"dead": False}

    def answer(peer, request):
        if st["dead"]:
            peer.reset()
        elif request.target == "/health":
            peer.answer(200, b"ok")
        else:
            stream(peer)
    w = s.weir(s.server(answer), pool={"health": {"path": "/health", "interval": "500ms"}})
    ask(w)
    st["dead"] = True
    for i in range(12):
        ask(w, user=f"b{i}")
    opened = state(w)
    st["dead"] = False
    try:
        took = time.monotonic()
        eventually(lambda: state(w) == "half_open", 15)
        for _i in range(12):  # it stays so while nobody asks
            time.sleep(0.5)
            if state(w) == "open":
                return f"{opened}, half_open, then open again", False
        return f"{opened}, then {state(w)} after {time.monotonic() - took - 6:.1f} s", True
    except AssertionError:
        return f"{opened}, then {state(w)} for 15 s", False


@row(26, 1, "a reload while streams run at `max_streams = 2`, an upstream is added; twice",
     "counts, users and queue live on", 60)
def _(s):
    gate = {"open": False}

    def answer(peer, request):
        peer.begin()
        peer.chunk(CHAT.content("one"))
        while not gate["open"]:
            time.sleep(0.05)
        peer.chunk(CHAT.end)
        peer.last_chunk()
    b, other = s.server(answer), s.server(answer)
    w = s.weir(b, pool={"users": {"max_streams": 2}})
    seen = []
    running = [lambda: ask(w, user="x") for _i in range(2)]

    def meddle():
        eventually(lambda: len(b.seen) + len(other.seen) == 2, 10)
        for extra in (True, False):
            ups = [{"name": "a", "url": b.url}] + ([{"name": "b", "url": other.url}] if extra else [])
            w.settings["pools"][0]["upstreams"] = ups
            w.write_file(w.settings)
            w.admin("reload")
            seen.append(ask(w, user="x", within=3))
        gate["open"] = True
        time.sleep(0.5)
        seen.append(ask(w, user="x"))
        return []
    got = together([meddle, *running])
    replies = [r for r in got if isinstance(r, Reply)]
    held = [r.status for r in seen[:2]]
    return (f"while 2 stream: {held}, after: {seen[-1].status}, "
            f"{sum(r.fine for r in replies)} of 2 streams whole",
            all(h in (429, 503) for h in held) and seen[-1].fine and all(r.fine for r in replies))


@row(27, 1, "`health` is taken out of the file while it fails", "no check, no verdict of a check", 60)
def _(s):
    def answer(peer, request):
        if request.target == "/health":
            refuse(peer, 500)
        else:
            usual(peer, request)
    w = s.weir(s.server(answer), pool={"health": {"path": "/health", "interval": "200ms",
                                                  "fall": 2}})
    try:
        eventually(lambda: state(w) != "closed", 8)
    except AssertionError:
        return "the checks did not open it", False
    del w.settings["pools"][0]["health"]
    w.write_file(w.settings)
    w.admin("reload")
    got = at_rate(60, 5, lambda i: ask(w, user=f"u{i}"))
    text, fine = counted(got[-20:])
    return f"of the last 4 s {text}, {state(w)}", fine


@row(29, 1, "an engine of 8 slots, dead for 6 s under twice its load",
     "after the ramp at most 4 wait in the engine", 90)
def _(s):
    e = s.engine("demo")
    w = s.weir(e)
    most = {"waiting": 0, "after": None}

    def watch():
        began = time.monotonic()
        full = None
        while time.monotonic() - began < 55:
            n = e.numbers()
            now = time.monotonic() - began
            if 10 < now < 11 and n["state"] == "up":
                e.fault("down for 6s")
            if full is None and now > 18 and state(w) == "closed":
                full = now
            if full is not None and now > full + 1:
                most["waiting"] = max(most["waiting"], n["queued"])
            time.sleep(0.1)
        most["after"] = full
        return full or -1
    together([watch, lambda: load(w, "--rate", 10, "--duration", "55s", "--output", 40, seconds=60)])
    if most["after"] is None:
        return "the ramp was not over in 55 s", False
    return f"at most {most['waiting']} wait, from {most['after']:.0f} s on", most["waiting"] <= 4
