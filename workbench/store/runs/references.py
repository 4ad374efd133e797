"""What people call a run by: its id, a unique prefix, its name, @N, @best, each of an experiment too."""

from __future__ import annotations

import re
import sqlite3
from difflib import get_close_matches

from workbench.entities.experiment import Goal
from workbench.errors import Ambiguous, NotFound
from workbench.store.queries.ordering import find
from workbench.store.queries.query import MetricCondition, RunQuery
from workbench.store.sqlite.codec import plain_text
from workbench.store.workspace import experiments

_SHOW = "wb ps shows the newest runs, wb ps --archived the archived ones"
_AT = re.compile(r"^@([1-9][0-9]{0,8})$")
_PREFIX = re.compile(r"^[0-9A-Za-z]{1,26}$")
CANDIDATES = 10
NAMES_LOOKED_AT = 500


def resolve(connection: sqlite3.Connection, reference: str, experiment: str | None = None) -> str:
    """The id of the run that reference means; names, @N and @best are looked for in experiment when given.

    @N:EXPERIMENT and @best:EXPERIMENT name it themselves.

    Raises NotFound with a hint, Ambiguous for a prefix of several ids (data: candidates).
    """
    reference = plain_text(reference.strip())
    if reference.startswith("@"):
        place, colon, named = reference.partition(":")
        return _at(connection, place, named if colon else experiment)
    row = connection.execute("SELECT id FROM runs WHERE id = ?", (reference.upper(),)).fetchone()
    found = row[0] if row is not None else _named(connection, reference, experiment)
    if found is None and _PREFIX.match(reference):
        found = _prefixed(connection, reference.upper())
    if found is None:
        raise NotFound(f"no run {reference!r}", _near(connection, reference) or _SHOW)
    return str(found)


def _near(connection: sqlite3.Connection, reference: str) -> str:
    """A question with the newest run names that are like a mistyped one; empty when none is."""
    rows = connection.execute(
        "SELECT name FROM runs WHERE archived = 0 ORDER BY created DESC, id DESC LIMIT ?", (NAMES_LOOKED_AT,)
    ).fetchall()
    names = list(dict.fromkeys(str(row[0]) for row in rows))
    begun = [name for name in names if reference and name.startswith(reference.lower())]
    near = (begun or get_close_matches(reference, names, n=3, cutoff=0.75))[:3]
    return f"did you mean {' or '.join(near)}?" if near else ""


def _named(connection: sqlite3.Connection, name: str, experiment: str | None) -> str | None:
    scope, values = "", [name]
    if experiment is not None:
        scope = "AND experiment = ?"
        values.append(str(experiments.number(connection, experiment)))
    row = connection.execute(
        f"SELECT id FROM runs WHERE name = ? {scope} ORDER BY archived, created DESC, id DESC LIMIT 1", values
    ).fetchone()
    return None if row is None else str(row[0])


def _prefixed(connection: sqlite3.Connection, prefix: str) -> str | None:
    rows = connection.execute(
        "SELECT id, name FROM runs WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT ?",
        (prefix, prefix + "~", CANDIDATES + 1),
    ).fetchall()
    if len(rows) > 1:
        candidates = [{"id": row[0], "name": row[1]} for row in rows[:CANDIDATES]]
        few = ", ".join(f"{row[0]} ({row[1]})" for row in rows[:3])
        raise Ambiguous(
            f"{prefix} begins several run ids: {few}",
            "give more of the id, or the name",
            candidates=candidates,
        )
    return str(rows[0][0]) if rows else None


def _at(connection: sqlite3.Connection, reference: str, experiment: str | None) -> str:
    match = _AT.match(reference)
    if match is not None:
        query = RunQuery(experiment=experiment, limit=1, offset=int(match.group(1)) - 1)
        found = find(connection, query)
        if not found:
            where = f" in experiment {experiment!r}" if experiment else ""
            raise NotFound(f"there are not that many runs{where}: {reference}", _SHOW)
        return _id(connection, found[0])
    if reference == "@best":
        return _best(connection, experiment)
    raise NotFound(
        f"no run {reference!r}", "@1 is the newest run, @2 the one before, @best:EXPERIMENT the best of one"
    )


def _newest_experiment(connection: sqlite3.Connection, condition: str) -> str | None:
    """The id of the newest run's experiment, of those that fit a condition of this module's own."""
    row = connection.execute(
        "SELECT e.id FROM runs r JOIN experiments e ON e.number = r.experiment"
        f" WHERE r.archived = 0 AND {condition} ORDER BY r.created DESC, r.id DESC LIMIT 1"
    ).fetchone()
    return None if row is None else str(row[0])


def _best(connection: sqlite3.Connection, name: str | None) -> str:
    """The run whose last primary metric is best; of the newest run's experiment when none is named.

    Runs of experiments that measure nothing are passed over.
    """
    if name is None:
        name = _newest_experiment(connection, "e.primary_metric IS NOT NULL")
        name = name or _newest_experiment(connection, "1")
        if name is None:
            raise NotFound("there are no runs yet", "wb submit starts one")
    experiment = experiments.get(connection, name)
    metric = experiment.primary_metric
    if metric is None:
        raise NotFound(
            f"experiment {experiment.name!r} has no primary metric yet",
            f"choose one: wb experiment set {experiment.name} --metric METRIC",
        )
    query = RunQuery(
        experiment=name,
        order=f"metric:{metric}",
        descending=experiment.goal is Goal.MAXIMIZE,
        limit=1,
        # A diverged run has infinite loss or reward; it is not the best of anything.
        metrics=(
            MetricCondition(name=metric, operator="<", value=float("inf")),
            MetricCondition(name=metric, operator=">", value=float("-inf")),
        ),
    )
    found = find(connection, query)
    if not found:
        raise NotFound(f"no run of experiment {experiment.name!r} has a value of {metric!r}", _SHOW)
    return _id(connection, found[0])


def _id(connection: sqlite3.Connection, number: int) -> str:
    return str(connection.execute("SELECT id FROM runs WHERE number = ?", (number,)).fetchone()[0])
