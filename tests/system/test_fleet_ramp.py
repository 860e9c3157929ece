# SPDX-License-Identifier: Apache-2.0
"""An operator's commands to a ramp are commands to the fleet's: held by whoever leads, until their end."""

import pytest

from harness.backend import always
from harness.deadline import eventually
from harness.redis import Redis
from harness.weir import weirctl


@pytest.fixture
def weirs(rig):
    redis, backend = rig.keep(Redis()), rig.backend()
    backend.serve(always(body=b"fine"))
    nodes = [rig.weir(backend, enforce=True, each={"shared": True}, workers=1,
                      fleet={"redis": redis.unix_url, "name": "test", "node": f"n{i}"}) for i in range(3)]
    for w in nodes:
        eventually(lambda w=w: w.admin.status()["fleet"]["nodes"] == 3, 5, "every node knows of every other")
    return nodes


def say(w, *words):
    code, out, err = weirctl(w.socket_path, *words)
    assert code == 0, err
    return out


def shares(weirs):
    return {w.admin.upstream()["fleet"]["share"] for w in weirs}


def leader(weirs):
    names = {w.admin.status()["fleet"]["leader"] for w in weirs}
    return names.pop() if len(names) == 1 else ""


def test_a_share_that_is_set_is_the_fleets_outlives_its_leader_and_lapses(weirs):
    first = eventually(lambda: leader(weirs), 5, "one leads")
    leads = next(w for i, w in enumerate(weirs) if f"n{i}" == first)
    others = [w for w in weirs if w is not leads]
    say(others[0], "ramp", "chat", "set", "30", "for", "30s")
    eventually(lambda: shares(weirs) == {0.3}, 5, "the fleet's share is what was said")
    leads.process.kill()
    leads.process.wait()
    leads.process = None
    eventually(lambda: leader(others) not in ("", first) and shares(others) == {0.3}, 10, "so it is with the next leader")
    eventually(lambda: shares(others) == {1.0}, 60, "and it lapses")


def test_a_resume_lets_it_go_on_and_a_finish_is_full_at_once(weirs):
    say(weirs[0], "ramp", "chat", "set", "10", "for", "10m")
    eventually(lambda: shares(weirs) == {0.1}, 5)
    say(weirs[1], "ramp", "chat", "set", "20", "for", "10m")
    eventually(lambda: shares(weirs) == {0.2}, 5, "the later one holds")
    say(weirs[2], "ramp", "chat", "finish")
    eventually(lambda: shares(weirs) == {1.0}, 5)
    say(weirs[0], "ramp", "chat", "set", "50", "for", "10m")
    eventually(lambda: shares(weirs) == {0.5}, 5)
    say(weirs[1], "ramp", "chat", "resume")
    eventually(lambda: shares(weirs) == {1.0}, 30)


def test_here_is_of_this_node_alone(weirs):
    say(weirs[0], "ramp", "chat", "set", "10", "for", "10m", "--here")
    eventually(lambda: weirs[0].admin.upstream()["state"] == "ramping", 5)
    say(weirs[1], "limit", "chat/a", "streams", "9", "for", "10m")  # what came before it has been read by then
    eventually(lambda: all(any("limit" in o["what"] for o in w.admin.upstream()["override"]) for w in weirs), 5)
    assert shares(weirs) == {1.0}
