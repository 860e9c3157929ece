#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What floods of HTTP/2 cost weir, and what they cost the attacker: the table of docs/http2.md.

    floods.py [--units N]

WEIR_BUILD says where the build is (build/).  The attacker sends bytes that were made before, so that its
CPU time is little more than the kernel's; its connection is closed at the cut, and it comes again.
"""

import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("WEIR_BUILD", os.path.join(HERE, "../../build"))
sys.path.insert(0, os.path.join(HERE, "../../tests/system"))

from harness import floods  # noqa: E402
from harness.deadline import eventually  # noqa: E402
from harness.http2 import connect2  # noqa: E402
from harness.rig import Rig  # noqa: E402
from harness.weir import HOST  # noqa: E402

HEAD = ["flood", "units", "weir, CPU s", "attacker, CPU s", "weir to attacker", "weir, µs each", "of an honest one",
        "through to the upstream"]


def front(rig, **settings):
    b = rig.backend()
    upstream = floods.Upstream(b)
    w = rig.weir(b, start=False, workers=1, **settings)
    w.settings["listeners"] = [{"address": f"{HOST}:{w.address[1]}", "http2": "clear"}]
    w.settings["log"]["access"] = "off"
    w.check_books = False
    w.write_file(w.settings)
    return w.start(), upstream


def never_opened(rig, connections=20):
    """Answers asked for and not taken: what each costs, and what it holds."""
    b = rig.backend()
    floods.Upstream(b, b"w" * 1_000_000)
    w = rig.weir(b, start=False, workers=1, client_timeouts={"write": "2s"})
    w.settings["listeners"] = [{"address": f"{HOST}:{w.address[1]}", "http2": "clear"}]
    w.write_file(w.settings)
    w.start()
    honest_s = floods.honest(w, 100)
    n, memory, before = 100 * connections, w.resident_kib(), floods.cpu_s(w.pid)
    own = os.times()
    for _ in range(connections):
        c = connect2(w, window=0)
        c.ping()
        for _ in range(100):
            c.open(flush=False)
        c.flush()
    eventually(lambda: w.metrics().sum("weir_http2_streams") == n, 60)
    held = (w.resident_kib() - memory) / n
    eventually(lambda: w.metrics().sum("weir_http2_streams") == 0, 60)
    spent = floods.cpu_s(w.pid) - before
    took = sum(os.times()[:2]) - sum(own[:2])
    return ["windows never opened", f"{n} requests", f"{spent:.2f}", f"{took:.2f} (with its upstream)", "–",
            f"{spent / n * 1e6:.0f}", f"{spent / n / honest_s:.2f}", f"{n}; {held:.0f} KiB held each, for `client_timeouts.write`"]


def row(kind, unit, s, honest_s):
    print("| " + " | ".join([
        kind, f"{s.units} {unit}s", f"{s.weir_s:.2f}", f"{s.attacker_s:.2f}", f"{s.weir_s / max(s.attacker_s, 0.001):.1f}",
        f"{s.each_us:.1f}", f"{s.each_us / honest_s / 1e6:.2f}", f"{s.upstream}"]) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=200000, help="frames or requests of each kind")
    o = parser.parse_args()
    rig = Rig()
    try:
        w, upstream = front(rig)
        request_s, connection_s = floods.honest(w, 4000), floods.honest_connections(w, 1500)
        print(f"An honest request costs {request_s * 1e6:.0f} µs, a connection with one {connection_s * 1e6:.0f} µs.\n")
        print("| " + " | ".join(HEAD) + " |\n|" + " --- |" * len(HEAD))
        for kind, (_, _, count, unit) in floods.FLOODS.items():
            s = floods.attack(w, upstream, kind, o.units if count > 1 else o.units // 100)
            row(kind, unit, s, request_s if count > 1 else connection_s)
        row("reset once begun", "request", floods.attack_begun(w, upstream, o.units // 20), request_s)
        w.stop()
        print("| " + " | ".join(never_opened(rig)) + " |")
    finally:
        rig.close()


if __name__ == "__main__":
    main()
