"""Values as styled text: a matrix as a map of colours, tables, texts, bars, pictures. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from rich.style import Style
from rich.text import Text
from textual.color import Color

from workbench.text.cells import cut, pad, width
from workbench.text.confusion import Heat
from workbench.text.evaluations import Grid, of_columns, shown
from workbench.text.half_blocks import UPPER, Cell, letters
from workbench.text.numbers import finite, number, short
from workbench.text.sanitize import clean, clean_name
from workbench.text.tables import Column, render
from workbench.tui.themes.palette import Palette

MOST_ROWS = 1000
"""Rows of a table, or texts, that are shown: the last ones."""
_SHADES = " ░▒▓█"
_ASCII_SHADES = " .:*#"
_LEAST_CELL = 5


def matrix(heat: Heat, cells: int, palette: Palette, ground: Style) -> Text:
    """A confusion matrix: a row a true class, what was predicted across, each cell as dark as its share.

    Columns that do not fit are counted; what was right is bold.
    """
    left = min(24, max(4, *(width(label) for label in heat.labels)))
    needed = max([_LEAST_CELL, *(len(text) + 2 for row in heat.texts for text in row)])
    wanted = max(needed, *(width(label) + 1 for label in heat.labels))
    each = min(wanted, max(needed, (cells - left - 10) // len(heat.labels)))
    room = max(1, (cells - left - 10) // each)
    shown = min(len(heat.labels), room)
    said = Text(no_wrap=True)
    said.append(f"{'true':{left}} predicted" + "\n", palette.style("dim"))
    said.append(" " * (left + 1))
    for label in heat.labels[:shown]:
        said.append(
            pad(cut(label, each - 1, ellipsis=_ellipsis(palette)), each, right=True), palette.style("header")
        )
    said.append("   found\n", palette.style("dim"))
    for at, label in enumerate(heat.labels):
        name = pad(cut(label, left, ellipsis=_ellipsis(palette)), left)
        said.append(name + " ", palette.style("header"))
        for column in range(shown):
            share = heat.shares[at][column]
            shade = _shade(share, palette, ground)
            style = (shade or palette.style("text")) + Style(bold=at == column)
            sign = " " if shade is not None else _sign(share, palette)
            said.append(
                sign + pad(cut(heat.texts[at][column], each - 2, ellipsis=""), each - 2, right=True) + " ",
                style,
            )
        said.append(f"{heat.right[at]:>8}\n", palette.style("good" if heat.right[at] != "-" else "quiet"))
    more = len(heat.labels) - shown
    right = "-" if heat.accuracy is None else f"{heat.accuracy * 100:.2f}%"
    said.append(f"\nright of all {right}", palette.style("text"))
    if more:
        said.append(f"   {more} more predicted classes do not fit", palette.style("warn"))
    return said


def _ellipsis(palette: Palette) -> str:
    return "~" if palette.ascii else "…"


def _sign(share: float, palette: Palette) -> str:
    """What is as dense as a cell is dark, for who sees no colours."""
    shades = _ASCII_SHADES if palette.ascii else _SHADES
    return shades[min(len(shades) - 1, round(share * (len(shades) - 1) + 0.3 * (share > 0)))]


def _shade(share: float, palette: Palette, ground: Style) -> Style | None:
    """The first series' colour over the ground, as much as the share is, with a text that can be read.

    None where the terminal alone knows the colours, or there are none.
    """
    colour, back = palette.series[0].color, ground.bgcolor
    if palette.ascii or colour is None or back is None or colour.triplet is None or back.triplet is None:
        return None
    mixed = Color.from_rich_color(back).blend(Color.from_rich_color(colour), 0.85 * max(0.0, min(1.0, share)))
    return Style(bgcolor=mixed.rich_color, color=mixed.get_contrast_text(1.0).rich_color)


def table(columns: Mapping[str, Sequence[Any]], cells: int, palette: Palette) -> Text:
    """A table of what was logged row by row."""
    return grid(of_columns(columns), cells, palette)


def grid(found: Grid, cells: int, palette: Palette) -> Text:
    """Rows under titles, the last ones of many; columns that do not fit are named below."""
    rows = found.rows[-MOST_ROWS:]
    columns = []
    for at, title in enumerate(found.titles):
        right = bool(rows) and all(row[at] is None or number(row[at]) is not None for row in rows)
        name = clean_name(str(title), 40)
        columns.append(Column(name, right=right, least=min(12, max(4, width(name))), keep=100 - min(99, at)))
    texts = [[shown(value) for value in row] for row in rows]
    lines = render(columns, texts, cells, ascii_only=palette.ascii)
    said = Text(no_wrap=True)
    for at, line in enumerate(lines):
        said.append(line.rstrip() + "\n", palette.style("header" if at == 0 else "text"))
    hidden = len(found.rows) - len(rows)
    if hidden:
        said.append(f"\nthe last {len(rows)} of {len(found.rows)} rows", palette.style("quiet"))
    return said


def texts(found: Sequence[Sequence[Any]], palette: Palette) -> Text:
    """Texts with their steps, the last ones of many, in the order they were logged."""
    said = Text()
    for step, text in found[-MOST_ROWS:]:
        said.append("" if step is None else f"step {step}\n", palette.style("header"))
        said.append(clean(text or "", 20_000).rstrip() + "\n", palette.style("text"))
    return said


def bars(data: Mapping[str, Any], cells: int, palette: Palette) -> Text | None:
    """A histogram of bin_edges and bin_counts, a line a bin; None where they are no such."""
    edges, counts = data.get("bin_edges"), data.get("bin_counts")
    if not isinstance(edges, list) or not isinstance(counts, list) or len(edges) != len(counts) + 1:
        return None
    found = [finite(count) or 0.0 for count in counts]
    most = max(found, default=0.0)
    said = Text(no_wrap=True)
    names = [f"{short(number(low))} to {short(number(high))}" for low, high in pairwise(edges)]
    left = max((width(name) for name in names), default=0)
    room = max(4, cells - left - 12)
    full = "#" if palette.ascii else "█"
    for name, count in zip(names, found, strict=True):
        said.append(pad(name, left, right=True) + " ", palette.style("dim"))
        length = round(count / most * room) if most > 0 else 0
        said.append(full * max(length, 1 if count > 0 else 0), palette.series[0])
        said.append(f" {short(count)}\n", palette.style("text"))
    return said


def picture(cells: Sequence[Sequence[Cell]], palette: Palette, *, colours: bool) -> Text:
    """A picture of half blocks; without colours of letters."""
    said = Text(no_wrap=True)
    if palette.ascii or not colours:
        for line in letters(cells):
            said.append(line.rstrip() + "\n", palette.style("text"))
        return said
    for row in cells:
        for upper, lower in row:
            style = Style(color=Color(*upper).rich_color, bgcolor=Color(*lower).rich_color)
            said.append(UPPER, style)
        said.append("\n")
    return said
