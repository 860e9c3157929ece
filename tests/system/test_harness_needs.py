# SPDX-License-Identifier: Apache-2.0
"""What a verdict may depend on: not on what the version of a tool advises, and a tool that is not
there is named in one line."""

import os
import subprocess
import sys

import pytest

from harness import console, need, promtool

EXAMPLES = console.TABLE["examples"]
HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.mark.parametrize("line", EXAMPLES, ids=lambda e: f"{e['source']}-{e['level']}")
def test_a_line_of_the_console_judges_the_page_or_is_the_browsers_own(line):
    judged = console.judges_the_page(line["source"], line["level"], line["text"])
    assert judged == (line["of"] == "page"), line


def test_what_is_not_judged_is_printed(capsys):
    advice, error = [e for e in EXAMPLES if "willReadFrequently" in e["text"] or "thrown" in e["text"]][::-1]
    names = {v: k for k, v in console.WEBDRIVER.items()}
    log = [{"source": e["source"], "level": names[e["level"]], "message": e["text"]}
           for e in (advice, error)]
    found = console.complaints(log)
    assert len(found) == 1 and "Uncaught Error: thrown" in found[0]
    assert "willReadFrequently" in capsys.readouterr().out


def test_only_conventions_of_today_are_asked_of_the_metrics(capsys):
    said = ('y counter metrics should have "_total" suffix\ny no help text\n'
            'weir_x some advice of a promtool that is not yet written\n')
    assert promtool.against_conventions(said) == said.splitlines()[:2]
    assert "not yet written" in capsys.readouterr().out


def test_metrics_that_cannot_be_parsed_fail():
    with pytest.raises(AssertionError, match="parsing error"):
        promtool.promtool("check", "metrics", stdin="x{ 1\n")


# A test that lacks what it needs, run by a pytest of its own.
LACKING = {
    "a browser": ("from harness.browser import Browser\ndef test_it(): Browser(400, 400)\n", "chromium"),
    "a driver": ("from harness.browser import Browser\ndef test_it(): Browser(400, 400)\n",
                 "chromedriver (Debian's package chromium-driver)"),
    "selenium": ("import sys\nsys.modules['selenium'] = None\nfrom harness.browser import Browser\n"
                 "def test_it(): Browser(400, 400)\n", "selenium.webdriver for python3 (Debian's package python3-selenium)"),
    "a browser that starts": ("from harness.browser import Browser\ndef test_it(): Browser(400, 400)\n",
                              "a browser that starts: "),
    "a terminal": ("import errno, os\nfrom harness.terminal import Terminal\n"
                   "def test_it(monkeypatch):\n"
                   "    def none(): raise OSError(errno.ENOENT, 'out of pty devices')\n"
                   "    monkeypatch.setattr(os, 'openpty', none)\n    Terminal('true')\n",
                   "a pseudo terminal (is /dev/pts mounted?): out of pty devices"),
    "promtool": ("from harness.promtool import promtool\n"
                 "def test_it(): promtool('check', 'metrics', stdin='')\n",
                 "promtool (Debian's package prometheus)"),
    "openssl": ("from harness.certs import Authority\ndef test_it(tmp_path): Authority(str(tmp_path))\n",
                "openssl (Debian's package openssl)"),
}
# The programs that are there after all; each of them ends at once and in vain.
STAND_INS = {"a driver": ["chromium"], "selenium": ["chromium", "chromedriver"],
             "a browser that starts": ["chromium", "chromedriver"]}


@pytest.mark.parametrize("what", LACKING)
def test_a_test_that_lacks_something_fails_in_one_line(tmp_path, what):
    text, named = LACKING[what]
    file = tmp_path / "test_it.py"
    file.write_text(f"import sys\nsys.path.insert(0, {HERE!r})\n{text}")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in STAND_INS.get(what, ()):
        (programs / name).write_text("#!/bin/sh\nexit 1\n")
        (programs / name).chmod(0o755)
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null",
                           str(file)], capture_output=True, text=True, cwd=tmp_path,
                          env={**os.environ, "PATH": str(programs)})
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"missing: {named}" in done.stdout, done.stdout
    assert "Traceback" not in done.stdout and "1 failed" in done.stdout, done.stdout
    shown = done.stdout.split("FAILURES")[1].split("short test summary")[0]
    assert len(shown.strip("=\n ").splitlines()) <= 2, shown


def test_a_program_that_is_there_is_found():
    assert os.access(need.need("sh"), os.X_OK)
