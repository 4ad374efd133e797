"""Lines of a log in bytes that are worth telling, and how a line is seen. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from workbench.text.sanitize import SGR

TOLD = 200
"""Characters of a found text that are told."""
Search = Callable[[str], "re.Match[str] | None"]


class Hit(NamedTuple):
    """A line that matches: where in it the first match is, where it begins and ends, what was found."""

    offset: int
    start: int
    stop: int
    text: str


Finder = Callable[[bytes, int], Iterator[Hit]]
"""The hits in whole lines, at most one a line, in order; the lines begin at that place of the log."""

Counter = Callable[[bytes], int]
"""How many lines of whole lines a Finder finds, without telling of each."""


def seen(raw: bytes) -> str:
    """A line without its colours."""
    line = raw.decode("utf-8", "replace").rstrip("\r\n")
    return re.sub(SGR, "", line) if "\x1b" in line else line


def line_end(data: bytes, place: int) -> int:
    """Where the line that holds a place ends, its newline included."""
    end = data.find(b"\n", place)
    return len(data) if end < 0 else end + 1


def by_line(data: bytes, at: int, search: Search) -> Iterator[Hit]:
    """The hits of an expression that is asked of each line as it is seen."""
    plain = data.isascii() and b"\x1b" not in data and b"\r" not in data
    # decoding a block at once is much faster than line by line
    lines: list[str] | list[bytes] = data.decode("ascii").split("\n") if plain else data.split(b"\n")
    start, end = 0, len(data)
    for raw in lines:
        match = search(raw if isinstance(raw, str) else seen(raw))
        if match is not None and start < end:
            yield hit_of(match, raw, at + start, at + min(start + len(raw) + 1, end))
        start += len(raw) + 1


def hit_of(match: re.Match[str], raw: bytes | str, start: int, stop: int, begin: int = 0) -> Hit:
    """A match in the line from start to stop of a log.

    raw: that line without its newline. begin: where it begins in the text that was searched.
    """
    text, within = match.group(), match.start() - begin
    if isinstance(raw, bytes) and (b"\x1b" in raw or not raw.isascii()):  # seen is not as written
        within = max(0, raw.find(text.encode("utf-8", "replace")))
    return Hit(start + within, start, stop, text[:TOLD])
