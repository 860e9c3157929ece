# SPDX-License-Identifier: Apache-2.0
"""The processes of a hot restart: a weir that another weir started, as subprocess.Popen would be."""

import ctypes
import os
import select
import signal
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """What a child's child leaves behind is this process's to wait for, with its exit status."""
    assert ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


class Successor:
    """A process that is no child yet: its parent, the launcher, ends with the old weir."""

    def __init__(self, pid):
        self.pid, self.returncode = pid, None
        self.fd = os.pidfd_open(pid)

    def poll(self):
        if self.returncode is None and select.select([self.fd], [], [], 0)[0]:
            self._reap()
        return self.returncode

    def _reap(self):
        try:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        except ChildProcessError:
            self.returncode = 0  # the launcher has waited for it
        os.close(self.fd)

    def wait(self, timeout=None):
        until = time.monotonic() + (timeout if timeout is not None else 3600)
        while self.poll() is None:
            if not select.select([self.fd], [], [], max(0, until - time.monotonic()))[0]:
                raise subprocess.TimeoutExpired("weir", timeout)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            signal.pidfd_send_signal(self.fd, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)
