"""How many terminal cells a text fills, and fitting it to a number of them.

The measure is rich's, which the dashboard draws with. Most texts need no table of widths, so rich is loaded
for those alone that do: commands start without it.
"""

from __future__ import annotations

from itertools import chain

_NARROW = frozenset(
    map(
        chr,
        chain(
            range(0x20, 0x7F),
            range(0xA0, 0xAD),  # AD, the soft hyphen, is disputed
            range(0xAE, 0x300),
            range(0x370, 0x378),
            range(0x391, 0x3A2),
            range(0x3A3, 0x483),
            range(0x2500, 0x25FD),
            range(0x2800, 0x2900),
            map(ord, "–—‖‘’“”•…‹›←↑→↓↕⊘✔✖❯"),
        ),
    )
)
"""Characters one cell wide whatever stands beside them, emoji selectors excepted."""


# Joiners and selectors change the width of what stands beside them, and terminals disagree about how.
_DISPUTED = dict.fromkeys([0x200C, 0x200D, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0xAD])


def undisputed(text: str) -> str:
    """text of characters whose width does not depend on what they stand beside."""
    return text if text.isascii() else text.translate(_DISPUTED)


def width(text: str) -> int:
    """The cells that text, free of control sequences, fills: wide characters two, combining ones none."""
    if _NARROW.issuperset(text):
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, cells: int, *, middle: bool = False, ellipsis: str = "…") -> str:
    """text in at most that many cells; what is cut is marked, at the end or in the middle."""
    if len(text) <= cells and _NARROW.issuperset(text):
        return text
    if width(text) <= cells:
        return text
    room = cells - width(ellipsis)
    if room <= 0:
        return _head(text, cells)
    if not middle:
        return _head(text, room) + ellipsis
    tail = _tail(text, room // 2)
    return _head(text, room - width(tail)) + ellipsis + tail


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """text filled with spaces to that many cells, on its left when right-aligned."""
    space = " " * (cells - width(text))
    return space + text if right else text + space


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """text cut or padded to exactly that many cells."""
    return pad(cut(text, cells), cells, right=right)


def _head(text: str, cells: int) -> str:
    """The longest beginning of text that fits; a beginning never fills more than a longer one."""
    if _NARROW.issuperset(text):
        return text[: max(0, cells)]
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(text[:middle]) <= cells:
            low = middle
        else:
            high = middle - 1
    return text[:low] if cells > 0 else ""


def _tail(text: str, cells: int) -> str:
    """An end of text that fits and does not begin within a character."""
    start, taken = len(text), 0
    for index in range(len(text) - 1, -1, -1):
        here = 1 if text[index] == "\ufe0f" else width(text[index])  # the selector may widen what precedes it
        taken += here
        if taken > cells:
            break
        if width(text[index]):
            start = index
    return text[start:]
