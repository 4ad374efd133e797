"""What is looked for in a log: a text, or between slashes a regular expression; finding its lines in bytes.

Regular expressions are a user's and may take for ever: only a process that can be killed evaluates them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from workbench.errors import UsageError
from workbench.text.log_errors import SIGNS, is_error
from workbench.text.sanitize import SGR

MOST = 1000
"""Characters of a pattern."""
TOLD = 200
"""Characters of a found text that are told."""


class Pattern(NamedTuple):
    """What is looked for."""

    text: str
    regex: bool = False
    ignore_case: bool = False


class Hit(NamedTuple):
    """A line that matches: where in it the first match is, where it begins and ends, what was found."""

    offset: int
    start: int
    stop: int
    text: str


def parse(said: str) -> Pattern:
    """The pattern a user gave: /.../ is a regular expression; capitals make it tell them apart.

    Raises UsageError for an empty one or one of more than MOST characters.
    """
    regex = len(said) > 2 and said.startswith("/") and said.endswith("/")
    text = said[1:-1] if regex else said
    if not text:
        raise UsageError("there is nothing to look for", "give a text, or a regular expression as /.../")
    if len(text) > MOST:
        raise UsageError(f"a pattern has at most {MOST} characters")
    letters = re.sub(r"\\.", "", text) if regex else text
    return Pattern(text, regex, letters == letters.lower())


def places(pattern: Pattern, line: str) -> list[tuple[int, int]]:
    """Where a text, not a regular expression, stands in a line."""
    needle, hay = pattern.text, line
    if pattern.ignore_case and len(line.lower()) == len(line):  # few letters are longer in lower case
        needle, hay = needle.lower(), line.lower()
    found, at = [], hay.find(needle)
    while at >= 0:
        found.append((at, at + len(needle)))
        at = hay.find(needle, at + len(needle))
    return found


Finder = Callable[[bytes, int], Iterator[Hit]]
"""The hits in whole lines, at most one a line, in order; the lines begin at that place of the log."""


def finder(pattern: Pattern) -> Finder:
    """What finds a pattern. Raises UsageError for a regular expression that is none."""
    flags = re.IGNORECASE if pattern.ignore_case else 0
    try:
        compiled = re.compile(pattern.text if pattern.regex else re.escape(pattern.text), flags)
    except (re.error, OverflowError, RecursionError) as problem:
        raise UsageError(f"/{pattern.text}/ is no regular expression: {problem}") from problem

    def by_line(data: bytes, at: int) -> Iterator[Hit]:
        return _by_line(data, at, compiled.search)

    if pattern.regex or (pattern.ignore_case and not pattern.text.isascii()):
        return by_line
    needle = pattern.text.encode("utf-8", "surrogateescape")
    if pattern.ignore_case:
        needle = needle.lower()

    def by_text(data: bytes, at: int) -> Iterator[Hit]:
        if b"\x1b" in data:  # colours may stand in the middle of a word: lines are looked at as they are seen
            return by_line(data, at)
        return _by_text(data.lower() if pattern.ignore_case else data, at, needle, pattern.text)

    return by_text


def errors(data: bytes, at: int) -> Iterator[Hit]:
    """The lines that tell of an error, as a Finder."""
    lines: dict[int, int] = {}
    for sign in SIGNS:
        place = data.find(sign)
        while place >= 0:
            stop = _line_end(data, place)
            lines[data.rfind(b"\n", 0, place) + 1] = stop
            place = data.find(sign, stop)
    for start in sorted(lines):
        stop = lines[start]
        line = _seen(data[start:stop])
        if is_error(line):
            yield Hit(at + start, at + start, at + stop, line.strip()[:TOLD])


def _line_end(data: bytes, place: int) -> int:
    end = data.find(b"\n", place)
    return len(data) if end < 0 else end + 1


def _by_text(data: bytes, at: int, needle: bytes, text: str) -> Iterator[Hit]:
    place = data.find(needle)
    while place >= 0:
        stop = _line_end(data, place)
        yield Hit(at + place, at + data.rfind(b"\n", 0, place) + 1, at + stop, text)
        place = data.find(needle, stop)


def _by_line(data: bytes, at: int, search: Callable[[str], re.Match[str] | None]) -> Iterator[Hit]:
    plain = data.isascii() and b"\x1b" not in data and b"\r" not in data
    # decoding a block at once is much faster than line by line
    lines: list[str] | list[bytes] = data.decode("ascii").split("\n") if plain else data.split(b"\n")
    start, end = 0, len(data)
    for raw in lines:
        match = search(raw if isinstance(raw, str) else _seen(raw))
        if match is not None and start < end:
            text = match.group()
            within = match.start()
            if isinstance(raw, bytes):  # what was seen is not what was written
                within = max(0, raw.find(text.encode("utf-8", "replace")))
            yield Hit(at + start + within, at + start, at + min(start + len(raw) + 1, end), text[:TOLD])
        start += len(raw) + 1


def _seen(raw: bytes) -> str:
    """A line without its colours."""
    line = raw.decode("utf-8", "replace").rstrip("\r\n")
    return re.sub(SGR, "", line) if "\x1b" in line else line
