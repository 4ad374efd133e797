"""What stands in a row's column, made harmless at this door: nothing that is drawn was not through here."""

from __future__ import annotations

from typing import NamedTuple
from unicodedata import category

from workbench.text.cells import undisputed, width
from workbench.text.sanitize import clean

LIMIT = 1000
"""Characters of one text that are ever looked at; no terminal is wider."""

_BLANKS = dict.fromkeys(map(ord, "\n\t\r\v\f\x85\u2028\u2029"), " ")
_STACK = 2
"""Combining characters one character may carry; more reach into the lines around."""


class Span(NamedTuple):
    """A piece of a cell with a role of the palette of its own."""

    text: str
    role: str = ""


class Cell(NamedTuple):
    """A text with its role of the palette, and what more there is to it.

    spans: further pieces, in roles of their own, right behind the text. short: what is shown where not even
    half of the text fits, a state's glyph. series: numbers drawn as a small line in the room the texts leave.
    over: the text may run over the columns to its right, which then stay empty: a sentence in place of
    figures that are not there.
    """

    text: str
    role: str = ""
    spans: tuple[Span, ...] = ()
    short: str = ""
    series: tuple[float, ...] = ()
    over: bool = False


def pieces(cell: Cell) -> list[Span]:
    """The cell's texts with their roles, each fit to be shown; empty ones left out."""
    texts = [(cell.text, cell.role), *cell.spans]
    return [Span(text, role) for text, role in ((harmless(text), role) for text, role in texts) if text]


def harmless(text: str) -> str:
    """text on one line, its spaces kept, of characters whose widths terminals agree about."""
    if text.isascii() and text.isprintable():
        return text if len(text) <= LIMIT else text[:LIMIT]
    text = undisputed(clean(text.translate(_BLANKS), LIMIT)).translate(_BLANKS)
    if not text.isprintable():
        text = "".join(map(_seen, text))
    return _unstacked(text) if width(text) < len(text) else text


def _seen(character: str) -> str:
    """A character, if it is one to see: spaces of all kinds are one, format characters none."""
    kind = category(character)
    return " " if kind == "Zs" else "" if kind in ("Cf", "Cc", "Cs", "Zl", "Zp") else character


def _unstacked(text: str) -> str:
    """text without combining characters that have nothing to combine with, or that are too many."""
    kept: list[str] = []
    stack = _STACK
    for character in text:
        stack = 0 if width(character) else stack + 1
        if stack <= _STACK:
            kept.append(character)
    return "".join(kept)
