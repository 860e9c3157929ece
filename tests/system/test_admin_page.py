# SPDX-License-Identifier: Apache-2.0
"""The live page in a real browser, before, during and after an outage; pictures go to
tests/artefacts for people to look at."""

import os
import shutil

import pytest

from harness.deadline import eventually, secs
from harness.simulated import Load, Simulated

webdriver = pytest.importorskip("selenium.webdriver",
                                reason="Debian's package python3-selenium is not there")
pytestmark = pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("chromedriver"),
                                reason="Debian's chromium and chromium-driver are not there")

ARTEFACTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../artefacts")


class Browser:
    def __init__(self, width, height, dark=False):
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                     "--disable-dev-shm-usage", f"--window-size={width},{height}"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.chrome.service.Service(shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(service=service, options=options)
        self.driver.set_page_load_timeout(secs(60))
        self.width, self.phone = width, width < 600
        self.size(height)
        self.cdp("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def size(self, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=self.width, height=height,
                 deviceScaleFactor=1, mobile=self.phone)

    def js(self, expression):
        return self.driver.execute_script(f"return {expression}")

    def text(self, selector):
        return self.js(f"[...document.querySelectorAll({selector!r})].map(e => e.textContent).join(' | ')")

    def shows(self, selector, *words, within=20):
        eventually(lambda: all(w in self.text(selector) for w in words), within,
                   f"{selector} says {words}, not {self.text(selector)!r}")

    def picture(self, name):
        """Of the whole page."""
        os.makedirs(ARTEFACTS, exist_ok=True)
        self.size(min(6000, self.js("document.documentElement.scrollHeight")))
        eventually(lambda: self.js("document.querySelector('canvas').getBoundingClientRect().width > 0"))
        self.driver.save_screenshot(os.path.join(ARTEFACTS, f"live-{name}.png"))

    def complaints(self):
        return [e["message"] for e in self.driver.get_log("browser")]

    def close(self):
        self.driver.quit()


STATES = ("serving", "shedding", "recovering", "down", "draining")


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
    page.shows("#word", "recovering", within=30)
    page.shows("#sentence", "is coming back", within=30)
    w.admin("ramp chat set 30")
    page.shows(".badge", "ramping, held")
    page.shows("article p", "ramp hold, by order of uid")
    page.picture("held")
    w.admin("ramp chat resume")
    page.shows("h3", "closed", within=60)
    page.picture("after")

    for browser in (page, late):
        assert not browser.complaints()
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
