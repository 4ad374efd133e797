"""Colours in what programs print: SGR sequences read into looks. Everything else in a text stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from workbench.text.sanitize import SGR

Colour = int | tuple[int, int, int] | None
"""One of the 256 of a terminal's palette, red-green-blue, or None: the terminal's own."""


class Look(NamedTuple):
    """How characters are drawn."""

    foreground: Colour = None
    background: Colour = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


PLAIN = Look()
_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike", 21: "underline"}
_OFF = {
    22: ("bold", "dim"),
    23: ("italic",),
    24: ("underline",),
    27: ("reverse",),
    29: ("strike",),
    39: ("foreground",),
    49: ("background",),
}


def pieces(text: str) -> Iterator[tuple[str, Look]]:
    """The parts of text between its SGR sequences, each with the look they give it."""
    look, end = PLAIN, 0
    for match in re.finditer(SGR, text):
        if match.start() > end:
            yield text[end : match.start()], look
        look, end = after(look, match.group()[2:-1]), match.end()
    if end < len(text):
        yield text[end:], look


@lru_cache(maxsize=1024)
def after(look: Look, parameters: str) -> Look:
    """The look once a sequence with these parameters came; what makes no sense changes nothing."""
    codes = [int(code) if code.isdigit() else 0 for code in re.split("[;:]", parameters)]
    while codes:
        code = codes.pop(0)
        if code == 0:
            look = PLAIN
        elif code in (38, 48, 58):
            colour = _extended(codes, ":" in parameters)
            field = {38: "foreground", 48: "background"}.get(code)
            if field and colour is not None:
                look = look._replace(**{field: colour})  # type: ignore[arg-type]
        elif code in _ON:
            look = look._replace(**{_ON[code]: True})
        elif code in _OFF:
            look = look._replace(**{name: getattr(PLAIN, name) for name in _OFF[code]})
        elif 30 <= code <= 37 or 90 <= code <= 97:
            look = look._replace(foreground=code - 30 if code < 90 else code - 82)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            look = look._replace(background=code - 40 if code < 100 else code - 92)
    return look


def _extended(codes: list[int], colons: bool) -> Colour:
    """The colour of a 38 or 48, whose parameters are taken off codes."""
    kind = codes.pop(0) if codes else 0
    if kind == 5 and codes:
        return min(codes.pop(0), 255)
    if kind == 2 and len(codes) >= 3:
        if colons and len(codes) >= 4:
            codes.pop(0)  # with colons a colour space comes first
        red, green, blue = codes[:3]
        del codes[:3]
        return min(red, 255), min(green, 255), min(blue, 255)
    return None
