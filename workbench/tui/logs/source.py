"""What the log view needs to know of a log. A run's is in `run_source`; tests have theirs in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import NamedTuple, Protocol


class Extent(NamedTuple):
    """How much there is."""

    size: int = 0
    gaps: tuple[tuple[int, int], ...] = ()
    """Stretches that were not kept, as (start, stop), in order."""
    ended: bool = False
    """Whether nothing more will come."""
    as_of: datetime | None = None
    """When the machine last said something, where that is known."""


class LineCount(NamedTuple):
    """What is known of line numbers: the counting goes on while one asks."""

    line: int | None
    """The number, from 0, of the line that was asked for; None when the counting is not there yet."""
    lines: int
    """Lines counted."""
    counted: int
    """Bytes counted; the size when all are."""


class Found(NamedTuple):
    """News of a search."""

    hits: list[tuple[int, str]]
    """(offset, text) of more matches, in the order of the search."""
    at: int
    """Where the search is."""
    total: int
    """Matching lines so far; those beyond a limit are counted and not told."""


class ShortRead(Exception):
    """The log is shorter than it was: it has to be looked at anew."""


class LogSource(Protocol):
    """A log. Every method may raise WorkbenchError."""

    async def extent(self) -> Extent:
        """How much there is now."""

    def changes(self) -> AsyncGenerator[Extent, None]:
        """The extent whenever it changed, from now on; ends when the log has ended."""

    async def read(self, offset: int, length: int) -> bytes:
        """Bytes at offset, none of them in a gap; fewer when the log is shorter than it was."""

    async def lines(self, offset: int) -> LineCount:
        """The number of the line that holds offset, as far as known."""

    async def line_start(self, line: int) -> int | None:
        """Where the line with that number, from 0, begins; None when it is not known to be there."""

    async def times(self, offset: int, stop: int) -> list[tuple[int, float]]:
        """(offset, seconds since 1970) of when bytes came: what holds for offset, and more up to stop."""

    async def at(self, time: float) -> int | None:
        """From where on it came at a time or later; None where that is not known."""

    def search(
        self, pattern: str, offset: int = 0, *, backwards: bool = False, most: int | None = None
    ) -> AsyncGenerator[Found, None]:
        """Matches from offset on, or before it, at most so many; ends when all were found."""

    def errors(
        self, offset: int = 0, *, backwards: bool = False, most: int = 1
    ) -> AsyncGenerator[Found, None]:
        """Lines from offset on, or before it, that tell of an error, at most so many."""
