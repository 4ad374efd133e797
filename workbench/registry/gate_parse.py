"""Reading a gate's rule, with problems said at their column. Pure.

acc >= champion.acc - 0.002        latency_ms < 20ms and tag:reviewed        safe
min(loss) < 0.4 and best(acc) >= best(champion.acc)
evaluation job:eval.yml on data:test:3: `val/acc` >= 0.9
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from workbench.registry import gate_units
from workbench.registry.gate_lead import read_lead
from workbench.registry.gate_tree import (
    CHAMPION,
    LAST,
    All,
    Any,
    Comparison,
    Condition,
    Entry,
    Figure,
    Metric,
    Number,
    Rule,
    Safe,
    Sum,
    figures,
)
from workbench.text.asset_reference import ALIAS, LATEST
from workbench.text.filter_fields import split_figure
from workbench.text.filter_problem import FilterProblem, did_you_mean
from workbench.text.filter_tree import FIGURES

LONGEST = 1000
"""Characters of a rule."""
DEEPEST = 20
MOST_TERMS = 100
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?%?)
    |(?P<compare>>=|<=|==|!=|<>|=|<|>)
    |(?P<sum>[-+*/])
    |(?P<open>\()|(?P<close>\))
    |(?P<entry>(?:tag|property):)
    |(?P<quoted>`[^`]*`)
    |(?P<text>'[^']*'|"[^"]*")
    |(?P<name>(?:@`[^`]*`\.?|@[A-Za-z][A-Za-z0-9_-]*|[A-Za-z_])(?:[A-Za-z0-9_.]|/(?=[A-Za-z_]))*)
    )""",
    re.VERBOSE,
)
_VALUE = re.compile(r"\s*(?:'(?P<one>[^']*)'|\"(?P<two>[^\"]*)\"|(?P<bare>[^\s()'\"`]+))")
_ENTRY_NAME = re.compile(r"`(?P<quoted>[^`]+)`|(?P<bare>[A-Za-z0-9_.\-/]+)")
_SPELLED = {"==": "=", "<>": "!="}
_EXAMPLE = "such as acc >= champion.acc - 0.002"


_UNIT = re.compile(r"\s*(?P<unit>[A-Za-zµμ]+)(?![A-Za-z0-9_.(/])")
_OF_METRIC = re.compile(r"metrics?\.", re.IGNORECASE)


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    stop: int


def parse(text: str) -> Rule:
    """The rule that a text is; raises FilterProblem (message, hint, and from where to where)."""
    if len(text) > LONGEST:
        raise FilterProblem(f"a rule has at most {LONGEST} characters", LONGEST, len(text))
    if not text.strip() or not text.isprintable():
        start = next((at for at, one in enumerate(text) if not one.isprintable()), 0)
        what = "a control character" if text.strip() else "the rule is empty"
        raise FilterProblem(what, start, start + 1, _EXAMPLE)
    evaluated, start = read_lead(text)
    parser = _Parser(text, start)
    condition = parser.any_of(0)
    rest = parser.next()
    if rest.kind == "close":
        raise FilterProblem("there is no ( for this )", rest.start, rest.stop)
    if rest.kind != "end":
        raise FilterProblem(f"{rest.text} is not expected here", rest.start, rest.stop, "write and, or")
    return Rule(text.strip(), condition, evaluated)


def problem_of(text: str) -> FilterProblem | None:
    """What is wrong with a rule; None when nothing is."""
    try:
        parse(text)
    except FilterProblem as problem:
        return problem
    return None


class _Parser:
    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._at = start
        self._terms = 0
        self._units: list[_Token] = []

    def next(self) -> _Token:
        """The next token, taken."""
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            rest = self._text[self._at :]
            start = self._at + len(rest) - len(rest.lstrip())
            if not rest.strip():
                return _Token("end", "the end", start, start)
            if self._text[start] in "`'\"":
                mark = self._text[start]
                raise FilterProblem(
                    f"the {mark} is not closed", start, len(self._text), f"end it with {mark}"
                )
            raise FilterProblem(f"{self._text[start]!r} means nothing in a rule", start, start + 1, _EXAMPLE)
        kind = str(found.lastgroup)
        self._at = found.end()
        return _Token(kind, found[kind], found.start(kind), found.end(kind))

    def peek(self) -> _Token:
        """The next token; it stays."""
        before = self._at
        token = self.next()
        self._at = before
        return token

    def _word(self, word: str) -> bool:
        token = self.peek()
        if token.kind == "name" and token.text.lower() == word:
            self.next()
            return True
        return False

    def any_of(self, depth: int) -> Condition:
        """Conditions with `or` between them."""
        parts = [self._all_of(depth)]
        while self._word("or"):
            parts.append(self._all_of(depth))
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _all_of(self, depth: int) -> Condition:
        parts = [self._condition(depth)]
        while self._word("and"):
            parts.append(self._condition(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _condition(self, depth: int) -> Condition:
        token = self.peek()
        self._terms += 1
        if depth > DEEPEST or self._terms > MOST_TERMS:
            most = f"{DEEPEST} brackets in brackets" if depth > DEEPEST else f"{MOST_TERMS} conditions"
            raise FilterProblem(f"a rule has at most {most}", token.start, token.stop)
        if token.kind == "entry":
            return self._entry()
        if token.kind == "name" and token.text == "safe":
            self.next()
            return Safe()
        if token.kind == "open":
            bracketed = self._bracketed(depth)
            if bracketed is not None:
                return bracketed
        return self._comparison(depth)

    def _bracketed(self, depth: int) -> Condition | None:
        """A condition in brackets; None where the bracket begins a figure, such as (a + b) / 2 > 1."""
        before, terms = self._at, self._terms
        opened = self.next()
        try:
            inner = self.any_of(depth + 1)
            closed = self.next()
            follows = self.peek()
        except FilterProblem:
            self._at, self._terms = before, terms
            if self._is_figure(depth):
                return None
            raise
        if closed.kind == "close" and follows.kind not in ("compare", "sum"):
            return inner
        self._at, self._terms = before, terms
        if not self._is_figure(depth):
            raise FilterProblem("this ( is not closed", opened.start, opened.stop, "end it with )")
        return None

    def _is_figure(self, depth: int) -> bool:
        before = self._at
        try:
            self._figure(depth)
        except FilterProblem:
            return False
        finally:
            self._at = before
        return True

    def _entry(self) -> Entry:
        lead = self.next()
        kind = lead.text[:-1]
        found = _ENTRY_NAME.match(self._text, self._at)
        if found is None:
            raise FilterProblem(f"the {kind} has no name", lead.start, lead.stop, f"such as {kind}:reviewed")
        self._at = found.end()
        name = found["quoted"] or found["bare"]
        token = self.peek()
        if token.kind != "compare":
            return Entry(kind, name)
        self.next()
        operator = _SPELLED.get(token.text, token.text)
        if operator not in ("=", "!="):
            raise FilterProblem(f"a {kind} is compared with = or !=", token.start, token.stop)
        value = _VALUE.match(self._text, self._at)
        if value is None:
            raise FilterProblem("a value is missing", token.stop, token.stop, f"such as {kind}:{name} = yes")
        self._at = value.end()
        return Entry(kind, name, operator, value["one"] or value["two"] or value["bare"] or "")

    def _comparison(self, depth: int) -> Comparison:
        start = self.peek().start
        self._units = []
        left = self._figure(depth)
        token = self.next()
        if token.kind != "compare":
            raise FilterProblem("a comparison is missing", start, token.start, _EXAMPLE)
        right = self._figure(depth)
        follows = self.peek()
        if follows.kind == "compare":
            raise FilterProblem(
                "a comparison has two sides", follows.start, follows.stop, "write and between"
            )
        if not (_names(left) or _names(right)):
            raise FilterProblem("no metric is compared", start, follows.start, _EXAMPLE)
        found = Comparison(_SPELLED.get(token.text, token.text), left, right)
        return self._in_one_unit(found) if self._units else found

    def _in_one_unit(self, found: Comparison) -> Comparison:
        """A comparison whose numbers are in the unit of its metrics."""
        names = [metric.name for metric in figures(found)]
        factors = dict[str, float]()
        for token in self._units:
            by = gate_units.factor(token.text, names)
            if isinstance(by, str):
                hint = f"write a plain number, or name the metric such as latency_ms ({gate_units.EXAMPLE})"
                raise FilterProblem(by, token.start, token.stop, hint)
            factors[token.text] = by
        return replace(found, left=_scaled(found.left, factors), right=_scaled(found.right, factors))

    def _figure(self, depth: int) -> Figure:
        found = self._product(depth)
        while (token := self.peek()).kind == "sum" and token.text in "+-":
            self.next()
            found = Sum(token.text, found, self._product(depth))
        return found

    def _product(self, depth: int) -> Figure:
        found = self._atom(depth)
        while (token := self.peek()).kind == "sum" and token.text in "*/":
            self.next()
            found = Sum(token.text, found, self._atom(depth))
        return found

    def _atom(self, depth: int) -> Figure:
        token = self.next()
        self._terms += 1
        if depth > DEEPEST or self._terms > MOST_TERMS * 2:
            raise FilterProblem("the rule is too large", token.start, token.stop)
        if token.kind == "sum" and token.text == "-":
            return Sum("-", Number(0.0, "0"), self._atom(depth + 1))
        if token.kind == "number":
            return self._number(token)
        if token.kind == "open":
            inner = self._figure(depth + 1)
            closed = self.next()
            if closed.kind != "close":
                raise FilterProblem("this ( is not closed", token.start, token.stop, "end it with )")
            return inner
        if token.kind == "quoted":
            if len(token.text) < 3:
                raise FilterProblem("a name is missing", token.start, token.stop)
            return Metric(token.text[1:-1])
        if token.kind == "name" and self.peek().kind == "open":
            return self._of_figure(token)
        if token.kind == "name" and token.text.lower() not in ("and", "or"):
            return self._metric(token)
        if token.kind == "text":
            raise FilterProblem(
                "a text is no figure", token.start, token.stop, "metrics are compared with numbers"
            )
        what = (
            "something is missing here" if token.kind == "end" else f"a metric is missing before {token.text}"
        )
        raise FilterProblem(what, token.start, token.stop, _EXAMPLE, unfinished=token.kind == "end")

    def _number(self, token: _Token) -> Number:
        value = float(token.text.rstrip("%"))
        if math.isinf(value):
            raise FilterProblem("the number is too large", token.start, token.stop)
        if token.text.endswith("%"):
            return Number(value / 100, token.text)
        unit = _UNIT.match(self._text, self._at)
        if unit is None or not gate_units.is_unit(unit["unit"]):
            return Number(value, token.text)
        self._units.append(_Token("unit", unit["unit"], *unit.span("unit")))
        text = self._text[token.start : unit.end()]
        self._at = unit.end()
        return Number(value, text, unit["unit"])

    def _of_figure(self, token: _Token) -> Metric:
        """min(NAME), max, last or best of one, also of an alias's version: best(champion.acc)."""
        word = token.text.lower()
        if word not in FIGURES:
            known = f"{', '.join(FIGURES)} of a metric can be had"
            hint = did_you_mean(word, FIGURES) or "such as min(loss) or best(champion.acc)"
            raise FilterProblem(
                f"{token.text} is no figure of a metric; {known}", token.start, token.stop, hint
            )
        self.next()
        inner = self.next()
        if inner.kind == "quoted" and len(inner.text) > 2:
            metric = Metric(inner.text[1:-1])
        elif inner.kind == "name":
            metric = self._metric(inner)
        else:
            missing = inner.kind == "end"
            raise FilterProblem(
                "a metric belongs here", inner.start, inner.stop, f"{word}(loss)", unfinished=missing
            )
        closed = self.next()
        if closed.kind != "close":
            hint = f"{word}(NAME); a name with other characters stands in backticks"
            raise FilterProblem("this ( is not closed", token.stop, token.stop + 1, hint)
        if metric.figure not in (LAST, word):
            raise FilterProblem(f"{word} of a {metric.figure} is nothing", token.start, closed.stop)
        return replace(metric, figure=word)

    def _metric(self, token: _Token) -> Metric:
        """NAME, champion.NAME, @ALIAS.NAME or @`ALIAS`.NAME, also NAME.min; NAME may stand in backticks."""
        text = token.text
        alias: str | None = None
        if text.startswith("@"):
            quoted = text.startswith("@`")
            alias, dot, text = text[2:].partition("`.") if quoted else text[1:].partition(".")
            if not dot or not ALIAS.fullmatch(alias) or alias == LATEST:
                raise FilterProblem(
                    "an alias and a metric belong here", token.start, token.stop, "@candidate.acc"
                )
            if not quoted and text[:1].isdigit():
                hint = f"an alias with a dot stands in backticks: @`{alias}.{text[:1]}`.acc"
                raise FilterProblem(f"{text!r} is no metric", token.start, token.stop, hint)
        elif text == CHAMPION or text.startswith(f"{CHAMPION}."):
            alias, dot, text = text.partition(".")
            if not dot:
                raise FilterProblem("which metric of it", token.start, token.stop, "such as champion.acc")
        else:
            text = _OF_METRIC.sub("", text, count=1) if _OF_METRIC.match(text) else text
        if text:
            name, figure = split_figure(text)
            return Metric(name, alias, figure)
        follows = self.next()
        if follows.kind != "quoted" or len(follows.text) < 3 or follows.start != token.stop:
            raise FilterProblem(
                "a name is missing", token.start, token.stop, f"such as {alias or 'metrics'}.acc"
            )
        return Metric(follows.text[1:-1], alias)


def _scaled(figure: Figure, factors: Mapping[str, float]) -> Figure:
    """A figure whose numbers were multiplied by what belongs to their unit."""
    if isinstance(figure, Number):
        by = factors.get(figure.unit)
        return figure if by is None else Number(float(f"{figure.value * by:.15g}"), figure.text)
    if isinstance(figure, Sum):
        return Sum(figure.operator, _scaled(figure.left, factors), _scaled(figure.right, factors))
    return figure


def _names(figure: Figure) -> bool:
    return isinstance(figure, Metric) or (
        isinstance(figure, Sum) and (_names(figure.left) or _names(figure.right))
    )
