# SPDX-License-Identifier: Apache-2.0
"""Which lines of a browser's console judge the page.

The page is judged by its own errors (thrown, or said with console.error and console.warn), by
requests that failed, and by what its content security policy had to block.  Advice, deprecations,
hints about speed and interventions change with the browser's version: they are printed.
tests/console.json has the table, which the tests of the clients read as well.
"""

import json
import os
import re

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../console.json"),
          encoding="utf-8") as _f:
    TABLE = json.load(_f)

LEVELS = TABLE["levels"]
NOT_THE_PAGES = [re.compile(p) for p in TABLE["not_the_pages"]]
# chromedriver's names of the levels
WEBDRIVER = {"DEBUG": "debug", "INFO": "info", "WARNING": "warning", "SEVERE": "error"}


def judges_the_page(source, level, text):
    """source and level in the words of the table; text begins with the address of the script."""
    least = TABLE["judged_from"].get(source)
    if least is None or LEVELS.index(level) < LEVELS.index(least):
        return False
    return not any(p.search(text) for p in NOT_THE_PAGES)


def complaints(entries):
    """Of chromedriver's log "browser": what judges the page.  All else is printed."""
    judged = []
    for e in entries:
        line = f"{e.get('source', 'unknown')}, {e['level'].lower()}: {e['message']}"
        if judges_the_page(e.get("source"), WEBDRIVER.get(e["level"], "info"), e["message"]):
            judged.append(line)
        else:
            print(f"the browser says, and is not judged: {line}")
    return judged
