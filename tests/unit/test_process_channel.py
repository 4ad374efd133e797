"""A channel over a child process: it ends with the process, whoever it left its pipes to."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from workbench.compute.process_channel import ProcessChannel


@pytest.mark.parametrize("how", ["wait", "close"])
async def test_what_a_command_left_running_holds_nobody(tmp_path: Path, how: str) -> None:
    note, go = tmp_path / "pid", tmp_path / "go"
    before = set(os.listdir("/proc/self/fd"))
    line = f"setsid sleep 600 & echo $! > {note}; until [ -e {go} ]; do sleep 0.02; done; exit 3"
    channel = await ProcessChannel.start(["/bin/sh", "-c", line])
    waiting = asyncio.create_task(channel.wait())
    await asyncio.sleep(0)
    go.touch()
    try:
        async with asyncio.timeout(60):
            if how == "wait":
                assert await waiting == 3
            await channel.close()
            await waiting
    finally:
        os.kill(int(note.read_text()), signal.SIGKILL)
    await asyncio.sleep(0)
    assert set(os.listdir("/proc/self/fd")) <= before
