# SPDX-License-Identifier: Apache-2.0
"""The guides for newcomers: each command of weir's own is typed as it stands there, each file checked."""

import os
import re
import signal
import subprocess

import pytest

from harness.client import dial
from harness.deadline import eventually, secs
from harness.simulated import Simulated
from harness.weir import BUILD, HOST, free_port, run, sanitizer_env

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs")
GUIDES = ["start", "servers", "behind", "kubernetes", "tuning", "coming-from"]
OURS = ("weir", "weirctl", "weir-bench", "curl")


def guide(name):
    with open(os.path.join(DOCS, f"{name}.md"), encoding="utf-8") as f:
        return f.read()


def files(text):
    return re.findall(r"^```cfg\n(.*?)^```$", text, re.M | re.S)


def commands(text):
    """Indented lines that begin with one of our programs."""
    return [line.strip() for line in re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S).splitlines()
            if line.startswith("    ") and line.split()[0] in OURS]


FILES = [(name, i, text) for name in GUIDES for i, text in enumerate(files(guide(name)))]


@pytest.mark.parametrize("name, number, text", FILES, ids=[f"{n}-{i}" for n, i, _ in FILES])
def test_a_file_in_a_guide_is_good(rig, name, number, text):
    file = rig.path("weir.cfg")
    with open(file, "w") as f:
        f.write(text)
    code, _, err = run("--check", "-c", file)
    assert code == 0, err


def listens(address):
    try:
        dial(address).close()
        return True
    except OSError:
        return False


class Shell:
    """Types the lines of a guide, at ports of this test's own; what ends in & goes on behind."""

    def __init__(self, folder, *ports):
        self.folder, self.ports, self.behind = folder, dict(ports), []
        self.env = {**sanitizer_env(), "PATH": f"{BUILD}:{os.environ['PATH']}", "RUNTIME_DIRECTORY": folder,
                    "ASAN_OPTIONS": "detect_leaks=0"}

    def type(self, line):
        typed = line
        for port, ours in self.ports.items():
            typed = typed.replace(f"127.0.0.1:{port}", f"{HOST}:{ours}")
        if typed.endswith(" &"):
            p = subprocess.Popen(["bash", "-c", "exec " + typed[:-2]], cwd=self.folder, env=self.env,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.behind.append(p)
            address = re.search(rf"{HOST}:\d+", typed).group().split(":")
            if "--upstream" not in typed:
                eventually(lambda: listens((address[0], int(address[1]))), 10)
            return ""
        done = subprocess.run(["bash", "-c", typed], cwd=self.folder, env=self.env, capture_output=True, text=True,
                              timeout=secs(30))
        assert done.returncode == 0, (line, done.stdout[-500:], done.stderr[-2000:])
        return done.stdout

    def close(self):
        for p in reversed(self.behind):
            p.send_signal(signal.SIGTERM)
            try:
                p.wait(secs(1))
            except subprocess.TimeoutExpired:
                p.send_signal(signal.SIGTERM)
                p.wait(secs(10))


def test_the_first_five_minutes(rig):
    """The one liberty: weir gets a listener of this test's own, and no port for metrics."""
    text = guide("start")
    shell = rig.keep(Shell(rig.folder, ("8000", free_port()), ("8001", free_port()), ("8080", free_port())))
    lines = commands(text)
    begin = next(line for line in lines if line.startswith("weir --upstream"))
    file = rig.path("weir.cfg")
    with open(file, "w") as f:
        f.write(re.sub(r"127\.0\.0\.1:(\d+)", lambda m: f"{HOST}:{shell.ports[m.group(1)]}", files(text)[0]))
        f.write('admin = { http = ""; };\n' + ("sandbox = false;\n" if os.environ.get("WEIR_SANDBOX") == "0" else ""))
    shell.type(lines[0])
    shell.type(begin.replace(" &", f" --listen {HOST}:{shell.ports['8080']} &"))
    eventually(lambda: listens((HOST, shell.ports["8080"])), 10)
    said = shell.type(next(x for x in lines if x.startswith("curl")))
    assert "data: [DONE]" in said and said.count("data: ") > 3
    for line in lines[3:]:
        said = shell.type(line)
        if line == "weirctl status":
            assert "SERVING" in said.upper()
    assert len(lines) == 10, "the commands of the guide"


def test_the_commands_of_tuning(rig):
    b = rig.keep(Simulated("--slots", "16"))
    w = rig.weir(b, enforce=True)
    w.check_books = False
    shell = Shell(w.folder, ("8080", w.address[1]))
    lines = commands(guide("tuning"))
    assert len(lines) == 8
    for line in lines:
        assert shell.type(line), line


def test_what_the_guides_name_in_sentences_exists():
    """Settings in the tables, and weirctl's commands in the text."""
    keys = set(re.findall(r"^\| `(\w+)` \|", guide("settings"), re.M))
    for row in re.findall(r"^\| .* \|$", guide("coming-from"), re.M)[2:]:
        for word in re.findall(r"`([^`]+)`", row.split("|")[5]):
            assert word.startswith(("weir", "/")) or set(word.split(".")) <= keys, word
    known = subprocess.run([os.path.join(BUILD, "weirctl"), "help"], capture_output=True, text=True).stdout
    for name in GUIDES:
        for word in re.findall(r"`weirctl ([\w-]+)", guide(name)):
            assert re.search(rf"^  {word}\b", known, re.M), word


@pytest.mark.parametrize("name", GUIDES + ["lexicon"])
def test_the_links_of_a_guide_lead_somewhere(name):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", guide(name)):
        assert os.path.exists(os.path.join(DOCS, target)), target
