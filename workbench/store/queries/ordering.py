"""The runs that fit a query, in the order it asks for.

`runs_table` holds the columns a list is sorted by, `run_metrics` has an index for each figure of a metric:
no order reads more than what it shows, but for the ones by a param or by metrics that differ from run to run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from workbench.entities.base import replace
from workbench.entities.experiment import Goal, guess_goal
from workbench.errors import UsageError
from workbench.remote.forms import protocol
from workbench.store.queries.filter_text import Condition
from workbench.store.queries.query import RunQuery, Selection, select
from workbench.store.sqlite.codec import micros, plain_text
from workbench.store.workspace import experiments

STATES = (
    protocol.RUNNING,
    protocol.FINALIZING,
    protocol.CANCEL_REQUESTED,
    protocol.NOT_RESPONDING,
    protocol.PREPARING,
    protocol.PROVISIONING,
    protocol.STARTING,
    protocol.QUEUED,
    protocol.NOT_STARTED,
    protocol.UNAPPROVED,
    protocol.PAUSING,
    protocol.PAUSED,
    protocol.FAILED,
    protocol.CANCELED,
    protocol.COMPLETED,
)
"""States in the order of a list: what goes on, what waits, what is over."""
COLUMNS = {
    "name": "r.name",
    "experiment": "(SELECT name FROM experiments WHERE number = r.experiment)",
    "target": "r.target",
    "status": "CASE r.status " + " ".join(f"WHEN '{s}' THEN {i}" for i, s in enumerate(STATES)) + " END",
    "started": "r.started",
    "ended": "r.ended",
    "duration": "coalesce(r.ended, :now) - r.started",
}
FIGURES = {"metric": "last", "min": "min", "max": "max"}
_NEWEST = "r.created DESC, r.id DESC"
_HINT = (
    "created, "
    + ", ".join(COLUMNS)
    + ", primary, best (the last and the best value of an experiment's own metric),"
    " metric:NAME, min:NAME, max:NAME, best:NAME, param:NAME, tag:NAME"
)


def find(connection: sqlite3.Connection, query: RunQuery) -> list[int]:
    """Row numbers of the runs that fit, in the order asked for. Raises NotFound (experiment), UsageError."""
    kind, _, name = _order(connection, query).partition(":")
    way = "DESC" if query.descending else "ASC"
    if kind in FIGURES and name:
        return _by_figure(connection, query, FIGURES[kind], plain_text(name), way)
    chosen = select(connection, query)
    if kind == "created" and not name:
        order = "r.created ASC, r.id ASC" if query.descending is False else _NEWEST
        # The unary plus keeps a narrow search from walking the whole index of ages.
        return _page(connection, _runs(chosen), chosen.where(), f"+{order}" if chosen.few else order, query)
    if kind in COLUMNS and not name:
        key = COLUMNS[kind].replace(":now", str(micros(datetime.now(UTC))))
        return _page(connection, _runs(chosen), chosen.where(), f"{key} {way} NULLS LAST, {_NEWEST}", query)
    if kind == "tag" and name:
        source = f"{_runs(chosen)} LEFT JOIN run_tags t ON t.run = r.number AND t.name = ?"
        order = f"t.value {way} NULLS LAST, {_NEWEST}"
        return _page(connection, source, chosen.where(), order, query, [plain_text(name)])
    if kind == "param" and name:
        source = f"{_runs(chosen)} LEFT JOIN run_params p ON p.run = r.number AND p.name = ?"
        order = f"p.number {way} NULLS LAST, p.value {way} NULLS LAST, {_NEWEST}"
        return _page(connection, source, chosen.where(), order, query, [plain_text(name)])
    if kind in ("primary", "best") and not name:
        source = (
            f"{_runs(chosen)} JOIN experiments e ON e.number = r.experiment"
            " LEFT JOIN run_metrics m ON m.run = r.number AND m.name = e.primary_metric"
        )
        best = f"CASE e.goal WHEN '{Goal.MAXIMIZE.value}' THEN m.max ELSE m.min END"
        order = f"{'m.last' if kind == 'primary' else best} {way} NULLS LAST, {_NEWEST}"
        return _page(connection, source, chosen.where(), order, query)
    raise UsageError(f"runs cannot be sorted by {query.order!r}", f"one of {_HINT}")


def count(connection: sqlite3.Connection, query: RunQuery) -> int:
    """How many runs fit, whatever the limit. Raises NotFound (experiment), UsageError."""
    chosen = select(connection, query)
    where, values = chosen.where()
    sql = f"SELECT count(*) FROM {_runs(chosen)} WHERE {where}"
    found: int = connection.execute(sql, values).fetchone()[0]
    return found


def _runs(chosen: Selection) -> str:
    """The table of runs; where few are looked at they are looked up by number, whatever index seems apt."""
    return "runs r NOT INDEXED" if chosen.few else "runs r"


def _order(connection: sqlite3.Connection, query: RunQuery) -> str:
    """The order of a query; an experiment's own metric, and the best of any, by what has an index."""
    if query.order.startswith("best:"):
        return _best(connection, query)
    if query.experiment is None or query.order not in ("primary", "best"):
        return query.order
    metric, goal = experiments.judge(connection, query.experiment)
    if metric is None:
        return "created"
    figure = "max" if goal is Goal.MAXIMIZE else "min"
    return f"{'metric' if query.order == 'primary' else figure}:{metric}"


def _best(connection: sqlite3.Connection, query: RunQuery) -> str:
    """best:NAME as min:NAME or max:NAME: as the experiment asked for sees it, else as the name suggests."""
    name = query.order.partition(":")[2]
    goal = guess_goal(name)
    if query.experiment is not None:
        metric, chosen = experiments.judge(connection, query.experiment)
        goal = chosen if metric == name else goal
    return f"{'max' if goal is Goal.MAXIMIZE else 'min'}:{name}"


def _by_figure(
    connection: sqlite3.Connection, query: RunQuery, figure: str, metric: str, way: str
) -> list[int]:
    """Those that have a figure of the metric by it, then the others, newest first."""
    if query.limit < 0:
        return _all_by_figure(connection, query, figure, metric, way)
    chosen = select(connection, query, metric)
    having = chosen.where(("m.name = ?", [metric]), (f"m.{figure} IS NOT NULL", []))
    if chosen.few:
        source = "runs r CROSS JOIN run_metrics m ON m.run = r.number"
        order = f"+m.{figure} {way}, m.run {way}"
    else:
        source = "run_metrics m CROSS JOIN runs r ON r.number = m.run"
        order = f"m.{figure} {way}, m.run {way}"
    found = _page(connection, source, having, order, query)
    if (0 <= query.limit <= len(found)) or chosen.measured:
        return found
    passed = query.offset
    if query.offset and not found:
        where, values = having
        there = connection.execute(f"SELECT count(*) FROM {source} WHERE {where}", values).fetchone()[0]
        passed = min(there, query.offset)
    lacking: Condition = (
        "NOT EXISTS (SELECT 1 FROM run_metrics m"
        f" WHERE m.run = r.number AND m.name = ? AND m.{figure} IS NOT NULL)",
        [metric],
    )
    limit = query.limit - len(found) if query.limit >= 0 else -1
    rest = replace(query, limit=limit, offset=query.offset - passed)
    return found + _page(connection, "runs r", chosen.where(lacking), _NEWEST, rest)


def _all_by_figure(
    connection: sqlite3.Connection, query: RunQuery, figure: str, metric: str, way: str
) -> list[int]:
    """As `_by_figure`, all of them: both orders are read from their indexes, which no join of rows beats."""
    chosen = select(connection, query)
    order = f"+{_NEWEST}" if chosen.few else _NEWEST
    fitting = _page(connection, _runs(chosen), chosen.where(), order, replace(query, offset=0))
    lacking = dict.fromkeys(fitting)
    measured = [
        run
        for (run,) in connection.execute(
            f"SELECT run FROM run_metrics WHERE name = ? AND {figure} IS NOT NULL"
            f" ORDER BY {figure} {way}, run {way}",
            (metric,),
        )
        if run in lacking
    ]
    for run in measured:
        del lacking[run]
    return [*measured, *lacking][max(0, query.offset) :]


def _page(
    connection: sqlite3.Connection,
    source: str,
    condition: Condition,
    order: str,
    query: RunQuery,
    joined: Sequence[Any] = (),
) -> list[int]:
    where, values = condition
    sql = f"SELECT r.number FROM {source} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"
    given = [*joined, *values, query.limit, max(0, query.offset)]
    return [row[0] for row in connection.execute(sql, given)]
