"""A captured screen as cells with colours, read by one decoder: a style may run over line ends."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

FOREGROUND, BACKGROUND = "#d6dbe5", "#12161f"
PALETTE = (
    "#3b4252", "#e5646e", "#8fc56f", "#e2b55c", "#6aa2f0", "#bb8fe0", "#5cc0c7", "#c9d1dd",
    "#6c7689", "#ff8b92", "#b2e08f", "#ffd787", "#93c0ff", "#d9b3f7", "#86e1e6", "#ffffff",
)  # fmt: skip
_TOKEN = re.compile(
    r"\x1b\[([0-9;:]*)m|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?]*[A-Za-z]|\x1b.|[\x00-\x1f\x7f]|.",
    re.DOTALL,
)
# Line drawing as tmux writes it for programs without UTF-8, between SO and SI.
_LINES = dict(zip("jklmnqtuvwx", "┘┐┌└┼─├┤┴┬│", strict=True))


@dataclass(frozen=True)
class Style:
    """How a cell looks; colours are #rrggbb, None the terminal's own."""

    ink: str | None = None
    paper: str | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    reverse: bool = False


@dataclass(frozen=True)
class Cell:
    """One character with its style; the right half of a wide one has no text."""

    text: str = " "
    style: Style = Style()


def read_screen(capture: str, columns: int, rows: int) -> list[list[Cell]]:
    """The cells of a capture (text, SGR sequences and newlines), rows by columns; what is over is cut off."""
    grid = [[Cell()] * columns for _ in range(rows)]
    style, row, column, lines = Style(), 0, 0, False
    for token in _TOKEN.finditer(capture):
        text = token.group()
        if token.group(1) is not None:
            style = _styled(style, token.group(1))
        elif text == "\n":
            row, column = row + 1, 0
        elif text in "\x0e\x0f":
            lines = text == "\x0e"
        elif text >= " " and not text.startswith(("\x1b", "\x7f")) and row < rows:
            column = _put(grid[row], column, _LINES.get(text, text) if lines else text, style)
    return grid


def _put(row: list[Cell], column: int, text: str, style: Style) -> int:
    if unicodedata.combining(text) or text in "\u200d\ufe0e\ufe0f":
        if 0 < column <= len(row):
            row[column - 1] = replace(row[column - 1], text=row[column - 1].text + text)
        return column
    width = 2 if unicodedata.east_asian_width(text) in "WF" else 1
    if column + width <= len(row):
        row[column] = Cell(text, style)
        if width == 2:
            row[column + 1] = Cell("", style)
    return column + width


def _styled(style: Style, codes: str) -> Style:
    numbers = [int(code or 0) for code in re.split("[;:]", codes)] if codes else [0]
    while numbers:
        code = numbers.pop(0)
        if code in (38, 48):
            color = _extended(numbers)
            style = replace(style, ink=color) if code == 38 else replace(style, paper=color)
        else:
            style = _simple(style, code)
    return style


def _extended(numbers: list[int]) -> str | None:
    kind = numbers.pop(0) if numbers else 0
    if kind == 5 and numbers:
        return indexed(numbers.pop(0))
    if kind == 2 and len(numbers) >= 3:
        red, green, blue = (min(numbers.pop(0), 255) for _ in range(3))
        return f"#{red:02x}{green:02x}{blue:02x}"
    return None


def indexed(number: int) -> str:
    """A colour of the 256 as #rrggbb."""
    if number < 16:
        return PALETTE[number]
    if number < 232:
        levels = (0, 95, 135, 175, 215, 255)
        cube = number - 16
        return "#" + "".join(f"{levels[part]:02x}" for part in (cube // 36, cube // 6 % 6, cube % 6))
    return "#" + f"{8 + 10 * min(number - 232, 23):02x}" * 3


_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
_OFF = {23: "italic", 24: "underline", 27: "reverse", 29: "strike"}


def _simple(style: Style, code: int) -> Style:
    if code == 0:
        return Style()
    if code in _ON:
        return replace(style, **{_ON[code]: True})  # type: ignore[arg-type]
    if code in _OFF:
        return replace(style, **{_OFF[code]: False})  # type: ignore[arg-type]
    if code == 22:
        return replace(style, bold=False, dim=False)
    for base, first in ((30, 0), (90, 8)):
        if base <= code < base + 8:
            return replace(style, ink=PALETTE[code - base + first])
        if base + 10 <= code < base + 18:
            return replace(style, paper=PALETTE[code - base - 10 + first])
    if code == 39:
        return replace(style, ink=None)
    return replace(style, paper=None) if code == 49 else style
