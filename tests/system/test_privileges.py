# SPDX-License-Identifier: Apache-2.0
"""Started as root with a `user`: what takes privileges is done first, then they are gone for good."""

import os
import re

import pytest

from harness.certs import Authority
from harness.weir import weirctl

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="gives up being root")


def test_keys_that_only_root_can_read_are_read_before_it_becomes_the_user(rig, tmp_path):
    pem, key = Authority(str(tmp_path / "ca")).issue("weir", "localhost", "127.0.0.1")
    os.chmod(key, 0o600)
    w = rig.weir(rig.backend(), start=False, user="nobody")
    w.settings["listeners"][0]["tls"] = {"certificate": pem, "key": key}
    w.write_file(w.settings)
    w.start()
    with open(f"/proc/{w.pid}/status") as f:
        status = f.read()
    assert not re.search(r"^Uid:.*\b0\b", status, re.M)
    assert re.search(r"^NoNewPrivs:\s*1$", status, re.M) or w.settings.get("sandbox") is False
    assert re.search(r"^CapPrm:\s*0+$", status, re.M) and re.search(r"^CapEff:\s*0+$", status, re.M)
    code, _, err = weirctl(w.socket_path, "reload")
    assert code == 1 and os.path.basename(pem)[:4] in err, "refused by name, before anything changes"
    assert weirctl(w.socket_path, "status")[0] == 0
