"""The dashboard steps aside for the shell it was started from, and comes back as it was: in a real terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.machines.rig import need
from tests.terminal.terminal import Terminal

PROGRAM = """\
import asyncio, os, sys
from pathlib import Path
from tests.faces.tui.world import World
from workbench.home import find_home, private_folder
from workbench.tui.app import Dashboard

async def main():
    home = str(private_folder(Path(os.environ["HOME"], "home")))
    await Dashboard(World(), find_home({"WORKBENCH_HOME": home, "HOME": home}), environ={}).run_async()

asyncio.run(main())
"""
ROOT = Path(__file__).parents[3]


def test_stopped_and_called_back_everything_is_drawn_again(tmp_path: Path) -> None:
    need("tmux", "bash")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    path = {"PYTHONPATH": str(ROOT), "PS1": "shell> "}
    with Terminal(tmp_path, ["bash", "--norc", "-i"], 100, 30, environment=path) as terminal:
        terminal.wait_for("shell>")
        terminal.type(f"{sys.executable} {program.name}")
        terminal.keys("Enter")
        terminal.wait_for("vivid-lark-40")
        terminal.keys("C-z")
        terminal.wait_for("shell>$")
        assert "vivid-lark-40" not in terminal.text()
        terminal.type("clear; fg")
        terminal.keys("Enter")
        for drawn in ("vivid-lark-40", "all keys", "NAME"):
            terminal.wait_for(drawn)
        terminal.keys("C-q")
        terminal.wait_for("shell>$")
