"""A line of a log as a terminal would show it at rest, whatever bytes it is made of."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from workbench.text import sgr
from workbench.text.sanitize import plain

LIMIT = 4000
"""Characters of a line that are shown; the rest is not even looked at."""
_RAW = LIMIT * 8
"""Bytes that are enough for LIMIT characters of ordinary colourful text."""
_STACKED = 3
"""Combining characters that one character may carry."""


class Shown(NamedTuple):
    """What is seen of a line."""

    text: str
    """One line, free of control sequences, tabs widened."""
    looks: tuple[tuple[int, sgr.Look], ...] = ()
    """(end, look) of each stretch of text, in order; empty when all of it is plain."""
    clipped: bool = False
    """Whether there is more of it than is shown."""


def shown(raw: bytes, limit: int = LIMIT) -> Shown:
    """raw without its newline, as it looks.

    Of the parts that carriage returns separate, the last that shows anything counts: progress bars are one
    line. Bytes that are no UTF-8 become U+FFFD.
    """
    for part in reversed(raw.rstrip(b"\r\n").split(b"\r")):
        if part.strip():
            line = _part(part, limit)
            if line.text.strip():
                return line
    return Shown("")


def _part(part: bytes, limit: int) -> Shown:
    clipped = len(part) > _RAW
    text = part[:_RAW].decode("utf-8", "replace")
    if text.isprintable() and text.isascii():
        return Shown(text[:limit], (), clipped or len(text) > limit)
    done, looks = "", []
    for piece, look in sgr.pieces(text):
        done += _separable(plain(piece, len(done)))
        looks.append((min(len(done), limit), look))
        if len(done) > limit:
            break
    if len(done) > limit:
        clipped = True
    if all(look == sgr.PLAIN for _, look in looks):
        looks = []
    return Shown(done[:limit], tuple(looks), clipped)


def _separable(text: str) -> str:
    """text whose characters each fill the cells they fill alone, so that terminals agree on its width.

    Joiners and variation selectors go, a pile of combining characters is cut, one without a character below
    it gets one.
    """
    if text.isascii():
        return text
    kept: list[str] = []
    stacked = 0
    for character in text:
        if character in "\u200c\u200d" or "\ufe00" <= character <= "\ufe0f":
            continue
        if unicodedata.category(character) in ("Mn", "Me"):
            stacked += 1
            if stacked > _STACKED:
                continue
            if not kept:
                kept.append("◌")
        else:
            stacked = 0
        kept.append(character)
    return "".join(kept)
