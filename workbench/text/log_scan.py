"""Going through a log for lines that match, in blocks, in both directions. Pure: who reads is told.

Lines are whole whatever the blocks. A line longer than LONG counts once for each piece of it that matches;
pieces overlap, so that what stands at an edge is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from workbench.text.log_hits import Counter, Finder, Hit
from workbench.text.log_rows import Stretch

BLOCK = 1 << 20
LONG = 1 << 20
OVERLAP = 1 << 12
COUNTED = 1_000_000
"""Hits after which whoever only looks stops counting: nobody goes through more."""

Read = Callable[[int, int], bytes]
"""Bytes start to stop; fewer when the log ends before."""


class Step(NamedTuple):
    """A part of the log was gone through."""

    at: int
    """All before it were, or all after it, backwards."""
    hits: list[Hit]
    """In the order one goes through the log; offsets are those of the log."""
    more: int = 0
    """Hits that were counted only."""


class Scan:
    """Goes through the kept stretches of a log. The sizes are there for tests; long is overlap at least."""

    def __init__(
        self,
        read: Read,
        stretches: Sequence[Stretch],
        finder: Finder,
        counter: Counter | None = None,
        *,
        block: int = BLOCK,
        long: int = LONG,
        overlap: int = OVERLAP,
    ) -> None:
        self._read = read
        self._kept = [stretch for stretch in stretches if not stretch.gap]
        self._finder = finder
        self._counter = counter
        self._block = block
        self._long = long
        self._overlap = overlap

    def forwards(
        self, offset: int, *, unfinished: bool, counting: Callable[[], bool] = lambda: False
    ) -> Iterator[Step]:
        """From offset to the end. unfinished: the last line counts though no newline ends it.

        counting: asked at each block, whether from now on hits are only counted.
        """
        last = -1
        for stretch in self._kept:
            if stretch.stop <= offset:
                continue
            at = self._line_start(offset, stretch) if stretch.start < offset else stretch.start
            waiting = b""
            while at + len(waiting) < stretch.stop:
                end = at + len(waiting)
                data = waiting + self._read(end, min(end + self._block, stretch.stop))
                if len(data) == len(waiting):
                    return  # the file is shorter than was said
                finished = at + len(data) >= stretch.stop and (unfinished or stretch != self._kept[-1])
                ready = len(data) if finished else data.rfind(b"\n") + 1
                kept = ready
                if not ready and len(data) >= self._long:
                    ready, kept = len(data), len(data) - self._overlap
                if self._counter is not None and kept == ready and at >= max(offset, last + 1) and counting():
                    at, waiting = at + kept, data[kept:]
                    yield Step(at, [], self._counter(data[:ready]))
                    continue
                least = max(offset, last + 1)
                hits = list(self._finder(data[:ready], at))
                if hits and hits[0].offset < least:  # in what was gone through already
                    hits = [hit for hit in hits if hit.offset >= least]
                last = hits[-1].offset if hits else last
                at, waiting = at + kept, data[kept:]
                yield Step(at, hits)

    def backwards(self, offset: int) -> Iterator[Step]:
        """From before offset to the beginning."""
        first = offset
        for stretch in reversed(self._kept):
            if stretch.start >= offset:
                continue
            end = self._line_stop(offset, stretch) if offset < stretch.stop else stretch.stop
            waiting = b""
            while end > stretch.start:
                low = max(end - self._block, stretch.start)
                data = self._read(low, end) + waiting
                begin = 0 if low == stretch.start else data.find(b"\n") + 1
                kept = begin
                if low > stretch.start and (not begin or begin == len(data)):
                    begin, kept = len(data), len(data)
                    if len(data) >= self._long:
                        begin, kept = 0, self._overlap
                hits = [hit for hit in self._finder(data[begin:], low + begin) if hit.offset < first]
                first = hits[0].offset if hits else first
                end, waiting = low, data[:kept]
                yield Step(low + begin, hits[::-1])

    def _line_start(self, offset: int, stretch: Stretch) -> int:
        """Where the line that holds offset begins, at most LONG before it."""
        low = max(stretch.start, offset - self._long)
        data = self._read(low, offset)
        newline = data.rfind(b"\n")
        return low + newline + 1 if newline >= 0 else low

    def _line_stop(self, offset: int, stretch: Stretch) -> int:
        """Where the line that holds offset ends, at most LONG after it."""
        high = min(stretch.stop, offset + self._long)
        newline = self._read(offset, high).find(b"\n")
        return offset + newline + 1 if newline >= 0 else high
