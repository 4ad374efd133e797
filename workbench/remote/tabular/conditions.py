"""Conditions on rows as plain JSON: ["and", a, b], ["not", a], ["=", column, value], ["null", column]. Pure.

A comparison with what is not there is neither true nor false, as in SQL; only rows for which the whole is
true are kept.
"""

from datetime import datetime
from typing import Any, Callable, Dict, List, Optional, Sequence

from workbench.remote.tabular.values import BadValue, moment

COMPARISONS: Dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}
DEEPEST = 50
Test = Callable[[List[Any]], Optional[bool]]


def check(condition: Any, depth: int = 0) -> None:
    """Raise ValueError for what is no condition."""
    if depth > DEEPEST:
        raise ValueError("a condition is nested too deeply")
    if not isinstance(condition, list) or not condition:
        raise ValueError("a condition is a list that begins with its word")
    word, rest = condition[0], condition[1:]
    if word in ("and", "or") and len(rest) >= 2:
        for part in rest:
            check(part, depth + 1)
    elif word == "not" and len(rest) == 1:
        check(rest[0], depth + 1)
    elif word == "null" and len(rest) == 1 and isinstance(rest[0], str):
        return
    elif word in COMPARISONS and len(rest) == 2 and isinstance(rest[0], str):
        if not isinstance(rest[1], (str, int, float, bool)):
            raise ValueError("%.60r is compared with a text, a number or a boolean" % rest[0])
    else:
        raise ValueError("%.60r is no condition" % (condition,))


def test_of(condition: List[Any], columns: List[str], types: Dict[str, str]) -> Test:
    """What tells whether a row, its values in the order of columns, fits. Raises ValueError."""
    word, rest = condition[0], condition[1:]
    if word == "not":
        inner = test_of(rest[0], columns, types)
        return lambda row: _negated(inner(row))
    if word in ("and", "or"):
        parts = [test_of(part, columns, types) for part in rest]
        return (lambda row: _all(parts, row)) if word == "and" else (lambda row: _any(parts, row))
    if rest[0] not in columns:
        raise ValueError("there is no column %.60r to compare; %s" % (rest[0], these(columns)))
    place = columns.index(rest[0])
    if word == "null":
        return lambda row: row[place] is None
    compare, value = COMPARISONS[word], _value(rest[1], types.get(rest[0]))

    def compared(row: List[Any]) -> Optional[bool]:
        found = row[place]
        if found is None:
            return None
        try:
            return compare(found, value)
        except TypeError:  # a text and a number have no order
            return None

    return compared


def _value(value: Any, kind: Optional[str]) -> Any:
    if kind == "datetime" and isinstance(value, str):
        try:
            return moment(value)
        except BadValue:
            raise ValueError("%.60r is no date: write 2026-11-26 or 2026-11-26T12:00:00" % value)
    if kind == "text" and not isinstance(value, str):
        return str(value)
    return value


def _negated(found: Optional[bool]) -> Optional[bool]:
    return None if found is None else not found


def _all(parts: List[Test], row: List[Any]) -> Optional[bool]:
    answer: Optional[bool] = True
    for part in parts:
        found = part(row)
        if found is False:
            return False
        if found is None:
            answer = None
    return answer


def _any(parts: List[Test], row: List[Any]) -> Optional[bool]:
    answer: Optional[bool] = False
    for part in parts:
        found = part(row)
        if found:
            return True
        if found is None:
            answer = None
    return answer


def these(columns: Sequence[str]) -> str:
    """Which columns there are, in words; of many the first."""
    if not columns:
        return "there is none"
    more = ", and %d more" % (len(columns) - 12) if len(columns) > 12 else ""
    return "there are %s%s" % (", ".join("%.60s" % name for name in columns[:12]), more)
