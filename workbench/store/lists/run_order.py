"""The ids of all runs that fit a query, in its order: what a long list holds while it loads what is seen."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence

from workbench.entities.base import replace
from workbench.store.lists import run_groups
from workbench.store.queries.orders import Orders
from workbench.store.queries.query import RunQuery, among_numbers
from workbench.store.runs import children

FEW = 20_000
"""Runs that are looked up one by one; above, reading them all is quicker."""
Groups = list[tuple[str | None, int]]


def order(
    connection: sqlite3.Connection,
    orders: Orders,
    query: RunQuery,
    *,
    grouped: bool,
    group: str | None = None,
    unfold: Collection[str] = (),
) -> tuple[list[str], Groups, dict[str, int]]:
    """Every id, whatever the query's limit, and (experiment, number of runs) of each group.

    unfold: runs that their children stand behind; how far below another each of these stands comes last.
    grouped: the runs of an experiment stand together, the experiment of the first run first. group: so do
    those that share what `run_groups` groups by, and groups are (value, number of runs). Else there are no
    groups. Raises NotFound (experiment), UsageError.
    """
    if group is not None:
        run_groups.read_key(group)
    ids, groups = _order(connection, orders, query, grouped=grouped, group=group)
    return _unfolded(connection, ids, groups, unfold) if unfold else (ids, groups, {})


def _order(
    connection: sqlite3.Connection, orders: Orders, query: RunQuery, *, grouped: bool, group: str | None
) -> tuple[list[str], Groups]:
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


def _unfolded(
    connection: sqlite3.Connection, ids: Sequence[str], groups: Groups, unfold: Collection[str]
) -> tuple[list[str], Groups, dict[str, int]]:
    """The same with children behind the runs that are unfolded, unless they are in the list by themselves."""
    opened, listed = frozenset(unfold), frozenset(ids)
    depths: dict[str, int] = {}
    found: list[str] = []
    sizes = [size for _, size in groups] or [len(ids)]
    begin = 0
    for place, size in enumerate(sizes):
        before = len(found)
        for run in ids[begin : begin + size]:
            found.append(run)
            if run in opened:
                _below(connection, run, opened, listed, depths, found)
        begin += size
        sizes[place] = len(found) - before
    return found, [(value, size) for (value, _), size in zip(groups, sizes, strict=False)], depths


def _below(
    connection: sqlite3.Connection,
    run: str,
    opened: Collection[str],
    listed: Collection[str],
    depths: dict[str, int],
    found: list[str],
) -> None:
    waiting = [(child, 1) for child in reversed(children.of_run(connection, run))]
    while waiting:
        child, depth = waiting.pop()
        if child in listed or child in depths:
            continue
        depths[child] = depth
        found.append(child)
        if child in opened:
            waiting += [(item, depth + 1) for item in reversed(children.of_run(connection, child))]


def active(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """How many runs can still change, as (target, status, number)."""
    return connection.execute(
        "SELECT target, status, count(*) FROM runs"
        " WHERE status NOT IN ('Completed', 'Failed', 'Canceled') AND inside IS NULL GROUP BY target, status"
    ).fetchall()
