"""How many terminal cells a text fills, and fitting it to a number of them."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=4096)
def _cells(character: str) -> int:
    code = ord(character)
    if code == 0 or 0x1160 <= code <= 0x11FF or code == 0x200B:
        return 0
    if unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def width(text: str) -> int:
    """The cells that text, free of control sequences, fills: wide characters two, combining ones none."""
    return len(text) if text.isascii() else sum(_cells(character) for character in text)


def cut(text: str, cells: int, *, middle: bool = False, ellipsis: str = "…") -> str:
    """text in at most that many cells; what is cut is marked, at the end or in the middle."""
    if width(text) <= cells:
        return text
    room = cells - width(ellipsis)
    if room <= 0:
        return _head(text, cells)
    if not middle:
        return _head(text, room) + ellipsis
    tail = _head(text[::-1], room // 2)[::-1]
    return _head(text, room - width(tail)) + ellipsis + tail


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """text filled with spaces to that many cells, on its left when right-aligned."""
    space = " " * (cells - width(text))
    return space + text if right else text + space


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """text cut or padded to exactly that many cells."""
    return pad(cut(text, cells), cells, right=right)


def _head(text: str, cells: int) -> str:
    taken = 0
    for index, character in enumerate(text):
        taken += _cells(character)
        if taken > cells:
            return text[:index]
    return text
