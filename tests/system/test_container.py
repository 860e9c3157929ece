# SPDX-License-Identifier: Apache-2.0
"""The container's root folder runs by itself, and what the recipe and the manifests name exists."""

import json
import os
import re
import shutil
import subprocess

import pytest
import yaml

from harness import config
from harness.backend import always
from harness.client import connect
from harness.deadline import eventually, secs
from harness.weir import BUILD, HOST, free_port, is_sanitized, run

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
RECIPE = os.path.join(ROOT, "packaging/container/Containerfile")
MANIFESTS = os.path.join(ROOT, "packaging/kubernetes/weir.yaml")


def recipe():
    """[(instruction, rest)], lines that go on joined."""
    with open(RECIPE, encoding="utf-8") as f:
        text = re.sub(r"^#.*\n", "", f.read(), flags=re.M).replace("\\\n", " ")
    return [line.split(None, 1) for line in text.splitlines() if line.strip()]


def last_stage():
    rows = recipe()
    begin = max(i for i, row in enumerate(rows) if row[0] == "FROM")
    return dict(rows[begin:])


def into(image, *command):
    """A command within the folder, as root or by a name space of one's own."""
    chroot = [shutil.which("chroot", path="/usr/sbin:/usr/bin"), image]
    return [*([] if os.geteuid() == 0 else [shutil.which("unshare"), "-r"]), *chroot, *command]


@pytest.fixture
def image(rig):
    if is_sanitized():
        pytest.skip("a sanitizer brings libraries that no image has")
    folder = rig.path("image")
    subprocess.run(["sh", os.path.join(ROOT, "packaging/container/collect.sh"), BUILD, folder], check=True)
    done = subprocess.run(into(folder, "/usr/bin/weir", "--version"), capture_output=True, text=True)
    if "Operation not permitted" in done.stderr:
        pytest.skip("no other root folder can be had here")
    return folder


def test_the_image_serves_and_its_health_check_passes(rig, image):
    b = rig.backend()
    b.serve(always(200, b"from within"))
    port = free_port()
    with open(os.path.join(image, "etc/weir/weir.cfg"), "w") as f:
        f.write(config.text({"listeners": [{"address": f"{HOST}:{port}"}],
                             "pools": [config.pool([b])], "admin": {"http": ""}}))
    stage = last_stage()
    program = json.loads(stage["ENTRYPOINT"]) + json.loads(stage["CMD"])
    env = dict(stage["ENV"].split("=", 1) for _ in (0,))
    p = subprocess.Popen(into(image, *program), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        check = json.loads(re.search(r"CMD (\[.*\])", stage["HEALTHCHECK"]).group(1))
        eventually(lambda: subprocess.run(into(image, *check), env=env, capture_output=True).returncode == 0, 10)
        c = connect((HOST, port))
        assert c.ask().body == b"from within"
        c.close()
    finally:
        p.terminate()
        err = p.communicate(timeout=secs(10))[1]
    assert p.returncode == 0, err
    assert subprocess.run(into(image, *check), env=env, capture_output=True).returncode == 3, "it knows a dead one"


def test_the_recipe_is_small_and_not_root():
    stage = last_stage()
    assert stage["FROM"] == "scratch" and stage["USER"] == "65532:65532" and stage["STOPSIGNAL"] == "SIGTERM"
    build = " ".join(rest for name, rest in recipe() if name == "RUN")
    with open(os.path.join(ROOT, "tools/packages.sh"), encoding="utf-8") as f:
        needed = re.search(r"packages_build=\(([^)]*)\)", f.read()).group(1).split()
    assert [p for p in needed if p not in build.split() and p != "ccache"] == [], "the build needs them"


# Kubernetes

def manifests():
    with open(MANIFESTS, encoding="utf-8") as f:
        return {m["kind"]: m for m in yaml.safe_load_all(f)}


# What a kind may have, as deep as it matters: a key that is misspelt is one that nobody reads.
POD = {"terminationGracePeriodSeconds", "securityContext", "containers", "volumes"}
CONTAINER = {"name", "image", "args", "ports", "startupProbe", "readinessProbe", "livenessProbe", "resources",
             "securityContext", "volumeMounts"}
PROBE = {"exec", "httpGet", "periodSeconds", "failureThreshold"}
SPECS = {"Deployment": ("apps/v1", {"replicas", "selector", "strategy", "template"}),
         "Service": ("v1", {"selector", "ports"}),
         "PodDisruptionBudget": ("policy/v1", {"minAvailable", "selector"})}


def test_the_manifests_have_the_keys_of_their_kinds():
    found = manifests()
    assert found["ConfigMap"]["apiVersion"] == "v1" and set(found["ConfigMap"]["data"]) == {"weir.cfg"}
    for kind, (version, keys) in SPECS.items():
        assert found[kind]["apiVersion"] == version and set(found[kind]["spec"]) == keys
    pod = found["Deployment"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert set(pod) == POD and set(container) == CONTAINER
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert set(container[probe]) <= PROBE


def test_the_manifests_fit_together():
    found = manifests()
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert found["PodDisruptionBudget"]["spec"]["minAvailable"] < found["Deployment"]["spec"]["replicas"]
    pod = found["Deployment"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    ports = {p["name"]: p["containerPort"] for p in container["ports"]}
    assert all(p["targetPort"] in ports for p in found["Service"]["spec"]["ports"])
    assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == last_stage()["USER"]
    assert container["securityContext"]["readOnlyRootFilesystem"] and pod["securityContext"]["runAsNonRoot"]


def seconds(text, key):
    number, unit = re.search(rf'{key} = "(\d+)([sm])"', text).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


def test_the_settings_of_the_manifest_are_good_and_fit_the_pod(rig):
    found = manifests()
    text = found["ConfigMap"]["data"]["weir.cfg"]
    file = rig.path("weir.cfg")
    with open(file, "w") as f:
        f.write(text)
    code, _, err = run("--check", "-c", file)
    assert code == 0, err
    pod = found["Deployment"]["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > seconds(text, "drain_delay") + seconds(text, "drain_timeout")
    ports = {p["containerPort"] for p in pod["containers"][0]["ports"]}
    assert ports == {int(p) for p in re.findall(r'"0\.0\.0\.0:(\d+)"', text)}


def test_the_probes_of_the_manifest_are_answered(rig):
    w = rig.weir(rig.backend())
    container = manifests()["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    for probe in ("readinessProbe", "livenessProbe"):
        assert w.http(container[probe]["httpGet"]["path"])[0] == 200
    program, *words = container["startupProbe"]["exec"]["command"]
    assert shutil.which(os.path.join(BUILD, os.path.basename(program)))
    done = subprocess.run([os.path.join(BUILD, os.path.basename(program)), "--socket", w.socket_path, *words],
                          capture_output=True)
    assert done.returncode == 0
