"""What a machine's figures were: ten minutes by the second, three hours by the minute. Pure.

Times are whole seconds since 1970 by this side's clock, minutes those divided by 60. A place in a ring that
nothing was said for is nan: a gap stays a gap. A figure takes two bytes, so that a machine of eight GPUs
takes 80 KB. Minutes before those are the store's to know: hundreds of machines have to fit into memory.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from workbench.entities.machine_series import NAN, Minute, Span, kept, unit

SECONDS = 600
MINUTES = 180
MOST = 2560
"""Series of one machine: every figure of 640 GPUs. What it names beyond has no history."""
BACKWARDS = 5
"""Seconds the clock may be set back without what was known being forgotten."""
_ONE, _THREE, _SIXTY = struct.Struct("<e"), struct.Struct("<3e"), struct.Struct("<60e")
_GAP = _ONE.pack(NAN)


class _Column:
    """The rings of one series."""

    __slots__ = ("minutes", "said", "seconds", "unit")

    def __init__(self, name: str, minute: int) -> None:
        self.unit = unit(name)
        self.seconds = bytearray(_GAP * SECONDS)
        self.minutes: bytearray | None = None  # most of the memory, wanted after a minute only
        self.said = minute
        """The last minute it had a value in."""

    def span(self, minute: int) -> Span | None:
        """The figures of a minute that the seconds still hold, in its unit; None for a gap."""
        values = _SIXTY.unpack_from(self.seconds, minute * 60 % SECONDS * _ONE.size)
        known = [value for value in values if value == value]
        return Span(min(known), sum(known) / len(known), max(known)) if known else None

    def keep(self, minute: int, span: Span | None) -> None:
        if self.minutes is None:
            if span is None:
                return
            self.minutes = bytearray(_GAP * 3 * MINUTES)
        _THREE.pack_into(self.minutes, minute % MINUTES * _THREE.size, *(span or (NAN, NAN, NAN)))

    def kept(self, minute: int) -> Span | None:
        """What `keep` put there; None for a gap."""
        if self.minutes is None:
            return None
        span = Span._make(_THREE.unpack_from(self.minutes, minute % MINUTES * _THREE.size))
        return span if span.mean == span.mean else None

    def scaled(self, span: Span | None) -> Span | None:
        """A span in the unit of samples."""
        return span and Span(span.low * self.unit, span.mean * self.unit, span.high * self.unit)


class History:
    """The rings of one machine."""

    def __init__(self) -> None:
        self._columns: dict[str, _Column] = {}
        self._began = 0
        self._last: int | None = None
        self._said = 0
        self._count = 0
        self._closed: list[Minute] = []

    @property
    def names(self) -> list[str]:
        """The series there are, in order of their names."""
        return sorted(self._columns)

    @property
    def began(self) -> int | None:
        """The first second anything was said in; None when there was none."""
        return None if self._last is None else self._began

    @property
    def held(self) -> range:
        """The minutes that may be known here, the one that is not over among them; empty without any."""
        if self._last is None:
            return range(0)
        now = self._last // 60
        return range(max(now - MINUTES + 1, self._began // 60), now + 1)

    def add(self, second: int, figures: Mapping[str, float], covers: int = 1) -> None:
        """Take in what was said in a second; of several in one second the mean is kept.

        covers: for how many seconds up to this one the figures stand, where nothing else was said.
        """
        second, last = self.advance(second)
        self._count += 1
        self._said = second // 60
        first = last + 1 if last < second <= last + covers else second
        for name, value in figures.items():
            column = self._columns.get(name)
            if column is None:
                if len(self._columns) >= MOST:
                    continue
                column = self._columns[name] = _Column(name, second // 60)
            column.said = second // 60
            figure = kept(value, column.unit)
            at = second % SECONDS * _ONE.size
            if self._count > 1:
                before = _ONE.unpack_from(column.seconds, at)[0]
                if before == before:
                    figure = before + (figure - before) / self._count
            _ONE.pack_into(column.seconds, at, figure)
            for missed in range(first, second):
                _ONE.pack_into(column.seconds, missed % SECONDS * _ONE.size, figure)

    def advance(self, second: int) -> tuple[int, int]:
        """Let time pass, minutes that are over be closed; (the second it is, the one it was before)."""
        last = self._last
        if last is not None and second < last - BACKWARDS:  # the clock was set back: nothing fits any more
            self._columns.clear()
            last = None
        if last is None:
            self._began = self._last = second
            self._count = 0
            return second, second - 1
        if second <= last:
            return last, last
        for minute in range(max(last // 60, second // 60 - MINUTES), second // 60):
            self._close(minute)
        self._clear(last, second)
        self._last, self._count = second, 0
        return second, last

    def _clear(self, last: int, second: int) -> None:
        if second - last >= SECONDS:
            for column in self._columns.values():
                column.seconds[:] = _GAP * SECONDS
            return
        first, stop = (last + 1) % SECONDS, second % SECONDS + 1
        for start, end in [(first, stop)] if first < stop else [(first, SECONDS), (0, stop)]:
            gap = _GAP * (end - start)
            for column in self._columns.values():
                column.seconds[start * _ONE.size : end * _ONE.size] = gap

    def _close(self, minute: int) -> None:
        held = minute <= self._said  # later ones passed without a word
        figures = {}
        for name, column in list(self._columns.items()):
            span = column.span(minute) if held else None
            column.keep(minute, span)
            if (scaled := column.scaled(span)) is not None:
                figures[name] = scaled
            elif minute - column.said > MINUTES:
                del self._columns[name]
        if figures:
            self._closed.append(Minute(minute, figures))
            del self._closed[:-MINUTES]

    def take(self) -> list[Minute]:
        """The minutes that were closed since this was asked last."""
        closed, self._closed = self._closed, []
        return closed

    def unfinished(self) -> Minute | None:
        """The minute that is not over, as far as it is known; None when nothing is."""
        if self._last is None:
            return None
        minute = self._last // 60
        spans = {name: column.scaled(column.span(minute)) for name, column in self._columns.items()}
        figures = {name: span for name, span in spans.items() if span is not None}
        return Minute(minute, figures) if figures else None

    def seconds(self, name: str, start: int, stop: int) -> list[float | None]:
        """A series by the second, from start to before stop; None where nothing is known."""
        column, last = self._columns.get(name), self._last
        if column is None or last is None:
            return [None] * (stop - start)
        ring = struct.unpack(f"<{SECONDS}e", column.seconds)
        known = range(last - SECONDS + 1, last + 1)
        return [
            value * column.unit if second in known and (value := ring[second % SECONDS]) == value else None
            for second in range(start, stop)
        ]

    def minutes(self, name: str, first: int, stop: int) -> list[Span | None]:
        """A series by the minute, from first to before stop; of the one that is not over what there is."""
        column, last = self._columns.get(name), self._last
        if column is None or last is None:
            return [None] * (stop - first)
        known, now = self.held, last // 60
        return [
            column.scaled(column.span(minute) if minute == now else column.kept(minute))
            if minute in known
            else None
            for minute in range(first, stop)
        ]
