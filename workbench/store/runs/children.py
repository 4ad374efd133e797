"""Child runs that a run made in its own process: rows of their own, from the records of the run they are in.

Nothing in a header is trusted: a child's id must be new, or of a child that this very run made before.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from workbench.entities.configuration import RunConfiguration
from workbench.entities.experiment import Goal, guess_goal, metric_of_most
from workbench.entities.run import Resources, Run, RunState, Transition
from workbench.errors import NotFound
from workbench.remote.forms import protocol
from workbench.store.records.record_batch import Child, Header, RecordBatch
from workbench.store.runs import kept_runs, roll_ups, run_entries, run_rows, run_status
from workbench.store.sqlite.codec import moment_of_seconds
from workbench.store.sqlite.database import Transaction

MOST = 20_000
"""Children one run may make."""
_UNSAID = {
    RunState.COMPLETED: "its script ended without saying how it went",
    RunState.FAILED: "the run it was made in failed",
    RunState.CANCELED: "the run it was made in was canceled",
}


def owner(change: Transaction, run: int, header: Header, new: bool) -> int | None:
    """The row that a record file's records belong to: the run itself, or the child its header names.

    run: the row of the run the file was found in. new: nothing of the file was taken in before. None: a child
    that was removed, or is none of this run's; what the file says is passed over.
    """
    if header.child is None:
        return run
    root_id = _id(change.connection, run)
    child = _row(change.connection, header.child.id)
    if not new:
        return child[0] if child is not None and child[1] == root_id else None
    if child is not None and child[1] != root_id:
        run_entries.warn(change, run, ["a child run has the id of another run and is left out"])
        return None
    root = run_rows.get(change.connection, root_id)
    if child is None and not _room(change, run, root, header.child):
        return None
    return _ensure(change, root, header, header.child)


def ended(change: Transaction, child: int, header: Header, batch: RecordBatch) -> None:
    """Take over how a child says that it ended."""
    for state, seconds, message in batch.statuses:
        _step(change, child, RunState(state), moment_of_seconds(seconds), header.attempt, message)


def apply(
    change: Transaction,
    run_id: str,
    transitions: list[Transition],
    *,
    gpus: list[str] | None = None,
    resources: Resources | None = None,
    note: str | None = None,
    as_of: datetime,
) -> Run:
    """As `run_status.apply`; with a run that is over all children are that it made. Raises NotFound."""
    run = run_status.apply(
        change, run_id, transitions, gpus=gpus, resources=resources, note=note, as_of=as_of
    )
    if run.status.terminal:
        for number, attempt in change.execute(
            "SELECT number, attempt FROM runs WHERE inside = ?"
            " AND status NOT IN ('Completed', 'Failed', 'Canceled')",
            (run_id,),
        ).fetchall():
            _step(change, number, run.status, run.ended or as_of, attempt, _UNSAID[run.status])
    return run


def of_run(connection: sqlite3.Connection, run_id: str, *, recursive: bool = False) -> list[str]:
    """The ids of a run's children, the first made first; recursive: theirs too, each behind its parent."""
    found: list[str] = []
    seen = {run_id}
    waiting = [run_id]
    while waiting:
        parent = waiting.pop()
        if parent != run_id:
            found.append(parent)
        if parent == run_id or recursive:
            rows = connection.execute(
                "SELECT id FROM runs WHERE parent = ? ORDER BY created DESC, id DESC", (parent,)
            )
            fresh = [row[0] for row in rows if row[0] not in seen]
            seen.update(fresh)
            waiting += fresh
    return found


def rows(connection: sqlite3.Connection, run_id: str, *, recursive: bool = False) -> list[Run]:
    """As `of_run`, the runs themselves."""
    ids = of_run(connection, run_id, recursive=recursive)
    return run_rows.load(connection, [run_rows.number(connection, child) for child in ids])


def metric(connection: sqlite3.Connection, run_id: str) -> tuple[str | None, Goal]:
    """What a run's own children can be judged by, and which way it gets better; None where none measured."""
    counts: dict[str, int] = dict(
        connection.execute(
            "SELECT m.name, count(*) FROM runs r JOIN run_metrics m ON m.run = r.number"
            " WHERE r.parent = ? GROUP BY m.name",
            (run_id,),
        ).fetchall()
    )
    row = connection.execute(
        "SELECT e.primary_metric, e.goal FROM runs r JOIN experiments e ON e.number = r.experiment"
        " WHERE r.id = ?",
        (run_id,),
    ).fetchone()
    primary, goal = (None, Goal.MINIMIZE) if row is None else (row[0], Goal(row[1]))
    found = metric_of_most(counts, primary)
    return found, goal if found is None or found == primary else guess_goal(found)


def _ensure(change: Transaction, root: Run, header: Header, child: Child) -> int:
    begun = moment_of_seconds(header.wall)
    parent = child.parent if child.parent and child.parent != child.id else root.id
    if parent != root.id:
        known = _row(change.connection, parent)
        if known is None and protocol.valid_run_id(parent):
            # Its own file comes later: it is made now, and named then.
            _insert(change, root, Child(parent), root.id, header)
        elif known is None or known[1] != root.id:
            parent = root.id
    number = _row(change.connection, child.id)
    if number is None:
        return _insert(change, root, child, parent, header)
    if child.name is not None:
        kept_runs.describe(change, child.id, name=child.name)
    if parent != child.id and child.id not in roll_ups.above(change.connection, parent):
        change.execute("UPDATE runs SET parent = ? WHERE number = ?", (parent, number[0]))
    _step(change, number[0], RunState.RUNNING, begun, header.attempt, None)
    return number[0]


def _insert(change: Transaction, root: Run, child: Child, parent: str, header: Header) -> int:
    place = change.execute("SELECT count(*) FROM runs WHERE inside = ?", (root.id,)).fetchone()[0] + 1
    begun = moment_of_seconds(header.wall)
    run = Run(
        id=child.id,
        name=child.name or f"{root.name}.{place}",
        experiment=root.experiment,
        target=root.target,
        created=begun,
        attempt=header.attempt,
        environment=root.environment,
        gpus=root.gpus,
        git=root.git,
        snapshot=root.snapshot,
        snapshot_code=root.snapshot_code,
        collect_outputs=root.collect_outputs,
        submitted_by=root.submitted_by,
        parent=parent,
        inside=root.id,
        as_of=root.as_of,
    )
    kept_runs.insert(change, run, RunConfiguration(command="", experiment=root.experiment))
    number = run_rows.number(change.connection, child.id)
    _step(change, number, RunState.RUNNING, begun, header.attempt, None)
    return number


def _step(
    change: Transaction, number: int, state: RunState, time: datetime, attempt: int, message: str | None
) -> None:
    """One more transition of a child, unless it is where it is already."""
    known = run_status.known_transitions(change.connection, number)
    latest = known[-1] if known else None
    if latest is not None and latest.attempt == attempt and (latest.state == state or latest.state.terminal):
        return
    seq = 1 + max((step.seq for step in known), default=0)
    step = Transition(seq=seq, state=state, time=time, attempt=attempt, message=message)
    run_status.apply(change, _id(change.connection, number), [step], as_of=time)


def _room(change: Transaction, run: int, root: Run, child: Child) -> bool:
    """Whether the run may have this child as well."""
    if not protocol.valid_run_id(child.id):
        run_entries.warn(change, run, ["a child run has no proper id and is left out"])
        return False
    there = change.execute("SELECT count(*) FROM runs WHERE inside = ?", (root.id,)).fetchone()[0]
    if there >= MOST:
        run_entries.warn(change, run, [f"a run makes at most {MOST} child runs: others are left out"])
    return bool(there < MOST)


def _row(connection: sqlite3.Connection, run_id: str) -> tuple[int, str | None] | None:
    """The number of a run, and which run it was made in."""
    row = connection.execute("SELECT number, inside FROM runs WHERE id = ?", (run_id,)).fetchone()
    return None if row is None else (row[0], row[1])


def _id(connection: sqlite3.Connection, number: int) -> str:
    row = connection.execute("SELECT id FROM runs WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise NotFound("a run is gone")
    return str(row[0])
