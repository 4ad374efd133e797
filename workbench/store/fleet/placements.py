"""Where runs that may go to several machines are, and how often they were placed."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from workbench.entities.configuration import RunConfiguration
from workbench.entities.run import Run, RunState
from workbench.errors import Conflict
from workbench.store.logs.spool import Spool
from workbench.store.runs import kept_runs, run_rows
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import RUN_CHANGED, run_subject

WAITING = (RunState.NOT_STARTED, RunState.PREPARING, RunState.QUEUED)
"""States of a run that may still go elsewhere."""
FOLLOWED = ("transitions", "streams", "stream_marks", "gaps")
"""Tables that hold what was heard from the machine a run was on."""


class Placement(NamedTuple):
    """A run's pool, and which placement it is at, from 1."""

    pool: str
    number: int


def insert(
    change: Transaction, run: Run, configuration: RunConfiguration, diff: str | None, pool: str
) -> tuple[Run, bool]:
    """`kept_runs.insert` of a run that was placed on a machine of a pool."""
    row, new = kept_runs.insert(change, run, configuration, diff)
    if new:
        number = run_rows.number(change.connection, run.id)
        change.execute("INSERT INTO placements (run, pool, number) VALUES (?, ?, 1)", (number, pool))
    return row, new


def find(connection: sqlite3.Connection, run_id: str) -> Placement | None:
    """A run's placement; None when it was sent to a machine by name. Raises NotFound."""
    row = connection.execute(
        "SELECT pool, placements.number FROM placements JOIN runs ON runs.number = run WHERE runs.id = ?",
        (run_id,),
    ).fetchone()
    return None if row is None else Placement(*row)


def waiting(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """(run, pool) of those that never started, in the order they were submitted."""
    marks = ", ".join("?" * len(WAITING))
    # That they are not over says less than their state, and is what `runs_active` is an index of.
    return connection.execute(
        "SELECT runs.id, pool FROM runs JOIN placements ON run = runs.number"
        " WHERE status NOT IN ('Completed', 'Failed', 'Canceled')"
        f" AND status IN ({marks}) AND attempt = 1 ORDER BY created, runs.id",
        [state.value for state in WAITING],
    ).fetchall()


def move(change: Transaction, spool: Spool, run_id: str, target: str) -> Run:
    """Have a run be on another machine, as if it had been sent there first; what was heard is forgotten.

    Raises NotFound; Conflict when it has started, or logged anything already.
    """
    run = run_rows.get(change.connection, run_id)
    number = run_rows.number(change.connection, run_id)
    logged = change.execute("SELECT 1 FROM record_files WHERE run = ?", (number,)).fetchone()
    if run.status not in WAITING or run.attempt > 1 or logged is not None:
        raise Conflict(f"{run.name} has begun on {run.target}")
    spool.remove(run_id)  # first: offsets without a file mean that nothing is here
    for table in FOLLOWED:
        change.execute(f"DELETE FROM {table} WHERE run = ?", (number,))
    change.execute(
        "UPDATE runs SET target = ?, status = ?, cause = NULL, message = NULL, note = NULL, started = NULL,"
        " ended = NULL, exit_code = NULL, signal = NULL, gpus = '[]' WHERE number = ?",
        (target, RunState.NOT_STARTED.value, number),
    )
    change.execute("UPDATE placements SET number = number + 1 WHERE run = ?", (number,))
    news = {"target": target, "from": run.target}
    change.event(RUN_CHANGED, run_subject(run.experiment, run.id), news)
    return run_rows.get(change.connection, run_id)
