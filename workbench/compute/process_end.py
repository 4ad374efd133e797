"""The end of a child process, whoever holds its pipes open: what it left running may do so for long."""

from __future__ import annotations

import asyncio

LOOK, SELDOM = 0.05, 2.0
"""Seconds between two looks where asyncio does not tell of the end, at first and later."""


async def ended(process: asyncio.subprocess.Process) -> int:
    """Its exit code, -n for a signal n, once it ended.

    Before Python 3.12.5 asyncio's own `wait` waits until its pipes have ended as well.
    """
    waiting = asyncio.ensure_future(process.wait())
    try:
        pause = LOOK
        while process.returncode is None:
            await asyncio.wait({waiting}, timeout=pause)
            pause = min(pause * 1.5, SELDOM)
    finally:
        waiting.cancel()
        await asyncio.wait({waiting})
    return process.returncode


def close_pipes(process: asyncio.subprocess.Process) -> None:
    """Let go of the pipes of a process that ended; what was read of them stays."""
    transport: asyncio.SubprocessTransport = getattr(process, "_transport")  # noqa: B009 - there is no other way
    transport.close()
