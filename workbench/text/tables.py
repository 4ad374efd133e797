"""Tables for a terminal: aligned, fitted to a width, never wider.

Text in cells must already be clean (`sanitize.clean_name`); a table adds colours itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from workbench.text.cells import cut, pad
from workbench.text.cells import width as cells_of
from workbench.text.style import paint

GAP = 2


class Column(NamedTuple):
    """One column: its title (with the unit, once), how it is aligned and how it gives way.

    least: the narrowest it may become; a column whose texts are all shorter needs less. 0 = it never shrinks.
    keep: its importance; where not even the narrowest columns fit, the least important are dropped first.
    """

    title: str
    right: bool = False
    least: int = 0
    keep: int = 50
    middle: bool = False
    """Cut in the middle: paths and names whose end says most."""
    optional: bool = False
    """Left out where no row says anything in it."""


class Cell(NamedTuple):
    """A text and the role of `style.CODES` that colours it."""

    text: str
    role: str = ""


class Field(NamedTuple):
    """A column and how it shows each thing a table lists; show gives clean text or a Cell."""

    column: Column
    show: Callable[[Any], Cell | str]


def render(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell | str]],
    width: int,
    colour: bool = False,
    ascii_only: bool = False,
) -> list[str]:
    """The table's lines, header first; none fills more than width cells.

    The header is left out when no column has a title.
    """
    cells = [[item if isinstance(item, Cell) else Cell(item) for item in row] for row in rows]
    told = [
        index
        for index, column in enumerate(columns)
        if not column.optional or any(row[index].text not in ("", "-") for row in cells)
    ]
    if cells and 0 < len(told) < len(columns):
        columns, cells = [columns[index] for index in told], [[row[index] for index in told] for row in cells]
    wanted = [
        max([cells_of(column.title), *(cells_of(row[index].text) for row in cells)])
        for index, column in enumerate(columns)
    ]
    shown = fit(columns, wanted, width)
    ellipsis = "~" if ascii_only else "…"
    header = [Cell(column.title, "dim") for column in columns]
    titled = any(column.title for column in columns)
    return [_line(columns, shown, row, colour, ellipsis) for row in ([header, *cells] if titled else cells)]


def fit(columns: Sequence[Column], wanted: Sequence[int], cells: int) -> dict[int, int]:
    """Which columns are shown, by index, and how wide, so that the row fits the cells."""
    least = [min(want, column.least or want) for column, want in zip(columns, wanted, strict=True)]
    kept = list(range(len(columns)))
    while len(kept) > 1 and sum(least[index] for index in kept) + GAP * (len(kept) - 1) > cells:
        kept.remove(min(kept, key=lambda index: (columns[index].keep, -index)))
    widths = {index: wanted[index] for index in kept}
    excess = sum(widths.values()) + GAP * (len(kept) - 1) - cells
    while excess > 0:
        loose = [index for index in kept if widths[index] > least[index]]
        if not loose:
            widths[kept[0]] = max(0, widths[kept[0]] - excess)
            break
        widest = max(loose, key=lambda index: (widths[index], -columns[index].keep))
        others = [widths[index] for index in loose if index != widest]
        give = max(1, widths[widest] - max(others, default=0))
        give = min(give, excess, widths[widest] - least[widest])
        widths[widest] -= give
        excess -= give
    return widths


def _line(
    columns: Sequence[Column], shown: dict[int, int], row: Sequence[Cell], colour: bool, ellipsis: str
) -> str:
    last = max(shown, default=-1)
    parts = []
    for index, cells in shown.items():
        column = columns[index]
        text = cut(row[index].text, cells, middle=column.middle, ellipsis=ellipsis)
        space = " " * (cells - cells_of(text))
        painted = paint(text, row[index].role, colour)
        if column.right:
            parts.append(space + painted)
        else:
            parts.append(painted if index == last else painted + space)
    line = (" " * GAP).join(parts)
    return line if colour else line.rstrip()


def pairs(
    items: Sequence[tuple[str, Cell | str]], width: int, colour: bool = False, ascii_only: bool = False
) -> list[str]:
    """Names and values under each other, for one thing's facts; long values wrap at the width."""
    if not items:
        return []
    left = min(max(cells_of(name) for name, _ in items), max(1, width // 3))
    room = max(1, width - left - GAP)
    ellipsis = "~" if ascii_only else "…"
    lines = []
    for name, item in items:
        cell = item if isinstance(item, Cell) else Cell(item)
        for number, part in enumerate(wrap(cell.text, room)):
            title = "" if number else cut(name, left, ellipsis=ellipsis)
            head = paint(pad(title, left), "dim", colour)
            lines.append((head + " " * GAP + paint(part, cell.role, colour)).rstrip())
    return lines


def wrap(text: str, cells: int) -> list[str]:
    """text in lines of at most that many cells, broken at spaces where there are any; at least one line."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            joined = f"{line} {word}" if line else word
            if cells_of(joined) <= cells:
                line = joined
                continue
            if line:
                lines.append(line)
            while cells_of(word) > cells:
                head = cut(word, cells, ellipsis="") or word[0]
                lines.append(head)
                word = word[len(head) :]
            line = word
        lines.append(line)
    return lines
