"""Cutting a line of text into lines of a screen, by cells."""

from __future__ import annotations

from rich.cells import cell_len, get_character_cell_size


def cuts(text: str, width: int) -> list[int]:
    """Where the parts of text begin so that none fills more than width cells; the first is 0.

    A character wider than width has a part of its own. Combining characters stay with what they combine with.
    """
    if text.isascii():
        return list(range(0, len(text), width)) or [0]
    if cell_len(text) <= width:
        return [0]
    found, filled = [0], 0
    for index, character in enumerate(text):
        cells = get_character_cell_size(character)
        if filled + cells > width and index > found[-1]:
            found.append(index)
            filled = 0
        filled += cells
    return found
