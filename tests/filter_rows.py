"""Filters of runs asked of plain rows, as naively as can be: what the store's SQL is compared with."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from workbench.text.filter_tree import And, Comparison, Field, Filter, Kind, Not, Or, Presence, Words

ACTIVE = {"Running", "Queued", "NotStarted", "Preparing"}


class Row(NamedTuple):
    """A run: its attributes (times as datetimes, None where absent), and what it logged."""

    attributes: Mapping[str, Any]
    metrics: Mapping[str, Sequence[float]] = {}
    params: Mapping[str, str] = {}
    tags: Mapping[str, str | None] = {}
    properties: Mapping[str, str] = {}
    maximized: frozenset[str] = frozenset()
    """Metrics of which the highest is the best."""


def holds(tree: Filter, row: Row, now: datetime) -> bool | None:
    """Whether the filter fits; None where that is not known."""
    if isinstance(tree, Not):
        inner = holds(tree.part, row, now)
        return None if inner is None else not inner
    if isinstance(tree, And | Or):
        decided = isinstance(tree, Or)
        found = [holds(part, row, now) for part in tree.parts]
        if decided in found:
            return decided
        return None if None in found else not decided
    if isinstance(tree, Words):
        hay = [str(row.attributes.get(key) or "") for key in ("id", "name", "description", "command")]
        return any(tree.text.lower() in text.lower() for text in hay) is tree.there
    if isinstance(tree, Presence):
        return _there(tree.field, row) is tree.there
    return _compare(tree, row, now)


def _there(field: Field, row: Row) -> bool:
    if field.kind is Kind.ATTRIBUTE:
        key = "started" if field.name == "duration" else field.name
        return field.name == "age" or row.attributes.get(key) is not None
    whole = field.name if field.figure == "last" else f"{field.name}.{field.figure}"
    in_metrics, in_params, in_tags = field.name in row.metrics, whole in row.params, whole in row.tags
    if field.kind is Kind.ANY:
        return in_metrics or in_params or in_tags
    return in_metrics if field.kind is Kind.METRIC else whole in _texts(row, field.kind)


def _texts(row: Row, kind: Kind) -> Mapping[str, str | None]:
    return {Kind.PARAM: row.params, Kind.TAG: row.tags, Kind.PROPERTY: row.properties}[kind]


def _compare(leaf: Comparison, row: Row, now: datetime) -> bool | None:
    operator = leaf.operator
    if operator in ("!=", "!~", "NOT LIKE", "NOT ILIKE"):
        plain = {"!=": "=", "!~": "~", "NOT LIKE": "LIKE", "NOT ILIKE": "ILIKE"}[operator]
        inner = _compare(Comparison(leaf.field, plain, leaf.values), row, now)
        return None if inner is None else not inner
    found = [_one(leaf.field, operator, value, row, now, leaf.values) for value in leaf.values]
    if True in found:
        return True
    return None if None in found else False


def _one(
    field: Field, operator: str, value: str, row: Row, now: datetime, every: Sequence[str]
) -> bool | None:
    if field.kind is Kind.ATTRIBUTE:
        return _attribute(field.name, operator, value, row, now)
    whole = field.name if field.figure == "last" else f"{field.name}.{field.figure}"
    kind = field.kind
    if kind is Kind.ANY:
        numbers = all(_number(each) is not None for each in every)
        if numbers and operator in ("=", "<", "<=", ">", ">=") and field.name in row.metrics:
            kind = Kind.METRIC
        elif whole in row.params:
            kind = Kind.PARAM
        elif operator in ("<", "<=", ">", ">="):
            return None
        else:
            kind = Kind.TAG
    if kind is Kind.METRIC:
        return _metric(row, field, operator, value)
    have = _texts(row, kind).get(whole)
    if have is None:
        return None
    number, wanted = _number(have), _number(value)
    number = number if number is not None and math.isfinite(number) else None
    if kind is Kind.PARAM and operator in ("<", "<=", ">", ">="):
        return None if number is None or wanted is None else _ordered(number, operator, wanted)
    if kind is Kind.PARAM and operator == "=" and wanted is not None and math.isfinite(wanted):
        return number == wanted
    return _text(have, operator, value)


def _metric(row: Row, field: Field, operator: str, value: str) -> bool | None:
    points = row.metrics.get(field.name)
    if not points:
        return None
    finite = [point for point in points if math.isfinite(point)]
    lowest, highest = min(finite, default=math.nan), max(finite, default=math.nan)
    best = highest if field.name in row.maximized else lowest
    have = {"last": points[-1], "min": lowest, "max": highest, "best": best}[field.figure]
    wanted = float(value)
    if math.isnan(wanted):
        return math.isnan(have)
    return None if math.isnan(have) else _ordered(have, operator, wanted)


def _attribute(name: str, operator: str, value: str, row: Row, now: datetime) -> bool | None:
    have = row.attributes.get(name)
    if name == "duration":
        start = row.attributes["started"]
        have = None if start is None else (row.attributes["ended"] or now) - start
    if have is None:
        return None
    if name == "duration":
        hours = {"90s": 90, "2h": 7200, "1d": 86400}[value]
        return _ordered(have, operator, timedelta(seconds=hours))
    if name == "status":
        return have in ACTIVE if value == "active" else have.lower() == value.lower()
    if name == "archived":
        return have is (value == "yes")
    if name in ("created", "started", "ended"):
        return _ordered(have, operator, datetime.fromisoformat(value))
    if name == "attempt":
        return _ordered(have, operator, float(value))
    return _text(have, operator, value)


def _text(have: str, operator: str, value: str) -> bool:
    if operator == "=":
        return have == value
    if operator == "~":
        flags = re.DOTALL | (0 if re.search("[A-Z]", value) else re.IGNORECASE | re.ASCII)
        return re.search(value, have, flags) is not None
    pattern = "".join({"%": ".*", "_": "."}.get(sign, re.escape(sign)) for sign in value)
    flags = re.DOTALL | (re.IGNORECASE | re.ASCII if operator == "ILIKE" else 0)
    return re.fullmatch(pattern, have, flags) is not None


def _ordered(have: Any, operator: str, wanted: Any) -> bool:
    return {
        "=": have == wanted,
        "<": have < wanted,
        "<=": have <= wanted,
        ">": have > wanted,
        ">=": have >= wanted,
    }[operator]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
