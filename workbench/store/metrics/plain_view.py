"""The plain view of a metric: what is drawn and compared when nobody asks for more. Pure.

It is rank 0, or the lowest rank there is. Of several attempts the latest counts where their steps overlap;
what an older one alone reached stays. What was read from a log that the script also wrote (`ingest-*` record
files) counts only under names that the script did not log here itself, and of such a log its newest content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Span = tuple[int, int]
"""First and last step, both included."""


_READ = re.compile(r"(?:.*/)?ingest-(\d+)-(\d+)-\d+-[^/]*\.jsonl")
"""A record file of what a log said: which log of the run, which content of it (remote/ingest/following)."""


class SeriesRow(NamedTuple):
    """One series: the points one process of one attempt wrote under one name."""

    id: int
    name: str
    rank: int
    attempt: int
    file: str
    points: int
    chunks: int
    low: int
    high: int
    next_step: int
    last: float | None
    """None: nan."""
    min: float | None
    max: float | None
    nan_count: int
    last_time: float
    ordered: bool
    infinite: int | None
    """How many values are infinite; None: written before they were counted."""

    @property
    def all_finite(self) -> bool:
        """Whether it is known that every value is a finite number."""
        return self.infinite == 0 and self.nan_count == 0


class Piece(NamedTuple):
    """A series and the steps of it that newer attempts have replaced."""

    series: SeriesRow
    hidden: tuple[Span, ...]


def pieces(series: Iterable[SeriesRow]) -> list[Piece]:
    """The series of one name and rank, oldest attempt first, each with what newer ones hide of it."""
    groups: dict[int, list[SeriesRow]] = {}
    for row in series:
        groups.setdefault(row.attempt, []).append(row)
    found: list[Piece] = []
    hidden: tuple[Span, ...] = ()
    for attempt in sorted(groups, reverse=True):
        rows = sorted(counting(groups[attempt]), key=lambda row: row.id)
        found[:0] = [Piece(row, hidden) for row in rows if not covered((row.low, row.high), hidden)]
        hidden += ((min(row.low for row in rows), max(row.high for row in rows)),)
    return found


def counting(series: Sequence[SeriesRow]) -> list[SeriesRow]:
    """Those of one name, rank and attempt that count: the script's own, else the newest of each log."""
    logs = [(row, _READ.fullmatch(row.file)) for row in series]
    own = [row for row, read in logs if read is None]
    if own or len(series) < 2:
        return own or list(series)
    newest: dict[int, int] = {}
    for _, read in logs:
        if read is not None:
            newest[int(read[1])] = max(int(read[2]), newest.get(int(read[1]), 0))
    return [row for row, read in logs if read is not None and newest[int(read[1])] == int(read[2])]


def cropped(parts: Iterable[Piece], low: int, high: int) -> list[Piece]:
    """The pieces with steps from low to high; their other steps count as hidden."""
    found = []
    for series, hidden in parts:
        if series.low <= high and series.high >= low:
            before = ((series.low, low - 1),) if series.low < low else ()
            after = ((high + 1, series.high),) if series.high > high else ()
            found.append(Piece(series, hidden + before + after))
    return found


def covered(span: Span, hidden: Sequence[Span]) -> bool:
    """Whether one hidden span holds all of span."""
    return any(low <= span[0] and span[1] <= high for low, high in hidden)


def touched(span: Span, hidden: Sequence[Span]) -> bool:
    """Whether any hidden span overlaps span."""
    return any(low <= span[1] and span[0] <= high for low, high in hidden)
