"""A window on a log as the strips of a screen; a line that did not change is made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from textual.strip import Strip

from workbench.text.log_line import Shown
from workbench.text.log_rows import Row
from workbench.tui.logs.bar import marks, thumb
from workbench.tui.logs.drawing import (
    Pens,
    Stroke,
    bar_strip,
    clock_strip,
    gap_strip,
    number_strip,
    text_strip,
)
from workbench.tui.logs.log_reader import LogReader
from workbench.tui.logs.search_state import SearchState
from workbench.tui.logs.window import Line, Window

STRIPS_KEPT = 1000
MOST_MARKS = 5000
"""Matches that are drawn on the bar at most."""


class View(NamedTuple):
    """What is to be seen."""

    window: Window
    shown: Mapping[Row, Shown]
    width: int
    height: int
    left: int = 0
    """Cells that are out of sight at the left."""
    gutter: int = 0
    """Cells of the column of line numbers; 0: there is none."""
    clock: Mapping[int, str] | None = None
    """When rows came, by where they begin, all as wide; None: that is not shown."""
    current: int | None = None
    """The byte whose line one stands on."""
    search: SearchState | None = None

    def stands_on(self, row: Row) -> bool:
        """Whether one stands on a row."""
        return self.current is not None and row.start <= self.current < row.stop

    @property
    def text_width(self) -> int:
        """Cells of a line's text."""
        return max(1, self.width - 1 - self.gutter - self.clock_width)

    @property
    def clock_width(self) -> int:
        """Cells of the column of times."""
        return len(next(iter(self.clock.values()), "")) if self.clock else 0


class Painter:
    """Draws a reader's log with some pens."""

    def __init__(self, reader: LogReader, pens: Pens) -> None:
        self._reader = reader
        self._pens = pens
        self._made: dict[tuple[object, ...], Strip] = {}

    def strips(self, view: View) -> list[Strip]:
        """One strip a line of the screen."""
        lines = view.window.lines
        bar = self._bar(view)
        numbers = self._numbers(view) if view.gutter else []
        strips = []
        for y in range(view.height):
            parts = [self._text(lines[y], view) if y < len(lines) else self._blank(view), bar[y]]
            if view.clock_width:
                parts.insert(0, clock_strip(self._clock(lines, y, view), view.clock_width, self._pens))
            if view.gutter:
                parts.insert(0, number_strip(numbers[y] if y < len(lines) else None, view.gutter, self._pens))
            strips.append(Strip.join(parts))
        return strips

    @staticmethod
    def _clock(lines: Sequence[Line], y: int, view: View) -> str:
        """The time a line of the screen carries: the first of a line of the log does."""
        if y >= len(lines) or lines[y].part or view.clock is None:
            return ""
        return view.clock.get(lines[y].row.start, "")

    def _blank(self, view: View) -> Strip:
        return Strip.blank(view.text_width, self._pens.ground)

    def _numbers(self, view: View) -> list[int | None]:
        """The number each line of the screen carries: the first of a line of the log does."""
        rows = list(dict.fromkeys(line.row for line in view.window.lines))
        known = dict(zip(rows, self._reader.numbers.of(rows), strict=True))
        carried: list[int | None] = []
        last = None
        for line in view.window.lines:
            number = known[line.row] if line.part == 0 and not line.row.gap else None
            carried.append(number if number != last else None)
            last = last if number is None else number
        return carried

    def _text(self, line: Line, view: View) -> Strip:
        if line.row.gap:
            return gap_strip(line.row.stop - line.row.start, self._pens, view.text_width)
        shown, state = view.shown[line.row], view.search
        spans = tuple(state.spans(line.row.start, line.row.stop, shown.text)) if state is not None else ()
        current = view.stands_on(line.row)
        key = (line, view.text_width, view.left, spans, current)
        strip = self._made.get(key)
        if strip is None:
            begin, end = self._reader.part(line, shown.text)
            stroke = Stroke(shown, begin, end, spans, current)
            strip = text_strip(stroke, self._pens, view.left, view.text_width)
            if len(self._made) >= STRIPS_KEPT:
                self._made.clear()
            self._made[key] = strip
        return strip

    def _bar(self, view: View) -> list[Strip]:
        lines, size, height = view.window.lines, self._reader.extent.size, view.height
        if not lines or (view.window.at_end and view.window.at_start):
            return [Strip.blank(1, self._pens.ground)] * height
        first, last = thumb(lines[0].row.start, lines[-1].row.stop, size, height)
        found = view.search.between(0, size)[:MOST_MARKS] if view.search is not None else []
        marked = marks(found, size, height)
        return [bar_strip(first <= y < last, y in marked, self._pens) for y in range(height)]
