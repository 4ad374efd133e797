"""A captured screen as an SVG picture: a window on a dark ground, in a monospaced font that fills its cells."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

from tests.terminal.screen import BACKGROUND, FOREGROUND, Cell, Style, read_screen

WIDE, HIGH = 8.4, 18.0
SIZE = WIDE * 1950 / 1200  # Fira Code is so wide; what draws no textLength keeps its columns with it
EDGE, BAR = 14.0, 30.0
_FONTS = "'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace"


def screen_to_svg(capture: str, columns: int, rows: int, title: str = "") -> str:
    """The picture of a screen captured with colours (`tmux capture-pane -e -N`)."""
    width, height = columns * WIDE + 2 * EDGE, rows * HIGH + BAR + EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(height)}"'
        f' viewBox="0 0 {_n(width)} {_n(height)}">',
        f"<style>text{{font-size:{_n(SIZE)}px;font-family:{_FONTS};white-space:pre;font-variant-ligatures:none}}</style>",
        f'<rect x=".5" y=".5" width="{_n(width - 1)}" height="{_n(height - 1)}" rx="8" fill="{BACKGROUND}"'
        ' stroke="#343b4a"/>',
    ]
    for number, color in enumerate(("#e5646e", "#e2b55c", "#8fc56f")):
        parts.append(f'<circle cx="{_n(EDGE + 5 + 18 * number)}" cy="15" r="5" fill="{color}"/>')
    if title:
        parts.append(
            f'<text x="{_n(width / 2)}" y="20" text-anchor="middle" fill="#8b94a6">{escape(title)}</text>'
        )
    for number, cells in enumerate(read_screen(capture, columns, rows)):
        parts.extend(_row(cells, BAR + number * HIGH))
    return "\n".join([*parts, "</svg>", ""])


def svg_to_png(svg: Path, png: Path) -> None:
    """Draw an SVG as a PNG with rsvg-convert, which must be installed, at twice its size."""
    subprocess.run(["rsvg-convert", "--zoom", "2", "-o", str(png), str(svg)], check=True, timeout=120)


def _row(cells: list[Cell], top: float) -> Iterator[str]:
    column = 0
    ink: list[str] = []
    for style, group in groupby(cells, key=lambda cell: cell.style):
        members = list(group)
        paper = _colors(style)[1]
        if paper != BACKGROUND:
            yield (
                f'<rect x="{_n(EDGE + column * WIDE)}" y="{_n(top)}" width="{_n(len(members) * WIDE)}"'
                f' height="{_n(HIGH)}" fill="{paper}" shape-rendering="crispEdges"/>'
            )
        for start, piece in _pieces(members):
            ink.append(_text(piece, style, EDGE + (column + start) * WIDE, top))
        column += len(members)
    yield from ink  # after every background of the line, so that none covers a letter


def _pieces(cells: list[Cell]) -> Iterator[tuple[int, list[Cell]]]:
    """Where each piece starts, and its cells; what another font may draw stands alone, so nothing drifts."""
    start = 0
    for alone, group in groupby(enumerate(cells), key=lambda pair: pair[0] + 1 if _foreign(pair[1]) else 0):
        piece = [cell for _, cell in group]
        if alone:
            yield start, piece
        else:
            text = "".join(cell.text for cell in piece)
            kept = len(text.rstrip(" ")) if not piece[0].style.underline else len(text)
            first = len(text[:kept]) - len(text[:kept].lstrip(" ")) if not piece[0].style.underline else 0
            if kept:
                yield start + first, piece[first:kept]
        start += len(piece)


def _foreign(cell: Cell) -> bool:
    return len(cell.text) != 1 or not (cell.text < "\u0180" or "\u2500" <= cell.text <= "\u259f")


def _text(cells: list[Cell], style: Style, x: float, top: float) -> str:
    text = escape("".join(cell.text for cell in cells))
    if not text:
        return ""
    looks = f' fill="{_colors(style)[0]}"'
    looks += ' font-weight="bold"' if style.bold else ""
    looks += ' font-style="italic"' if style.italic else ""
    looks += ' opacity="0.6"' if style.dim else ""
    lines = [word for word, on in (("underline", style.underline), ("line-through", style.strike)) if on]
    looks += f' text-decoration="{" ".join(lines)}"' if lines else ""
    length = (
        f' textLength="{_n(len(cells) * WIDE)}" lengthAdjust="spacingAndGlyphs"' if len(cells) > 1 else ""
    )
    return f'<text x="{_n(x)}" y="{_n(top + HIGH * 0.75)}"{looks}{length} xml:space="preserve">{text}</text>'


def _colors(style: Style) -> tuple[str, str]:
    """(ink, paper) as they are seen."""
    ink, paper = style.ink or FOREGROUND, style.paper or BACKGROUND
    return (paper, ink) if style.reverse else (ink, paper)


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
