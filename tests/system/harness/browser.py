# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, as large as a desk or a telephone."""

import os

from .console import complaints
from .deadline import eventually, secs
from .need import first_line, missing, need, need_module

ARTEFACTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../artefacts")


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
