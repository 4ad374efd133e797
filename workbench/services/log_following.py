"""One log of a run piece by piece, to its end or as long as it goes on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import NamedTuple

from workbench.services.context import Context
from workbench.services.log_extent import LogExtent, log_extent
from workbench.services.log_place import place
from workbench.services.spool_reading import Piece, stretches

LOOK = 1.0
"""Seconds after which a follower looks by itself, whatever it heard."""


async def pieces(
    context: Context, run: str, log: str, extent: LogExtent, offset: int, stop: int | None, follow: bool
) -> AsyncGenerator[tuple[LogExtent, Piece], None]:
    """What a log has from offset to stop, each piece with the log as it was then.

    run: its id. extent: of the log when it was looked at first. follow: goes on until the log is over and
    everything in it was given. Closed with `aclosing`, as it listens.
    """
    with context.bus.listen(f"runs/{run}") as listener:
        while True:
            end = extent.size if stop is None else min(extent.size, stop)
            async for piece in stretches(extent.path, offset, end, extent.gaps):
                offset = piece.stop
                yield extent, piece
            if not follow or extent.ended or (stop is not None and offset >= stop):
                return
            await listener.take(timeout=LOOK)
            extent = await log_extent(context, run, log)


class Walk(NamedTuple):
    """A log that is read from somewhere on."""

    run: str
    """The run's id."""
    extent: LogExtent
    """The log as it was when it was looked at first."""
    begin: int
    """Where the first piece begins."""
    pieces: AsyncGenerator[tuple[LogExtent, Piece], None]


@asynccontextmanager
async def walk(
    context: Context,
    run: str,
    log: str,
    follow: bool,
    offset: int = 0,
    lines: int | None = None,
    since: float | None = None,
    stop: int | None = None,
) -> AsyncIterator[Walk]:
    """A log from offset, its last `lines` or its last `since` seconds on, to stop; see `pieces`.

    Raises NotFound, UsageError.
    """
    found = await context.place(run)
    extent = await log_extent(context, found.id, log, whole=not follow)
    begin = await place(context.store, extent, offset, lines, since)
    async with aclosing(pieces(context, found.id, log, extent, begin, stop, follow)) as coming:
        yield Walk(found.id, extent, begin, coming)
