"""The words of a filter: names, comparisons, values, brackets, each with its place in the text.

A name ends where a comparison begins, a value at the next space: `path=/a/b`, `started>-7d` and
`branch=fix<3>` need no quotes, `'two words'` does.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from workbench.text.filter_problem import FilterProblem

QUOTES = "'\"`"
_COMPARISON = re.compile(r"<=|>=|<>|==|!=|!~|=|<|>|~|≤|≥|≠")
_NAME = re.compile(r"(?:(?!<|>|=|~|!=|!~|[\s()'\"`≤≥≠]).)+", re.DOTALL)
_VALUE = re.compile(r"[^\s(),'\"`][^\s(),]*")
_PATTERN_STOP = re.compile(r"\s")
_SPELLED = {"<>": "!=", "==": "=", "≤": "<=", "≥": ">=", "≠": "!="}


class Sort(Enum):
    """What a token is."""

    WORD = "word"
    """A name, a word to look for, or AND and the like."""
    QUOTED = "quoted"
    BACKTICK = "backtick"
    COMPARISON = "comparison"
    BANG = "!"
    OPEN = "("
    CLOSE = ")"
    COMMA = ","
    END = "end"


class Token(NamedTuple):
    """One word of a filter; text without its quotes."""

    sort: Sort
    text: str
    start: int
    stop: int

    def says(self, *words: str) -> bool:
        """Whether it is one of these words, in any case."""
        return self.sort is Sort.WORD and self.text.upper() in words

    @property
    def named(self) -> bool:
        """Whether it may be a name, or a word to look for."""
        return self.sort in (Sort.WORD, Sort.QUOTED, Sort.BACKTICK)


class Lexer:
    """Reads a text token by token: what comes next depends on whether a value is expected."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def name(self) -> Token:
        """The next token where a term, a connective or a comparison may stand."""
        if (token := self._common()) is not None:
            return token
        start = self.at
        if found := _COMPARISON.match(self.text, start):
            return self._take(Sort.COMPARISON, _SPELLED.get(found[0], found[0]), found.end())
        if self.text[start] == "!":
            return self._take(Sort.BANG, "!", start + 1)
        found = _NAME.match(self.text, start)
        assert found is not None
        return self._take(Sort.WORD, found[0], found.end())

    def value(self) -> Token:
        """The next token behind a comparison, or in a list of values."""
        if (token := self._common()) is not None:
            return token
        if self.text[self.at] == ",":
            return self._take(Sort.COMMA, ",", self.at + 1)
        found = _VALUE.match(self.text, self.at)
        assert found is not None
        return self._take(Sort.WORD, found[0], found.end())

    def pattern(self) -> Token:
        """The next token behind ~: all up to a space, or to a bracket that was not opened in it."""
        self._skip()
        if self.at >= len(self.text) or self.text[self.at] in "'\"":
            return self.value()
        found = _PATTERN_STOP.search(self.text, self.at)
        stop = found.start() if found else len(self.text)
        stop = self._unopened(stop)
        if stop == self.at:
            return self.value()
        return self._take(Sort.WORD, self.text[self.at : stop], stop)

    def _unopened(self, stop: int) -> int:
        """Where, before stop, a bracket closes that was opened before the pattern; else stop."""
        depth, at, inside = 0, self.at, False
        while at < stop:
            character = self.text[at]
            if character == "\\":
                at += 1
            elif character in "[]":
                inside = character == "["
            elif character in "()" and not inside:
                depth += 1 if character == "(" else -1
                if depth < 0:
                    return at
            at += 1
        return stop

    def adjacent(self, characters: str) -> bool:
        """Whether one of these characters comes next, with no space before it."""
        return self.text[self.at : self.at + 1] in tuple(characters)

    def _skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _common(self) -> Token | None:
        self._skip()
        if self.at >= len(self.text):
            return Token(Sort.END, "", len(self.text), len(self.text))
        first = self.text[self.at]
        if first == "(":
            return self._take(Sort.OPEN, "(", self.at + 1)
        if first == ")":
            return self._take(Sort.CLOSE, ")", self.at + 1)
        return self._quoted(first) if first in QUOTES else None

    def _quoted(self, mark: str) -> Token:
        """What stands in quotes; the mark itself is written twice in it."""
        start, at = self.at, self.at + 1
        while True:
            end = self.text.find(mark, at)
            if end < 0:
                raise FilterProblem(
                    f"the {mark} is not closed", start, len(self.text), f"end it with {mark}", unfinished=True
                )
            if self.text[end + 1 : end + 2] != mark:
                break
            at = end + 2
        said = self.text[start + 1 : end].replace(mark * 2, mark)
        return self._take(Sort.BACKTICK if mark == "`" else Sort.QUOTED, said, end + 1)

    def _take(self, sort: Sort, text: str, stop: int) -> Token:
        token = Token(sort, text, self.at, stop)
        self.at = stop
        return token
