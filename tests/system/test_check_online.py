# SPDX-License-Identifier: Apache-2.0
"""--check --online: each upstream is tried as weir would use it, and what is wrong is said."""

import json
import re

import pytest

from harness import config
from harness.backend import always, closed_port
from harness.certs import Authority
from harness.dialects import CHAT
from harness.weir import HOST, run


@pytest.fixture
def check(tmp_path):
    """exit code, {step: (ok, text)} of the upstreams by name, all that was said."""
    def go(*args, upstreams, env=None, **pool):
        file = tmp_path / "weir.cfg"
        rows = [{"name": name, **row} for name, row in upstreams.items()]
        file.write_text(config.text({"pools": [{"name": "chat", "upstreams": rows, **pool}]}))
        code, out, err = run("--check", "--online", *args, "-c", str(file), env=env, within=30)
        steps = {name: {} for name in upstreams}
        for name, step, result, text in re.findall(
                r"^chat/(\S+) +(\S+) +(ok|FAILS) +[\d.]+ ms  (.*)$", out, re.M):
            steps[name][step] = (result == "ok", text)
        return code, steps, out + err

    return go


def _only(check, row, *args, **more):
    code, steps, said = check(*args, upstreams={"a": row}, **more)
    return code, steps["a"], said


def test_a_good_upstream_passes_each_step(rig, check):
    b = rig.backend()
    asked = []
    b.serve(lambda peer, request: (asked.append(request), peer.answer(200, b"fine")))
    code, steps, said = _only(check, {"url": b.url}, health={"path": "/health"})
    assert code == 0 and all(ok for ok, _ in steps.values()), said
    assert list(steps) == ["name", "connect", "answer"]
    assert "GET /health" in steps["answer"][1] and "200" in steps["answer"][1]
    assert asked[0].get("host") == b.url.removeprefix("http://")


def test_of_several_upstreams_the_one_that_fails_is_named(rig, check):
    b = rig.backend()
    b.serve(always(200, b"fine"))
    closed = closed_port()
    dead = f"http://127.0.0.1:{closed.getsockname()[1]}"
    code, steps, said = check(upstreams={"a": {"url": b.url}, "b": {"url": dead}})
    closed.close()
    assert code == 1 and steps["a"]["answer"][0], said
    assert not steps["b"]["connect"][0] and "refused" in steps["b"]["connect"][1] and "answer" not in steps["b"], said


def test_a_name_that_does_not_exist_is_said(check):
    code, steps, said = _only(check, {"url": "http://nowhere.invalid:80"})
    assert code == 1 and not steps["name"][0] and "connect" not in steps, said


def test_a_backend_that_is_silent_ends_in_time(rig, check):
    code, steps, said = _only(check, {"url": rig.backend().url}, health={"path": "/h", "timeout": "300ms"})
    assert code == 1 and steps["answer"] == (False, "no answer in time"), said


@pytest.mark.parametrize("answer, words", [
    (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", ""), (b"", "without an answer"),
    (b"HTTP/1.1 200 Fine\r\nContent-Le", "without an answer")], ids=["another protocol", "closed", "cut"])
def test_what_is_no_http_is_said(rig, check, answer, words):
    b = rig.backend()

    def say(peer, request):
        peer.send(answer)
        peer.close()

    b.serve(say)
    code, steps, said = _only(check, {"url": b.url})
    assert code == 1 and not steps["answer"][0] and words in steps["answer"][1], said


@pytest.mark.parametrize("status, path, good, words", [
    (404, None, True, "404"), (421, None, False, "upstreams[].host"), (404, "/health", False, "path"),
    (401, "/health", False, "health.headers"), (503, "/health", False, "503")])
def test_the_status_is_judged_as_a_health_check_would(rig, check, status, path, good, words):
    b = rig.backend()
    b.serve(always(status, b"x"))
    code, steps, said = _only(check, {"url": b.url}, **({"health": {"path": path}} if path else {}))
    assert (code == 0) == good and steps["answer"][0] == good, said
    assert words in steps["answer"][1]


@pytest.mark.parametrize("fault", ["none", "name", "authority", "plain"])
def test_tls_is_a_step_of_its_own(rig, check, authority, tmp_path, fault):
    issuer = Authority(str(tmp_path), "a stranger") if fault == "authority" else authority
    pem, key = issuer.issue(f"online-{fault}", "other.test" if fault == "name" else HOST)
    b = rig.backend(tls=None if fault == "plain" else issuer.server(pem, key))
    b.serve(always(200, b"fine"))
    url = b.url.replace("http:", "https:")
    code, steps, said = _only(check, {"url": url, "ca": authority.pem})
    assert steps["connect"][0] and (code == 0) == (fault == "none") == steps["tls"][0], said
    assert ("answer" in steps) == (fault == "none")


def _stream(*events, kind="text/event-stream"):
    def handler(peer, request):
        peer.begin(kind=kind)
        for event in events:
            peer.chunk(event)
        peer.last_chunk()
    return handler


GENERATIONS = {
    "whole": (_stream(CHAT.content("Hi"), CHAT.end), True, "whole"),
    "an error in the stream": (_stream(b'data: {"error":{"message":"no room","code":503}}\n\n'), False, "no room"),
    "no end marker": (_stream(CHAT.content("Hi")), False, "end_marker"),
    "no stream": (always(200, b'{"choices":[]}', [("Content-Type", "application/json")]), False, "instead of a stream"),
    "unknown model": (always(404, b'{"error":{"message":"no such model"}}'), False, "no such model"),
    "no credentials": (always(401, b"{}"), False, "credentials"),
}


@pytest.mark.parametrize("name", GENERATIONS)
def test_a_generation_is_asked_for_and_judged(rig, check, name):
    handler, good, words = GENERATIONS[name]
    asked = []

    def serve(peer, request):
        if request.method == "GET":
            return peer.answer(200, b"fine")
        asked.append(request)
        return handler(peer, request)

    b = rig.backend()
    b.serve(serve)
    code, steps, said = _only(check, {"url": b.url}, "--generate", 'm"1',
                              env={"WEIR_AUTHORIZATION": "Bearer hush"})
    assert (code == 0) == good == steps["generate"][0] and words in steps["generate"][1], said
    assert "hush" not in said
    body = json.loads(asked[0].body)
    assert (body["model"], body["max_tokens"], body["stream"]) == ('m"1', 1, True)
    assert asked[0].get("authorization") == "Bearer hush"


def test_it_binds_nothing_and_can_be_asked_beside_a_running_weir(rig):
    b = rig.backend()
    b.serve(always(200, b"fine"))
    w = rig.weir(b)
    code, out, err = run("--check", "--online", "-c", w.file)
    assert code == 0, out + err
    assert w.client().ask().status == 200


@pytest.mark.parametrize("args", [["--online"], ["--generate", "m"], ["--check", "--generate", "m"]])
def test_options_that_need_others_say_so(args):
    code, _, err = run(*args, "--upstream", "http://127.0.0.1:9")
    assert code == 2 and "goes with" in err
