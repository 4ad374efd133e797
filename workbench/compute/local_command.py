"""A command of the user's own, run on this side: its lines as they come, its group ended when time is up."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import NotFound, WorkbenchError
from workbench.text import durations
from workbench.text.whole_lines import WholeLines

READ = 1 << 16
GRACE = 3.0
"""Seconds between TERM and KILL."""
LOOK = 0.02
"""Seconds between two looks at whether a group has ended."""
LINGER = 1.0
"""Seconds its output is still read once it ended."""
Tell = Callable[[str], Any]
"""Told of each line it writes, to either of its outputs."""


class TimeIsUp(WorkbenchError):
    """A command took longer than it may."""


async def run_here(
    command: str | list[str],
    environ: Mapping[str, str],
    timeout: float,
    tell: Tell,
    *,
    given: bytes = b"",
    folder: Path | None = None,
) -> int:
    """Run a shell line, or an exact argv, in a folder or where we are; its exit code, 128+n for a signal n.

    given: its input. Raises TimeIsUp after timeout seconds, NotFound where there is no such program.
    Cancelled or out of time, what it started and what is in its group is ended.
    """
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else command
    # A pipe of our own: asyncio's would have its end waited for, which what is left running may hold open.
    read, write = os.pipe()
    try:
        with tempfile.TemporaryFile() as handed:
            handed.write(given)
            handed.seek(0)
            process = await asyncio.create_subprocess_exec(
                *argv,
                env=dict(environ),
                cwd=folder,
                stdin=handed,
                stdout=write,
                stderr=write,
                start_new_session=True,
            )
    except (OSError, ValueError) as problem:
        os.close(read)
        why = getattr(problem, "strerror", None) or str(problem)
        raise NotFound(f"{argv[0]} cannot be run here: {why}") from problem
    finally:
        os.close(write)
    reading = asyncio.create_task(_read(read, tell))
    try:
        async with asyncio.timeout(timeout):
            code = await process.wait()
        await asyncio.wait({reading}, timeout=LINGER)
    except TimeoutError:
        raise TimeIsUp(f"it did not end within {durations.short(timeout)}") from None
    finally:
        await end_group(process)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    return code if code >= 0 else 128 - code


async def _read(descriptor: int, tell: Tell) -> None:
    reader = asyncio.StreamReader()
    with os.fdopen(descriptor, "rb", 0) as file:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), file
        )
        decoder, lines = codecs.getincrementaldecoder("utf-8")("replace"), WholeLines()
        try:
            while block := await reader.read(READ):
                for line in lines.feed(decoder.decode(block)):
                    tell(line)
        finally:
            for line in lines.close():
                tell(line)
            transport.close()


async def end_group(process: asyncio.subprocess.Process) -> None:
    """End a process that still runs, and all in its group: TERM, a little later KILL.

    What one that ended by itself left running was meant to.
    """
    if process.returncode is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signal(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await process.wait()
                while _signal(process.pid, 0):  # noqa: ASYNC110 - a group tells nobody that it ended
                    await asyncio.sleep(LOOK)
                return


def _signal(group: int, number: int) -> bool:
    """Send a signal, or none (0), to a group; whether there is anybody in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody is, who is not ours any more
        return True
    return True
