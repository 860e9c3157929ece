# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, as large as a desk or a telephone."""

import os

from .console import complaints
from .deadline import eventually, secs
from .need import first_line, missing, need, need_module

ARTEFACTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../artefacts")

# What has to have a name for those who hear the page.
NAMED = {"button", "link", "radio", "slider", "img", "region", "navigation", "group", "table", "image",
         "DisclosureTriangle", "combobox", "checkbox", "textbox"}

# Text below 4.5 and drawings below 3 against their ground (WCAG 2.2, 1.4.3 and 1.4.11).
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


def _start():
    webdriver = need_module("selenium.webdriver", "python3-selenium")
    options = webdriver.ChromeOptions()
    options.binary_location = need("chromium")
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                 "--disable-dev-shm-usage"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.chrome.service.Service(need("chromedriver"))
    refused = need_module("selenium.common.exceptions", "python3-selenium").WebDriverException
    try:
        return webdriver.Chrome(service=service, options=options)
    except (refused, OSError) as e:
        return missing(f"a browser that starts: {first_line(e)}")


class Keys:
    """As WebDriver names them (W3C WebDriver, 17.4.2)."""

    TAB, ENTER, ESCAPE, ARROW_LEFT = "\ue004", "\ue007", "\ue00c", "\ue012"


class Browser:
    def __init__(self, width, height, dark=False):
        self.driver = _start()
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

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def link(self, text):
        return self.driver.find_element("link text", text)

    def actions(self):
        chains = need_module("selenium.webdriver.common.action_chains", "python3-selenium")
        return chains.ActionChains(self.driver)

    def press(self, *keys):
        """Where the focus is."""
        self.actions().send_keys(*keys).perform()

    def picture(self, name):
        """Of the whole page."""
        os.makedirs(ARTEFACTS, exist_ok=True)
        self.size(min(6000, self.js("document.documentElement.scrollHeight")))
        eventually(lambda: self.js("document.querySelector('canvas').getBoundingClientRect().width > 0"))
        self.driver.save_screenshot(os.path.join(ARTEFACTS, f"live-{name}.png"))

    def complaints(self):
        """What the page itself has done wrong since the last call; see console.py."""
        return complaints(self.driver.get_log("browser"))

    def close(self):
        self.driver.quit()

    def tree(self):
        """Roles and names, as those who hear the page get them."""
        for node in self.cdp("Accessibility.getFullAXTree")["nodes"]:
            if not node.get("ignored"):
                yield node["role"]["value"], node.get("name", {}).get("value", "")

    def nameless(self):
        return [role for role, name in self.tree() if role in NAMED and not name.strip()]

    def faint(self):
        """What does not stand out enough from its ground."""
        return self.driver.execute_script(CONTRAST)
