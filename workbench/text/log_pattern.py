"""What is looked for in a log: a text, or between slashes a regular expression; finding its lines in bytes.

Regular expressions are a user's and may take for ever: only a process that can be killed evaluates them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from workbench.errors import UsageError
from workbench.text.log_errors import SIGNS, is_error
from workbench.text.log_hits import TOLD, Counter, Finder, Hit, by_line, line_end, seen
from workbench.text.log_regex import regex_counter, regex_finder

MOST = 1000
"""Characters of a pattern."""


class Pattern(NamedTuple):
    """What is looked for."""

    text: str
    regex: bool = False
    ignore_case: bool = False


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


def finder(pattern: Pattern) -> Finder:
    """What finds a pattern. Raises UsageError for a regular expression that is none."""
    flags = re.IGNORECASE if pattern.ignore_case else 0
    try:
        compiled = re.compile(pattern.text if pattern.regex else re.escape(pattern.text), flags)
    except (re.error, OverflowError, RecursionError) as problem:
        raise UsageError(f"/{pattern.text}/ is no regular expression: {problem}") from problem

    if pattern.regex:
        return regex_finder(pattern.text, flags)

    def lines(data: bytes, at: int) -> Iterator[Hit]:
        return by_line(data, at, compiled.search)

    if pattern.ignore_case and not pattern.text.isascii():
        return lines
    needle = pattern.text.encode("utf-8", "surrogateescape")
    if pattern.ignore_case:
        needle = needle.lower()

    def by_text(data: bytes, at: int) -> Iterator[Hit]:
        if b"\x1b" in data:  # colours may stand in the middle of a word: lines are looked at as they are seen
            return (hit._replace(text=pattern.text) for hit in lines(data, at))
        return _by_text(data.lower() if pattern.ignore_case else data, at, needle, pattern.text)

    return by_text


def counter(pattern: Pattern) -> Counter:
    """What counts the lines of a pattern, many times as fast as telling of each. Raises as `finder` does."""
    find = finder(pattern)
    if pattern.regex:
        return regex_counter(pattern.text, re.IGNORECASE if pattern.ignore_case else 0, find)
    if pattern.ignore_case and not pattern.text.isascii():
        return lambda data: sum(1 for _ in find(data, 0))
    needle = pattern.text.encode("utf-8", "surrogateescape")
    within = re.compile(re.escape(needle.lower() if pattern.ignore_case else needle) + rb"()[^\n]*")

    def count(data: bytes) -> int:
        if b"\x1b" in data:
            return sum(1 for _ in find(data, 0))
        return len(within.findall(data.lower() if pattern.ignore_case else data))

    return count


def errors(data: bytes, at: int) -> Iterator[Hit]:
    """The lines that tell of an error, as a Finder."""
    lines: dict[int, int] = {}
    for sign in SIGNS:
        place = data.find(sign)
        while place >= 0:
            stop = line_end(data, place)
            lines[data.rfind(b"\n", 0, place) + 1] = stop
            place = data.find(sign, stop)
    for start in sorted(lines):
        stop = lines[start]
        line = seen(data[start:stop])
        if is_error(line):
            yield Hit(at + start, at + start, at + stop, line.strip()[:TOLD])


def _by_text(data: bytes, at: int, needle: bytes, text: str) -> Iterator[Hit]:
    place = data.find(needle)
    while place >= 0:
        stop = line_end(data, place)
        yield Hit(at + place, at + data.rfind(b"\n", 0, place) + 1, at + stop, text)
        place = data.find(needle, stop)
