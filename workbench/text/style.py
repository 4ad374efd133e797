"""Colours by meaning. Whether any are used is the caller's decision (NO_COLOR, a pipe ...)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

RESET: Final = "\x1b[0m"
CODES: Final = {
    "bold": "1",
    "title": "1",
    "dim": "2",
    "good": "32",
    "bad": "31",
    "warn": "33",
    "active": "36",
    "waiting": "34",
    "quiet": "90",
    "stale": "90",
    "gpu-idle": "90",
    "gpu-busy": "32",
    "gpu-hot": "33",
    "gpu-dead": "31",
}
"""Where two roles have one colour, the first is what `pieces` calls it."""


class Look(NamedTuple):
    """What the terminal can do: its width in cells, whether colours and other than ASCII may be used.

    Unpacks into the last arguments of `tables.render` and `tables.pairs`: render(columns, rows, *look).
    """

    width: int
    colour: bool = False
    ascii_only: bool = False


def paint(text: str, role: str, colour: bool) -> str:
    """text in the colour of a role of CODES; unchanged for no role, no colour or no text."""
    if not colour or not role or not text:
        return text
    return f"\x1b[{CODES[role]}m{text}{RESET}"


def pieces(line: str) -> Iterator[tuple[str, str]]:
    """The texts of a line that `paint` coloured, each with its role; "" where there is none."""
    roles = {code: role for role, code in reversed(CODES.items())}
    role = ""
    for number, part in enumerate(re.split(r"\x1b\[(\d*)m", line)):
        if number % 2:
            role = roles.get(part, "")
        elif part:
            yield part, role
