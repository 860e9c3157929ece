#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The settings file of a fresh installation: a template with every other setting as a comment.

    defaults.py TEMPLATE WEIR    prints it

A line `@NAME@` in the template is replaced by the settings of that section of the table ("pools[]",
"At the top"), with the groups inside it.  A key that the template gives itself, at the line's own depth, is
left out.
"""

import re
import sys
import textwrap

import reference

WIDTH = 100


def comment(indent, words):
    return textwrap.wrap(words, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def written(s):
    """The default as the file would have it; one that only words can tell is left open."""
    plain = re.match(r'("[^"]*"|[0-9.]+|true|false)(?= \(|$)', s.default)
    return plain.group() if plain else "[ ]" if s.kind == "list" else "..."


def scalar(s, indent):
    value = written(s)
    facts = s.value
    if s.required:
        facts += "; has to be given"
    elif s.default and s.default != value:
        facts += f"; default: {s.default}"
    return [*comment(indent, f"{s.about[:1].upper()}{s.about[1:]} ({facts})"), f"{indent}#{s.key} = {value};"]


class Maker:
    def __init__(self, weir):
        self.sections = {s.name: s for s in reference.read(weir)[1]}

    def group(self, name, s, indent):
        """A group that is not there as long as it is a comment."""
        many = s.kind == "list of groups"
        path = f"{name}.{s.key}".lstrip(".") + "[]" * many
        opening, closing = ("( {", "} );") if many else ("{", "};")
        lines = [f"{s.key} = {opening}", *self.section(path, "  ", ()), closing]
        return [*comment(indent, self.sections[path].about),
                *(f"{indent}#{re.sub('^( *)#(?! )', chr(92) + '1', line)}" for line in lines)]

    def section(self, name, indent, given):
        made = []
        for s in self.sections[name].settings if name in self.sections else ():
            if s.key in given:
                continue
            if s.kind in ("group", "list of groups"):
                made += self.group("" if name == "At the top" else name, s, indent)
            else:
                made += scalar(s, indent)
        return made


def given_at(lines, at):
    """Keys that the template sets beside the line, at its depth."""
    indent = re.match(" *", lines[at]).group()
    return set(re.findall(rf"^{indent}(\w+) =", "\n".join(lines), re.M))


def main(template, weir):
    maker = Maker(weir)
    with open(template, encoding="utf-8") as f:
        lines = f.read().splitlines()
    for at, line in enumerate(lines):
        place = re.fullmatch(r"( *)@(.*)@", line)
        made = maker.section(place.group(2), place.group(1), given_at(lines, at)) if place else [line]
        print("\n".join(made))


if __name__ == "__main__":
    main(*sys.argv[1:])
