"""What a run's machine says of it: transitions, GPUs, resources, the queue's reason."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from workbench.entities.run import Resources, Run, RunState, Transition
from workbench.store.runs import roll_ups, run_rows
from workbench.store.runs.transitions import Key, Standing, contiguous, fold, key_of, sensible
from workbench.store.sqlite.codec import micros, moment, optional_micros, optional_text, to_text, whole
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import RUN_CHANGED, RUN_COMPLETED, RUN_STATUS_CHANGED, run_subject


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
    """Take over what a run's machine says, however late, in any order, any number of times (AZ-72).

    note: the queue's reason; the run's message while it has no other. None for gpus and resources: as
    before. Raises NotFound.
    """
    run = run_rows.get(change.connection, run_id)
    number = run_rows.number(change.connection, run_id)
    known = known_transitions(change.connection, number)
    keys = {key_of(step) for step in known}
    # Of two with the same key the first counts.
    fresh = list({key_of(step): step for step in reversed(transitions) if sensible(step)}.values())
    fresh = sorted((step for step in fresh if key_of(step) not in keys), key=key_of)
    keep(change, number, fresh)
    if fresh:
        standing, counted = fold([*known, *fresh])
        if standing is not None:
            _stand(change, number, standing)
            _tell(change, run, fresh, counted, standing)
    _facts(change, run, number, gpus, resources, note)
    latest = max(micros(as_of), optional_micros(run.as_of) or 0)
    change.execute("UPDATE runs SET as_of = ? WHERE number = ?", (latest, number))
    return run_rows.get(change.connection, run_id)


def keep(change: Transaction, number: int, steps: list[Transition]) -> None:
    """Keep transitions of a run and tell nobody; those that no machine would send are left out."""
    change.executemany(
        "INSERT INTO transitions (run, seq, state, time, attempt, cause, message, exit_code, signal)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            _transition_row(number, step)
            for step in {key_of(step): step for step in steps if sensible(step)}.values()
        ],
    )


def transitions(connection: sqlite3.Connection, run_id: str) -> list[Transition]:
    """All its machine said of a run, by attempt and seq; raises NotFound."""
    return known_transitions(connection, run_rows.number(connection, run_id))


def known_transitions(connection: sqlite3.Connection, number: int) -> list[Transition]:
    """All transitions kept of a run, by attempt and seq."""
    rows = connection.execute(
        "SELECT seq, state, time, attempt, cause, message, exit_code, signal FROM transitions"
        " WHERE run = ? ORDER BY attempt, seq",
        (number,),
    )
    return [
        Transition(
            seq=row[0],
            state=RunState(row[1]),
            time=moment(row[2]),
            attempt=row[3],
            cause=row[4],
            message=row[5],
            exit_code=row[6],
            signal=row[7],
        )
        for row in rows
    ]


def reached_seq(connection: sqlite3.Connection, number: int) -> int:
    """The seq up to which all transitions of a run are known."""
    return contiguous(
        row[0] for row in connection.execute("SELECT seq FROM transitions WHERE run = ?", (number,))
    )


def _transition_row(number: int, step: Transition) -> tuple[Any, ...]:
    return (
        number,
        step.seq,
        step.state.value,
        micros(step.time),
        step.attempt,
        step.cause,
        optional_text(step.message),
        whole(step.exit_code),
        whole(step.signal),
    )


def _stand(change: Transaction, number: int, standing: Standing) -> None:
    change.execute(
        "UPDATE runs SET status = ?, cause = ?, message = ?, started = ?, ended = ?, exit_code = ?,"
        " signal = ?, attempt = ? WHERE number = ?",
        (
            standing.state.value,
            standing.cause,
            optional_text(standing.message),
            optional_micros(standing.started),
            optional_micros(standing.ended),
            whole(standing.exit_code),
            whole(standing.signal),
            standing.attempt,
            number,
        ),
    )


def _tell(
    change: Transaction, run: Run, fresh: list[Transition], counted: set[Key], standing: Standing
) -> None:
    """One RunStatusChanged for every transition that counted, RunCompleted for terminal ones (AZ-20).

    Not for the end of an attempt that another follows already: it was tried again, so the run goes on.
    """
    subject = run_subject(run.experiment, run.id)
    actor = f"compute/{run.target}"
    above = roll_ups.above(change.connection, run.id) if run.parent is not None else None
    for step in fresh:
        if key_of(step) not in counted:
            continue
        data = {
            "seq": step.seq,
            "state": step.state.value,
            "attempt": step.attempt,
            "cause": step.cause,
            "message": step.message,
            "exit_code": step.exit_code,
            "current": standing.state.value,
            "above": above,
        }
        data = {key: value for key, value in data.items() if value is not None}
        change.event(RUN_STATUS_CHANGED, subject, data, actor=actor)
        if step.state.terminal and step.attempt == standing.attempt:
            change.event(RUN_COMPLETED, subject, data, actor=actor)


def _facts(
    change: Transaction,
    run: Run,
    number: int,
    gpus: list[str] | None,
    resources: Resources | None,
    note: str | None,
) -> None:
    """GPUs, resources and the queue's reason; one event that says which of them changed."""
    kept = change.execute("SELECT note FROM runs WHERE number = ?", (number,)).fetchone()[0]
    note = optional_text(note)
    news: dict[str, Any] = {}
    if gpus is not None and gpus != run.gpus:
        news["gpus"] = gpus
        change.execute("UPDATE runs SET gpus = ? WHERE number = ?", (to_text(gpus), number))
    if resources is not None and resources != run.resources:
        news["resources"] = resources
        change.execute("UPDATE runs SET resources = ? WHERE number = ?", (to_text(resources), number))
    if note != kept:
        news["note"] = note
        change.execute("UPDATE runs SET note = ? WHERE number = ?", (note, number))
    if news:
        subject = run_subject(run.experiment, run.id)
        change.event(RUN_CHANGED, subject, news, fleeting=True, actor=f"compute/{run.target}")
