"""The ids of all runs that fit a query, in its order: what a long list holds while it loads what is seen."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from workbench.entities.base import replace
from workbench.store import run_groups
from workbench.store.orders import Orders
from workbench.store.query import RunQuery, among_numbers

FEW = 2000
"""Runs that are looked up one by one; above, reading them all is quicker."""
Groups = list[tuple[str | None, int]]


def order(
    connection: sqlite3.Connection,
    orders: Orders,
    query: RunQuery,
    *,
    grouped: bool,
    group: str | None = None,
) -> tuple[list[str], Groups]:
    """Every id, whatever the query's limit, and (experiment, number of runs) of each group.

    grouped: the runs of an experiment stand together, the experiment of the first run first. group: so do
    those that share what `run_groups` groups by, and groups are (value, number of runs). Else there are no
    groups. Raises NotFound (experiment), UsageError.
    """
    if group is not None:
        run_groups.read_key(group)
    numbers, _ = orders.page(connection, replace(query, limit=-1, offset=0))
    among = f" WHERE number IN {among_numbers(numbers)}" if len(numbers) <= FEW else ""
    known = {
        number: (run, experiment)
        for number, run, experiment in connection.execute(f"SELECT number, id, experiment FROM runs{among}")
    }
    if group is not None:
        return _by_value(known, numbers, run_groups.values(connection, group))
    if not grouped:
        return [known[number][0] for number in numbers], []
    together: dict[int, list[str]] = {}
    for number in numbers:
        run, experiment = known[number]
        together.setdefault(experiment, []).append(run)
    names = dict(connection.execute("SELECT number, name FROM experiments"))
    return (
        [run for runs in together.values() for run in runs],
        [(names[experiment], len(runs)) for experiment, runs in together.items()],
    )


def _by_value(
    known: Mapping[int, tuple[str, int]], numbers: Sequence[int], values: Mapping[int, str | None]
) -> tuple[list[str], Groups]:
    together: dict[str | None, list[str]] = {}
    for number in numbers:
        together.setdefault(values.get(number), []).append(known[number][0])
    return (
        [run for runs in together.values() for run in runs],
        [(value, len(runs)) for value, runs in together.items()],
    )


def active(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """How many runs can still change, as (target, status, number)."""
    return connection.execute(
        "SELECT target, status, count(*) FROM runs"
        " WHERE status NOT IN ('Completed', 'Failed', 'Canceled') AND inside IS NULL GROUP BY target, status"
    ).fetchall()
