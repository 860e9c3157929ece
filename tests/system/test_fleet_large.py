# SPDX-License-Identifier: Apache-2.0
"""A fleet of a thousand, with 64 upstreams each: records as large as they get, read by the one that leads."""

import json
import threading

from harness.backend import always
from harness.deadline import eventually
from harness.redis import Redis
from harness.traffic import Traffic, assert_untroubled
from harness.weir import weirctl

UPSTREAMS, NODES = 64, 1000
# The record of ARGV[1] for so many others, which live for some seconds more each time.
COPY = """
local record, n = redis.call('HGET', 'weir:{test}:rec', ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 1, n do
  local id = 'n' .. i .. '.' .. string.format('%08x', i)
  redis.call('ZADD', 'weir:{test}:nodes', now, id)
  if ARGV[3] == '1' then redis.call('HSET', 'weir:{test}:rec', id, record) end
end
return #record
"""


class Others:
    """The other nodes, which write again and again."""

    def __init__(self, redis, first):
        self.redis, self.errors, self.ends = redis, [], threading.Event()
        self.bytes = int(redis.cli("eval", COPY, "0", first, str(NODES - 1), "1", within=20))
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.thread.start()

    def _live(self):
        while not self.ends.wait(0.5):
            try:
                self.redis.cli("eval", COPY, "0", "", str(NODES - 1), "0")
            except Exception as e:  # the test ends, or says what is wrong
                self.errors.append(e)
                return

    def close(self):
        self.ends.set()
        self.thread.join(10)


def test_a_thousand_nodes_with_64_upstreams_are_read_page_by_page(rig):
    backend = rig.backend()
    backend.serve(always(body=b"fine"))
    redis = rig.keep(Redis())
    pools = [{"name": "chat", "upstreams": [{"name": f"upstream-{i}", "url": backend.url, "shared": True} for i in range(UPSTREAMS)]}]
    w = rig.weir(pools=pools, workers=1, limits={"keepalive_requests": 1000000000},
                 fleet={"redis": redis.unix_url, "name": "test", "node": "n0", "timeout": "5s"})
    t = Traffic([w])
    eventually(lambda: w.admin.status()["fleet"]["state"] == "joined", 5)
    own = eventually(lambda: redis.cli("zrange", "weir:{test}:nodes", "0", "0"), 5)
    t.more(300)
    others = rig.keep(Others(redis, own))
    assert others.bytes * NODES > 8 * 1024 * 1024, "more than one reply may have"
    eventually(lambda: w.admin.status()["fleet"]["nodes"] == NODES, 8)

    def epoch():
        return int(redis.cli("hget", "weir:{test}:plan", "chat/upstream-0").split()[0])
    before = epoch()
    eventually(lambda: epoch() > before + 2, 30, "the one that leads decides by what it reads")

    def all_shown():
        code, out, err = weirctl(w.socket_path, "fleet", "--json", within=10)
        assert code == 0, err
        return len(json.loads(out)["nodes"]) == NODES
    eventually(all_shown, 20)
    t.more()
    assert_untroubled(t)
    f = w.admin.status()["fleet"]
    assert f["state"] == "joined" and f["leader"] == "n0", f
    assert w.metrics().sum("weir_fleet_connects_total") == 1
    assert w.metrics().sum("weir_fleet_rejected_total") == 0
    assert not others.errors, others.errors
