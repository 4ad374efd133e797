"""A dashboard whose terminal goes away ends, also where nothing tells it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess

import pytest

from tests.machines.wb import MAIN, Wb


@pytest.mark.parametrize("leads", [True, False], ids=["told by SIGHUP", "told nothing"])
def test_ends_with_its_terminal(user: Wb, leads: bool) -> None:
    near, far = pty.openpty()
    environment = {**user.environ, "WORKBENCH_HOME": str(user.folder), "TERM": "xterm-256color"}
    program = subprocess.Popen(
        ["setsid", "-c", *MAIN] if leads else list(MAIN),
        stdin=far, stdout=far, stderr=far, env=environment, start_new_session=not leads,
    )  # fmt: skip
    os.close(far)
    try:
        seen = b""
        while b"machines" not in seen:  # its first page
            seen += os.read(near, 65536)
        os.close(near)
        assert program.wait(60) in (128 + signal.SIGHUP, -signal.SIGHUP, 1)
    finally:
        program.kill()
        program.wait()
