"""Whether what a machine said last still holds. Pure."""

from __future__ import annotations

from workbench.entities.machine_view import Freshness

TICKS = 3
"""Samples that may be missing before a machine is late, and a second more."""
LOST = 60.0
"""Seconds without one after which it is lost, however seldom it is asked."""


def late_after(every: float) -> float:
    """Seconds after which a machine that says something every so many seconds is late."""
    return min(TICKS * every + 1.0, LOST)


def judge(age: float | None, every: float, asked: bool) -> Freshness:
    """How fresh a sample is that came age seconds ago (None: there is none).

    every: seconds between samples now. asked: whether the machine is to send any.
    """
    if age is None:
        return Freshness.NEVER
    if age <= late_after(every):
        return Freshness.FRESH
    if not asked:
        return Freshness.RESTING
    return Freshness.LATE if age <= LOST else Freshness.LOST
