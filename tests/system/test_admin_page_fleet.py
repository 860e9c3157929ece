# SPDX-License-Identifier: Apache-2.0
"""The live page's view of a fleet, in a real browser, with several weirs and a real Redis; pictures go to
tests/artefacts for people to look at."""

import time

import pytest

from harness.backend import always
from harness.browser import Browser
from harness.deadline import eventually
from harness.redis import Redis
from harness.words import names

STATES = names("service_states")


@pytest.fixture
def redis(rig):
    return rig.keep(Redis())


@pytest.fixture
def backend(rig):
    b = rig.backend()
    b.serve(always(body=b"fine"))
    return b


def node(rig, backend, redis, name, **more):
    return rig.weir(backend, each={"shared": True}, workers=1, fleet={"redis": redis.unix_url, "name": "chat-eu", "node": name},
                    enforce=True, **more)


def fleet_of(rig, backend, redis, n):
    weirs = [node(rig, backend, redis, f"weir-{i}") for i in range(n)]
    for w in weirs:
        eventually(lambda w=w: w.admin.status()["fleet"]["nodes"] == n, 10, "every node knows of every other")
    return weirs


def opened(rig, w, fragment="", **how):
    page = rig.keep(Browser(how.pop("width", 1180), 900, **how))
    page.driver.get("http://%s:%d/%s" % (*w.admin_address, fragment))
    eventually(lambda: page.text("#word") in STATES, 30, "the page knows the state")
    return page


def rows(page, table):
    """The rows of a table, by their heads and names; what is not to be seen is not there."""
    return page.js(
        f"(() => {{ const t = document.querySelector('#{table}'); if (!t.checkVisibility() || !t.tHead) return {{}};"
        "const heads = [...t.tHead.rows[0].cells].map(c => c.textContent);"
        "return Object.fromEntries([...t.tBodies[0].rows].map(r => [r.cells[0].textContent,"
        "Object.fromEntries([...r.cells].map((c, i) => [heads[i], c.textContent]))])); })()")


def row(page, table, name, **wanted):
    """Such a row, once it says what is wanted; blanks of heads are underscores."""
    def found():
        r = rows(page, table).get(name)
        return r if r and all(r[head.replace("_", " ")].startswith(text) for head, text in wanted.items()) else None
    return eventually(found, 20, f"{name}: {wanted}, not {rows(page, table)}")


def test_the_nodes_and_their_sums_are_shown(rig, redis, backend):
    weirs = fleet_of(rig, backend, redis, 3)
    page = opened(rig, weirs[0])
    for name in ("weir-0", "weir-1", "weir-2"):
        r = row(page, "nodes", name, state="serving", settings="agree", version="0.")
        assert ("this node" in r["role"]) == (name == "weir-0")

    def says_who_leads():  # which may change on a busy machine
        leader = "".join(name for name, r in rows(page, "nodes").items() if "leads" in r["role"])
        return page.text("#fleet-says") == f"Fleet chat-eu: 3 nodes, all of them answer; {leader} leads; all are serving."
    eventually(says_who_leads, 30, "the sentence and the table say the same")
    assert row(page, "sums", "chat/a", state="closed", nodes="3")["own path"] == "–"
    page.shows("#fleet-pools", "Pool chat over all nodes: serving; admitted ")
    clients = [w.client() for w in weirs]

    def rate():
        for c in clients:
            for _ in range(5):
                c.ask()
        return float(rows(page, "sums")["chat/a"]["ok"].removesuffix("/s")) > 1
    eventually(rate, 20, "what passes at the nodes is summed")
    assert page.complaints() == []
    page.picture("fleet")


def test_what_is_wrong_stands_out(rig, redis, backend):
    weirs = fleet_of(rig, backend, redis, 3)
    node(rig, backend, redis, "weir-odd", pool={"breaker": {"consecutive": 9}})
    page = opened(rig, weirs[0], width=390, dark=True)
    row(page, "nodes", "weir-odd", state="serving")

    def differs():
        found = rows(page, "nodes")
        leader = [name for name, r in found.items() if "leads" in r["role"]]
        odd = {name for name, r in found.items() if r["settings"] == "differ"}
        return odd == ({"weir-0", "weir-1", "weir-2"} if leader == ["weir-odd"] else {"weir-odd"})
    eventually(differs, 20, "who differs from the node that leads")
    weirs[1].admin("breaker chat/a open --here")
    row(page, "nodes", "weir-1", state="down")
    row(page, "sums", "chat/a", state="closed", own_path="open at weir-1")
    page.shows("#fleet-says", "the worst state is down, at weir-1")
    weirs[2].process.kill()
    weirs[2].process.wait()
    weirs[2].process = None
    row(page, "nodes", "weir-2", state="gone", news="")
    page.shows("#fleet-says", "3 of 4 nodes answer")
    assert page.js("document.documentElement.scrollWidth") <= 390, "no sideways scrolling"
    assert page.faint() == []
    page.picture("fleet-telephone-dark")
    assert page.complaints() == []


def test_a_node_that_is_alone_is_an_alarm(rig, redis, backend):
    weirs = fleet_of(rig, backend, redis, 2)
    page = opened(rig, weirs[0])
    row(page, "nodes", "weir-1", state="serving")
    assert page.js("document.querySelector('#alone').hidden")
    redis.kill()
    page.shows("#alone", "This node, weir-0, is alone: fleet chat-eu cannot be reached (Redis: ")
    page.shows("#say", "this node of the fleet chat-eu is alone")
    page.shows("#fleet-says", "weir-0 is alone", "what follows is this node alone")
    eventually(lambda: rows(page, "nodes") == {} and rows(page, "sums")["chat/a"]["nodes"] == "1", 10)
    assert page.faint() == []
    page.picture("fleet-alone")
    redis.start()
    eventually(lambda: page.js("document.querySelector('#alone').hidden"), 30, "the alarm is over")
    row(page, "nodes", "weir-1", state="serving")
    assert page.complaints() == []


def test_it_is_hidden_where_there_is_no_fleet_and_on_the_page_of_an_upstream(rig, redis, backend):
    alone = opened(rig, rig.weir(backend))
    alone.shows("#meta", "running for")
    assert not alone.js("document.querySelector('#fleet').checkVisibility()")
    [w] = fleet_of(rig, backend, redis, 1)
    page = opened(rig, w)
    row(page, "nodes", "weir-0", role="leads, this node")
    page.link("a").click()
    eventually(lambda: not page.js("document.querySelector('#fleet').checkVisibility()"))
    page.shows(".facts", "closed on all nodes")
    assert page.complaints() == []


def test_cells_change_in_place_and_have_names(rig, redis, backend):
    weirs = fleet_of(rig, backend, redis, 2)
    page = opened(rig, weirs[0])
    row(page, "nodes", "weir-1", state="serving")
    page.driver.execute_script("window.kept = document.querySelector('#nodes tbody tr:last-child td');")
    weirs[1].admin("breaker chat/a open --here")
    row(page, "nodes", "weir-1", state="down")
    assert page.js("kept.isConnected && kept === document.querySelector('#nodes tbody tr:last-child td')")
    assert page.nameless() == []
    assert page.js("[...document.querySelectorAll('#fleet th')].every(e => e.scope && e.textContent)")
    assert page.js("document.querySelectorAll('[aria-live], [role=status], [role=alert]').length") == 1
    assert page.faint() == []


def test_names_from_redis_are_text(rig, redis, backend):
    weirs = fleet_of(rig, backend, redis, 2)
    record = redis.cli("hvals", "weir:{chat-eu}:rec").split("\n")[0]
    page = opened(rig, weirs[0])

    def shown():
        """As long as it says that it lives."""
        redis.cli("hset", "weir:{chat-eu}:rec", "<b>x</b>.1", record + "\n@ 0\n=chat 0 0 0 0 0")
        redis.cli("zadd", "weir:{chat-eu}:nodes", str(int(time.time() * 1000)), "<b>x</b>.1")
        return rows(page, "nodes").get("<b>x</b>", {}).get("state") == "serving"
    eventually(shown, 20)
    assert page.js("document.querySelector('#nodes b') === null")


def test_no_page_no_reading_and_however_many_pages_one(rig, redis, backend):
    weirs = fleet_of(rig, backend, redis, 2)

    def reads_of_three_seconds():
        """Of a node that does not lead meanwhile, for who leads reads all the time: a busy machine may change who does."""
        def now(w):
            m = w.metrics()
            return [m.sum("weir_fleet_calls_total", call="read"), m.sum("weir_fleet_leader"), w.admin.status()["uptime_s"],
                    [e["seq"] for e in w.admin.json("events") if e["cause"].startswith("fleet_")]]

        def quiet(w):
            reads, leads, uptime, said = now(w)
            eventually(lambda: w.admin.status()["uptime_s"] >= uptime + 3, 20)
            after = now(w)
            return (after[0] - reads, after[2] - uptime) if not leads and said == after[3] else None
        return eventually(lambda: next(filter(None, map(quiet, weirs)), None), 60, "one does not lead for three seconds")
    assert reads_of_three_seconds()[0] == 0
    for w in weirs:
        for _ in range(2):
            page = opened(rig, w)
            row(page, "nodes", "weir-0", state="serving")
    reads, seconds = reads_of_three_seconds()
    assert 0 < reads <= seconds + 2
