# SPDX-License-Identifier: Apache-2.0
"""The live page in a real browser, before, during and after an outage; pictures go to
tests/artefacts for people to look at."""

import re

from harness.browser import Browser
from harness.deadline import eventually
from harness.simulated import Load, Simulated
from harness.words import names

STATES = names("service_states")


def _open(rig, w, **how):
    browser = rig.keep(Browser(how.pop("width", 1180), 900, **how))
    browser.driver.get("http://%s:%d/" % w.admin_address)
    eventually(lambda: browser.text("#word") in STATES, 30, "the page knows the state")
    return browser


def _ink(browser, figure):
    """How many pixels of a figure's canvas are drawn at its right edge, where now is."""
    return browser.js(
        "(() => { const f = [...document.querySelectorAll('figure')].find(f => f.textContent.includes("
        f"{figure!r})); if (!f) return -1; const c = f.querySelector('canvas'), g = c.getContext('2d');"
        "const w = Math.floor(c.width / 3); const d = g.getImageData(c.width - w, 11, w, c.height - 26).data;"
        "let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; })()")


def test_the_page_tells_an_outage_as_it_happens(rig):
    backends = [rig.keep(Simulated("--slots", "16")) for _ in range(2)]
    w = rig.weir(*backends, enforce=True, log={"access": "off"})
    w.check_books = False
    rig.keep(Load(w, 12, 120, "--output", "60", "--sdk", "openai"))
    page = _open(rig, w)
    page.shows("#word", "serving")
    page.shows("#sentence", "Everything that comes is let through")
    page.shows("h3", "a", "closed")
    eventually(lambda: _ink(page, "Outcomes") > 200, 20, "outcomes are drawn")

    for b in backends:
        b.fault("down")
    page.shows("#word", "down")
    page.shows("#sentence", "Pool chat is down: no upstream takes anything")
    page.shows("#events", "closed -> open")
    page.shows(".legend", "circuit open")
    eventually(lambda: _ink(page, "Refused, by cause") > 200, 20, "refusals are drawn")
    w.admin("incident chat set <b>We are on it</b>")
    page.shows("#incident", "<b>We are on it</b>")
    page.shows("#events", "probes have failed")
    page.picture("outage")

    late = _open(rig, w, width=390, dark=True)
    late.shows("#sentence", "Pool chat")
    assert _ink(late, "Outcomes") > 50, "a page opened now shows how it began"
    assert late.js("document.documentElement.scrollWidth") <= 390, "no sideways scrolling"
    late.picture("telephone-dark")

    for b in backends:
        b.fault("up-cold")
    # a state that may pass quickly, or come and go: both words in one look
    eventually(lambda: re.search(r"recovering \| Pool chat is (coming back|being probed)",
                                 page.text("#word, #sentence")), 60, "the page tells the recovery")
    w.admin("ramp chat set 30")
    page.shows("#sentence", "is coming back: 30\u00a0% of the known-good load")
    page.shows(".badge", "ramping, held")
    page.shows("article p", "ramp hold, commanded by uid")
    page.picture("held")
    w.admin("ramp chat resume")
    page.shows("h3", "closed", within=60)
    page.picture("after")

    for browser in (page, late):
        assert browser.complaints() == []
    w.stop()
    page.shows("#word", "no connection", within=30)


def test_the_page_loads_nothing_and_runs_nothing_from_elsewhere(rig):
    w = rig.weir(rig.backend())
    page = _open(rig, w)
    names = page.js("performance.getEntriesByType('resource').map(e => e.name)")
    assert {n.rsplit("/", 1)[1] for n in names} <= {"events"}, names
    page.driver.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.foreign = 1';"
        "document.body.append(s);")
    assert page.js("window.foreign") is None, "the policy lets our own script run and no other"


def test_what_the_page_does_wrong_is_told_from_what_the_browser_advises(rig):
    """The real browser's words of today, beside those of tests/console.json."""
    page = _open(rig, rig.weir(rig.backend()))
    page.driver.execute_script(
        "const c = document.querySelector('canvas').getContext('2d');"
        "for (let i = 0; i < 4; i++) c.getImageData(0, 0, 1, 1);"
        "const x = new XMLHttpRequest(); x.open('GET', '/status.json', false); x.send();")
    assert page.complaints() == []
    page.driver.execute_script(
        "console.warn('a warning'); console.error('an error');"
        "setTimeout(() => { throw new Error('thrown'); });"
        "fetch('/no-such-page'); fetch('http://127.0.0.2:1/').catch(() => {});")
    found = []
    for word in ("a warning", "an error", "thrown", "no-such-page", "Content Security Policy"):
        eventually(lambda: found.extend(page.complaints()) or any(word in f for f in found), 10,
                   f"{word} is found")
