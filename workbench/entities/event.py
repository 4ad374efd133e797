"""Events: what changed, in order; activities: what takes long (AZ-13 to AZ-20)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from workbench.entities.base import Entity


class Event(Entity, frozen=True, kw_only=True):
    """One change, written in the same transaction as the change itself."""

    sequence: int
    time: datetime
    actor: str
    kind: str
    """Such as RunStatusChanged, RunCompleted, RunRecords, TargetChanged, ActivityChanged."""
    subject: str
    """experiments/{name}/runs/{id}, compute/{name}, activities/{id} (AZ-17)."""
    data: dict[str, Any] = {}


class ActivityState(StrEnum):
    """How a long operation stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


class Activity(Entity, frozen=True, kw_only=True):
    """A long-running operation with progress, an end, and an error that says what to do."""

    id: str
    kind: str
    """attach, submit, collect, adopt ..."""
    subject: str
    state: ActivityState = ActivityState.RUNNING
    text: str = ""
    done: int | None = None
    total: int | None = None
    started: datetime
    ended: datetime | None = None
    error: str | None = None
    hint: str | None = None
