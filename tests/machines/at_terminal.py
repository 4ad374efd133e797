"""Somebody who lives in the dashboard: a home, a project, `wb` in a terminal."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.machines.rig import SshServer
from tests.machines.wb import MAIN, Wb
from tests.terminal.terminal import Terminal

TRAIN = """
import time
from pathlib import Path
from workbench import Run
run = Run.get_context()
for step in range(20):
    print(f"step {step} loss {1 / (step + 1):.3f}", flush=True)
    run.log("loss", 1 / (step + 1))
print("waiting for the word", flush=True)
while not Path(%r).exists():
    time.sleep(0.05)
print("the word has come", flush=True)
"""
Open = Callable[..., Terminal]


@pytest.fixture
def user(make_wb: Callable[..., Wb], tmp_path: Path) -> Wb:
    """Somebody with a home, a project whose run waits for a file, and no machine yet."""
    home = tmp_path / "user"
    (home / ".ssh").mkdir(parents=True)
    (home / "project").mkdir()
    (home / "project" / "train.py").write_text(TRAIN % str(tmp_path / "word"))
    return make_wb(HOME=str(home))


@pytest.fixture
def open_wb(user: Wb) -> Iterator[Open]:
    """Opens the dashboard in a terminal, in the user's project."""
    with contextlib.ExitStack() as open_ones:

        def opened(*words: str, command: list[str] | None = None, **environ: str) -> Terminal:
            folder = Path(tempfile.mkdtemp(prefix="wbt-"))
            open_ones.callback(shutil.rmtree, folder)
            home = user.environ["HOME"]
            environment = {"WORKBENCH_HOME": str(user.folder), "HOME": home, **environ}
            project = Path(home) / "project"
            program = command or [*MAIN, *words]
            terminal = Terminal(folder, program, 100, 30, environment=environment, directory=project)
            return open_ones.enter_context(terminal)

        yield opened


def config(user: Wb, server: SshServer, *, known: bool) -> None:
    """Name the server in the user's ~/.ssh/config."""
    if not known:
        server.known_hosts.write_text("")
    (Path(user.environ["HOME"]) / ".ssh" / "config").write_text(server.config_block())


def submit(user: Wb, *words: str) -> str:
    """A run of the project on this machine; its id."""
    return user("submit", "-t", "local", *words, cwd=Path(user.environ["HOME"]) / "project").strip()
