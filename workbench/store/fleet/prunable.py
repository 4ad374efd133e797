"""What the store knows of a machine's runs that decides whether their folders there may go."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from workbench.entities.run import RunFile, RunState
from workbench.errors import NotFound
from workbench.store.registry import model_versions
from workbench.store.runs import files, references, run_entries, run_rows
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import RUN_CHANGED, run_subject
from workbench.store.workspace import experiments

PRUNED = "workbench.pruned"
"""The property of a run whose folder on its machine was removed: when."""


class Row(NamedTuple):
    """One run."""

    id: str
    name: str
    experiment: str
    over: bool
    best: bool
    tagged: bool
    archived: bool
    files_there: int
    bytes_there: int
    unseen: bool
    """Whether its files were to stay there, so that nothing is known of them here."""
    registered: bool
    """Whether a model's version came from it."""


def of_target(connection: sqlite3.Connection, target: str) -> list[Row]:
    """The runs that went to a machine."""
    best = _best(connection)
    registered = model_versions.runs_registered(connection)
    there = {
        int(number): (int(count), int(size))
        for number, count, size in connection.execute(
            "SELECT run, count(*), sum(size) FROM run_files WHERE collected = 0 GROUP BY run"
        )
    }
    tagged = {int(number) for (number,) in connection.execute("SELECT DISTINCT run FROM run_tags")}
    rows = connection.execute(
        "SELECT r.number, r.id, r.name, e.name, r.status, r.archived, r.collect_outputs FROM runs r"
        " JOIN experiments e ON e.number = r.experiment WHERE r.target = ?",
        (target,),
    )
    return [
        Row(
            identity,
            name,
            experiment,
            RunState(status).terminal,
            identity in best,
            number in tagged,
            bool(archived),
            *there.get(number, (0, 0)),
            unseen=not collect and number not in there,
            registered=identity in registered,
        )
        for number, identity, name, experiment, status, archived, collect in rows
    ]


def _best(connection: sqlite3.Connection) -> set[str]:
    """The best run of each experiment that is judged by a metric."""
    found = set()
    for experiment in experiments.every(connection):
        if experiment.primary_metric is not None:
            try:
                found.add(references.resolve(connection, f"@best:{experiment.name}"))
            except NotFound:  # it has no value yet
                continue
    return found


def mark_pruned(change: Transaction, run_id: str, when: str) -> None:
    """Say that a run's machine no longer has it: files that were never fetched are gone. Raises NotFound."""
    run = run_rows.get(change.connection, run_id)
    number = run_rows.number(change.connection, run_id)
    known = change.execute(
        "SELECT 1 FROM run_properties WHERE run = ? AND name = ?", (number, PRUNED)
    ).fetchone()
    if known is None:
        run_entries.put_properties(change, number, {PRUNED: when})
    here: list[RunFile] = [file for file in files.every(change.connection, run_id) if file.collected]
    files.put(change, run_id, here)
    change.event(RUN_CHANGED, run_subject(run.experiment, run_id), {"pruned": True})


def every_id(connection: sqlite3.Connection) -> set[str]:
    """The ids of all runs, archived ones too."""
    return {identity for (identity,) in connection.execute("SELECT id FROM runs")}
