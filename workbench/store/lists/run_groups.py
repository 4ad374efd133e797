"""Runs grouped by anything they have, each group summed up by the store."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime

from msgspec.structs import replace

from workbench.entities.experiment import Goal
from workbench.entities.run_group import RunGroup
from workbench.errors import UsageError
from workbench.store.queries.filter_attributes import COLUMNS, column_of
from workbench.store.queries.query import RunQuery, select
from workbench.store.sqlite.codec import micros, plain_text
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

    The runs of a group are judged by their experiments' metric where these share one.
    """
    kind, name = read_key(by)
    chosen = select(connection, query)
    where, values = chosen.where()
    key, source, joined = _key(kind, name)
    # r.id is that of the row with the least figure: what is to be large is turned around. || '' makes a text
    # of each judge: some versions of SQLite would nest it, others not.
    rows = connection.execute(
        f"SELECT {key} AS grouped, count(*) AS size, total({_ACTIVE}), total(r.status = 'Failed'),"
        f" json_group_array(DISTINCT json_array(e.primary_metric, e.goal) || ''),"
        f" min(CASE e.goal WHEN '{Goal.MAXIMIZE}' THEN -m.max ELSE m.min END), r.id,"
        f" avg(m.last) FILTER (WHERE abs(m.last) <= 1.7976931348623157e308),"
        f" count(m.last) FILTER (WHERE abs(m.last) <= 1.7976931348623157e308)"
        f" FROM {source} JOIN experiments e ON e.number = r.experiment"
        f" LEFT JOIN run_metrics m ON m.run = r.number AND m.name = e.primary_metric"
        f" WHERE {where} GROUP BY grouped ORDER BY size DESC, grouped LIMIT {MOST}",
        [*joined, *values],
    )
    return [_group(*row) for row in rows]


def _group(
    value: object,
    size: int,
    active: float,
    failed: float,
    judges: str,
    least: float | None,
    run: str,
    mean: float | None,
    measured: int,
) -> RunGroup:
    """A row of a query for groups; judges: what its experiments judge by, least: the best figure, turned."""
    known = {(metric, goal) for metric, goal in map(json.loads, json.loads(judges)) if metric is not None}
    group = RunGroup(
        value=None if value is None else str(value), count=size, active=int(active), failed=int(failed)
    )
    if len(known) != 1:
        return group
    metric, goal = known.pop()
    best = least if least is None or goal != Goal.MAXIMIZE else -least
    return replace(
        group,
        metric=metric,
        best=best,
        best_run=None if best is None else run,
        mean=mean,
        measured=measured,
    )
