# SPDX-License-Identifier: Apache-2.0
"""The live page in use: scale, values of a second, a page for each upstream; by keyboard, by ear, by
those who need contrast; and over a hot restart."""

import re

from harness.ask import end_stream, open_stream
from harness.backend import always
from harness.browser import Browser, Keys
from harness.deadline import eventually
from harness.dialects import CHAT
from harness.words import names

STATES = names("service_states")


def _weir(rig, n=2, **how):
    backends = [rig.backend() for _ in range(n)]
    for b in backends:
        b.serve(always(200, b"fine"))
    return rig.weir(*backends, enforce=True, **how)


def _open(rig, w, fragment="", **how):
    page = rig.keep(Browser(how.pop("width", 1180), 900, **how))
    page.driver.get("http://%s:%d/%s" % (*w.admin_address, fragment))
    eventually(lambda: page.text("#word") in STATES and page.js("document.querySelector('canvas') !== null"),
               30, "the page knows the state")
    return page


def _points(page, n):
    """The page has seen so many seconds."""
    eventually(lambda: page.js("document.querySelectorAll('.read')[0].textContent.length > 0"), 10)
    first = page.text("#meta")
    for _ in range(n):
        eventually(lambda: page.text("#meta") != first, 10)
        first = page.text("#meta")


def _visible(page, selector):
    return page.js(f"[...document.querySelectorAll({selector!r})]"
                   ".filter(e => e.checkVisibility()).map(e => e.textContent)")


# what it says

def test_it_says_which_limit_binds(rig):
    b = rig.backend()
    w = rig.weir(b, enforce=True)
    page = _open(rig, w)
    page.shows(".binding", "1 of 1 upstream would take another request.", "0 of 4 waiting for a first token.")
    client, _, body, peer = open_stream(w, b)
    w.admin("limit chat/a streams 1")
    page.shows(".binding", w.admin.upstream()["binding"]["sentence"])
    assert page.js("document.querySelector('article .binding').dataset.binds") == "true"
    end_stream(CHAT, body, peer)
    client.close()
    page.shows(".binding", "0 of 1 places used; nothing holds it")


# scale and values

def test_the_scale_goes_from_a_minute_to_the_ring_by_keyboard(rig):
    page = _open(rig, _weir(rig, 1))
    radios = page.driver.find_elements("css selector", "#spans input")
    assert [r.get_attribute("value") for r in radios] == ["60", "120", "300", "600"]
    radios[-1].send_keys(Keys.ARROW_LEFT)
    assert radios[2].is_selected()
    radios[2].send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert radios[0].is_selected()
    eventually(lambda: "last 1 min" in page.js("document.querySelector('article .plots canvas').getAttribute('aria-label')"))
    assert page.js("document.querySelector('#at').min") == "-59"
    assert page.complaints() == []


def test_the_values_of_a_second_are_read_by_pointer_and_by_keyboard(rig):
    page = _open(rig, _weir(rig, 1))
    _points(page, 4)
    page.js("document.querySelectorAll('#spans input')[0].click()")
    plot = page.find("article .plots canvas")
    page.actions().move_to_element_with_offset(plot, plot.size["width"] // 2 - 4, 0).perform()

    def reads():
        return {text[:10] for text in _visible(page, ".read")}
    eventually(lambda: len(reads()) == 1 and re.match(r"\d\d:\d\d:\d\d: ", reads().pop()), 5,
               "all plots show the same second")
    page.actions().move_to_element(page.find("#word")).perform()
    eventually(lambda: not any(re.match(r"\d\d:", r) for r in reads()), 5, "now again")

    slider = page.find("#at")
    slider.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    eventually(lambda: "2 s before the end" in slider.get_attribute("aria-valuetext"))
    assert page.text("#paused").startswith("paused at ")
    assert page.find("#pause").get_attribute("aria-pressed") == "true"
    pinned = eventually(lambda: len(reads()) == 1 and reads().pop())
    _points(page, 2)
    assert reads() == {pinned}, "time goes on, and the second that is read stays"
    assert pinned[:8] in page.text("#second")
    page.press(Keys.ESCAPE)
    eventually(lambda: page.text("#second") == "now" and page.text("#paused") == "")


def test_a_click_holds_a_second_fast(rig):
    page = _open(rig, _weir(rig, 1))
    _points(page, 3)
    page.find("article .plots canvas").click()
    eventually(lambda: page.text("#paused") != "")
    page.find("#pause").click()
    eventually(lambda: page.text("#second") == "now" and page.text("#paused") == "")


def test_the_plots_are_there_as_tables(rig):
    w = _weir(rig, 1)
    page = _open(rig, w)
    w.admin("breaker chat/a open")
    page.shows("#events", "closed -> open")
    _points(page, 2)
    page.find("article summary").send_keys(Keys.ENTER)
    eventually(lambda: "open" in page.text("article tbody"), 30)
    assert "chat/a, the last 10 min in steps of 20 s" in page.text("article caption")
    heads = page.js("[...document.querySelectorAll('article thead th')].map(e => e.textContent)")
    assert heads[:3] == ["until", "state", "share"] and "connect failed" in heads
    assert page.js("[...document.querySelectorAll('table th')].every(e => e.scope)")


# pages of upstreams

def test_each_upstream_has_a_page_and_the_back_button_works(rig):
    w = _weir(rig)
    page = _open(rig, w)
    assert len(_visible(page, "article")) == 2 and not _visible(page, ".facts")
    page.link("b").click()
    eventually(lambda: len(_visible(page, "article")) == 1)
    assert page.driver.current_url.endswith("#chat/b")
    assert page.driver.title == "chat/b: closed – weir"
    assert "Address" in _visible(page, ".facts")[0]
    assert page.js("document.activeElement.textContent").startswith("b")
    assert page.js("document.querySelector('#crumbs [aria-current]').textContent") == "chat/b"
    w.admin("breaker chat/a open")
    w.admin("breaker chat/b open")
    eventually(lambda: any("chat/b: closed -> open" in e for e in _visible(page, "#events li")))
    assert not any("chat/a" in e for e in _visible(page, "#events li"))
    page.link("chat/a").click()
    eventually(lambda: any("chat/a: closed -> open" in e for e in _visible(page, "#events li")))
    page.driver.back()
    eventually(lambda: page.driver.title.startswith("chat/b: "))
    page.driver.back()
    eventually(lambda: len(_visible(page, "article")) == 2)
    assert page.js("document.activeElement.textContent") == "b", "where one came from"
    assert page.complaints() == []


def test_a_link_leads_to_an_upstream_or_says_that_there_is_none(rig):
    w = _weir(rig)
    page = _open(rig, w, "#chat/b")
    assert [a.strip()[0] for a in _visible(page, "h3")] == ["b"]
    page.driver.get("http://%s:%d/#chat/<i>gone" % w.admin_address)
    page.shows("#nowhere", "There is no upstream chat/<i>gone now")
    assert len(_visible(page, "article")) == 2
    page.driver.get("http://%s:%d/#chat/%%E0%%A4%%A" % w.admin_address)
    eventually(lambda: page.js("document.querySelector('#nowhere').hidden") and len(_visible(page, "article")) == 2)
    assert page.complaints() == []


# for everybody

NAMED = {"button", "link", "radio", "slider", "img", "region", "navigation", "group", "table", "image",
         "DisclosureTriangle", "combobox", "checkbox", "textbox"}


def _tree(page):
    for node in page.cdp("Accessibility.getFullAXTree")["nodes"]:
        if not node.get("ignored"):
            yield node["role"]["value"], node.get("name", {}).get("value", "")


def test_every_control_has_a_name_and_its_place(rig):
    page = _open(rig, _weir(rig), "#chat/a")
    page.js("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    nameless = [role for role, name in _tree(page) if role in NAMED and not name.strip()]
    assert nameless == []
    roles = [role for role, _ in _tree(page)]
    for role in ("main", "navigation", "slider", "radio", "button", "table", "status"):
        assert role in roles, role
    assert page.js("[...document.querySelectorAll('[tabindex]')].every(e => e.tabIndex <= 0)")
    levels = page.js("[...document.querySelectorAll('h1, h2, h3')].filter(e => e.checkVisibility()).map(e => +e.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:])), levels
    assert page.js("document.documentElement.lang") == "en"
    ids = page.js("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_the_tab_key_goes_from_top_to_bottom(rig):
    page = _open(rig, _weir(rig, 1))
    seen = []
    for _ in range(12):
        page.press(Keys.TAB)
        seen.append(page.js("document.activeElement.id || document.activeElement.name || document.activeElement.tagName"))
    wanted = ["skip", "span", "at", "pause", "SUMMARY", "A", "SUMMARY", "log"]
    assert [s for s in seen if s in wanted][:len(wanted)] == wanted, seen
    page.find("#skip").send_keys(Keys.ENTER)
    assert page.js("document.activeElement.id") == "main"


def test_who_hears_the_page_hears_changes_of_state_and_nothing_else(rig):
    w = _weir(rig, 1)
    page = _open(rig, w)
    page.driver.execute_script(
        "window.heard = []; new MutationObserver(() => window.heard.push(document.querySelector('#say').textContent))"
        ".observe(document.querySelector('#say'), {childList: true, characterData: true, subtree: true});")
    assert page.js("document.querySelectorAll('[aria-live], [role=status], [role=alert]').length") == 1
    _points(page, 4)
    assert page.js("heard") == [], "a second that passes is no news"
    w.admin("breaker chat/a open")
    eventually(lambda: page.js("heard"))
    _points(page, 4)
    assert len(page.js("heard")) == 1 and page.js("heard")[0].startswith("weir is down. Pool chat is down")


CONTRAST = """
const lum = ([r, g, b]) => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
const rgb = s => s.match(/[\\d.]+/g).map(Number);
const ratio = (a, b) => { const [x, y] = [lum(a), lum(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
  if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
const bad = [];
for (const e of document.querySelectorAll('body *')) {
  if (!e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
  const r = ratio(rgb(getComputedStyle(e).color), ground(e));
  if (r < 4.5) bad.push([e.tagName, e.className, e.textContent.slice(0, 30), r]);
}
const style = getComputedStyle(document.documentElement), probe = document.body.appendChild(document.createElement('i'));
for (const name of [...document.styleSheets[0].cssRules[0].style].filter(n => /^--([soc][-\\d]|line$|second|edge)/.test(n))) {
  probe.style.color = `var(${name})`;
  const card = document.querySelector('.card'), r = ratio(rgb(getComputedStyle(probe).color), ground(card));
  if (r < 3) bad.push([name, r]);
}
probe.remove();
return bad;
"""


def test_text_and_drawings_stand_out_in_both_schemes(rig):
    w = _weir(rig)
    w.admin("breaker chat/a open")
    for dark in (False, True):
        page = _open(rig, w, "#chat/a", dark=dark)
        page.shows("#word", "serving")
        assert page.driver.execute_script(CONTRAST) == []
        page.close()


def test_who_wants_less_motion_sees_the_plots_step(rig):
    page = _open(rig, _weir(rig, 1))
    page.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    _points(page, 7)
    page.find("#pause").click()
    at = re.search(r"paused at \d\d:\d\d:(\d\d)", page.text("#paused"))
    assert int(at.group(1)) % 5 == 0


# another process

def test_an_open_page_goes_over_to_the_next_process_and_keeps_what_was(rig):
    b = rig.backend()
    w = rig.weir(b)
    page = _open(rig, w)
    client, _, body, peer = open_stream(w, b)
    _points(page, 11)  # more than a step of the table below
    w.admin("breaker chat/a open for 1h")
    page.shows("#events", "closed -> open")
    _points(page, 3)
    w.upgrade()
    page.shows("#events", f"(pid {w.pid}) has taken over", "closed -> open")
    page.shows("#word", "down")
    page.js("document.querySelectorAll('#spans input')[2].click()")
    page.find("article summary").send_keys(Keys.ENTER)
    page.shows("article caption", "the last 5 min in steps of 10 s")
    eventually(lambda: "closed" in page.text("article tbody") and "open" in page.text("article tbody"), 30)
    assert w.older[0].poll() is None, "the old one still has its stream"
    end_stream(CHAT, body, peer)
    client.close()
