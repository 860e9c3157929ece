# SPDX-License-Identifier: Apache-2.0
"""The settings table as `weir --settings` prints it, for pages and files that are made from it."""

import re
import subprocess


class Setting:
    def __init__(self, row):
        cells = [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", row.strip("| \n"))]
        self.key, self.default, self.value = cells[0].strip("`"), cells[1], cells[2]
        self.about = (cells[3] if len(cells) > 3 else "").replace(" (*restart*)", "")
        self.not_live = "(*restart*)" in row
        self.required = "(required)" in self.default

    @property
    def kind(self):
        """group, list of groups, list, number ..."""
        return re.split(r"[;:,]", self.value)[0]


class Section:
    def __init__(self, text):
        name, *body = text.split("\n")
        self.name = name.strip("`")  # pools[].limiter; "At the top"
        self.about = " ".join(line for line in body if line and not line.startswith("|"))
        self.settings = [Setting(line) for line in body if line.startswith("| `")]


def said(program, *args):
    """Lines that a program prints about itself."""
    return subprocess.run([program, *args], check=True, capture_output=True, text=True).stdout.splitlines()


def read(weir):
    """(paragraphs before the first table, sections)"""
    intro, *sections = "\n".join(said(weir, "--settings")).split("\n## ")
    intro = re.sub(r"<!--.*?-->|^# .*$", "", intro, flags=re.M).strip()
    return intro.split("\n\n"), [Section(s) for s in sections]
