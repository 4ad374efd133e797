"""The table of events: what changed, in the order it was committed (AZ-16 to AZ-20)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from workbench.entities.event import Event
from workbench.store.sqlite.codec import moment

COLUMNS = "sequence, time, actor, kind, subject, data"
"""What `event_of` reads."""
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
WORKSPACE_CHANGED = "WorkspaceChanged"
ENVIRONMENT_REGISTERED = "EnvironmentRegistered"
ENVIRONMENT_CHANGED = "EnvironmentChanged"
HOSTED_NAME_CHANGED = "HostedNameChanged"
DATASTORE_CHANGED = "DatastoreChanged"
DATASET_REGISTERED = "DatasetRegistered"
DATASET_CHANGED = "DatasetChanged"
SECRET_CHANGED = "SecretChanged"
MODEL_REGISTERED = "ModelRegistered"
MODEL_CHANGED = "ModelChanged"
MODEL_ALIAS_MOVED = "ModelAliasMoved"
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
    DATASET_REGISTERED,
    DATASET_CHANGED,
    MODEL_REGISTERED,
    MODEL_CHANGED,
    MODEL_ALIAS_MOVED,
)
"""What one can subscribe to."""
OF_RUNS = "kind IN ('RunCreated', 'RunStatusChanged', 'RunChanged', 'ExperimentChanged')"
"""Events that may change which runs a list holds, and in which order; `events_of_runs` is their index."""


def run_subject(experiment: str, run_id: str) -> str:
    """The subject of a run's events (AZ-17)."""
    return f"experiments/{experiment}/runs/{run_id}"


def model_subject(name: str, version: int | None = None) -> str:
    """The subject of a model's events, or of a version's (AZ-17)."""
    return f"models/{name}" if version is None else f"models/{name}:{version}"


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
        f"SELECT {COLUMNS} FROM events WHERE sequence > ?{named}{stay} ORDER BY sequence LIMIT ?",
        (sequence, *kinds, limit),
    )
    return [event_of(row) for row in rows]


def event_of(row: Sequence[Any]) -> Event:
    """The event of a row of COLUMNS."""
    sequence, time, actor, kind, subject, data = row
    return Event(
        sequence=sequence,
        time=moment(time),
        actor=actor,
        kind=kind,
        subject=subject,
        data=json.loads(data),
    )


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
