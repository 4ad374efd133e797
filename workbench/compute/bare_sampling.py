"""Samples of a machine that has no python for us: its shell reads /proc and keeps nvidia-smi printing."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Sequence

from workbench.compute.bare_script import LINE, script
from workbench.compute.bare_state import BareState
from workbench.compute.channel import READ, Channel, Host
from workbench.entities.sample import MachineSample
from workbench.errors import RemoteError
from workbench.remote.gpus.smi_text import COLUMNS, Column

OFTEN, SELDOM = 1, 5
"""Whole seconds between samples: every shell can sleep so long."""
SELDOM_FROM = 4.0
LONGEST_LINE = 1 << 16
GREETING = 1 << 20
"""Bytes of a login shell's own words that are passed over."""


async def samples(host: Host, every: Callable[[], float]) -> AsyncGenerator[MachineSample, None]:
    """Samples of the machine, `every()` seconds apart as far as a shell can; that is looked at with each.

    Raises what opening a channel raises, RemoteError when the shell there cannot do it or ended.
    """
    columns: Sequence[Column] = COLUMNS
    while True:
        interval = SELDOM if every() >= SELDOM_FROM else OFTEN
        channel = await host.open(LINE)
        try:
            state = BareState(interval, columns)
            async with contextlib.aclosing(_told(channel, state, interval, columns)) as told:
                async for sample in told:
                    yield sample
                    if state.fewer is not None or interval != (SELDOM if every() >= SELDOM_FROM else OFTEN):
                        break
            columns = state.fewer or columns
        finally:
            channel.abort()
            await _ended(channel)


async def _told(
    channel: Channel, state: BareState, interval: int, columns: Sequence[Column]
) -> AsyncGenerator[MachineSample, None]:
    """The samples one shell tells; raises RemoteError at its end."""
    magic = f"@workbench {secrets.token_hex(8)}"
    lines = _Lines(magic)
    try:
        await channel.write(script(interval, columns, magic).encode())
        while data := await channel.read(READ):
            for line in lines.feed(data):
                sample = state.line(line, time.monotonic())
                if sample is not None:
                    yield sample
    except OSError as error:
        raise RemoteError(f"the connection broke: {error}", "it is tried again by itself") from error
    said = channel.stderr_tail().strip().splitlines()
    reason = f" ({said[-1][:200]})" if said else ""
    raise RemoteError(f"the shell there tells no more{reason}", "it is tried again by itself")


class _Lines:
    """Whole lines after the magic one, of bytes as they come."""

    def __init__(self, magic: str) -> None:
        self._magic = magic
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""
        self._passed = 0
        self._begun = False

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete now. Raises RemoteError when the magic one never comes."""
        lines = (self._pending + self._decoder.decode(data)).split("\n")
        self._pending = lines.pop()[-LONGEST_LINE:]
        if not self._begun:
            self._passed += len(data)
            if self._passed > GREETING:
                raise RemoteError("the shell there says something else", "look with ssh what it prints")
            found = [number for number, line in enumerate(lines) if line.rstrip("\r").endswith(self._magic)]
            self._begun = bool(found)
            lines = lines[found[0] + 1 :] if found else []
        return [line.rstrip("\r")[:LONGEST_LINE] for line in lines]


async def _ended(channel: Channel) -> None:
    """Wait a moment for its end, so that nothing of it is left behind."""
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(5):
            await channel.wait()
