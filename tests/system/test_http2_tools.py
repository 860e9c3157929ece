# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 as the tools that people have speak it: curl, nghttp, h2load."""

import re
import subprocess

import pytest

from harness.backend import always
from harness.dialects import CHAT
from harness.need import need
from harness.weir import HOST, free_port

EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"word"}}]}\n\n'


def run(*args, within=30):
    need(args[0])
    done = subprocess.run(args, capture_output=True, text=True, timeout=within)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(params=["tls", "clear"])
def front(request, rig, authority):
    """weir, its backend, its address as a URL, what curl needs for it."""
    b = rig.backend()
    w = rig.weir(b, start=False)
    port = free_port()
    if request.param == "tls":
        pem, key = authority.issue("one.test", "one.test", "127.0.0.1")
        listener = {"address": f"{HOST}:{port}", "tls": {"certificate": pem, "key": key}}
        url, curl = f"https://one.test:{port}", ["--http2", "--cacert", authority.pem,
                                                 "--resolve", f"one.test:{port}:{HOST}"]
    else:
        listener = {"address": f"{HOST}:{port}", "http2": "clear"}
        url, curl = f"http://{HOST}:{port}", ["--http2-prior-knowledge"]
    w.settings["listeners"].append(listener)
    w.write_file(w.settings)
    return w.start(), b, url, ["curl", "-sS", "--max-time", "20", *curl], f"{HOST}:{port}"


def test_curl_has_its_answers(front):
    w, b, url, curl, _ = front
    b.serve(always(200, b"hello"))
    # curl 7.88 breaks its own second request on a connection in the clear, with any server
    urls = [f"{url}/a", f"{url}/b"] if url.startswith("https") else [f"{url}/a"]
    assert run(*curl, "-w", "\n%{http_version} %{http_code}\n", *urls) == "hello\n2 200\n" * len(urls)


def test_curl_uploads_and_reads_a_stream(front):
    w, b, url, curl, _ = front

    def stream(peer, head):
        peer.begin(kind="text/event-stream")
        for _ in range(20):
            peer.chunk(EVENT)
        peer.chunk(b"data: [DONE]\n\n")
        peer.last_chunk()

    b.serve(stream)
    body = CHAT.body.decode()[:-1] + ',"x":"' + "y" * 200000 + '"}'
    said = subprocess.run([*curl, "-N", "-H", "content-type: application/json", "-d", "@-", "-w", "%{http_version}",
                           url + CHAT.path], input=body, capture_output=True, text=True, timeout=30)
    assert said.returncode == 0, said.stderr
    assert said.stdout == (EVENT * 20).decode() + "data: [DONE]\n\n2"


def test_curl_sees_that_half_an_answer_is_half(front):
    w, b, url, curl, _ = front

    def half(peer, head):
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it")
        peer.close()

    b.serve(half)
    done = subprocess.run([*curl, url], capture_output=True, text=True, timeout=30)
    assert done.returncode == 92 and "INTERNAL_ERROR" in done.stderr, done.stderr


def test_h2load_has_every_answer(front):
    w, b, url, _, address = front
    b.serve(always(200, b"hello"))
    url = url.replace("one.test", HOST)
    said = run("h2load", "-c", "4", "-m", "10", "-n", "2000", url)
    assert "2000 succeeded, 0 failed, 0 errored" in said
    assert re.search(r"Application protocol: h2", said)
    assert w.metrics().sum("weir_requests_total") == 2000


def test_nghttp_has_its_answer(front):
    w, b, url, _, _ = front
    b.serve(always(200, b"hello"))
    assert "hello" in run("nghttp", "-y", "--no-verify-peer", url.replace("one.test", HOST))
