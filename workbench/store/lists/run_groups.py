"""Runs grouped by anything they have, each group summed up by the store."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from workbench.entities.experiment import Goal
from workbench.entities.run_group import RunGroup
from workbench.errors import UsageError
from workbench.store.queries.filter_attributes import COLUMNS, column_of
from workbench.store.queries.query import RunQuery, select
from workbench.store.sqlite.codec import micros, plain_text
from workbench.store.workspace import experiments
from workbench.text.filter_fields import BY_NAME, Measure

MOST = 1000
"""Groups told at most, the largest first."""
_NAMED = {"param": "run_params", "tag": "run_tags"}
_ACTIVE = "r.status NOT IN ('Completed', 'Failed', 'Canceled')"
_GROUPED = tuple(
    name for name in COLUMNS if BY_NAME[name].measure in (Measure.TEXT, Measure.STATE, Measure.NUMBER)
)


def read_key(by: str) -> tuple[str, str]:
    """(kind, name) of what is grouped by: an attribute, param:NAME, tag:NAME. Raises UsageError."""
    kind, colon, name = by.partition(":")
    if colon and kind in _NAMED and name:
        return kind, plain_text(name)
    if by in _GROUPED:
        return "attribute", by
    raise UsageError(f"runs are not grouped by {by!r}", "param:NAME, tag:NAME, " + ", ".join(_GROUPED))


def values(connection: sqlite3.Connection, by: str) -> dict[int, str | None]:
    """What each run is grouped by, by its number; a run that lacks it has None or is left out."""
    kind, name = read_key(by)
    key, source, joined = _key(kind, name)
    rows = connection.execute(f"SELECT r.number, {key} FROM {source}", joined)
    return {number: None if value is None else str(value) for number, value in rows}


def _key(kind: str, name: str) -> tuple[str, str, list[str]]:
    """What runs are grouped by in SQL, the tables it is in, and the parameters of these."""
    if kind == "attribute":
        return column_of(name, micros(datetime.now(UTC))), "runs r", []
    source = f"runs r LEFT JOIN {_NAMED[kind]} k ON k.run = r.number AND k.name = ?"
    bare = "CASE WHEN k.run IS NOT NULL THEN coalesce(k.value, '') END"
    return bare if kind == "tag" else "k.value", source, [name]


def groups(connection: sqlite3.Connection, query: RunQuery, by: str) -> list[RunGroup]:
    """The groups of the runs that fit, the largest first. Raises NotFound (experiment), UsageError.

    They are judged by their experiment's metric where they are all of experiments that share one.
    """
    kind, name = read_key(by)
    chosen = select(connection, query)
    where, values = chosen.where()
    key, source, joined = _key(kind, name)
    metric, goal = _judge(connection, query, where, values)
    best = "max" if goal is Goal.MAXIMIZE else "min"
    rows = connection.execute(
        f"SELECT {key} AS grouped, count(*) AS size, total({_ACTIVE}), total(r.status = 'Failed'),"
        f" {best}(m.{best}), r.id, avg(m.last) FILTER (WHERE abs(m.last) <= 1.7976931348623157e308),"
        f" count(m.last) FILTER (WHERE abs(m.last) <= 1.7976931348623157e308)"
        f" FROM {source} LEFT JOIN run_metrics m ON m.run = r.number AND m.name = ?"
        f" WHERE {where} GROUP BY grouped ORDER BY size DESC, grouped LIMIT {MOST}",
        [*joined, metric, *values],
    )
    return [
        RunGroup(
            value=None if value is None else str(value),
            count=size,
            active=int(active),
            failed=int(failed),
            metric=metric,
            best=figure,
            best_run=None if figure is None else run,
            mean=mean,
            measured=measured,
        )
        for value, size, active, failed, figure, run, mean, measured in rows
    ]


def _judge(
    connection: sqlite3.Connection, query: RunQuery, where: str, values: list[object]
) -> tuple[str | None, Goal]:
    """The metric all these runs are judged by and its goal; None where there is no single one."""
    if query.experiment is not None:
        return experiments.judge(connection, query.experiment)
    found = connection.execute(
        "SELECT DISTINCT primary_metric, goal FROM experiments WHERE primary_metric IS NOT NULL"
        f" AND number IN (SELECT r.experiment FROM runs r WHERE {where}) LIMIT 2",
        values,
    ).fetchall()
    return (found[0][0], Goal(found[0][1])) if len(found) == 1 else (None, Goal.MINIMIZE)
