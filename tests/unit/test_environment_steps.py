"""The steps of a build: each is over when its command is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

STEP = """
import os, sys
from types import SimpleNamespace
from workbench.remote.disk.filelock import lock
from workbench.remote.environments.steps import Log, Steps
from workbench.remote.processes.background import become_subreaper
become_subreaper()
folder = sys.argv[1]
waits = lock(folder + "/wanted")
steps = Steps(None, SimpleNamespace(wanted=folder + "/wanted"), Log(folder + "/log", [], 1000), lambda who: None)
line = "sleep 600 & echo $! > %s/left; echo done; exec sh -c 'sleep 0.1; echo more'" % folder
print(steps.run(["sh", "-c", line], os.environ).decode(), end="")
"""


def test_one_that_leaves_a_server_running_is_over_and_so_is_the_server(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STEP, str(tmp_path)], stdout=subprocess.PIPE, timeout=60, check=True
    )
    assert done.stdout == b"done\nmore\n"
    assert not Path("/proc", (tmp_path / "left").read_text().strip()).exists()
