"""The plane between two axes: value ticks on its left, places of x below it, curves in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from workbench.text import curves
from workbench.text.axis import Axis
from workbench.text.canvas import NOTHING, Canvas, Dots
from workbench.text.cells import cut, pad, width
from workbench.text.curves import Span
from workbench.text.not_finite import BEYOND, INF, MINUS_BEYOND, MINUS_INF, NAN, UPWARD, marks
from workbench.text.pieces import BEHIND, BRIGHT, NO_SERIES, Line, Piece
from workbench.text.ticks import labels, ticks

MARKS = ("*", "+", "o", "x", "#", "%", "@", "&")
_STRESSES = 3
_LEAST_COLUMNS = 4
_FOOT = 2
_UP, _DOWN = ("↑", "^"), ("↓", "v")
_SIGNS = {NAN: ("×", "?"), INF: _UP, BEYOND: _UP, MINUS_INF: _DOWN, MINUS_BEYOND: _DOWN}
"""What stands where a curve cannot be drawn: below for nan, at the edge it left by; and in ASCII."""


class Curve(NamedTuple):
    """A line to draw, in the colour of a series."""

    spans: Sequence[Span]
    series: int
    stress: int = BRIGHT


class Style(NamedTuple):
    """What the terminal can do and what the plane shows."""

    dots: Dots = "braille"
    marks: Sequence[str] = MARKS
    """What draws each series in ASCII, and stands at the end of each line that has an end mark."""
    grid: bool = False
    foot: bool = True
    """Whether there is an axis below, where there is room for it."""
    ends: bool = False
    """Whether each line has its mark beside its end."""

    gutter: int = 0
    """Cells the values on the left get at least, so that planes under each other begin alike."""

    @property
    def ascii_only(self) -> bool:
        """Whether other characters than ASCII must not be used."""
        return self.dots == "ascii"


class Plane:
    """Curves drawn between axes in so many cells and lines. Give it curves, the ones on top last."""

    def __init__(
        self,
        x: Axis,
        y: Axis,
        cells: int,
        lines: int,
        style: Style,
        x_label: str = "",
        places: Sequence[str] = (),
    ) -> None:
        """places: what the whole numbers of x from 0 on are called, where x does not count."""
        self.x, self.y, self._style, self._places = x, y, style, places
        foot = _FOOT if style.foot and lines >= _FOOT + 3 else 0
        self.rows = max(1, lines - foot)
        values = ticks(y, max(2, self.rows // 3) if self.rows > 1 else 1)
        texts = labels(values, y)
        self.left = max([style.gutter, *(width(text) for text in texts)]) + 2
        if cells - self.left < max(_LEAST_COLUMNS, cells // 2):
            values, texts, self.left = [], [], 0
        self.columns = max(1, cells - self.left - (1 if style.ends else 0))
        self._y_labels = {self._row(value): text for value, text in zip(values, texts, strict=True)}
        self._canvas = Canvas(self.columns, self.rows, style.dots)
        self._ends: list[tuple[int, int, int]] = []
        self._signs: dict[tuple[int, int], tuple[str, int]] = {}
        self._drawn: list[tuple[list[str], list[int]]] | None = None
        self._foot = self._axis_below(x_label) if foot else []

    def _row(self, value: float) -> int:
        return min(self.rows - 1, max(0, round((1 - self.y.place(value)) * self.rows - 0.5)))

    def column_of(self, x: float) -> int | None:
        """The column of characters that shows x; None outside."""
        place = self.x.place(x)
        if not 0 <= place <= 1:
            return None
        return round(place * (self._canvas.width - 1)) // self._canvas.across

    def x_at(self, column: int) -> float:
        """What x is in the middle of a column of characters."""
        dots = self._canvas.width - 1
        middle = (column + 0.5) * self._canvas.across - 0.5
        return self.x.value(min(1.0, max(0.0, middle / dots))) if dots else self.x.low

    def draw(self, curve: Curve) -> None:
        """Draw a curve over those drawn before."""
        self._drawn = None
        ink = curve.series * _STRESSES + curve.stress
        curves.draw(self._canvas, curve.spans, self.x, self.y, ink)
        self._mark_broken(curve, ink)
        if self._style.ends and curve.stress != BEHIND:
            self._mark_end(curve, ink)

    def row_of(self, y: float) -> int:
        """The line of characters that shows y, the nearest one for what lies outside."""
        return self._row(y)

    def put(self, x: float, y: float, sign: str, series: int) -> None:
        """Put a sign into the cell of a point that lies within the axes, in the colour of a series."""
        column = self.column_of(x)
        if column is not None:
            self._signs[self._row(y), column] = (sign, series * _STRESSES + BRIGHT)

    def settle(self) -> None:
        """Make what was drawn so far the ground: what is drawn from now on is not mixed with it."""
        self._canvas.settle()

    def _mark_broken(self, curve: Curve, ink: int) -> None:
        """A sign in the curve's colour in each column where it is nan, infinite or too far for an axis."""
        for mark in marks(curves.within(curve.spans, self.x.low, self.x.high)):
            column = self.column_of(mark.x) if mark.x > 0 or not self.x.log else None
            if column is not None:
                row = 0 if mark.kind in UPWARD else self.rows - 1
                self._signs[row, column] = (_SIGNS[mark.kind][self._style.ascii_only], ink)

    def _mark_end(self, curve: Curve, ink: int) -> None:
        """The mark stands right of the line's last dot."""
        seen = curves.within(curve.spans, self.x.low, self.x.high)
        shown = list(curves.drawn(seen[-1:], log_x=self.x.log, log_y=self.y.log))
        if not shown:
            return
        span = shown[-1]
        column = self.column_of(span.last_x)
        value = span.last if span.low <= span.last <= span.high else (span.low + span.high) / 2
        if column is None or (self.y.log and value <= 0):
            return
        self._ends.append((self._row(value), column + 1, ink))

    def _placed_marks(self) -> dict[tuple[int, int], tuple[str, int]]:
        """Each mark and its ink by row and column; those of ends a bit higher or lower where one stands."""
        placed = dict(self._signs)
        for row, column, ink in reversed(self._ends):
            for near in (row, row - 1, row + 1, row - 2, row + 2):
                if 0 <= near < self.rows and (near, column) not in placed:
                    placed[near, column] = (self._mark(ink), ink)
                    break
        return placed

    def _mark(self, ink: int) -> str:
        if self._style.ascii_only and ink % _STRESSES == BEHIND:
            return "."
        return self._style.marks[ink // _STRESSES % len(self._style.marks)]

    def lines(self, cursor: float | None = None, band: tuple[float, float] | None = None) -> list[Line]:
        """What was drawn, with an upright line at cursor, and a band of x that is being chosen."""
        at = None if cursor is None else self.column_of(cursor)
        chosen = None if band is None else self._columns_of(band)
        if self._drawn is None:
            self._drawn = self._canvas.lines(self._mark)
        marked: list[list[tuple[int, str, int]]] = [[] for _ in range(self.rows)]
        for (row, column), (sign, ink) in self._placed_marks().items():
            marked[row].append((column, sign, ink))
        rows = [self._line(row, drawn, marked[row], at, chosen) for row, drawn in enumerate(self._drawn)]
        return [*rows, *self._foot]

    def _columns_of(self, band: tuple[float, float]) -> tuple[int, int]:
        first, last = (self.column_of(min(max(x, self.x.low), self.x.high)) or 0 for x in sorted(band))
        return first, last

    def _line(
        self,
        row: int,
        drawn: tuple[list[str], list[int]],
        marked: list[tuple[int, str, int]],
        at: int | None,
        band: tuple[int, int] | None,
    ) -> Line:
        owners = drawn[1]
        characters = drawn[0] + [" "] * self._style.ends
        looks: list[int | str] = [ink if ink != NOTHING else "" for ink in owners] + [""] * self._style.ends
        if self._style.grid and row in self._y_labels:
            self._put_grid(characters, looks)
        if at is not None and owners[at] == NOTHING:
            characters[at], looks[at] = "|" if self._style.ascii_only else "│", "header"
        for column, sign, ink in marked:
            characters[column], looks[column] = sign, ink
        if band is not None:
            for column in range(band[0], band[1] + 1):
                if characters[column] == " ":
                    characters[column], looks[column] = ":" if self._style.ascii_only else "░", "grid"
        return [*self._edge(row), *_pieces(characters, looks)]

    def _put_grid(self, characters: list[str], looks: list[int | str]) -> None:
        dot = "." if self._style.ascii_only else "·"
        for column in range(0, self.columns, 2):
            if looks[column] == "":
                characters[column], looks[column] = dot, "grid"

    def _edge(self, row: int) -> Line:
        if not self.left:
            return []
        label = self._y_labels.get(row, "")
        edge = ("+" if label else "|") if self._style.ascii_only else ("┤" if label else "│")
        return [Piece(pad(label, self.left - 2, right=True) + " " + edge, "axis")]

    def _x_texts(self) -> tuple[list[float], list[str]]:
        """Places of x and what stands there."""
        if not self._places:
            values = ticks(self.x, max(2, self.columns // 12))
            return values, labels(values, self.x)
        stride = -(-len(self._places) // max(1, self.columns // 6))
        room = max(3, self.columns * stride // len(self._places) - 2)
        shown = list(enumerate(self._places))[::stride]
        ellipsis = "~" if self._style.ascii_only else "…"
        return [float(at) for at, _ in shown], [cut(text, room, ellipsis=ellipsis) for _, text in shown]

    def _axis_below(self, x_label: str) -> list[Line]:
        """The ruler and its labels: as many as keep apart, the axis' own name at the right end."""
        plain = self._style.ascii_only
        values, texts = self._x_texts()
        ruler, line = ["-" if plain else "─"] * self.columns, [" "] * self.columns
        name = cut(x_label, max(0, self.columns // 3), ellipsis="~" if plain else "…")
        # The name stands under the values where it fits, else at the right end at the ticks' expense.
        gutter = name if width(name) < self.left else ""
        name = "" if gutter else name
        room = self.columns - width(name) - 1 if name else self.columns
        free = 0
        for value, text in zip(values, texts, strict=True):
            at = self.column_of(min(max(value, self.x.low), self.x.high)) or 0
            start = min(max(0, at - width(text) // 2), self.columns - width(text))
            if start < free or start + width(text) > room:
                continue
            ruler[at] = "+" if plain else "┬"
            line[start : start + len(text)] = list(text)
            free = start + width(text) + 2
        if name:
            line[self.columns - width(name) :] = [name]
        corner = ("+" if plain else "└") if self.left else ""
        space = max(0, self.left - 1)
        return [
            [Piece(" " * space + corner + "".join(ruler), "axis")],
            [Piece((pad(gutter, self.left) + "".join(line)).rstrip(), "axis")],
        ]


def _pieces(characters: list[str], looks: list[int | str]) -> Line:
    line: Line = []
    start = 0
    for look, group in groupby(looks):
        stop = start + sum(1 for _ in group)
        text = "".join(characters[start:stop])
        if isinstance(look, str):
            line.append(Piece(text, look, NO_SERIES))
        else:
            line.append(Piece(text, "", look // _STRESSES, look % _STRESSES))
        start = stop
    return line
