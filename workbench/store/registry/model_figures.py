"""What a model version measured, as a gate compares it: last, lowest, highest, and which way is better."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from workbench.entities.experiment import Goal, guess_goal
from workbench.errors import NotFound
from workbench.store.registry import model_versions
from workbench.store.workspace import experiments
from workbench.text.asset_reference import AssetReference

_NAN = float("nan")


class Figures(NamedTuple):
    """Values by metric; where no value was finite there is only the last."""

    last: Mapping[str, float]
    lowest: Mapping[str, float]
    highest: Mapping[str, float]
    rising: frozenset[str]
    """The metrics of which more is better: as the experiment is judged, else as their names suggest."""


def of_version(connection: sqlite3.Connection, reference: AssetReference) -> Figures:
    """Those of a version's run when it was registered; of a run that was not over then, as they are now.

    Raises NotFound.
    """
    version = model_versions.get(connection, reference)
    details, data, run = connection.execute(
        "SELECT v.details, v.data, r.number FROM model_versions v LEFT JOIN runs r ON r.id = v.run"
        " WHERE v.id = ?",
        (model_versions.key_of(connection, reference),),
    ).fetchone()
    ranges: Mapping[str, Sequence[float]] | None = json.loads(details).get("ranges")
    if run is not None and (ranges is None or not json.loads(data).get("settled")):
        _, ranges = _row(connection, run)
    return _figures(connection, version.metrics, ranges or {}, version.experiment)


def of_run(connection: sqlite3.Connection, run: str) -> Figures:
    """Those of a run, by its id; none of one that is not here."""
    row = connection.execute(
        "SELECT r.number, e.name FROM runs r JOIN experiments e ON e.number = r.experiment WHERE r.id = ?",
        (run,),
    ).fetchone()
    return (
        Figures({}, {}, {}, frozenset())
        if row is None
        else _figures(connection, *_row(connection, row[0]), row[1])
    )


def _row(connection: sqlite3.Connection, run: int) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """The last value, and the lowest and highest finite one, of each metric of a run's row."""
    metrics, ranges = dict[str, float](), dict[str, tuple[float, float]]()
    for name, last, low, high in connection.execute(
        "SELECT name, last, min, max FROM run_metrics WHERE run = ?", (run,)
    ):
        metrics[name] = _NAN if last is None else last
        if low is not None and high is not None:
            ranges[name] = (low, high)
    return metrics, ranges


def _figures(
    connection: sqlite3.Connection,
    last: Mapping[str, float],
    ranges: Mapping[str, Sequence[float]],
    experiment: str | None,
) -> Figures:
    rising = {name for name in last if guess_goal(name) is Goal.MAXIMIZE}
    try:
        judged, goal = (
            (None, Goal.MINIMIZE) if experiment is None else experiments.judge(connection, experiment)
        )
    except NotFound:  # the experiment was removed: names are left
        judged, goal = None, Goal.MINIMIZE
    if judged is not None:
        rising = rising | {judged} if goal is Goal.MAXIMIZE else rising - {judged}
    lowest = {name: found[0] for name, found in ranges.items()}
    highest = {name: found[1] for name, found in ranges.items()}
    return Figures(last, lowest, highest, frozenset(rising))
