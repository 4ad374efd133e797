"""How many lines stand before a place of a spool, without reading what comes before it again.

Beside the spool is a file with one number a megabyte of output: how many newlines come before it. So a place
costs at most one megabyte of reading whatever the length of lines and of the whole, and new output costs what
is new. Gaps are stepped over: the megabytes are those of what was kept. The file is no more than a memory of
work: what looks broken in it is counted again.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from workbench.store.logs.log_file import LogFile

STEP = 1 << 20
_ENTRY = struct.Struct("<Q")
_SIGN = 0x5742 << 48
"""Stands in the upper bits of every entry: what a crash left as zeros is none."""


class Counted(NamedTuple):
    """lines newlines stand before offset, all counted; offset is the end when the counting is done."""

    lines: int
    offset: int


class KeptBytes:
    """Places in a stream with gaps, as places in what was kept of it."""

    def __init__(self, gaps: Sequence[tuple[int, int]]) -> None:
        self._starts = [start for start, _ in gaps]
        self._stops = [stop for _, stop in gaps]
        self._lost = [0, *accumulate(stop - start for start, stop in gaps)]
        self._kept_starts = [start - lost for start, lost in zip(self._starts, self._lost, strict=False)]

    def kept(self, offset: int) -> int:
        """How many bytes before offset were kept."""
        index = bisect_right(self._starts, offset) - 1
        if index < 0:
            return offset
        return min(offset, self._starts[index]) - self._lost[index] + max(0, offset - self._stops[index])

    def offset(self, kept: int) -> int:
        """The place of the byte that comes after so many kept ones."""
        return kept + self._lost[bisect_right(self._kept_starts, kept)]

    def together(self, kept: int) -> int:
        """How many kept bytes stand from there to the next gap; very many when there is none."""
        index = bisect_right(self._kept_starts, kept)
        return (self._kept_starts[index] if index < len(self._kept_starts) else 1 << 62) - kept


class LineIndex:
    """The line numbers of one spool. Safe for several threads at once: what they write is the same."""

    def __init__(self, spool: Path, path: Path, step: int = STEP) -> None:
        self._spool = spool
        self._path = path
        self._step = step

    def extend(self, size: int, gaps: Sequence[tuple[int, int]], budget: int) -> Counted:
        """Count on, at most budget bytes, in a spool that is size long. Raises OSError; for a thread."""
        places = KeptBytes(gaps)
        end = places.kept(size)
        with LogFile(self._spool) as spool, _opened(self._path, write=spool.present) as index:
            if index is None:
                return Counted(0, 0)
            known = self._entries(index, end)
            lines = self._entry(index, known)
            while budget > 0 and (known + 1) * self._step <= end:
                lines += self._count(spool, places, known * self._step, (known + 1) * self._step)
                known += 1
                os.pwrite(index, _ENTRY.pack(_SIGN | lines), (known - 1) * _ENTRY.size)
                budget -= self._step
            counted = known * self._step
            if end - counted < self._step:
                return Counted(lines + self._count(spool, places, counted, end), size)
            return Counted(lines, places.offset(counted))

    def line(self, offset: int, gaps: Sequence[tuple[int, int]]) -> int | None:
        """How many newlines come before offset; None where it was not counted yet. Raises OSError."""
        places = KeptBytes(gaps)
        kept = places.kept(offset)
        with LogFile(self._spool) as spool, _opened(self._path) as index:
            if not spool.present:
                return None
            step = kept // self._step
            if step > (0 if index is None else self._entries(index, kept)):
                return None
            before = 0 if index is None else self._entry(index, step)
            return before + self._count(spool, places, step * self._step, kept)

    def offset(self, line: int, size: int, gaps: Sequence[tuple[int, int]]) -> int | None:
        """Where line begins, the first being 0; None when it was not counted yet or is not there."""
        if line <= 0:
            return 0
        places = KeptBytes(gaps)
        end = places.kept(size)
        with LogFile(self._spool) as spool, _opened(self._path) as index:
            if not spool.present:
                return None
            low, high = 0, 0 if index is None else self._entries(index, end)
            while low < high:  # the last step before which fewer lines end
                middle = (low + high + 1) // 2
                low, high = (middle, high) if self._entry(index, middle) < line else (low, middle - 1)
            wanted = line - self._entry(index, low)
            return self._find(spool, places, low * self._step, min(end, (low + 1) * self._step), wanted)

    def _find(self, spool: LogFile, places: KeptBytes, kept: int, end: int, wanted: int) -> int | None:
        for block in _kept_blocks(spool, places, kept, end):
            found = block.count(b"\n")
            if found >= wanted:
                at = -1
                for _ in range(wanted):
                    at = block.find(b"\n", at + 1)
                return places.offset(kept + at) + 1
            wanted -= found
            kept += len(block)
        return None

    def _count(self, spool: LogFile, places: KeptBytes, start: int, stop: int) -> int:
        return sum(block.count(b"\n") for block in _kept_blocks(spool, places, start, stop))

    def _entries(self, index: int, end: int) -> int:
        """How many steps are counted; what a crash broke is not."""
        known = min(os.fstat(index).st_size // _ENTRY.size, end // self._step)
        while known and self._read(index, known) & _SIGN != _SIGN:
            known -= 1
        return known

    def _entry(self, index: int | None, step: int) -> int:
        return 0 if not step or index is None else self._read(index, step) & ~_SIGN

    def _read(self, index: int, step: int) -> int:
        raw = os.pread(index, _ENTRY.size, (step - 1) * _ENTRY.size)
        return int(_ENTRY.unpack(raw)[0]) if len(raw) == _ENTRY.size else 0


def _kept_blocks(spool: LogFile, places: KeptBytes, start: int, stop: int) -> Iterator[bytes]:
    """The kept bytes start to stop, at most to the end of the file; a gap is never read."""
    while start < stop:
        length = min(stop - start, STEP, places.together(start))
        at = places.offset(start)
        block = spool.read(at, at + length)
        if not block:
            return
        yield block
        start += len(block)


@contextmanager
def _opened(path: Path, write: bool = False) -> Iterator[int | None]:
    """A descriptor of the file; None when there is none."""
    try:
        descriptor = os.open(path, (os.O_RDWR | os.O_CREAT if write else os.O_RDONLY) | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)
