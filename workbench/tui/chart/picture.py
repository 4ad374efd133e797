"""A chart as lines of pieces: heading, plane and legend laid out so that none covers another. Pure."""

from __future__ import annotations

from typing import NamedTuple

from workbench.text import x_axes
from workbench.text.cells import cut, pad, width
from workbench.text.pieces import BEHIND, BRIGHT, DIM, Line, Piece, cells
from workbench.text.plane import Curve, Plane, Style
from workbench.tui.chart import legend
from workbench.tui.chart.legend import Marks
from workbench.tui.chart.scene import Scene, axes, put_spots, x_text

_WIDE = 96
"""Cells from which the legend of several curves stands beside them."""
_LONG_NAME, _FIGURE = 24, 10
"""Cells of a legend's names and of each of its columns of figures."""
_LEAST_HEAD = 12
"""Cells of a heading that are kept for what it is about."""
_HEADED = 4
"""Lines from which there is a heading."""


class Place(NamedTuple):
    """Where something is: its first column and line, its size."""

    left: int
    top: int
    cells: int
    lines: int

    def holds(self, column: int, line: int) -> bool:
        """Whether a cell lies in it."""
        return self.left <= column < self.left + self.cells and self.top <= line < self.top + self.lines


class Picture:
    """A scene drawn at one size. What depends on the cursor alone is added when lines are asked for."""

    def __init__(self, scene: Scene, columns: int, lines: int, style: Style) -> None:
        self.scene = scene
        self._columns, self._lines, self._style = max(1, columns), max(1, lines), style
        self._marks = legend.ascii_marks(style.marks) if style.ascii_only else Marks(style.marks)
        self._top = 1 if self._lines >= _HEADED else 0
        self._beside = self._columns >= _WIDE and len(scene.traces) > 1
        self.body, self.key = self._layout()
        self._key_rows: list[legend.Row] = []
        found = axes(scene)
        self.why = found if isinstance(found, str) else ""
        self.plane: Plane | None = None
        if not isinstance(found, str):
            label = x_axes.label_of(scene.x)
            self.plane = Plane(found.x, found.y, self.body.cells, self.body.lines, style, label)
            self._draw(self.plane)

    def _layout(self) -> tuple[Place, Place]:
        """Where the plane is, and where the legend."""
        columns, lines, top = self._columns, self._lines - self._top, self._top
        if self._beside:
            size = min(columns * 3 // 8, self._legend_size())
            return Place(0, top, columns - size - 2, lines), Place(columns - size, top, size, lines)
        count = len(self.scene.traces)
        across = max(1, min(max(1, count), columns // 34))
        rows = min(-(-count // across), max(0, lines // 4)) if lines >= 6 else 0
        return Place(0, top, columns, lines - rows), Place(0, top + lines - rows, columns, rows)

    def _legend_size(self) -> int:
        """Cells that the legend beside the data wants, whatever the cursor reads."""
        scene = self.scene
        names = max((width(trace.name) for trace in scene.traces), default=0)
        figures = 1 + bool(scene.view.smoothing) + any(trace.best is not None for trace in scene.traces)
        return 3 + min(_LONG_NAME, names) + figures * _FIGURE

    def _draw(self, plane: Plane) -> None:
        """Grounds first, then the curves, the current one last; the first given on top of later ones."""
        scene = self.scene
        lines = [trace for trace in scene.shown if not trace.spot]
        order = sorted(reversed(lines), key=lambda trace: trace.key == scene.current)
        alone = len(order) == 1
        for trace in order:
            for curve in trace.older:
                plane.draw(Curve(curve, scene.series(trace.key), BEHIND))
            if trace.key in scene.smooth:
                plane.draw(Curve(trace.spans, scene.series(trace.key), BEHIND))
        plane.settle()
        for trace in order:
            if trace.key == scene.current:
                plane.settle()
            stress = BRIGHT if alone or trace.key == scene.current else DIM
            plane.draw(Curve(scene.smooth.get(trace.key, trace.spans), scene.series(trace.key), stress))
        put_spots(scene, plane, self._style.marks)

    def lines(self, cursor: float | None = None, band: tuple[float, float] | None = None) -> list[Line]:
        """The whole picture, no line wider than it may be."""
        body = self._said() if self.plane is None else self.plane.lines(cursor, band)
        body += [[] for _ in range(self.body.lines - len(body))]
        found = legend.entries(self.scene, cursor)
        shape = legend.beside if self._beside else legend.below
        rows = shape(found, self.key.cells, self.key.lines, self._marks, cursor is not None)
        self._key_rows = rows
        key = [row.line for row in rows]
        if self._beside:
            body = [_joined(line, self.key.left, right) for line, right in _side_by_side(body, key)]
            key = []
        head = [self._head(cursor, found)] if self._top else []
        return [*head, *body, *key][: self._lines]

    def _said(self) -> list[Line]:
        """Why there is nothing, in the middle."""
        text = cut(self.why, max(1, self.body.cells - 2), ellipsis="~" if self._style.ascii_only else "…")
        line = [Piece(" " * ((self.body.cells - width(text)) // 2) + text, "dim")]
        return [*([] for _ in range((self.body.lines - 1) // 2)), line]

    def _head(self, cursor: float | None, found: list[legend.Entry]) -> Line:
        """Title and what is unlike the default on the left, the cursor's x on the right."""
        scene, room = self.scene, self._columns
        right = "" if cursor is None else x_text(cursor, scene.x)
        current = next((entry for entry in found if entry.current), None)
        named = current is not None and not self.key.lines
        if room - width(right) < _LEAST_HEAD + (width(current.value) if current and named else 0):
            right = ""
        room -= width(right) + 2 if right else 0
        ellipsis = self._marks.ellipsis
        left: Line = []
        if current is not None and named:
            left = self._head_entry(current, room)
        else:
            title = cut(scene.title, room, middle=True, ellipsis=ellipsis)
            said = "  ".join(self._said_of_view())
            left = [Piece(title, "title")]
            if said and width(title) + 2 + width(said) <= room:
                left.append(Piece(f"  {said}" if title else said, "dim"))
        gap = self._columns - cells(left) - width(right)
        return [*left, Piece(" " * max(0, gap)), Piece(right, "header")] if right else left

    def _head_entry(self, entry: legend.Entry, room: int) -> Line:
        """The current curve in the heading, where there is no legend."""
        mark = self._marks.series[entry.series % len(self._marks.series)]
        value = cut(entry.value, max(1, room), ellipsis="")
        space = room - 3 - width(value)
        if space < 1:
            return [Piece(value, "text")]
        name = cut(entry.name, space, middle=True, ellipsis=self._marks.ellipsis)
        return [Piece(f"{mark} ", "", entry.series), Piece(f"{name} ", "title"), Piece(value, "text")]

    def _said_of_view(self) -> list[str]:
        view, found = self.scene.view, []
        if view.log_y or view.log_x:
            found.append("log " + " ".join(axis for axis, on in (("x", view.log_x), ("y", view.log_y)) if on))
        if view.smoothing:
            found.append(f"smooth {view.smoothing:g}")
        if view.zoomed:
            found.append("zoomed")
        return found

    def entry_at(self, column: int, line: int) -> tuple[str, bool] | None:
        """The curve whose legend entry is in a cell, and whether that is its mark."""
        row = line - self.key.top
        if not self.key.holds(column, line) or row >= len(self._key_rows):
            return None
        before = [entry for entry in self._key_rows[row].keys if entry[0] <= column - self.key.left]
        return (before[-1][1], column - self.key.left - before[-1][0] < 3) if before else None


def _side_by_side(left: list[Line], right: list[Line]) -> list[tuple[Line, Line]]:
    return [(line, right[at] if at < len(right) else []) for at, line in enumerate(left)]


def _joined(line: Line, column: int, right: Line) -> Line:
    return [*line, Piece(pad("", column - cells(line))), *right] if right else line
