"""The product as its user has it: the `wb` command over a local server of its own, in a home of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.left_behind import Left, living

DEADLINE = 60.0
MAIN = [sys.executable, "-c", "import sys; from workbench.cli.main import main; sys.exit(main())"]


class Wb:
    """One user's workbench."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.through: list[str] = []  # words before each command, such as those of another network's end
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WORKBENCH_", "AZUREML_"))
        }
        self.environ |= {
            "WORKBENCH_HOME": str(folder),
            "NO_COLOR": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            **environ,
        }
        self.started: list[subprocess.Popen[bytes]] = []

    def __call__(self, *words: str, code: int | None = 0, cwd: Path | None = None, **environ: str) -> str:
        """Run one command to its end; its standard output. Fails unless it exits with code (None: any)."""
        done = self.run(*words, cwd=cwd, **environ)
        if code is not None and done.returncode != code:
            pytest.fail(
                f"wb {' '.join(words)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.log()}"
            )
        return done.stdout

    def run(self, *words: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end, however it ends."""
        return subprocess.run(
            [*self.through, *MAIN, *words],
            env={**self.environ, **environ},
            cwd=cwd or self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=DEADLINE * 3,
            check=False,
        )

    def start(self, *words: str, cwd: Path | None = None, **environ: str) -> subprocess.Popen[bytes]:
        """Start a command that goes on; ended with the fixture."""
        process = subprocess.Popen(
            [*self.through, *MAIN, *words],
            env={**self.environ, **environ},
            cwd=cwd or self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.started.append(process)
        return process

    def json(self, *words: str) -> Any:
        """Run one command with JSON output; its value."""
        return json.loads(self(*words, "--format", "json"))

    def show(self, run: str) -> dict[str, Any]:
        """A run's entity."""
        value = self.json("run", "show", run)
        return dict(value[0] if isinstance(value, list) else value)

    def wait(self, run: str) -> dict[str, Any]:
        """Wait until a run is over; its entity."""
        self("run", "wait", run, code=None)
        return self.show(run)

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until condition() is true; its value. A condition that starts processes is asked more and more seldom."""
        begun = time.monotonic()
        deadline = begun + DEADLINE
        while not (value := condition()):
            if time.monotonic() > deadline:
                pytest.fail(f"waited {DEADLINE} s for {what}\n{self.log()}")
            time.sleep(min(0.05 + (time.monotonic() - begun) / 20, 0.3))
        return value

    def log(self) -> str:
        """The end of the server's log, for failures."""
        with contextlib.suppress(OSError):
            return (self.folder / "server.log").read_text(errors="replace")[-4000:]
        return "(no server log)"

    def server_pid(self) -> int | None:
        """The local server's process, None when none runs."""
        with contextlib.suppress(OSError, IndexError, ValueError):
            for line in reversed((self.folder / "server.log").read_text().splitlines()):
                if " as process " in line:
                    pid = int(line.partition(" as process ")[2].split(",")[0])
                    started = Path(f"/proc/{pid}/cmdline").read_bytes()  # a number is soon another's
                    return pid if b"workbench.server" in started else None
        return None

    def kill_server(self, number: int = signal.SIGKILL) -> None:
        """End the local server the hard way and wait until it is gone."""
        pid = self.server_pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            self.until(lambda: not _lives(pid), "the server to end")

    def close(self) -> None:
        """End everything that was started here."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        # One that another client started at the same time may not have seen yet that it came too late.
        self.until(lambda: len(self._servers()) <= 1, "servers that came too late to end")
        self.kill_server(signal.SIGTERM)

    def _servers(self) -> list[Left]:
        mark = b"WORKBENCH_HOME=" + os.fsencode(self.folder)
        return [found for found in living((mark,)) if "-m workbench.server" in found.words]


def _lives(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def make_wb() -> Iterator[Callable[..., Wb]]:
    """Makes users, each with a home in a short temporary folder (a Unix socket's path is short)."""
    made: list[Wb] = []

    def make(**environ: str) -> Wb:
        made.append(Wb(Path(tempfile.mkdtemp(prefix="wb-")), **environ))
        return made[-1]

    yield make
    for wb in made:
        wb.close()
        shutil.rmtree(wb.folder)


@pytest.fixture
def wb(make_wb: Callable[..., Wb]) -> Wb:
    """One user."""
    return make_wb()
