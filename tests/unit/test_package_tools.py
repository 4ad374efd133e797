"""The tools that resolve and fetch packages on this side: ended with all they started."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.machines.rig import until
from workbench.environments import pip_download, uv
from workbench.errors import WorkbenchError


def gone(pid: int) -> bool:
    """Whether a process is no more, or only its end has still to be taken."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("tool", ["uv", "pip"])
async def test_one_that_takes_too_long_is_ended_with_what_holds_its_pipes(
    tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "tool"
    program.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {tmp_path}/left\nwait\n")
    program.chmod(0o755)
    monkeypatch.setattr(uv, "find_uv", lambda _: program)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(uv, "LONGEST", 0.5)
    monkeypatch.setattr(pip_download, "LONGEST", 0.5)
    asked = (
        uv.call_uv([], tmp_path, os.environ) if tool == "uv" else pip_download.download([], tmp_path, {}, {})
    )
    async with asyncio.timeout(30):
        with pytest.raises(WorkbenchError, match="was not done"):
            await asked
    left = int((tmp_path / "left").read_text())
    await until(lambda: gone(left))
