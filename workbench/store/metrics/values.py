"""What a run logged, by name, as a script inside it would read it back (AZ-99)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from workbench.entities.base import to_wire
from workbench.errors import NotFound
from workbench.store.metrics import evaluations, series, tables
from workbench.store.runs import run_rows


def of_run(connection: sqlite3.Connection, run_id: str, name: str | None = None) -> dict[str, Any]:
    """By name: one value, a list of several, a table's columns, an evaluation. name: only this one (AZ-100).

    Numbers are in the order of their steps, as the plain view has them; texts stand where they were logged.
    Raises NotFound (run).
    """
    run = run_rows.number(connection, run_id)
    names = [name] if name is not None else _names(connection, run)
    found: dict[str, Any] = {}
    for each in names:
        logged = _merged(_numbers(connection, run_id, each), _texts(connection, run, each))
        if logged:
            found[each] = logged[0] if len(logged) == 1 else logged
    for each, several in evaluations.of_run(connection, run_id, name).items():
        found[each] = to_wire(several[0] if len(several) == 1 else several)
    return found | tables.rows(connection, run_id, name)


def _names(connection: sqlite3.Connection, run: int) -> list[str]:
    rows = connection.execute(
        "SELECT name FROM series WHERE run = ? UNION SELECT name FROM texts WHERE run = ? ORDER BY name",
        (run, run),
    )
    return [row[0] for row in rows]


def _numbers(connection: sqlite3.Connection, run_id: str, name: str) -> list[tuple[float, Any]]:
    """Time and value of each point, by step."""
    try:
        points = series.columns(connection, run_id, name)
    except NotFound:
        return []
    return list(zip(points.times, points.values, strict=True))


def _texts(connection: sqlite3.Connection, run: int, name: str) -> list[tuple[float, Any]]:
    """Time and text of each value that is no number, of the latest attempt and its lowest rank."""
    rows = connection.execute(
        "SELECT seconds, value, attempt, rank FROM texts WHERE run = ? AND name = ?"
        " ORDER BY attempt DESC, rank, id",
        (run, name),
    ).fetchall()
    return [(seconds, text) for seconds, text, attempt, rank in rows if (attempt, rank) == rows[0][2:]]


def _merged(numbers: list[tuple[float, Any]], texts: Iterable[tuple[float, Any]]) -> list[Any]:
    """Values in the order of the numbers, each text before the first number that is younger."""
    values: list[Any] = []
    waiting = list(texts)
    for time, value in numbers:
        while waiting and waiting[0][0] < time:
            values.append(waiting.pop(0)[1])
        values.append(value)
    return values + [text for _, text in waiting]
