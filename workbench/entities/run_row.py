"""A run as one row of a table: what a list of very many runs shows of each."""

from __future__ import annotations

from datetime import datetime

from workbench.entities.base import Entity
from workbench.entities.run import RunChildren, RunState


class RunRow(Entity, frozen=True, kw_only=True):
    """A run without what only its own page shows; the fields are those of Run where they have its names."""

    id: str
    name: str
    experiment: str
    target: str
    status: RunState
    cause: str | None = None
    message: str | None = None
    """Why it waits, or why it ended, in words."""
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    exit_code: int | None = None
    attempt: int = 1
    gpus: list[str] = []
    warnings: int = 0
    archived: bool = False
    as_of: datetime | None = None
    parent: str | None = None
    inside: str | None = None
    """The run it was made in, whose folder it shares."""
    children: RunChildren | None = None
    """Absent where it has none."""
    metric: str | None = None
    """The metric its experiment is judged by."""
    last: float | None = None
    """That metric's last value; absent before the first."""
    best: float | None = None
    """Its best finite value so far, by the experiment's goal."""
    last_step: int | None = None
    sparkline: list[float] = []
    """That metric's course from its first step to its last, at most 32 values."""
    sparklines: dict[str, list[float]] = {}
    """The course of other metrics asked for, by name."""
    params: dict[str, str] = {}
    tags: dict[str, str | None] = {}
    metrics: dict[str, float] = {}
    """Last values of the metrics asked for."""
    figures: dict[str, float] = {}
    """Other figures asked for, by column: min:NAME, max:NAME, best:NAME."""
    attributes: dict[str, str | float | None] = {}
    """Attributes asked for that are no fields of a row, by name: command, branch ..."""


class RunTable(Entity, frozen=True, kw_only=True):
    """One page of a table of runs."""

    total: int | None = None
    """Runs that fit, on this page or not; None where this page does not tell: `runs.count` counts them."""
    rows: list[RunRow]
    sequence: int
    """The newest event the page knows of: whoever watches from here on misses nothing."""
