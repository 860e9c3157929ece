# SPDX-License-Identifier: Apache-2.0
"""The checks of ./dev lint find what they look for, and keep silent about the rest."""

import json
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "../../tools"))
sys.path.insert(0, os.path.join(HERE, "../../proxy/admin/web"))

import counts  # noqa: E402
import embed_page  # noqa: E402
import fields  # noqa: E402
import layers  # noqa: E402
import promises  # noqa: E402
import rooms  # noqa: E402
import symbols  # noqa: E402
import texts  # noqa: E402
import unused  # noqa: E402
import words  # noqa: E402


@pytest.fixture
def tree(tmp_path):
    """Files by their path and text."""
    def make(files):
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return str(tmp_path)

    return make


@pytest.mark.parametrize("path, header, good", [
    ("proxy/base/a.c", '"weir/base/text.h"', True),
    ("proxy/base/a.c", '"weir/http/head.h"', False),
    ("proxy/decide/a.c", '"weir/net/addr.h"', False),
    ("include/weir/decide/a.h", '"weir/conf/settings.h"', False),
    ("config/a.c", '"weir/decide/settings.h"', True),
    ("config/a.c", '"weir/decide/pool.h"', False),
    ("config/a.c", "<libconfig.h>", True),
    ("proxy/flow/a.c", "<libconfig.h>", False),
    ("proxy/flow/a.c", "<openssl/ssl.h>", False),
    ("proxy/net/tls.c", "<openssl/ssl.h>", True),
    ("proxy/pages/a.c", '"weir/http/head.h"', True),
    ("proxy/pages/a.c", '"weir/flow/control.h"', False),
    ("proxy/flow/a.c", '"weir/admin/admin.h"', False),
    ("proxy/main.c", '"weir/admin/admin.h"', True),
    ("bench/load/a.c", '"weir/flow/control.h"', False),
    ("proxy/unheard/a.c", '"weir/base/text.h"', False),
])
def test_an_include_that_climbs_is_found(tree, path, header, good):
    found = list(layers.complaints(tree({path: f"/* x */\n#include {header}\n"})))
    assert bool(found) != good, found
    if not good and "unheard" not in path:
        assert found[0].startswith(f"{path}:2: ")


ROOMS = {
    "proxy/flow/a/a_priv.h": "void one(void);\n",
    "proxy/flow/a/one.c": "void one(void)\n{\n    two();\n}\n",
    "proxy/flow/a/two.c": "void two(void)\n{\n}\n",
    "proxy/flow/b/three.c": "void three(void)\n{\n    one(); /* two() */\n}\n",
}


def found_in_rooms(root):
    return [line for layer in rooms.LAYERS for line in rooms.look(root, layer)[0]]


def test_rooms_that_are_apart_are_let_through(tree):
    assert found_in_rooms(tree(ROOMS)) == []


@pytest.mark.parametrize("path, text, said", [
    ("b/three.c", '#include "a/a_priv.h"\n', "private to a"),
    ("a/two.c", "void two(void)\n{\n    three();\n}\n", "crosses rooms"),
])
def test_what_crosses_rooms_is_found(tree, path, text, said):
    found = found_in_rooms(tree(ROOMS | {f"proxy/flow/{path}": text}))
    assert len(found) == 1 and said in found[0], found


def test_a_large_circle_inside_a_room_is_found(tree):
    names = [f"f{n}" for n in range(rooms.CIRCLE_MAX + 1)]
    files = {f"proxy/flow/a/{n}.c": f"void {n}(void)\n{{\n    {after}();\n}}\n"
             for n, after in zip(names, names[1:] + names[:1])}
    found = found_in_rooms(tree(files))
    assert len(found) == 1 and found[0].startswith(f"{len(names)} files"), found


def test_objects_that_need_a_clock_or_memory_are_found(tmp_path):
    source = tmp_path / "a.c"
    source.write_text("#include <stdlib.h>\n#include <string.h>\n#include <time.h>\n"
                      "void f(char *p, size_t n);\nvoid g(void);\n"
                      "void f(char *p, size_t n) { memset(p, 1, n); g(); }\n"
                      "void g(void) { free(malloc((size_t)time(NULL))); }\n")
    made = str(tmp_path / "a.o")
    subprocess.run(["gcc", "-O0", "-c", str(source), "-o", made], check=True)
    assert symbols.too_much("decide", symbols.needed([made])) == ["free", "malloc", "time"]


def test_what_the_pure_layers_may_need_is_let_through():
    assert symbols.too_much("decide", {"memcpy", "weir_assert_fail", "floor", "cause_name"}) == []
    assert symbols.too_much("http", {"floor", "parse_u64", "printf"}) == ["floor", "printf"]


@pytest.mark.parametrize("path, line, good", [
    ("tests/unit/a.c", "usl" "eep(1000);", False),
    ("tests/unit/a.c", "sl" "eep (1);", False),
    ("tests/unit/a.c", "the_sleeper(1);", True),
    ("tests/system/a.py", "time.sl" "eep(1)", False),
    ("tests/system/a.py", "time.sl" "eep(1)  # poll-ok: the one line", True),
    ("tests/clients/a.js", "  await sl" "eep(5);", False),
    ("tests/clients/a.js", "await sl" "eep(5); // poll-ok: the one line", True),
    ("tests/clients/a.js", "await asleep(5);", True),
    ("proxy/net/a.c", "usl" "eep(1000);", True),
    ("proxy/net/a.c", "/* TO" "DO: later */", False),
    ("docs/a.md", "see /ro" "ot/notes", False),
    ("docs/a.md", "see /etc/weir", True),
])
def test_a_line_that_should_not_be_is_found(path, line, good):
    assert (texts.wrong_in_line(path, line) is None) == good


def test_a_source_without_its_licence_is_found():
    assert list(texts.wrong_in("proxy/a.c", ["int x;"])) != []
    assert list(texts.wrong_in("proxy/a.c", [f"/* {texts.LICENCE} */"])) == []
    assert list(texts.wrong_in("dev", ["#!/bin/bash", f"# {texts.LICENCE}"])) == []
    assert list(texts.wrong_in("docs/a.md", ["# Title"])) == []


def program(result, said=""):
    return {"result": result, "stdout": "", "stderr": said}


@pytest.mark.parametrize("test, wanted", [
    (program("OK"), (1, 0)),
    (program("FAIL"), (0, 1)),
    (program("TIMEOUT"), (0, 1)),
    (program("SKIP"), (0, 0)),
    (program("OK", "Synthesis: Tested: 66 | Passing: 66 | Failing: 0 | Crashing: 0"), (66, 0)),
    (program("FAIL", "Tested: \x1b[1m5 | Passing: 2 | Failing: 2 | Crashing: 1\x1b[0m"), (2, 3)),
    (program("FAIL", "FAIL a::b\n9 tests, 2 failed\n"), (7, 2)),
    (program("FAIL", "Tested: 5 | Passing: 5 | Failing: 0 | Crashing: 0"), (5, 1)),
])
def test_programs_are_counted(tmp_path, test, wanted):
    logs = tmp_path / "meson-logs"
    logs.mkdir()
    (logs / "testlog.json").write_text(json.dumps(test) + "\n")
    assert counts.of_meson(str(tmp_path)) == wanted


def test_pytest_and_node_are_counted(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text('<testsuites><testsuite errors="1" failures="2" skipped="3" tests="10"/>'
                      "</testsuites>")
    assert counts.of_junit(str(report)) == (4, 3)
    log = tmp_path / "node.out"
    log.write_text("# tests 3\n# pass 2\n# fail 1\nℹ pass 4\nℹ fail 0\nok 1 - # pass 9 times\n")
    assert counts.of_node(str(log)) == (6, 1)
    log.write_text("missing: openssl (Debian's package openssl)\n")
    assert counts.of_node(str(log)) == (0, 1)


WORDS = {
    "causes": [{"name": "", "side": ""}, {"name": "full", "side": "weir", "because": "there is no room"},
               {"name": "gone", "side": "client", "because": "the client left"}, None],
    "outcomes": [{"name": "bad", "failure": True, "meaning": "no"},
                 {"name": "ok", "failure": False, "meaning": "yes"}, None],
    "decisions": [{"name": "sent", "meaning": "sent"}], "service_states": [{"name": "up", "meaning": "up"}],
    "rules": [{"name": "room", "says": "there was room"}], "classes": [{"name": "paid"}], "breaker_states": [{"name": "closed"}],
    "canary_states": [{"name": "none", "meaning": "none"}, {"name": "runs", "meaning": "it runs"}],
    "canary_whys": [{"name": "worse", "meaning": "it is worse"}], "canary_pauses": [{"name": "alone", "meaning": "it is alone"}],
    "canary_measures": [{"name": "speed", "meaning": "it is slow"}],
}
MARKERS = "".join(f"<!-- {n}: from the lists of words -->\n<!-- /{n} -->\n" for n in words.tables(WORDS))
LABELS = "| `cause` | `full` |\n| `outcome` | `ok` `bad` |\n| `decision` | `sent` |\n| `class` | `paid` |\n| `state` | `up` `closed` `runs` |\n| `measure` | `speed` |\n"


def test_a_table_of_words_that_is_not_the_program_s_is_found():
    assert len(list(words.wrong_tables(MARKERS, WORDS))) == len(words.tables(WORDS))
    good = words.with_tables(MARKERS, WORDS)
    assert "| `full` | there is no room |" in good and "| `bad` | no; a failure |" in good
    assert list(words.wrong_tables(good, WORDS)) == []
    assert len(list(words.wrong_tables(good.replace("no room", "room"), WORDS))) == 1
    assert "has no table" in next(words.wrong_tables("", WORDS))


@pytest.mark.parametrize("lost", ["`full`", "`bad`", "`sent`", "`paid`", "`closed`", "`runs`", "`speed`"])
def test_a_value_that_a_label_s_row_lacks_is_found(lost):
    assert list(words.wrong_labels(LABELS, WORDS)) == []
    assert len(list(words.wrong_labels(LABELS.replace(lost, ""), WORDS))) == 1


STYLE = "--s-closed: a;--o-ok: a;--o-bad: a;--c0: a;" * 2


@pytest.mark.parametrize("lost", ["--s-closed: ", "--o-bad: ", "--c0: "])
def test_a_word_without_a_colour_or_a_sentence_stops_the_build_of_the_page(lost):
    script = "up: () => 1,"
    assert list(embed_page.lacking(WORDS, STYLE, script)) == []
    assert len(list(embed_page.lacking(WORDS, STYLE.replace(lost, "", 1), script))) == 1
    assert list(embed_page.lacking(WORDS, STYLE, "")) == ["page.js has no sentence for the state up"]


def test_the_page_draws_failures_last():
    assert embed_page.of_the_page(WORDS) == {"states": ["closed"], "outcomes": ["ok", "bad"],
                                             "causes": ["full"], "why": {"full": "there is no room"}}


STRUCTS = """
struct rule_conf {
    bool enforce; /* mode */
    uint64_t wait_ns, most[2];
    struct part_conf part;
};
struct part_conf {
    size_t n_names;
    char **names;
};
"""
ROWS = "MODE(struct rule_conf) A(struct rule_conf, wait_ns) B(struct part_conf, names, n_names)"
DERIVED = "c->most = 1;"
READERS = "x->enforce y.wait_ns y.most z.part z.part.names z.part.n_names"


def test_a_field_of_the_settings_without_a_row_is_found():
    assert list(fields.complaints(STRUCTS, ROWS, DERIVED, READERS)) == []
    found = list(fields.complaints(STRUCTS, ROWS.replace("wait_ns", "wait"), DERIVED, READERS))
    assert found == ["rule_conf.wait_ns has no row in config/rows_*.c and no line in config/derive.c"]
    assert len(list(fields.complaints(STRUCTS, ROWS, "", READERS))) == 1
    assert len(list(fields.complaints(STRUCTS, ROWS.replace("MODE", ""), DERIVED, READERS))) == 1


def test_a_field_of_the_settings_that_nothing_reads_is_found():
    found = list(fields.complaints(STRUCTS, ROWS, DERIVED, READERS.replace("y.most", "")))
    assert found == ["rule_conf.most is read by nothing"]


def test_what_only_tests_call_is_found(tree):
    root = tree({
        "proxy/a.c": "int two(void)\n{\n    return 2;\n}\n\nint three(void)\n{\n    return two() + 1;\n}\n"
                     "int one(void)\n{\n    return 1;\n}\nint four(void)\n{\n    return 4;\n}\n",
        "tests/t.c": "void t(void)\n{\n    one();\n}\n"})
    defined = dict.fromkeys(["one", "two", "three", "four", "five"], "a.o")
    assert list(unused.uncalled(root, defined, {"four"}, {"fi*": "excused"})) == [
        "one: nobody calls it but tests", "three: nobody calls it",
        "two: only its own file uses it, so it is static"]


def test_fields_that_nobody_reads_are_found(tree):
    root = tree({
        "proxy/a.h": "struct a {\n    int read, set, counted, used, named;\n};\n",
        "proxy/a.c": "int f(struct a *a)\n{\n    a->set = a->read;\n    a->counted++;\n"
                     "    a->set = 'a' + '\"'; /* a->set */\n    return a->used++;\n}\n"
                     "static int named(void);\n",
        "bench/micro/m.c": "int g(struct a *a)\n{\n    return a->counted;\n}\n"})
    found = list(unused.unread(root, {}))
    assert [line.split()[0] for line in found] == ["counted", "named", "set"]


def test_rooms_of_admin_are_looked_at(tree):
    found = found_in_rooms(tree({"proxy/admin/show/a.c": '#include "web/web_priv.h"\n',
                                 "proxy/admin/web/web_priv.h": "/* x */\n"}))
    assert found == ["proxy/admin/show/a.c: web/web_priv.h is private to web"]


def test_rows_that_no_code_gives_are_found(tree):
    root = tree({
        "include/weir/decide/rules.h": "X(RULE_A, \"a\") X(RULE_B, \"b\") X(RULE_C, \"c\")\n",
        "proxy/decide/a.c": "int a(int r)\n{\n    switch (r) {\n    case RULE_B:\n        return RULE_A;\n"
                            "    }\n    /* RULE_C */\n    return 0;\n}\n"})
    assert list(unused.unreached(root, unused.sources(root, unused.SOURCES))) == [
        f"RULE_{r} of include/weir/decide/rules.h: no code gives it" for r in "BC"]


def test_a_dialect_that_the_manual_lacks_is_found():
    table = '{ENDS("/api/chat", A)}, {ENDS("/new", B)}'
    assert list(words.wrong_dialects("| Ollama | `/api/chat` |", table)) == [
        "docs/http.md: the table of dialects lacks the path /new"]


@pytest.mark.parametrize("tests, wrong", [
    ("`tests/system/test_a.py`, `test_b.py`", None), ("`tests/system/test_a.py::test_one`", None),
    ("`test_gone.py`", "no test_gone.py"), ("`tests/system/test_a.py::test_two`", "has no test_two"),
    ("by hand", "no test is named"), ("`./dev fuzz`", "no test is named")])
def test_a_promise_without_its_test_is_found(tree, tests, wrong):
    root = tree({"SECURITY.md": f"| promise | test | figure |\n| --- | --- | --- |\n| a | {tests} | 3 |\n",
                 "tests/system/test_a.py": "def test_one(): pass\n", "tests/system/test_b.py": ""})
    found = list(promises.complaints(root))
    assert len(found) == (wrong is not None) and (wrong or "") in " ".join(found), found
