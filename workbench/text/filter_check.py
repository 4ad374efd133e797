"""Whether a comparison in a filter means anything: each kind of field has its comparisons and its values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from math import isnan

from workbench.text import durations, filter_match, filter_times, filter_values
from workbench.text.filter_fields import ATTRIBUTES, Measure, measure_of
from workbench.text.filter_lexer import Token
from workbench.text.filter_problem import FilterProblem, did_you_mean
from workbench.text.filter_tree import ORDERED, Field, Kind

LONGEST = 1000
"""Characters of a value."""
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_ORDINARY = ("=", "!=", *ORDERED)
_TAKES = {
    Measure.STATE: ("=", "!="),
    Measure.FLAG: ("=", "!="),
    Measure.NUMBER: _ORDINARY,
    Measure.DURATION: _ORDINARY,
    Measure.TIME: _ORDINARY,
}


def check(field: Field, operator: Token, values: Iterable[Token]) -> None:
    """Raise FilterProblem where the comparison (its text is the operator) does not fit field or a value."""
    measure = _measure(field, operator)
    allowed = _TAKES.get(measure)
    if allowed is not None and operator.text not in allowed:
        offered = " ".join(sign for sign in ("=", "!=", "<", "<=", ">", ">=") if sign in allowed)
        raise FilterProblem(
            f"{field.name} is {measure.value} and takes {offered}", operator.start, operator.stop
        )
    if measure is Measure.TEXT and operator.text in ORDERED:
        what = f"{field.kind} are texts" if field.kind is not Kind.ATTRIBUTE else f"{field.name} is a text"
        hint = "=, !=, LIKE, ~ and IN compare them"
        raise FilterProblem(f"{what}; texts have no order", operator.start, operator.stop, hint)
    for value in values:
        _value(field, measure, operator.text, value)


def _measure(field: Field, operator: Token) -> Measure:
    if field.kind is Kind.ATTRIBUTE:
        return measure_of(field)
    if field.kind is Kind.METRIC:
        return Measure.NUMBER
    if field.kind in (Kind.PARAM, Kind.ANY) and operator.text in ORDERED:
        return Measure.NUMBER
    return Measure.TEXT


def _value(field: Field, measure: Measure, operator: str, value: Token) -> None:
    text = value.text
    if len(text) > LONGEST:
        raise FilterProblem(f"a value has at most {LONGEST} characters", value.start, value.stop)
    if operator in ("~", "!~"):
        filter_match.globs(text, value.start)
        return
    try:
        if measure is Measure.STATE:
            filter_values.states(text)
        elif measure is Measure.FLAG:
            filter_values.flag(text)
        elif measure is Measure.DURATION:
            durations.parse(text)
        elif measure is Measure.TIME:
            filter_times.parse(text, _ANY_DAY)
        elif measure is Measure.NUMBER:
            _number(field, operator, text)
    except ValueError as problem:
        raise FilterProblem(
            str(problem), value.start, value.stop, _hint(field, measure, text), unfinished=True
        ) from problem


def _number(field: Field, operator: str, text: str) -> None:
    found = filter_values.number(text)
    if found is None:
        raise ValueError(f"{text!r} is no number")
    if isnan(found) and (operator in ORDERED or field.kind is not Kind.METRIC):
        raise ValueError("nan has no order" if operator in ORDERED else f"{field.name} is never nan")


def _hint(field: Field, measure: Measure, text: str) -> str:
    if measure is Measure.STATE:
        near = did_you_mean(filter_values.plain_state(text), filter_values.STATES)
        return near or "try failed, running, queued, completed, canceled, active or over"
    if measure is Measure.TIME:
        return did_you_mean(text, filter_times.WORDS) or filter_times.HINT
    if field.kind is Kind.ANY:
        return did_you_mean(field.name, [item.name for item in ATTRIBUTES])
    return ""
