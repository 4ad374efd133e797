"""What the sessions of an embedded SSH server run: a real process each, gone when its session is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import asyncssh

BLOCK = 1 << 17
GRACE = 5.0
"""Seconds between TERM and KILL for commands that still serve when the server closes."""


class Sessions:
    """The open sessions of a server and the commands they run."""

    def __init__(self) -> None:
        self._open: dict[asyncio.Task[None], asyncio.subprocess.Process | None] = {}

    async def serve(
        self, process: asyncssh.SSHServerProcess[bytes], environ: dict[str, str], folder: Path
    ) -> None:
        """Run a session's command by /bin/sh in folder, its input and output carried both ways."""
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = None
        try:
            child = self._open[task] = await _start(process.command or "exit 0", environ, folder)
            await _carry(process, child)
        finally:
            del self._open[task]

    async def end(self) -> None:
        """End the commands that still run, gently first; it returns when their pipes are closed too."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for child in self._open.values():
                if child is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(child.pid, number)
            if self._open:
                await asyncio.wait(list(self._open), timeout=GRACE)


async def _start(command: str, environ: dict[str, str], folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env=environ,
        start_new_session=True,
    )


async def _carry(process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process) -> None:
    """Between a session and its command until that has ended, whether the session is still there or not."""
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    feeding = asyncio.create_task(_feed(process.stdin, child.stdin))
    draining = [
        asyncio.create_task(_drain(child.stdout, process.stdout)),
        asyncio.create_task(_drain(child.stderr, process.stderr)),
    ]
    try:
        await asyncio.gather(*draining)
        process.exit(await child.wait())
    except (asyncssh.Error, OSError):
        process.close()  # the other side went away; the command sees its input end
    finally:
        for task in (feeding, *draining):
            task.cancel()
        await asyncio.gather(feeding, *draining, return_exceptions=True)
        # Nobody is told any more: what it still says is taken, or it would wait on a full pipe for ever.
        child.stdin.close()
        await asyncio.gather(_drain(child.stdout), _drain(child.stderr))
        await child.wait()


async def _feed(source: asyncssh.SSHReader[bytes], sink: asyncio.StreamWriter) -> None:
    """Carry a session's input to its command until either ends."""
    with contextlib.suppress(asyncssh.Error, OSError):
        while block := await source.read(BLOCK):
            sink.write(block)
            await sink.drain()
    sink.close()


async def _drain(source: asyncio.StreamReader, sink: asyncssh.SSHWriter[bytes] | None = None) -> None:
    """Carry a command's output to its session, or nowhere, until it ends."""
    while block := await source.read(BLOCK):
        if sink is not None:
            sink.write(block)
            await sink.drain()
