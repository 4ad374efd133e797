"""The order in which people count: w2 before w10."""

from __future__ import annotations

import re

DIGITS = re.compile(r"([0-9]+)")


def natural_key(text: str) -> tuple[tuple[int, str], ...]:
    """A key to sort names by: runs of ASCII digits by their number, the rest by its letters in lower case.

    Names that differ only in case or leading zeros have equal keys: a stable sort leaves them as they were.
    """
    parts = DIGITS.split(text.lower())
    # Odd places are numbers; of any length, so the one with more digits is the greater and none is read.
    return tuple(_size(part) if place % 2 else (0, part) for place, part in enumerate(parts))


def _size(digits: str) -> tuple[int, str]:
    told = digits.lstrip("0")
    return len(told), told
