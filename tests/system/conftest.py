# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a rig for each test, one for each module, certificates for each run."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness.certs import Authority  # noqa: E402
from harness.rig import Rig, Standing  # noqa: E402
from harness.weir import BINARY  # noqa: E402


def pytest_configure(config):
    if not os.access(BINARY, os.X_OK):
        raise pytest.UsageError(f"no weir at {BINARY}: build it, or say where with WEIR_BUILD")


SPREAD = 7


def pytest_collection_modifyitems(items):
    """Modules that take long have neighbours that do (those of the fleet): each process gets its part of them."""
    modules = list(dict.fromkeys(i.module for i in items))
    order = {m: n for n, m in enumerate(m for k in range(SPREAD) for m in modules[k::SPREAD])}
    items.sort(key=lambda i: order[i.module])


@pytest.fixture
def rig():
    r = Rig()
    yield r
    r.close()


@pytest.fixture(scope="module")
def standing():
    """standing(build): the weir of this module that build(rig) makes, see Standing."""
    made = {}

    def get(build):
        return made.setdefault(build, Standing(build))

    yield get
    for s in made.values():
        s.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("certs")))
