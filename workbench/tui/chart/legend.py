"""The legend: what each curve is called and what it is at the cursor. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from workbench.text.cells import cut, pad, width
from workbench.text.numbers import short
from workbench.text.pieces import BRIGHT, DIM, Line, Piece, cells
from workbench.tui.chart.scene import Scene, read

_LEAST_NAME = 6
_LEAST_FIGURE = 8
"""Cells of a column of figures, so that they do not move while the cursor does."""
_ROOMY = 44
"""Cells of an entry from which its figures are named."""
HIDDEN = "hidden"
"""The role of a curve's name while the curve is not drawn."""


class Entry(NamedTuple):
    """One curve in the legend."""

    key: str
    series: int
    name: str
    value: str
    best: str
    range: str
    """The least and greatest where the cursor stands on several values at once."""
    points: int
    """How many those are."""
    smooth: str
    hidden: bool
    current: bool
    spot: bool = False


class Row(NamedTuple):
    """A line of the legend."""

    line: Line
    keys: tuple[tuple[int, str], ...] = ()
    """The curves in it: the column where each begins, and its key."""


class Marks(NamedTuple):
    """The characters a legend is made of."""

    series: Sequence[str]
    pointer: str = "▸"
    hidden: str = "×"
    ellipsis: str = "…"


def ascii_marks(series: Sequence[str]) -> Marks:
    """Marks without other characters than ASCII."""
    return Marks(series, ">", "-", "~")


def entries(scene: Scene, x: float | None) -> list[Entry]:
    """Every curve, hidden ones too, in the order they came."""
    found = []
    for series, trace in enumerate(scene.traces):
        at = read(scene, trace, x)
        several = at.low is not None and at.low != at.high and at.points > 1
        found.append(
            Entry(
                key=trace.key,
                series=series,
                name=trace.name,
                value=short(at.value),
                best="" if trace.best is None else short(trace.best),
                range=f"{short(at.low)} to {short(at.high)}" if several else "",
                points=at.points if several else 0,
                smooth="" if at.smooth is None else short(at.smooth),
                hidden=trace.key in scene.hidden,
                current=trace.key == scene.current,
                spot=trace.spot,
            )
        )
    return found


def seen(found: Sequence[Entry], rows: int) -> tuple[int, int]:
    """Which entries so many rows show, from and up to: the current one is always among them."""
    if len(found) <= rows:
        return 0, len(found)
    rows = max(1, rows - 1) if rows > 1 else 1
    current = next((index for index, entry in enumerate(found) if entry.current), 0)
    first = min(max(0, current - rows // 2), len(found) - rows)
    return first, first + rows


def beside(found: Sequence[Entry], cells_: int, rows: int, marks: Marks, at_cursor: bool) -> list[Row]:
    """The legend right of the data: a heading, a line a curve, then more about the current one."""
    smooth = any(entry.smooth for entry in found)
    columns = ["here" if at_cursor else "last"]
    columns += ["smooth"] if smooth else []
    columns += ["best"] if any(entry.best for entry in found) else []
    texts = [_figures(entry, columns) for entry in found]
    widths = [max([_LEAST_FIGURE, *(len(row[at]) for row in texts)]) for at in range(len(columns))]
    while columns and cells_ - 3 - sum(widths) - len(widths) < _LEAST_NAME:
        columns.pop()
        widths.pop()
    room = max(1, cells_ - 3 - sum(widths) - len(widths))
    heading = "".join(" " + pad(title, size, right=True) for title, size in zip(columns, widths, strict=True))
    lines = [Row([Piece(" " * (3 + room) + heading, "dim")])] if columns else []
    current = next((entry for entry in found if entry.current and entry.range), None)
    about = f"{current.range} in {current.points} values" if current is not None else ""
    details = [Row([]), Row([Piece(cut(f"   {about}", cells_, ellipsis=marks.ellipsis), "dim")])]
    details = details if about and rows > len(found) + len(details) + 1 else []
    first, stop = seen(found, rows - len(lines) - len(details))
    for entry, row in list(zip(found, texts, strict=True))[first:stop]:
        figures = "".join(" " + pad(text, size, right=True) for text, size in zip(row, widths, strict=False))
        line = [*_name(entry, room, marks), Piece(figures, "stale" if entry.hidden else "text")]
        lines.append(Row(line, ((0, entry.key),)))
    if stop - first < len(found):
        lines.append(Row([Piece(f"   {len(found) - (stop - first)} more", "dim")]))
    return [*lines, *details][:rows]


def below(found: Sequence[Entry], cells_: int, rows: int, marks: Marks, at_cursor: bool) -> list[Row]:
    """The legend under the data: entries side by side, as many as fit."""
    if rows < 1 or not found:
        return []
    across = max(1, min(len(found), cells_ // 34))
    size = cells_ // across
    first, stop = seen_below(found, rows, across)
    rows_: list[Row] = []
    for start in range(first, stop, across):
        line: Line = []
        for entry in found[start : min(start + across, stop)]:
            line += _padded(_beneath(entry, size - 1, marks, at_cursor), size)
        keys = [(at * size, entry.key) for at, entry in enumerate(found[start : min(start + across, stop)])]
        rows_.append(Row(line, tuple(keys)))
    return rows_


def seen_below(found: Sequence[Entry], rows: int, across: int) -> tuple[int, int]:
    """Which entries so many rows of so many entries show: whole rows, the current one among them."""
    total = -(-len(found) // across)
    current = next((index for index, entry in enumerate(found) if entry.current), 0) // across
    first = min(max(0, current - rows // 2), max(0, total - rows))
    return first * across, min(len(found), (first + rows) * across)


def _figures(entry: Entry, columns: Sequence[str]) -> list[str]:
    texts = {"here": entry.value, "last": entry.value, "smooth": entry.smooth, "best": entry.best}
    return [texts[title] for title in columns]


def _name(entry: Entry, room: int, marks: Marks) -> Line:
    mark = marks.hidden if entry.hidden else marks.series[entry.series % len(marks.series)]
    pointer = Piece(marks.pointer if entry.current else " ", "mark")
    name = cut(entry.name, room, middle=True, ellipsis=marks.ellipsis)
    if entry.hidden:
        rest = Piece(" " * (room - width(name)))
        return [pointer, Piece(f"{mark} ", "stale"), Piece(name, HIDDEN), rest]
    name = pad(name, room)
    look = Piece(f"{mark} ", "", entry.series, BRIGHT if entry.current or entry.spot else DIM)
    return [pointer, look, Piece(name, "", entry.series) if entry.current else Piece(name, "text")]


def _beneath(entry: Entry, room: int, marks: Marks, at_cursor: bool) -> Line:
    roomy = room >= _ROOMY
    figures = [("" if at_cursor or not roomy else "last ") + entry.value]
    figures += [f"smooth {entry.smooth}"] if entry.smooth and roomy else []
    figures += [f"best {entry.best}"] if entry.best and roomy else []
    figures += [entry.range] if entry.range and roomy else []
    text = ""
    for figure in figures:
        longer = f"{text}  {figure}" if text else figure
        if not text or room - 3 - width(longer) - 1 >= max(_LEAST_NAME, min(width(entry.name), 16)):
            text = longer
    said = f" {text}" if width(text) <= room - 5 else ""  # part of a figure would be another figure
    space = max(1, min(width(entry.name), room - 3 - width(said)))
    return [*_name(entry, space, marks), Piece(said, "stale" if entry.hidden else "text")]


def _padded(line: Line, size: int) -> Line:
    missing = size - cells(line)
    return [*line, Piece(" " * missing)] if missing > 0 else line
