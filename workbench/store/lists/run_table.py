"""A page of the table of runs, in a constant number of queries and one small picture a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from workbench.entities.base import replace
from workbench.entities.experiment import Goal, guess_goal
from workbench.entities.run import RunState
from workbench.entities.run_row import RunRow, RunTable
from workbench.errors import UsageError
from workbench.store.metrics import summaries
from workbench.store.metrics.envelope import number_or_nan
from workbench.store.queries import ordering
from workbench.store.queries.filter_attributes import COLUMNS, column_of
from workbench.store.queries.orders import Orders
from workbench.store.queries.query import RunQuery, among_numbers
from workbench.store.runs import roll_ups
from workbench.store.sqlite import events
from workbench.store.sqlite.codec import from_text, micros, moment, optional_moment, plain_text

SPARKLINE = 32
"""Values of a sparkline at most."""
MAX_COLUMNS = 200
NEWEST = 1000
"""Runs whose names of params, metrics and tags are offered as columns."""
KINDS = {"param": "run_params", "tag": "run_tags", "metric": "run_metrics"}
_KINDS = (*KINDS, "min", "max", "best", "spark", "attribute")


class Columns(NamedTuple):
    """What rows hold beside the fields of every run; None: all names there are."""

    sparkline: bool = True
    params: list[str] | None = None
    tags: list[str] | None = None
    metrics: list[str] | None = None
    figures: Sequence[str] = ()
    """min:NAME, max:NAME, best:NAME."""
    attributes: Sequence[str] = ()
    sparklines: Sequence[str] = ()
    """Metrics whose course is wanted, beside that of the experiment's own."""


def read_columns(words: Sequence[str] | None) -> Columns:
    """Columns by words: sparkline, and KIND:NAME with a kind of _KINDS. Raises UsageError.

    None: the sparkline and all params and tags.
    """
    if words is None:
        return Columns(metrics=[])
    if len(words) > MAX_COLUMNS:
        raise UsageError(f"a table has at most {MAX_COLUMNS} columns")
    names: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for word in words:
        kind, _, name = word.partition(":")
        if word != "sparkline" and (kind not in _KINDS or not name):
            offered = ", ".join(f"{kind}:NAME" for kind in _KINDS)
            raise UsageError(f"{word!r} is no column", f"one of sparkline, {offered}")
        if kind == "attribute" and name not in COLUMNS:
            raise UsageError(f"runs have no attribute {name!r}", "one of " + ", ".join(COLUMNS))
        if name:
            names[kind].append(plain_text(name))
    figures = [f"{kind}:{name}" for kind in ("min", "max", "best") for name in names[kind]]
    plain = (names["param"], names["tag"], names["metric"], figures, names["attribute"])
    return Columns("sparkline" in words, *plain, names["spark"])


def page(connection: sqlite3.Connection, orders: Orders, query: RunQuery, columns: Columns) -> RunTable:
    """The runs that fit, as rows in the order asked for; counting them all is `Orders.count`'s.

    Raises NotFound (experiment), UsageError.
    """
    numbers, total = orders.page(connection, query)
    return RunTable(
        total=total,
        rows=_rows(connection, numbers, columns) if numbers else [],
        sequence=events.last_sequence(connection),
    )


def column_names(connection: sqlite3.Connection, query: RunQuery) -> dict[str, list[str]]:
    """{"params", "tags", "metrics"}: the names that the first NEWEST runs of a query have, sorted."""
    among = among_numbers(ordering.find(connection, query))
    return {
        f"{kind}s": [
            row[0]
            for row in connection.execute(
                f"SELECT DISTINCT name FROM {table} WHERE run IN {among} ORDER BY name"
            )
        ]
        for kind, table in KINDS.items()
    }


def _rows(connection: sqlite3.Connection, numbers: Sequence[int], columns: Columns) -> list[RunRow]:
    among = among_numbers(numbers)
    params = _named(connection, "run_params", "value", among, columns.params)
    tags = _named(connection, "run_tags", "value", among, columns.tags)
    metrics = _named(connection, "run_metrics", "last", among, columns.metrics)
    figures = _figures(connection, among, columns.figures)
    attributes = _attributes(connection, among, columns.attributes)
    found: dict[int, RunRow] = {}
    for row in connection.execute(
        "SELECT r.number, r.id, r.name, e.name, r.target, r.status, r.cause, r.message, r.note, r.created,"
        " r.started, r.ended, r.exit_code, r.attempt, r.gpus, r.warnings, r.archived, r.as_of,"
        " e.primary_metric, e.goal, m.run, m.last, m.min, m.max, m.last_step, r.parent, r.inside"
        " FROM runs r JOIN experiments e ON e.number = r.experiment"
        " LEFT JOIN run_metrics m ON m.run = r.number AND m.name = e.primary_metric"
        f" WHERE r.number IN {among}"
    ).fetchall():
        number, metric, measured = row[0], row[18], row[20] is not None
        found[number] = RunRow(
            **_facts(row),
            metric=metric,
            last=number_or_nan(row[21]) if measured else None,
            best=row[23] if row[19] == Goal.MAXIMIZE.value else row[22],
            last_step=row[24],
            sparkline=summaries.sparkline(connection, number, metric, SPARKLINE)
            if measured and columns.sparkline
            else [],
            params=params.get(number, {}),
            tags=tags.get(number, {}),
            metrics={name: number_or_nan(value) for name, value in metrics.get(number, {}).items()},
            figures=figures.get(number, {}),
            attributes=attributes.get(number, {}),
            sparklines=_sparklines(connection, number, columns.sparklines),
            parent=row[25],
            inside=row[26],
        )
    below = roll_ups.of_runs(connection, among)
    rows = (found[number] for number in numbers)
    return [replace(row, children=below[row.id]) if row.id in below else row for row in rows]


def _facts(row: tuple[Any, ...]) -> dict[str, Any]:
    state = RunState(row[5])
    return {
        "id": row[1],
        "name": row[2],
        "experiment": row[3],
        "target": row[4],
        "status": state,
        "cause": row[6],
        "message": row[7] if row[7] is not None or state.terminal else row[8],
        "created": moment(row[9]),
        "started": optional_moment(row[10]),
        "ended": optional_moment(row[11]),
        "exit_code": row[12],
        "attempt": row[13],
        "gpus": [] if row[14] == "[]" else from_text(list[str], row[14]),
        "warnings": row[15],
        "archived": bool(row[16]),
        "as_of": optional_moment(row[17]),
    }


def _sparklines(connection: sqlite3.Connection, run: int, wanted: Sequence[str]) -> dict[str, list[float]]:
    """The course of each metric asked for, of those the run has."""
    courses = {name: summaries.sparkline(connection, run, name, SPARKLINE) for name in wanted}
    return {name: course for name, course in courses.items() if course}


def _figures(
    connection: sqlite3.Connection, among: str, wanted: Sequence[str]
) -> dict[int, dict[str, float]]:
    """The lowest, highest and best finite values asked for; the best as the run's experiment sees it."""
    asked: dict[str, list[str]] = {}
    for column in wanted:
        kind, _, name = column.partition(":")
        asked.setdefault(name, []).append(kind)
    if not asked:
        return {}
    found: dict[int, dict[str, float]] = {}
    for run, name, low, high, primary, goal in connection.execute(
        "SELECT m.run, m.name, m.min, m.max, e.primary_metric, e.goal FROM run_metrics m"
        " JOIN runs r ON r.number = m.run JOIN experiments e ON e.number = r.experiment"
        f" WHERE m.run IN {among} AND m.name IN ({', '.join('?' * len(asked))})",
        list(asked),
    ):
        maximize = (Goal(goal) if primary == name else guess_goal(name)) is Goal.MAXIMIZE
        figures = {"min": low, "max": high, "best": high if maximize else low}
        told = {f"{kind}:{name}": figures[kind] for kind in asked[name] if figures[kind] is not None}
        found.setdefault(run, {}).update(told)
    return found


def _attributes(
    connection: sqlite3.Connection, among: str, wanted: Sequence[str]
) -> dict[int, dict[str, Any]]:
    if not wanted:
        return {}
    now = micros(datetime.now(UTC))
    columns = ", ".join(column_of(name, now) for name in wanted)
    rows = connection.execute(f"SELECT r.number, {columns} FROM runs r WHERE r.number IN {among}")
    return {row[0]: dict(zip(wanted, row[1:], strict=True)) for row in rows}


def _named(
    connection: sqlite3.Connection, table: str, column: str, among: str, wanted: Iterable[str] | None
) -> dict[int, dict[str, Any]]:
    """Named values of some runs: all of them, or those wanted."""
    names = None if wanted is None else list(wanted)
    if names == []:
        return {}
    which = "" if names is None else f" AND name IN ({', '.join('?' * len(names))})"
    found: dict[int, dict[str, Any]] = {}
    for run, name, value in connection.execute(
        f"SELECT run, name, {column} FROM {table} WHERE run IN {among}{which} ORDER BY run, name", names or []
    ):
        found.setdefault(run, {})[name] = value
    return found
