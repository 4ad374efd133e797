"""A picture in cells of a terminal: two dots a cell, one above the other. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from workbench.text.png import Dot, Image

UPPER = "▀"
RAMP = " .:-=+*#%@"
"""What stands for dark to bright where there are no colours."""


class Cell(NamedTuple):
    """The colours of the upper and the lower half of a cell."""

    upper: Dot
    lower: Dot


def size(width: int, height: int, cells: int, lines: int) -> tuple[int, int]:
    """The cells and lines a picture of so many dots fills: as large as fits, in its shape, not enlarged much.

    A cell is twice as high as it is wide, so a half of it is a square.
    """
    scale = min(cells / width, 2 * lines / height, 8.0)
    return max(1, min(cells, round(width * scale))), max(1, min(lines, -(-round(height * scale) // 2)))


def drawn(image: Image, cells: int, lines: int, ground: Dot = (0, 0, 0)) -> list[list[Cell]]:
    """The picture in at most so many cells and lines, each half the average of the dots it stands for."""
    across, down = size(image.width, image.height, cells, lines)
    halves = [
        [_average(image, x, across, y, 2 * down, ground) for x in range(across)] for y in range(2 * down)
    ]
    return [
        [Cell(upper, lower) for upper, lower in zip(halves[row], halves[row + 1], strict=True)]
        for row in range(0, 2 * down, 2)
    ]


_SAMPLES = 4
"""Dots in each direction that make an average: more is not seen."""


def _average(image: Image, x: int, across: int, y: int, down: int, ground: Dot) -> Dot:
    dots = [
        image.dot(column, row, ground)
        for row in _places(y, down, image.height)
        for column in _places(x, across, image.width)
    ]
    red, green, blue = (sum(dot[channel] for dot in dots) // len(dots) for channel in range(3))
    return red, green, blue


def _places(at: int, parts: int, length: int) -> Sequence[int]:
    """Some of the dots in one of so many parts of a length: at least one."""
    first = min(length - 1, at * length // parts)
    stop = max(first + 1, (at + 1) * length // parts)
    return range(first, stop, max(1, (stop - first) // _SAMPLES))


def letters(picture: Sequence[Sequence[Cell]]) -> list[str]:
    """The same without colours: a letter of ASCII a cell, denser where it is brighter."""
    return ["".join(RAMP[_brightness(cell) * (len(RAMP) - 1) // 255] for cell in row) for row in picture]


def _brightness(cell: Cell) -> int:
    parts = [(2 * red + 5 * green + blue) // 8 for red, green, blue in cell]
    return sum(parts) // 2
