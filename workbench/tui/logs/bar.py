"""The bar beside a log: which part of it is seen, and where things are. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def thumb(top: int, bottom: int, size: int, height: int) -> tuple[int, int]:
    """The lines, first and one after the last, that stand for bytes top to bottom of size; at least one.

    Only what begins at the top touches the top, and only what ends at the end touches the end, where there
    is room to show it.
    """
    if size <= 0 or height <= 0:
        return 0, height
    first = top * height // size
    last = -(-bottom * height // size)
    if height > 2:
        if top > 0:
            first = max(first, 1)
        if bottom < size:
            last = min(last, height - 1)
        if top > 0 and last <= first:
            first = last - 1
            if first < 1:
                first, last = 1, 2
    return min(first, height - 1), max(last, min(first, height - 1) + 1)


def marks(offsets: Iterable[int], size: int, height: int) -> set[int]:
    """The lines on which something at these offsets falls."""
    if size <= 0 or height <= 0:
        return set()
    return {min(offset * height // size, height - 1) for offset in offsets}


def offset_at(line: int, size: int, height: int) -> int:
    """The offset a line of the bar stands for; the last line for the end."""
    return size if line >= height - 1 else max(0, line) * size // max(1, height - 1)
