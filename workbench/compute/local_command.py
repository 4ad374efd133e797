"""A command of the user's own, run on this side: its lines as they come, its whole group ended when time is up."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from workbench.errors import NotFound, WorkbenchError
from workbench.text import durations
from workbench.text.whole_lines import WholeLines

READ = 1 << 16
GRACE = 3.0
"""Seconds between TERM and KILL."""
Tell = Callable[[str], Any]
"""Told of each line it writes, to either of its outputs."""


class TimeIsUp(WorkbenchError):
    """A command took longer than it may."""


async def run_here(
    command: str | list[str], environ: Mapping[str, str], timeout: float, tell: Tell
) -> int:
    """Run a shell line, or an exact argv; its exit code, 128+n for a signal n.

    It has no input. Raises TimeIsUp after timeout seconds, NotFound where there is no such program. Cancelled
    or out of time, what it started and what is in its group is ended.
    """
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else command
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=dict(environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as problem:
        raise NotFound(f"{argv[0]} cannot be run here: {problem.strerror}") from problem
    reading = asyncio.create_task(_read(process, tell))
    try:
        async with asyncio.timeout(timeout):
            code = await process.wait()
            with contextlib.suppress(TimeoutError):  # what it left running may hold its output open
                async with asyncio.timeout(GRACE):
                    await asyncio.shield(reading)
    except TimeoutError:
        raise TimeIsUp(f"it did not end within {durations.short(timeout)}") from None
    finally:
        await _end(process)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    return code if code >= 0 else 128 - code


async def _read(process: asyncio.subprocess.Process, tell: Tell) -> None:
    assert process.stdout is not None
    decoder, lines = codecs.getincrementaldecoder("utf-8")("replace"), WholeLines()
    while block := await process.stdout.read(READ):
        for line in lines.feed(decoder.decode(block)):
            tell(line)
    for line in lines.close():
        tell(line)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End its group, gently first, when it has not ended by itself."""
    if process.returncode is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await process.wait()
                return
