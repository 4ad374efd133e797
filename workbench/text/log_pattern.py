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


Finder = Callable[[bytes], Iterator[Hit]]
"""The hits in whole lines, at most one a line, in order; offsets from where the bytes begin."""


def finder(pattern: Pattern) -> Finder:
    """What finds a pattern. Raises UsageError for a regular expression that is none."""
    flags = re.IGNORECASE if pattern.ignore_case else 0
    try:
        compiled = re.compile(pattern.text if pattern.regex else re.escape(pattern.text), flags)
    except (re.error, OverflowError, RecursionError) as problem:
        raise UsageError(f"/{pattern.text}/ is no regular expression: {problem}") from problem

    def by_line(data: bytes) -> Iterator[Hit]:
        return _by_line(data, compiled.search)

    if pattern.regex or (pattern.ignore_case and not pattern.text.isascii()):
        return by_line
    needle = pattern.text.encode("utf-8", "surrogateescape")

    def by_text(data: bytes) -> Iterator[Hit]:
        # colours may stand in the middle of a word: such lines are looked at as they are seen
        return by_line(data) if b"\x1b" in data else _by_text(data, needle, pattern.ignore_case)

    return by_text


def errors(data: bytes) -> Iterator[Hit]:
    """The lines that tell of an error, as a Finder."""
    starts: dict[int, int] = {}
    for sign in SIGNS:
        at = data.find(sign)
        while at >= 0:
            start, stop = data.rfind(b"\n", 0, at) + 1, _line_end(data, at)
            starts[start] = stop
            at = data.find(sign, stop)
    for start in sorted(starts):
        stop = starts[start]
        line = _seen(data[start:stop])
        if is_error(line):
            yield Hit(start, start, stop, line.strip()[:TOLD])


def _line_end(data: bytes, at: int) -> int:
    end = data.find(b"\n", at)
    return len(data) if end < 0 else end + 1


def _by_text(data: bytes, needle: bytes, ignore_case: bool) -> Iterator[Hit]:
    hay = data.lower() if ignore_case else data
    at = hay.find(needle.lower() if ignore_case else needle)
    if ignore_case:
        needle = needle.lower()
    while at >= 0:
        start, stop = data.rfind(b"\n", 0, at) + 1, _line_end(data, at)
        yield Hit(at, start, stop, data[at : at + len(needle)].decode("utf-8", "replace")[:TOLD])
        at = hay.find(needle, stop)


def _by_line(data: bytes, search: Callable[[str], re.Match[str] | None]) -> Iterator[Hit]:
    start = 0
    for raw in data.split(b"\n"):
        match = search(_seen(raw))
        if match is not None and (raw or start < len(data)):
            text = match.group()[:TOLD]
            within = max(0, raw.find(text.encode("utf-8", "replace")))
            yield Hit(start + within, start, min(start + len(raw) + 1, len(data)), text)
        start += len(raw) + 1


def _seen(raw: bytes) -> str:
    """A line without its colours."""
    line = raw.decode("utf-8", "replace").rstrip("\r\n")
    return re.sub(SGR, "", line) if "\x1b" in line else line
