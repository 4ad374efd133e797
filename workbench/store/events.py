"""The table of events: what changed, in the order it was committed (AZ-16 to AZ-20)."""

from __future__ import annotations

import json
import sqlite3

from workbench.entities.event import Event
from workbench.store.codec import moment

RUN_CREATED = "RunCreated"
RUN_STATUS_CHANGED = "RunStatusChanged"
RUN_COMPLETED = "RunCompleted"
RUN_RECORDS = "RunRecords"
RUN_CHANGED = "RunChanged"
TARGET_CHANGED = "TargetChanged"
EXPERIMENT_CHANGED = "ExperimentChanged"
ACTIVITY_CHANGED = "ActivityChanged"
ALERT_RAISED = "AlertRaised"
ALERT_CLEARED = "AlertCleared"
ALERT_SILENCED = "AlertSilenced"
OF_RUNS = "kind IN ('RunCreated', 'RunStatusChanged', 'RunChanged', 'ExperimentChanged')"
"""Events that may change which runs a list holds, and in which order; `events_of_runs` is their index."""


def run_subject(experiment: str, run_id: str) -> str:
    """The subject of a run's events (AZ-17)."""
    return f"experiments/{experiment}/runs/{run_id}"


def run_of(subject: str) -> str | None:
    """The id of the run whose events have this subject; None when it is nobody's."""
    parts = subject.split("/")
    return parts[3] if len(parts) == 4 and parts[::2] == ["experiments", "runs"] else None


def after(connection: sqlite3.Connection, sequence: int = 0, limit: int = 1000) -> list[Event]:
    """Up to limit events later than sequence, oldest first."""
    rows = connection.execute(
        "SELECT sequence, time, actor, kind, subject, data FROM events"
        " WHERE sequence > ? ORDER BY sequence LIMIT ?",
        (sequence, limit),
    )
    return [
        Event(
            sequence=row[0],
            time=moment(row[1]),
            actor=row[2],
            kind=row[3],
            subject=row[4],
            data=json.loads(row[5]),
        )
        for row in rows
    ]


def last_sequence(connection: sqlite3.Connection) -> int:
    """The sequence of the newest event; 0 before the first."""
    found: int = connection.execute("SELECT coalesce(max(sequence), 0) FROM events").fetchone()[0]
    return found


def last_of_runs(connection: sqlite3.Connection) -> int:
    """The sequence of the newest event after which a list of runs may be another; 0 before the first."""
    found: int = connection.execute(
        f"SELECT coalesce(max(sequence), 0) FROM events WHERE {OF_RUNS}"
    ).fetchone()[0]
    return found
