"""A run's folder with payload and shims as a supervisor lays it out, and every Python of this machine."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from workbench.compute.payload import build_payload
from workbench.remote.environments.shims import write_shims
from workbench.remote.forms import protocol
from workbench.remote.runs.environ import run_environment

RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
VERSIONS = Path.home() / ".pyenv" / "versions"


def interpreters() -> list[str]:
    """This Python, and each of 3.6 and newer that pyenv has installed."""
    found = [str(path) for path in sorted(VERSIONS.glob("3.*/bin/python3"))]
    return found or [os.path.realpath(sys.executable)]  # without what its environment has installed


def python2() -> str | None:
    """A Python 2.7, where there is one."""
    return next((str(path) for path in VERSIONS.glob("2.7*/bin/python2.7")), None)


class InsideRun:
    """A run's folder below a root, and processes started in it as the run's own."""

    def __init__(self, root: Path) -> None:
        payload = build_payload()
        self.payload = root / f"{payload.sha}.pyz"
        self.payload.write_bytes(payload.data)
        self.folder = root / "run"
        for name in ("code", "outputs", "records"):
            (self.folder / name).mkdir(parents=True)

    @functools.cached_property
    def python(self) -> str:
        """An interpreter with nothing installed, as on a machine: what it finds is the payload."""
        venv = self.payload.parent / "clean"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        return str(venv / "bin" / "python")

    def environment(self, python: str | None = None, **more: str) -> dict[str, str]:
        """The environment of this run's command with that interpreter, the clean one by default."""
        base = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", *protocol.RANK_VARIABLES)}
        base.update(more)
        bin_dir, site_dir = write_shims(str(self.folder), str(self.payload), python or self.python)
        return run_environment(base, {"run": RUN}, str(self.folder), bin_dir, site_dir, {})

    def start(self, argv: list[str], environment: dict[str, str], **more: Any) -> subprocess.Popen[str]:
        """A process of the run, its output captured as text."""
        pipe = subprocess.PIPE
        code = str(self.folder / "code")
        return subprocess.Popen(argv, cwd=code, env=environment, stdout=pipe, stderr=pipe, text=True, **more)

    def output(
        self, argv: list[str], environment: dict[str, str], code: int = 0, **more: Any
    ) -> tuple[str, str]:
        """What a process of the run prints on stdout and stderr; it must end with that exit code."""
        process = self.start(argv, environment, **more)
        try:
            out, err = process.communicate(timeout=120)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == code, (process.returncode, out, err)
        return out, err
