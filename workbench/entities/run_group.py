"""Runs that have something in common, summed up: one row of a grouped list."""

from __future__ import annotations

from workbench.entities.base import Entity


class RunGroup(Entity, frozen=True, kw_only=True):
    """The runs of a list with one value of what they are grouped by."""

    value: str | None
    """Absent: the runs that have none."""
    count: int
    active: int
    """Runs of them that can still change."""
    failed: int
    metric: str | None = None
    """What they are judged by, where it is one metric for all of them."""
    best: float | None = None
    """The best finite value of that metric in any of them."""
    best_run: str | None = None
    """The id of the run that has it."""
    mean: float | None = None
    """The mean of its last values that are finite."""
    measured: int = 0
    """Runs that have a last value of it which is finite."""
