r"""What a regular expression says of itself, so that a log need not be asked line by line.

A text that stands in whatever it finds tells at once which lines are worth a look. And an expression none of
whose parts finds a newline may be asked of many lines at once, with MULTILINE: at the end of a line each part
of it fails then as it does at the end of a text, so it finds in each line what it finds in that line alone.
Hence \s, \D, \W and [^x] are written so that they leave the newline out.

Only what is surely understood is said; of any other expression nothing is, and lines are asked one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

MOST_NEEDLES = 8
DEEPEST = 50
"""Groups within groups; no one writes more."""
_NOT_NEWLINE = {"s": r"[^\S\n]", "D": r"[^\d\n]", "W": r"[^\w\n]", "A": "^", "Z": "$"}
_AS_THEY_ARE = frozenset("dwSb")
_SPACES = r"\t\x0b\x0c\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What \\s finds, within brackets, but the newline."""
_GROUPS = ("?:", "?>", "?=", "?!", "?<=", "?<!")
_NAMED = re.compile(r"\?P<\w+>")
_AGAIN = re.compile(r"\?P=\w+\)")
_REPEAT = re.compile(r"(?:[*+?]|\{(?:(?P<least>\d+)(?:,\d*)?|,\d*)\})[?+]?")
Needles = tuple[str, ...]


class Reading(NamedTuple):
    """What is known of an expression."""

    needles: Needles = ()
    """One of these texts at least stands in whatever it finds, in any case where that is left open."""
    across: str | None = None
    """It for many lines at once, to be compiled with MULTILINE."""


def read(pattern: str) -> Reading:
    """What is known of a regular expression that compiles."""
    reader = _Reader(pattern)
    try:
        needles, across = reader.alternatives(0)
    except _Unclear:
        return Reading()
    if reader.at < len(pattern):
        return Reading()
    return Reading(needles, across if reader.by_lines else None)


class _Unclear(Exception):
    """The expression has something of which nothing is known here."""


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.at = 0
        self.by_lines = True

    def alternatives(self, depth: int) -> tuple[Needles, str]:
        """From here to the end of the group: what one of its branches needs, and how it is written."""
        if depth > DEEPEST:
            raise _Unclear
        needles: list[Needles] = []
        written: list[str] = []
        while True:
            needed, text = self._branch(depth)
            needles.append(needed)
            written.append(text)
            if self._pattern[self.at : self.at + 1] != "|":
                break
            self.at += 1
        every = tuple(dict.fromkeys(needle for one in needles for needle in one))
        known = all(needles) and len(every) <= MOST_NEEDLES
        return every if known else (), "|".join(written)

    def _branch(self, depth: int) -> tuple[Needles, str]:
        found: list[Needles] = []
        written: list[str] = []
        run = ""
        while self.at < len(self._pattern) and self._pattern[self.at] not in "|)":
            letter, needed, text = self._part(depth)
            repeat = _REPEAT.match(self._pattern, self.at)
            if repeat is not None:
                self.at = repeat.end()
                text += repeat.group()
            written.append(text)
            if letter is not None and repeat is None:
                run += letter
                continue
            least = 1 if repeat is None else _least(repeat)
            found.append((run + (letter or "") if least else run,))
            run = ""
            if least and needed:
                found.append(needed)
        found.append((run,))
        return _best(found), "".join(written)

    def _part(self, depth: int) -> tuple[str | None, Needles, str]:
        """The next part: the letter it is or "" for none of its own, what it needs, how it is written."""
        sign = self._pattern[self.at]
        self.at += 1
        if sign == "(":
            return None, *self._group(depth)
        if sign == "[":
            return None, (), self._among()
        if sign == "\\":
            return self._escaped()
        if sign in ".^$":
            return None, (), sign
        if sign == "\n":  # no line has one: it would be found between two of them
            raise _Unclear
        return (sign if _told(sign) else None), (), sign

    def _escaped(self) -> tuple[str | None, Needles, str]:
        sign = self._pattern[self.at]
        self.at += 1
        if sign == "b":
            return "", (), r"\b"
        if sign in _AS_THEY_ARE:
            return None, (), "\\" + sign
        if sign in _NOT_NEWLINE:
            return None, (), _NOT_NEWLINE[sign]
        if sign == "t":
            return "\t", (), r"\t"
        if sign == "B":  # in an empty text it finds nothing, in an empty line it might
            self.by_lines = False
            return None, (), r"\B"
        if sign.isalnum() or sign == "\n":
            raise _Unclear
        return (sign if _told(sign) else None), (), "\\" + sign

    def _group(self, depth: int) -> tuple[Needles, str]:
        rest = self._pattern[self.at : self.at + 100]
        opening, looks = "", False
        if rest.startswith("?"):
            again = _AGAIN.match(rest)
            if again is not None:
                self.at += again.end()
                return (), "(" + again.group()
            named = _NAMED.match(rest)
            opening = named.group() if named else next((way for way in _GROUPS if rest.startswith(way)), "")
            if not opening:
                raise _Unclear
            looks = opening in _GROUPS[2:]
            self.at += len(opening)
        needed, written = self.alternatives(depth + 1)
        self.at += 1  # the closing parenthesis
        return () if looks else needed, f"({opening}{written})"

    def _among(self) -> str:
        """A set of characters, without the newline."""
        pattern, negated = self._pattern, self._pattern.startswith("^", self.at)
        self.at += negated
        inside = ""
        while pattern[self.at] != "]" or not inside:
            sign = pattern[self.at]
            self.at += 1
            if sign == "\\":
                sign = pattern[self.at]
                self.at += 1
                inside += self._escaped_among(sign, negated=negated)
            else:
                inside += "\\" + sign if sign in "[]-&~|" and not inside else sign
        self.at += 1
        found = f"[^\\n{inside}]" if negated else f"[{inside}]"
        if re.match(found, "\n"):
            self.by_lines = False
        return found

    def _escaped_among(self, sign: str, *, negated: bool) -> str:
        if sign == "s" and not negated:
            return _SPACES
        if sign.isalnum() and sign not in "dDwWsSt":
            raise _Unclear
        return "\\" + sign


def _least(repeat: re.Match[str]) -> int:
    if repeat.group()[0] in "*?":
        return 0
    return 1 if repeat.group()[0] == "+" else int(repeat["least"] or 0)


def _told(sign: str) -> bool:
    """Whether a character is the same byte wherever it is seen."""
    return sign == "\t" or " " <= sign <= "~"


def _best(found: Iterable[Needles]) -> Needles:
    """Those of which the shortest is the longest; none where that is empty."""
    return max((one for one in found if one and all(one)), key=lambda one: min(map(len, one)), default=())
