"""Finding the lines of a log that a regular expression fits, without asking each of them where that can be.

What is found is what `by_line` finds. Most lines lack a text that the expression needs, and where no such
text is known, or most lines have it, one search goes over many lines (`regex_reading`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from workbench.text import regex_reading
from workbench.text.log_hits import TOLD, Counter, Finder, Hit, Search, by_line, hit_of, line_end, seen
from workbench.text.sanitize import SGR

SPARSE = 800
"""Bytes for each time a needed text is there: where it is more often, all lines are asked at once."""
_LIKE = {"i": ("\u0130", "\u0131"), "k": ("\u212a",), "s": ("\u017f",)}
"""What no ASCII is and yet a capital or a small form of an ASCII letter."""
_RETURNS = re.compile(r"(?<!\r)\r++(?=\n|\Z)")


def regex_finder(pattern: str, flags: int) -> Finder:
    """What finds an expression that compiles; of flags only IGNORECASE may be set."""
    search = re.compile(pattern, flags).search
    ignore_case = bool(flags & re.IGNORECASE)
    reading = regex_reading.read(pattern)
    across = None if reading.across is None else re.compile(reading.across, flags | re.MULTILINE)
    in_small = ignore_case and in_small_letters(pattern)
    small = re.compile(reading.across or "", re.MULTILINE) if in_small else None
    texts = [needle.lower() if ignore_case else needle for needle in reading.needles]
    needles = [text.encode("ascii") for text in texts]
    letters = set("".join(texts)) & _LIKE.keys() if ignore_case else set()
    others = [like.encode() for letter in letters for like in _LIKE[letter]]

    def find(data: bytes, at: int) -> Iterator[Hit]:
        if b"\x1b" in data:  # colours may stand in the middle of a word: the bytes are not what is seen
            return by_line(data, at, search) if across is None else _coloured(data, at, across, needles)
        if needles and (data.isascii() or not any(like in data for like in others)):
            hay = data.lower() if ignore_case else data
            starts = _starts(hay, needles)
            if starts is not None:
                return _by_starts(data, at, starts, search)
        return by_line(data, at, search) if across is None else _across(data, at, across, small)

    return find


def in_small_letters(pattern: str) -> bool:
    """Whether an expression that leaves capitals open may be asked of ASCII in small letters instead.

    That is many times as fast. Of what is understood here only capitals and ranges tell them apart.
    """
    bare = re.sub(r"\\.", "", pattern)
    ranges = re.findall(r"[^\\]-[^\]]", pattern) if "[" in pattern else []
    return pattern.isascii() and bare == bare.lower() and all(one in ("a-z", "0-9") for one in ranges)


def regex_counter(pattern: str, flags: int, find: Finder) -> Counter:
    """What counts the lines of an expression; find: what `regex_finder` gives for it.

    Where a line has it the rest of the line goes with it, so one call finds all lines of a block: where most
    lines fit, telling of each costs ten times what finding it does.
    """
    reading = regex_reading.read(pattern)
    if reading.across is None:
        return lambda data: sum(1 for _ in find(data, 0))
    # The empty group: what is found are not copies of the lines then.
    line = re.compile(rf"()(?:{reading.across})[^\n]*\n", flags | re.MULTILINE)
    small = re.compile(line.pattern, re.MULTILINE) if flags and in_small_letters(pattern) else None
    needles = [text.encode("ascii") for text in reading.needles]

    def count(data: bytes) -> int:
        if not data:
            return 0
        if needles and not _often(data, needles):
            return sum(1 for _ in find(data, 0))
        text = _seen_text(data)
        text = re.sub(SGR, "", text) if "\x1b" in text else text
        text = text if _ended(data) else text + "\n"
        if small is not None and text.isascii():
            return len(small.findall(text.lower())) if line.groups == 1 else small.subn("", text.lower())[1]
        return len(line.findall(text)) if line.groups == 1 else line.subn("", text)[1]

    return count


def _often(data: bytes, needles: Sequence[bytes]) -> bool:
    """Whether needed texts are so frequent, in small letters at least, that all lines are asked at once."""
    return sum(data.count(needle) for needle in needles) * SPARSE > len(data)


def _starts(hay: bytes, needles: Sequence[bytes]) -> list[int] | None:
    """Where lines begin that have a needed text, in order; None where there are too many of them."""
    counts = [hay.count(needle) for needle in needles]
    if sum(counts) * SPARSE > len(hay):
        return None
    starts: set[int] = set()
    for needle, count in zip(needles, counts, strict=True):
        place = hay.find(needle) if count else -1
        while place >= 0:
            starts.add(hay.rfind(b"\n", 0, place) + 1)
            place = hay.find(needle, line_end(hay, place))
    return sorted(starts)


def _by_starts(data: bytes, at: int, starts: Sequence[int], search: Search) -> Iterator[Hit]:
    for start in starts:
        stop = line_end(data, start)
        raw = data[start : stop - 1] if data.endswith(b"\n", start, stop) else data[start:stop]
        match = search(seen(raw))
        if match is not None:
            yield hit_of(match, raw, at + start, at + stop)


def _across(
    data: bytes, at: int, expression: re.Pattern[str], small: re.Pattern[str] | None
) -> Iterator[Hit]:
    """The hits of an expression that is asked of all lines at once; small: for what is in small letters."""
    if not data.isascii() or b"\r" in data:
        text = _seen_text(data)
        yield from _numbered(data, at, text, _matches(text, expression, ended=_ended(data)))
        return
    text, ended, end, place = data.decode("ascii"), _ended(data), len(data), 0
    # Not by `_matches`: where most lines fit, this loop is what a search costs.
    search, hay = (expression.search, text) if small is None else (small.search, text.lower())
    while (match := search(hay, place)) is not None:
        begin, stop = match.span()
        if ended and begin == end:
            return
        start = text.rfind("\n", place, begin) + 1 or place
        place = text.find("\n", stop) + 1
        yield Hit._make((at + begin, at + start, at + (place or end), text[begin : min(stop, begin + TOLD)]))
        if not place:
            return


def _coloured(data: bytes, at: int, expression: re.Pattern[str], needles: Sequence[bytes]) -> Iterator[Hit]:
    """The same without the colours; only of lines with a needed text, where there are few."""
    text = re.sub(SGR, "", _seen_text(data))
    matches = _matches(text, expression, ended=_ended(data))
    if needles and text.isascii():
        hay = text.encode("ascii")
        hay = hay.lower() if expression.flags & re.IGNORECASE else hay
        starts = _starts(hay, needles)
        if starts is not None:
            lines = ((start, line_end(hay, start)) for start in starts)
            found = (expression.search(text, start, stop) for start, stop in lines)
            matches = (match for match in found if match is not None)
    yield from _numbered(data, at, text, matches)


def _seen_text(data: bytes) -> str:
    """Lines as they are seen, but for their colours."""
    text = data.decode("utf-8", "replace")
    return _RETURNS.sub("", text) if b"\r\n" in data or data.endswith(b"\r") else text


def _ended(data: bytes) -> bool:
    return not data or data.endswith(b"\n")


def _matches(text: str, expression: re.Pattern[str], *, ended: bool) -> Iterator[re.Match[str]]:
    """The first match in each line that has any. ended: what is behind the last newline is no line."""
    place, end = 0, len(text)
    while (match := expression.search(text, place)) is not None:
        if ended and match.start() == end:
            return
        yield match
        place = text.find("\n", match.end()) + 1
        if not place:
            return


def _numbered(data: bytes, at: int, text: str, matches: Iterable[re.Match[str]]) -> Iterator[Hit]:
    """The hits where what is seen is not what was written: lines are told by their number."""
    lines: list[bytes] = []
    ends: list[int] = []
    place = number = 0
    for match in matches:
        if not lines:
            lines = data.split(b"\n")
            ends = list(accumulate(len(line) + 1 for line in lines))
        begin = text.rfind("\n", 0, match.start()) + 1
        number += text.count("\n", place, begin)
        place = begin
        stop = min(ends[number], len(data))
        yield hit_of(match, lines[number], at + ends[number] - len(lines[number]) - 1, at + stop, begin)
