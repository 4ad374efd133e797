"""Going from one line that tells of an error to the next, and how many there are."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from contextlib import aclosing

from workbench.tui.logs.source import LogSource

LISTED = 100_000
"""Errors whose places are kept; more are counted."""
EVERY = 1 << 20


class ErrorFinder:
    """The errors of one log, as it was when they were counted; who goes on beyond them looks anew."""

    def __init__(self, source: LogSource) -> None:
        self._source = source
        self._places = array("Q")
        self._count = 0
        self.counted = False
        """Whether all were counted."""

    async def count(self) -> None:
        """Count all of them; raises WorkbenchError."""
        places, count = array("Q"), 0
        async with aclosing(self._source.errors(0, most=EVERY)) as news:
            async for found in news:
                places.extend(place for place, _ in found.hits[: LISTED - len(places)])
                count = found.total
        self._places, self._count, self.counted = places, count, True

    async def beyond(
        self, offset: int, backwards: bool, on_way: Callable[[int], None] | None = None
    ) -> int | None:
        """The first error after offset, or the last before it; on_way hears how far the search is."""
        known = self._known(offset, backwards)
        if known is not None:
            return known
        start = offset if backwards else offset + 1
        async with aclosing(self._source.errors(start, backwards=backwards)) as news:
            async for found in news:
                if on_way is not None:
                    on_way(found.at)
                for place, _ in found.hits:
                    return place
        return None

    def _known(self, offset: int, backwards: bool) -> int | None:
        if not self.counted or not self._places:
            return None
        if backwards:
            index = bisect_left(self._places, offset) - 1
            return self._places[index] if index >= 0 and offset <= self._places[-1] + 1 else None
        index = bisect_right(self._places, offset)
        return self._places[index] if index < len(self._places) else None

    def knows(self, place: int) -> bool:
        """Whether an error was counted."""
        index = bisect_left(self._places, place)
        return index < len(self._places) and self._places[index] == place

    def words(self, place: int) -> str:
        """Which error it is of how many: error 3/17."""
        if not self.knows(place):
            return "error"
        return f"error {bisect_left(self._places, place) + 1:,}/{self._count:,}"
