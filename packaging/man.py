#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Manual pages from the tables: a template, with what the programs say of themselves put in.

    man.py TEMPLATE VERSION WEIR WEIRCTL WEIR_BENCH WORDS_JSON    prints the page (mdoc)

A line `@NAME@` in a template is replaced by what the function of that name in PARTS makes.
Options come from --help, settings from `weir --settings`, commands from `weirctl help`, causes from
the lists of words: a page cannot differ from its program.
"""

import collections
import json
import re
import sys
import textwrap

import reference
from reference import said


def text(s):
    """Running text: nothing in it is a request, nothing an escape; Markdown's marks are gone."""
    s = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", s).replace("`", "").replace("\\", "\\e")
    s = s.replace("–", "-")
    # a sentence a line, as mandoc wants it
    s = re.sub(r"(?<=[.?!]) +(?=[A-Z\"0-9<])", "\n", s)
    lines = [short for line in s.split("\n") for short in textwrap.wrap(line, 76) or [""]]
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in lines)


def item(words):
    """Of a list: words of the command line, none of them a macro."""
    return ".It Li \"" + words.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq") + '"'


def tagged(pairs, width="Ds"):
    lines = [f".Bl -tag -width {width}"]
    for words, help_lines in pairs:
        lines.append(item(words))
        lines += [text(line) for line in help_lines if line]
    return lines + [".El"]


def literal(lines):
    lines = [line.replace("\\", "\\e") for line in lines]
    return [".Bd -literal", *("\\&" + x if x[:1] in (".", "'") else x for x in lines), ".Ed"]


OPTION = re.compile(r"^ {2,6}((?:-\w, )?--[\w-]+(?: (?:[A-Z]+|[A-Z]\w*:\w+|[a-z]+\|[a-z]+|\"NAME: VALUE\"))?)(?:\s+(.*))?$")


def options(lines):
    """[(option, [help])] of an indented list; a line that is indented more goes on."""
    found = []
    for line in lines:
        begins = OPTION.match(line)
        if begins:
            found.append((begins.group(1), [begins.group(2) or ""]))
        elif found and line.startswith(" " * 10):
            found[-1][1].append(line.strip())
    return found


Programs = collections.namedtuple("Programs", "weir weirctl bench words")


def weir_options(p):
    return tagged(options(said(p.weir, "--help")))


def weirctl_options(p):
    lines = said(p.weirctl, "help")
    end = next(i for i, line in enumerate(lines) if line.startswith("What can be read"))
    return tagged(options(lines[:end]))


def commands(p):
    made, pairs = [], []
    lines = said(p.weirctl, "help")
    begin = next(i for i, line in enumerate(lines) if line.startswith("What can be read"))
    for line in lines[begin:]:
        if not line.startswith(" "):
            made += tagged(pairs) if pairs else []
            made += [".Pp", text(line)] if made else [text(line)]
            pairs = []
        else:
            form, about = re.match(r"  (\S.*?) {2,}(.*)$", line).groups()
            pairs.append((form, [about + "."]))
    return made + tagged(pairs)


def intro(paragraphs):
    """Without the way to files that a page has not."""
    words = "\n\n".join(paragraphs).replace("those marked *restart*", "those that say otherwise")
    return re.sub(r" ?\[weir.cfg\]\(weir.cfg\).*$", "", words, flags=re.S).split("\n\n")


def setting(s):
    facts = [f"Value: {s.value}."] if s.value else []
    if s.required:
        facts.append("Has to be given.")
    elif s.default:
        facts.append(f"Default: {s.default}.")
    return s.key, [s.about[:1].upper() + s.about[1:] + "." if s.about else "",
                   "A reload does not change it." if s.not_live else "", " ".join(facts)]


def settings(p):
    paragraphs, sections = reference.read(p.weir)
    made = []
    for paragraph in intro(paragraphs):
        made += [".Pp"] * bool(made) + [text(paragraph.replace("\n", " "))]
    for section in sections:
        # "At" is a macro, and so are other short words
        made += [f".Ss \\&{section.name}\\&", text(section.about)]
        made += tagged(setting(s) for s in section.settings)
    return made


def causes(p):
    with open(p.words, encoding="utf-8") as f:
        rows = [c for c in json.load(f)["causes"] if c and c["name"]]
    made = []
    for side, title in (("weir", "Refused by weir, because"), ("upstream", "What the upstream did:"),
                        ("client", "What the client did:")):
        made += [".Pp", title]
        made += tagged((c["name"], [c["because"][:1].upper() + c["because"][1:] + "."])
                       for c in rows if c["side"] == side)
    return made


NOT_INSTALLED = ("micro",)  # another program, of those who build weir


def bench_commands(p):
    rows = [re.match(r"  weir-bench (\S+) +(.*)", x) for x in said(p.bench, "--help")]
    return [(r.group(1), r.group(2)) for r in rows if r and r.group(1) not in NOT_INSTALLED]


def bench_list(p):
    return tagged((name, [about[:1].upper() + about[1:] + "."]) for name, about in bench_commands(p))


def paragraphs(lines):
    """A command's --help in its pieces: each option list, and the text around it."""
    at, found = 0, []
    while at < len(lines):
        end = next((i for i in range(at, len(lines)) if not lines[i]), len(lines))
        if end > at:
            found.append(lines[at:end])
        at = end + 1
    return found


def bench_help(p):
    made = []
    for name, _ in bench_commands(p):
        usage, *rest = paragraphs(said(p.bench, name, "--help"))
        made += [f".Ss {name}", *literal(usage)]
        for part in rest:
            found = options(part)
            if found:
                made += [".Pp", text(part[0])] if not OPTION.match(part[0]) else []
                made += tagged(found)
            elif any(line.startswith(" ") for line in part):
                made += literal(part)
            else:
                made += [".Pp", *(text(line) for line in part)]
    return made


PARTS = {"weir-options": weir_options, "weirctl-options": weirctl_options, "commands": commands,
         "settings": settings, "causes": causes, "bench-list": bench_list, "bench-help": bench_help}


def page(template, version, p):
    for line in template.splitlines():
        part = re.fullmatch(r"@([\w-]+)@", line)
        if part:
            yield from PARTS[part.group(1)](p)
        elif not line.startswith("# "):
            yield line.replace("@version@", version)


def main(template, version, *programs):
    with open(template, encoding="utf-8") as f:
        lines = "\n".join(page(f.read(), version, Programs(*programs))).split("\n")
    # an empty line is a mistake in mdoc, but not within a display
    inside = False
    for line in lines:
        inside = line.startswith(".Bd") or (inside and not line.startswith(".Ed"))
        if line or inside:
            print(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
