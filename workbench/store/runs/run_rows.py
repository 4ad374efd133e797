"""Run rows as Run values, each list of runs in a constant number of queries."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from workbench.entities.run import (
    GitFacts,
    Interpreter,
    MetricValue,
    Resources,
    Run,
    RunChildren,
    RunState,
)
from workbench.entities.run_data import DataDirection, RunData
from workbench.errors import NotFound
from workbench.store.queries.query import among_numbers
from workbench.store.runs import environments, roll_ups
from workbench.store.sqlite.codec import from_text, moment, optional_moment

_COLUMNS = (
    "r.number, r.id, r.name, e.name, r.target, r.status, r.cause, r.message, r.note, r.created, r.started,"
    " r.ended, r.exit_code, r.signal,"
    " r.attempt, r.command, r.description, r.environment, r.gpus, r.git, r.snapshot,"
    " r.submitted_by, r.parent, r.resources, r.warnings, r.archived, r.as_of,"
    " r.snapshot_code, r.collect_outputs, r.inside,"
    " CASE WHEN r.status IN ('NotStarted', 'Preparing', 'Queued') THEN"
    " (SELECT coalesce(json_extract(c.data, '$.gpus'),"
    " (SELECT json_extract(t.data, '$.settings.gpus') FROM targets t WHERE t.name = r.target))"
    " FROM configurations c WHERE c.run = r.number) END"
)
NAN = float("nan")


def number(connection: sqlite3.Connection, run_id: str) -> int:
    """The row number of a run; raises NotFound."""
    row = connection.execute("SELECT number FROM runs WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise NotFound(f"no run {run_id}", "wb ps shows the newest runs")
    return int(row[0])


def get(connection: sqlite3.Connection, run_id: str) -> Run:
    """One run; raises NotFound."""
    return load(connection, [number(connection, run_id)])[0]


def load(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[Run]:
    """The runs of these rows, in this order, with their tags, params, metrics and data: eight queries."""
    if not numbers:
        return []
    among = among_numbers(numbers)
    tags = _pairs(connection, "run_tags", among)
    properties = _pairs(connection, "run_properties", among)
    params = _pairs(connection, "run_params", among)
    interpreters = environments.of_runs(connection, among)
    data = _data(connection, among)
    metrics: dict[int, dict[str, MetricValue]] = {}
    for run, name, last, low, high, count, last_step in connection.execute(
        f"SELECT run, name, last, min, max, count, last_step FROM run_metrics WHERE run IN {among}"
    ):
        value = MetricValue(
            last=NAN if last is None else last, min=low, max=high, count=count, last_step=last_step
        )
        metrics.setdefault(run, {})[name] = value
    found = {}
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM runs r JOIN experiments e ON e.number = r.experiment"
        f" WHERE r.number IN {among}"
    ).fetchall()
    children = roll_ups.of_runs(connection, among)
    for row in rows:
        key = row[0]
        found[key] = _run(
            row,
            tags.get(key, {}),
            properties.get(key, {}),
            params.get(key, {}),
            metrics.get(key, {}),
            interpreters.get(key, []),
            data.get(key, []),
            children.get(row[1]),
        )
    return [found[key] for key in numbers if key in found]


def _pairs(connection: sqlite3.Connection, table: str, among: str) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for run, name, value in connection.execute(f"SELECT run, name, value FROM {table} WHERE run IN {among}"):
        found.setdefault(run, {})[name] = value
    return found


def _data(connection: sqlite3.Connection, among: str) -> dict[int, list[RunData]]:
    found: dict[int, list[RunData]] = {}
    for run, data in connection.execute(
        f"SELECT run, data FROM run_data WHERE run IN {among} ORDER BY direction, name"
    ):
        found.setdefault(run, []).append(from_text(RunData, data))
    return found


def _run(
    row: tuple[Any, ...],
    tags: dict[str, str | None],
    properties: dict[str, str],
    params: dict[str, str],
    metrics: dict[str, MetricValue],
    interpreters: list[Interpreter],
    data: list[RunData],
    children: RunChildren | None,
) -> Run:
    state = RunState(row[5])
    return Run(
        id=row[1],
        name=row[2],
        experiment=row[3],
        target=row[4],
        status=state,
        cause=row[6],
        message=row[7] if row[7] is not None or state.terminal else row[8],
        created=moment(row[9]),
        started=optional_moment(row[10]),
        ended=optional_moment(row[11]),
        exit_code=row[12],
        signal=row[13],
        attempt=row[14],
        command=row[15],
        tags=tags,
        properties=properties,
        params=params,
        metrics=metrics,
        description=row[16],
        environment=row[17],
        interpreters=interpreters,
        inputs=[item for item in data if item.direction is DataDirection.INPUT],
        outputs=[item for item in data if item.direction is DataDirection.OUTPUT],
        gpus=[] if row[18] == "[]" else from_text(list[str], row[18]),
        gpus_wanted=(row[30] or None) if row[18] == "[]" else None,
        git=None if row[19] is None else from_text(GitFacts, row[19]),
        snapshot=row[20],
        snapshot_code=bool(row[27]),
        collect_outputs=bool(row[28]),
        submitted_by=row[21],
        parent=row[22],
        inside=row[29],
        children=children,
        resources=None if row[23] is None else from_text(Resources, row[23]),
        warnings=row[24],
        archived=bool(row[25]),
        as_of=optional_moment(row[26]),
    )
