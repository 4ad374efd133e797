"""docs/tutorial.md does what it says: every block is run, in order, on a real machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.machines.rig import SshServer
from tests.machines.wb import MAIN, Wb

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
DEADLINE = 240


def blocks() -> list[str]:
    """The shell blocks of the tutorial."""
    return re.findall(r"```sh\n(.*?)```", TUTORIAL.read_text(), re.DOTALL)


def test_every_block_of_the_tutorial_runs(make_wb, make_server, tmp_path: Path):
    server: SshServer = make_server("gpu1")
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "config").write_text(server.config_block())
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "wb"
    command.write_text(f"#!{sys.executable}\n{MAIN[2]}\n")
    command.chmod(0o755)
    wb: Wb = make_wb(HOME=str(home), PATH=f"{command.parent}:{os.environ['PATH']}")
    found = blocks()
    assert len(found) > 5
    script = "set -e\n" + "\n".join(found)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=wb.environ,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}\n{wb.log()}"
    assert "step 19 loss" in done.stdout
    assert "+for step in range(40):" in done.stdout
    assert {run["status"] for run in wb.json("run", "ls", "-n", "50")} == {"Completed", "Canceled"}
    assert (server.home / ".workbench").is_dir()
