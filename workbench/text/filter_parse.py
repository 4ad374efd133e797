"""Reading a filter of runs: MLflow's grammar, OR, NOT and brackets, and a short form; see docs/filters.md.

metrics.loss < 0.1 and params.lr = '1e-3'        loss<0.1 lr>1e-4 status=failed /resnet
"""

from __future__ import annotations

import re
from typing import NamedTuple

from workbench.text import filter_names
from workbench.text.filter_check import check
from workbench.text.filter_fields import Measure, measure_of
from workbench.text.filter_lexer import QUOTES, Lexer, Sort, Token
from workbench.text.filter_problem import FilterProblem
from workbench.text.filter_tree import (
    EVERYTHING,
    And,
    Comparison,
    Field,
    Filter,
    Kind,
    Not,
    Or,
    Presence,
    Words,
)

LONGEST = 4000
"""Characters of a filter."""
DEEPEST = 40
MOST_TERMS = 200
MOST_VALUES = 1000
_AND = ("AND", "&", "&&")
_OR = ("OR", "|", "||")
_DAY = re.compile(r"\d{4}-\d{1,2}-\d{1,2}", re.ASCII)
_CLOCK = re.compile(r"\d{1,2}:\d{2}\S*", re.ASCII)


class Named(NamedTuple):
    """A field and where its name stands."""

    field: Field
    start: int
    stop: int


class Parsed(NamedTuple):
    """A filter, and the fields it names in the order of the text."""

    tree: Filter
    named: tuple[Named, ...]


def parse(text: str) -> Parsed:
    """The filter that text means; an empty one is everything. Raises FilterProblem."""
    if len(text) > LONGEST:
        raise FilterProblem(f"a filter has at most {LONGEST} characters", LONGEST, len(text))
    parser = _Parser(text)
    if parser.peek().sort is Sort.END:
        return Parsed(EVERYTHING, ())
    tree = parser.any_of(0)
    rest = parser.peek()
    if rest.sort is not Sort.END:
        raise FilterProblem("there is no ( for this )", rest.start, rest.stop)
    return Parsed(tree, tuple(parser.named))


class _Parser:
    def __init__(self, text: str) -> None:
        self._lexer = Lexer(text)
        self._terms = 0
        self.named: list[Named] = []

    def peek(self) -> Token:
        """The next token; it stays."""
        before = self._lexer.at
        token = self._lexer.name()
        self._lexer.at = before
        return token

    def any_of(self, depth: int) -> Filter:
        """Parts with OR between them."""
        parts = [self._all_of(depth)]
        while self.peek().says(*_OR):
            self._lexer.name()
            parts.append(self._all_of(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all_of(self, depth: int) -> Filter:
        """Terms side by side or with AND between them."""
        parts = [self._term(depth)]
        while True:
            token = self.peek()
            if token.says(*_AND):
                self._lexer.name()
            elif token.sort in (Sort.END, Sort.CLOSE) or token.says(*_OR):
                return parts[0] if len(parts) == 1 else And(tuple(parts))
            parts.append(self._term(depth))

    def _term(self, depth: int) -> Filter:
        token = self._lexer.name()
        if depth > DEEPEST or self._terms >= MOST_TERMS:
            most = f"{DEEPEST} levels" if depth > DEEPEST else f"{MOST_TERMS} terms"
            raise FilterProblem(f"a filter has at most {most}", token.start, token.stop)
        if token.sort is Sort.BANG or token.says("NOT"):
            return Not(self._term(depth + 1))
        if token.sort is Sort.OPEN:
            return self._bracket(token, depth + 1)
        if not token.named or token.says(*_AND, *_OR):
            raise _missing(token)
        self._terms += 1
        return self._leaf(token)

    def _bracket(self, opened: Token, depth: int) -> Filter:
        tree = self.any_of(depth)
        closed = self._lexer.name()
        if closed.sort is not Sort.CLOSE:
            raise FilterProblem(
                "this ( is not closed", opened.start, opened.stop, "end it with )", unfinished=True
            )
        return tree

    def _leaf(self, token: Token) -> Filter:
        """A comparison, or a word to look for."""
        first, prefix, figure = token, "", ""
        if token.sort is Sort.WORD and token.text.endswith(".") and self._lexer.adjacent(QUOTES):
            prefix, token = token.text[:-1], self._lexer.name()
        if token.sort is not Sort.WORD and self._lexer.adjacent("."):
            figure = self._lexer.name().text[1:]
        stop = self._lexer.at
        operator = self._operator()
        if operator is None:
            if token.sort is Sort.WORD:
                self._refuse_foreign(token)
            return self._words(first, token, figure)
        if token.sort is Sort.WORD:
            field = filter_names.resolve(token.text, token.start)
        else:
            field = filter_names.quoted(prefix, token.text, figure, first.start)
        if not field.name:
            raise FilterProblem("a name is missing", first.start, operator.start)
        self.named.append(Named(field, first.start, stop))
        if operator.text.endswith("NULL"):
            return Presence(field, operator.text == "IS NOT NULL")
        values = self._list(operator) if operator.text.endswith("IN") else self._values(operator)
        values = self._with_clock(field, values)
        operator = operator._replace(text={"IN": "=", "NOT IN": "!="}.get(operator.text, operator.text))
        check(field, operator, values)
        return Comparison(field, operator.text, tuple(value.text for value in values))

    def _words(self, first: Token, token: Token, figure: str) -> Filter:
        if first is not token or figure:
            hint = "such as < 0.1 or IS NULL"
            raise FilterProblem("a comparison is missing", token.start, token.stop, hint, unfinished=True)
        text = token.text
        if token.sort is Sort.WORD and text.startswith("@") and len(text) > 1:
            return Comparison(Field(Kind.ATTRIBUTE, "target"), "=", (text[1:],))
        if token.sort is Sort.WORD and text.startswith("/"):
            text = text[1:]
        if not text:
            raise FilterProblem(
                "there is nothing to look for", first.start, first.stop, "type a word", unfinished=True
            )
        return Words(text)

    def _refuse_foreign(self, token: Token) -> None:
        """Raise FilterProblem where what follows compares elsewhere: as words it would find nothing."""
        before = self._lexer.at
        word, value = self._lexer.name(), self._lexer.value()
        self._lexer.at = before
        if word.says("BETWEEN") and value.named:
            hint = f"{token.text}>=1 {token.text}<=2 says both"
            raise FilterProblem("BETWEEN is not taken here", word.start, word.stop, hint)
        if word.says("IS") and value.named and filter_names.known(token.text):
            raise FilterProblem("IS stands only before NULL", word.start, word.stop, "= compares")

    def _operator(self) -> Token | None:
        """What compares, if it comes next: its text is a key of INVERSE, [NOT] IN, or IS [NOT] NULL."""
        before = self._lexer.at
        token = self._lexer.name()
        if token.sort is Sort.COMPARISON or token.says("LIKE", "ILIKE"):
            return token._replace(text=token.text.upper())
        words, last = [token], token
        if token.says("NOT", "IS"):
            last = self._lexer.name()
            words.append(last)
            if token.says("IS") and last.says("NOT"):
                last = self._lexer.name()
                words.append(last)
        said = " ".join(word.text.upper() if word.sort is Sort.WORD else "?" for word in words)
        listed = said in ("IN", "NOT IN") and self.peek().sort is Sort.OPEN
        if listed or said in ("NOT LIKE", "NOT ILIKE", "IS NULL", "IS NOT NULL"):
            return Token(Sort.COMPARISON, said, token.start, last.stop)
        self._lexer.at = before
        return None

    def _values(self, operator: Token) -> list[Token]:
        """One value; behind = and != several with commas between them and no spaces."""
        if operator.text in ("~", "!~"):
            return [_said(self._lexer.pattern())]
        found = [_said(self._lexer.value())]
        _refuse_mixed(operator, found[0])
        while self._lexer.adjacent(","):
            comma = self._lexer.value()
            if operator.text not in ("=", "!="):
                hint = "decimals have a point: 0.5"
                raise FilterProblem(f"{operator.text} takes one value", comma.start, comma.stop, hint)
            found.append(self._another(found))
        return found

    def _with_clock(self, field: Field, values: list[Token]) -> list[Token]:
        """Values of a time: a day and the time of day behind it are one, `2024-11-02 12:30`."""
        following = self.peek()
        day = len(values) == 1 and field.kind is Kind.ATTRIBUTE and _DAY.fullmatch(values[0].text)
        if not day or measure_of(field) is not Measure.TIME or not _CLOCK.fullmatch(following.text):
            return values
        self._lexer.name()
        return [values[0]._replace(text=f"{values[0].text} {following.text}", stop=following.stop)]

    def _list(self, operator: Token) -> list[Token]:
        opened = self._lexer.name()
        found = [_said(self._lexer.value())]
        while True:
            token = self._lexer.value()
            if token.sort is Sort.CLOSE:
                return found
            if token.sort is not Sort.COMMA:
                raise FilterProblem(
                    "this ( is not closed", opened.start, opened.stop, "end it with )", unfinished=True
                )
            found.append(self._another(found))

    def _another(self, found: list[Token]) -> Token:
        token = _said(self._lexer.value())
        if len(found) >= MOST_VALUES:
            raise FilterProblem(f"a list has at most {MOST_VALUES} values", token.start, token.stop)
        return token


def _said(token: Token) -> Token:
    """A value. Raises FilterProblem when there is none."""
    if token.sort is Sort.BACKTICK:
        raise FilterProblem(
            "backticks are for names", token.start, token.stop, "a value stands in ' or as it is"
        )
    if not token.named:
        raise FilterProblem(
            "a value is missing", token.start, token.stop, "such as 0.1", unfinished=token.sort is Sort.END
        )
    return token


def _refuse_mixed(operator: Token, value: Token) -> None:
    """Raise FilterProblem where a value begins with a comparison: =< and =~ are slips of the hand."""
    if value.sort is not Sort.WORD or value.text[0] not in "<>=~":
        return
    said = operator.text + value.text[0]
    meant = {"=<": "<=", "=>": ">=", "=~": "~", "><": "!="}.get(said, "")
    hint = f"did you mean {meant}?" if meant else "a value that begins so stands in quotes"
    raise FilterProblem(f"{said} is no comparison", operator.start, value.start + 1, hint)


def _missing(token: Token) -> FilterProblem:
    if token.sort is Sort.COMPARISON:
        return FilterProblem(
            f"a name is missing before {token.text}", token.start, token.stop, "such as loss"
        )
    ends = token.sort is Sort.END
    what = "something is missing here" if ends else f"something is missing before {token.text}"
    return FilterProblem(what, token.start, token.stop, "a comparison or a word", unfinished=ends)
