"""Reading files of output in blocks, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from workbench.opened_file import opened
from workbench.store.logs.log_file import LogFile

BLOCK = 1 << 18


class Piece(NamedTuple):
    """A stretch of output that ends before stop: its bytes, or the gap the machine left there."""

    stop: int
    data: bytes
    gap: tuple[int, int] | None = None


async def stretches(path: Path, start: int, end: int, gaps: list[tuple[int, int]]) -> AsyncIterator[Piece]:
    """Bytes start to end of the spool; a gap is one piece without bytes, not a run of zeros."""
    for gap in [*sorted(gap for gap in gaps if start < gap[1] and gap[0] < end), (end, end)]:
        async for block in log_blocks(path, start, min(gap[0], end)):
            start += len(block)
            yield Piece(start, block)
        if gap[0] < end and start >= gap[0]:
            start = gap[1]
            yield Piece(start, b"", gap)


def gap_line(gap: tuple[int, int]) -> bytes:
    """What stands for a gap among the bytes of a log."""
    return b"\n[... %d bytes of output were not kept ...]\n" % (gap[1] - gap[0])


async def log_blocks(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    """Bytes start to end of a log, plain or packed; nothing when it does not exist yet."""
    if start >= end:
        return
    async with opened(lambda: LogFile(path)) as log:
        while start < end and (block := await asyncio.to_thread(log.read, start, min(end, start + BLOCK))):
            start += len(block)
            yield block


async def blocks(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    """Bytes start to end of a file; nothing when it does not exist yet."""
    if start >= end:
        return
    try:
        async with opened(lambda: open(path, "rb")) as handle:
            await asyncio.to_thread(handle.seek, start)
            while start < end and (block := await asyncio.to_thread(handle.read, min(BLOCK, end - start))):
                start += len(block)
                yield block
    except FileNotFoundError:  # also one that was removed since somebody looked
        return


def tail_offset(path: Path, lines: int, least: int = 0) -> int:
    """Where the last `lines` lines of a log begin, at least; reads backwards, whatever the log's size."""
    with LogFile(path) as log:
        end = log.size
        if lines <= 0 or not end:
            return end
        position, wanted, last = end, lines + 1, True
        while position > least:
            size = min(BLOCK, position - least)
            position -= size
            block = log.read(position, position + size)
            if last and not block.endswith(b"\n"):
                wanted -= 1  # the last line is not ended yet
            last = False
            breaks = (
                [index for index, byte in enumerate(block) if byte == 10]
                if block.count(b"\n") >= wanted
                else []
            )
            if breaks:
                return position + breaks[-wanted] + 1 if len(breaks) >= wanted else position
            wanted -= block.count(b"\n")
    return least
