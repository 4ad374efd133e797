"""Conditions on what every run has: its state, its names, its times."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime

from workbench.remote.forms import protocol
from workbench.store.queries.filter_text import Condition, any_of, text
from workbench.store.sqlite.codec import micros
from workbench.text import durations, filter_times, filter_values
from workbench.text.filter_fields import Measure, measure_of
from workbench.text.filter_tree import Comparison

_TERMINAL = ", ".join(f"'{state}'" for state in sorted(protocol.TERMINAL))
COLUMNS = {
    "id": "r.id",
    "name": "r.name",
    "experiment": "(SELECT name FROM experiments WHERE number = r.experiment)",
    "target": "r.target",
    "status": "r.status",
    "created": "r.created",
    "started": "r.started",
    "ended": "r.ended",
    "duration": "(coalesce(r.ended, {now}) - r.started)",
    "age": "({now} - r.created)",
    "command": "r.command",
    "description": "r.description",
    "submitted_by": "r.submitted_by",
    "environment": "r.environment",
    "snapshot": "r.snapshot",
    "parent": "r.parent",
    "commit": "json_extract(r.git, '$.commit')",
    "branch": "json_extract(r.git, '$.branch')",
    "dirty": "json_extract(r.git, '$.dirty')",
    "cause": "r.cause",
    "message": f"CASE WHEN r.status IN ({_TERMINAL}) THEN r.message ELSE coalesce(r.message, r.note) END",
    "exit_code": "r.exit_code",
    "attempt": "r.attempt",
    "gpus": "json_array_length(r.gpus)",
    "warnings": "r.warnings",
    "archived": "r.archived",
}
"""Attributes by name, as SQL of a run r; {now} stands for the time it is asked at."""


def attribute_there(name: str, now: int, *, there: bool) -> Condition:
    """Whether a run has the attribute at all; now is in microseconds since 1970."""
    return f"{column_of(name, now)} IS {'NOT ' if there else ''}NULL", []


def attribute(connection: sqlite3.Connection, leaf: Comparison, now: int, moment: datetime) -> Condition:
    """A comparison of an attribute; now, in microseconds since 1970, and moment are the same time."""
    name, measure = leaf.field.name, measure_of(leaf.field)
    if name == "experiment":
        return _experiment(connection, leaf)
    column = column_of(name, now)
    if measure is Measure.TEXT:
        return text(column, leaf.operator, leaf.values)
    if measure is Measure.STATE:
        among = [state for value in leaf.values for state in filter_values.states(value)]
        return text(column, "=" if leaf.operator == "=" else "!=", among)
    if measure is Measure.TIME:
        return _each(leaf, lambda value: _time(column, leaf.operator, filter_times.parse(value, moment)))
    if measure is Measure.DURATION:
        return _each(leaf, lambda value: (f"{column} {leaf.operator} ?", [durations.parse(value) * 1e6]))
    if measure is Measure.FLAG:
        return _each(leaf, lambda value: (f"{column} {leaf.operator} ?", [int(filter_values.flag(value))]))
    return _each(leaf, lambda value: (f"{column} {leaf.operator} ?", [filter_values.number(value)]))


def column_of(name: str, now: int) -> str:
    """An attribute of a run r in SQL; now is in microseconds since 1970, as times are."""
    return COLUMNS[name].replace("{now}", str(int(now)))


def _each(leaf: Comparison, one: Callable[[str], Condition]) -> Condition:
    """Equal to one of the values, or other than all of them."""
    return any_of([one(value) for value in leaf.values], " AND " if leaf.operator == "!=" else " OR ")


def _time(column: str, operator: str, span: filter_times.Span) -> Condition:
    """Before and after count from where a day begins; what is in it is equal to it."""
    start, stop = micros(span.start), micros(span.stop)
    if span.moment or operator not in ("=", "!="):
        return f"{column} {operator} ?", [start]
    if operator == "=":
        return f"({column} >= ? AND {column} < ?)", [start, stop]
    return f"({column} < ? OR {column} >= ?)", [start, stop]


def _experiment(connection: sqlite3.Connection, leaf: Comparison) -> Condition:
    """Experiments are few and their rows are at hand: runs are asked by number."""
    sql, values = text("name", leaf.operator, leaf.values)
    numbers = _numbers(connection.execute(f"SELECT number FROM experiments WHERE {sql}", values).fetchall())
    return f"r.experiment IN ({numbers})", []


def _numbers(rows: Sequence[tuple[int]]) -> str:
    return ",".join(str(int(number)) for (number,) in rows)
