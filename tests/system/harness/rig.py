# SPDX-License-Identifier: Apache-2.0
"""Keeps what a test starts, and takes it down in the right order."""

import os
import shutil
import tempfile

from . import config
from .backend import Backend, BlackHole
from .weir import HOST, Weir


class Rig:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="weir-")
        self.backends = []
        self.weirs = []
        self.others = []

    def path(self, name):
        return os.path.join(self.folder, name)

    def backend(self, host=HOST, **how):
        b = Backend(host, **how)
        self.backends.append(b)
        return b

    def unix_backend(self, name="backend.sock"):
        return self.backend(path=self.path(name))

    def black_hole(self):
        hole = BlackHole(HOST)
        self.others.append(hole)
        return hole

    def keep(self, thing):
        """Something with close(), closed at the end."""
        self.others.append(thing)
        return thing

    def weir(self, *upstreams, pool=None, enforce=False, each=None, start=True, args=(), env=None,
             **top):
        """weir before these backends: pool is laid over the pool, the rest over the file."""
        settings = dict(top)
        if "pools" not in settings:
            settings["pools"] = [config.pool(upstreams, enforce=enforce, each=each, **(pool or {}))]
        folder = os.path.join(self.folder, f"w{len(self.weirs)}")
        os.mkdir(folder, 0o700)
        w = Weir(folder, settings, args, env)
        self.weirs.append(w)
        return w.start() if start else w

    def close(self):
        errors = []
        for closable in [*self.weirs, *self.backends, *self.others]:
            try:
                closable.stop() if isinstance(closable, Weir) else closable.close()
            except (AssertionError, OSError) as e:
                errors.append(e)
        errors += [e for b in self.backends for e in b.errors]
        shutil.rmtree(self.folder, ignore_errors=True)
        if errors:
            raise errors[0]


class Standing:
    """One weir for many tests.  If it dies, the test under which it died fails, and the next one
    gets a fresh weir."""

    def __init__(self, build):
        self.build = build
        self.rig = None

    def get(self):
        if not self.rig:
            self.rig = Rig()
            self.weir = self.build(self.rig)
        return self.weir

    def look(self):
        """After each test."""
        if not self.rig:
            return
        try:
            self.weir.admin("status")
        except (OSError, AssertionError):
            self.weir.wait_exit()
            self.close()

    def close(self):
        rig, self.rig = self.rig, None
        if rig:
            rig.close()
