# SPDX-License-Identifier: Apache-2.0
"""What is installed beside the programs: manual pages, settings, unit; made from the tables and whole."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
BUILD = os.path.abspath(os.environ.get("WEIR_BUILD") or os.path.join(ROOT, "build"))
MADE = os.path.join(BUILD, "packaging")
sys.path.insert(0, os.path.join(ROOT, "packaging"))

import reference  # noqa: E402

PAGES = ["weir.8", "weir.cfg.5", "weirctl.1", "weir-bench.1"]


def program(name):
    return os.path.join(BUILD, name)


def shown(page):
    """As a reader sees it, in one line."""
    done = subprocess.run(["mandoc", "-Tascii", "-O", "width=1000", os.path.join(MADE, page)], check=True,
                          capture_output=True, text=True)
    return re.sub(r"\s+", " ", re.sub(r".\x08", "", done.stdout))


@pytest.mark.parametrize("page", PAGES)
def test_a_manual_page_is_good_mdoc(page):
    done = subprocess.run(["mandoc", "-Tlint", "-W", "warning", os.path.join(MADE, page)], capture_output=True,
                          text=True)
    assert done.returncode == 0 and not done.stdout, done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_a_manual_page_has_what_one_needs(page):
    wanted = {"NAME", "DESCRIPTION", "EXAMPLES", "SEE ALSO"}
    wanted |= {"FILES"} if page != "weir-bench.1" else set()
    wanted |= {"SYNOPSIS", "EXIT STATUS"} if page != "weir.cfg.5" else set()
    wanted |= {"SIGNALS", "ENVIRONMENT"} if page == "weir.8" else set()
    with open(os.path.join(MADE, page), encoding="utf-8") as f:
        assert wanted <= set(re.findall(r"^\.Sh (.*)$", f.read(), re.M))


def test_weir_8_has_every_option_and_every_cause():
    page = shown("weir.8")
    help_text = "\n".join(reference.said(program("weir"), "--help"))
    options = re.findall(r"^ +(?:-\w, )?(--[\w-]+)", help_text, re.M)
    assert "--check" in options
    with open(os.path.join(BUILD, "proxy/base/words.json"), encoding="utf-8") as f:
        causes = [c["name"] for c in json.load(f)["causes"] if c and c["name"]]
    assert "overloaded" in causes
    assert [w for w in options + causes if f" {w} " not in page] == []


def test_weir_cfg_5_has_every_setting():
    page = shown("weir.cfg.5")
    for section in reference.read(program("weir"))[1]:
        begin = page.index(f" {section.name} {section.about.split('`')[0][:40]}")
        for setting in section.settings:
            assert f" {setting.key} " in page[begin:], f"{section.name}.{setting.key}"


def test_weirctl_1_has_every_command_with_its_words():
    page = shown("weirctl.1")
    forms = [re.split(r" {2,}", line.strip())[0] for line in reference.said(program("weirctl"), "help")
             if line.startswith("  ") and not line.startswith("   ") and not line.startswith("  --")]
    assert "ramp POOL[/UPSTREAM] hold [for TIME]" in forms
    assert [f for f in forms if f" {f} " not in page] == []


def test_weir_bench_1_has_every_option_of_every_command():
    page = shown("weir-bench.1")
    for command in ("backend", "load", "story", "run", "report", "compare", "check", "relay"):
        options = re.findall(r"^ +(--[\w-]+)", "\n".join(reference.said(program("weir-bench"), command, "--help")),
                             re.M)
        assert [o for o in options if f"{o} " not in page] == [], command


# the settings of a fresh installation

def settings_text():
    with open(os.path.join(MADE, "weir.cfg"), encoding="utf-8") as f:
        return f.read()


def check(tmp_path, text):
    file = tmp_path / "weir.cfg"
    file.write_text(text)
    return subprocess.run([program("weir"), "--check", "-c", file], capture_output=True, text=True)


def test_the_settings_as_installed_are_good(tmp_path):
    done = check(tmp_path, settings_text())
    assert done.returncode == 0, done.stderr


def test_the_settings_name_every_key_of_the_table():
    keys = re.findall(r"^[ #]*(\w+) = ", settings_text(), re.M)
    for section in reference.read(program("weir"))[1]:
        for setting in section.settings:
            assert setting.key in keys, f"{section.name}.{setting.key}"


def test_the_comments_are_settings_once_their_sign_is_taken_away(tmp_path):
    """Groups as well, but not what only words can tell, nor what has to be given (a certificate)."""
    text = re.sub(r"^[ #]*\w+ = (\.\.\.|\[ \]);\n", "", settings_text(), flags=re.M)
    # no TLS where no certificate is, no list of none
    text = re.sub(r"^( *)#(tls = \{|routes = \(|limits = \().*?^ *#[})][^\n]*\n", "", text, flags=re.M | re.S)
    for _ in range(3):
        text = re.sub(r"^( *)#(?= {2,}|[\w})])", r"\1", text, flags=re.M)
    done = check(tmp_path, text)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^ +breaker = {$.*^ +window = ", text, re.M | re.S)


# what goes where

@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", folder], check=True,
                   capture_output=True)
    return str(folder)


def test_everything_is_installed_into_the_prefix(installed):
    found = sorted(os.path.relpath(os.path.join(f, name), installed) for f, _, names in os.walk(installed)
                   for name in names)
    tails = ["bin/weir", "bin/weirctl", "bin/weir-bench", "etc/weir/weir.cfg", "etc/logrotate.d/weir",
             "lib/systemd/system/weir.service", "lib/sysusers.d/weir.conf", "man8/weir.8", "man5/weir.cfg.5",
             "man1/weirctl.1", "man1/weir-bench.1", "bash-completion/completions/weirctl", "_weirctl"]
    assert [t for t in tails if not any(f.endswith(t) for f in found)] == []


def test_the_unit_starts_what_was_installed(installed):
    with open(os.path.join(MADE, "weir.service"), encoding="utf-8") as f:
        unit = dict(re.findall(r"^(\w+)=(.*)$", f.read(), re.M))
    start, reload = unit["ExecStart"].split(), unit["ExecReload"].split()
    for path in (start[0], reload[0], start[2]):
        assert os.path.exists(installed + path), path
    assert reload[1:] == ["reload"]
    with open(os.path.join(ROOT, "packaging/sysusers.conf"), encoding="utf-8") as f:
        assert f"u {unit['User']} " in f.read(), "the user of the unit is made"


EXPOSURE_MAX = 1.7


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")
def test_the_unit_is_not_more_exposed_than_it_was():
    """The figure is in docs/operations.md."""
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager",
                           os.path.join(MADE, "weir.service")], capture_output=True, text=True)
    said = re.search(r"exposure level for weir.service: ([\d.]+)", done.stdout)
    assert said, done.stdout + done.stderr
    assert float(said.group(1)) <= EXPOSURE_MAX, done.stdout
    with open(os.path.join(ROOT, "docs/operations.md"), encoding="utf-8") as f:
        assert f"exposure level of {EXPOSURE_MAX}" in f.read()
