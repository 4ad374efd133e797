"""The table of events: what changed, in the order it was committed (AZ-16 to AZ-20)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from workbench.entities.event import Event
from workbench.store.codec import moment

RUN_CREATED = "RunCreated"
RUN_STATUS_CHANGED = "RunStatusChanged"
RUN_COMPLETED = "RunCompleted"
RUN_RECORDS = "RunRecords"
RUN_CHANGED = "RunChanged"
TARGET_CHANGED = "TargetChanged"
POOL_CHANGED = "PoolChanged"
EXPERIMENT_CHANGED = "ExperimentChanged"
ACTIVITY_CHANGED = "ActivityChanged"
ALERT_RAISED = "AlertRaised"
ALERT_CLEARED = "AlertCleared"
ALERT_SILENCED = "AlertSilenced"
FORWARD_CHANGED = "ForwardChanged"
SUBSCRIPTION_CHANGED = "SubscriptionChanged"
VIEW_CHANGED = "ViewChanged"
COMPARISON_CHANGED = "ComparisonChanged"
NOTIFIED = "Notified"
"""A subscription asks every dashboard that is open to say something."""
KINDS = (
    RUN_CREATED,
    RUN_STATUS_CHANGED,
    RUN_COMPLETED,
    RUN_RECORDS,
    RUN_CHANGED,
    TARGET_CHANGED,
    EXPERIMENT_CHANGED,
    ACTIVITY_CHANGED,
    ALERT_RAISED,
    ALERT_CLEARED,
    ALERT_SILENCED,
)
"""What one can subscribe to."""
OF_RUNS = "kind IN ('RunCreated', 'RunStatusChanged', 'RunChanged', 'ExperimentChanged')"
"""Events that may change which runs a list holds, and in which order; `events_of_runs` is their index."""


def run_subject(experiment: str, run_id: str) -> str:
    """The subject of a run's events (AZ-17)."""
    return f"experiments/{experiment}/runs/{run_id}"


def run_of(subject: str) -> str | None:
    """The id of the run whose events have this subject; None when it is nobody's."""
    parts = subject.split("/")
    return parts[3] if len(parts) == 4 and parts[::2] == ["experiments", "runs"] else None


def after(
    connection: sqlite3.Connection,
    sequence: int = 0,
    limit: int = 1000,
    *,
    kinds: Sequence[str] = (),
    lasting: bool = False,
) -> list[Event]:
    """Up to limit events later than sequence, oldest first.

    kinds: only of these, where any are named. lasting: without fleeting ones, which the next replaces.
    """
    named = f" AND kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
    stay = " AND fleeting = 0" if lasting else ""
    rows = connection.execute(
        "SELECT sequence, time, actor, kind, subject, data FROM events"
        f" WHERE sequence > ?{named}{stay} ORDER BY sequence LIMIT ?",
        (sequence, *kinds, limit),
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
