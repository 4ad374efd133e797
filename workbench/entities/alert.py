"""Alerts: what is wrong with a machine now, as a sentence, and what to do about it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from workbench.entities.base import Entity


class Severity(StrEnum):
    """How an alert is shown."""

    WARN = "warn"
    """Worth a look: something is wasted, or will be a problem."""
    BAD = "bad"
    """Something is broken, or work will be lost."""


class Alert(Entity, frozen=True, kw_only=True):
    """One rule that holds of a machine, or of one GPU, run, disk or process of it, until it does no more."""

    rule: str
    """The id of the rule, such as held-idle or disk-full."""
    target: str
    gpu: str | None = None
    """UUID of the GPU it is about."""
    run: str | None = None
    """Id of the run it is about."""
    about: str | None = None
    """What else it is about: a disk's path, a process's pid."""
    severity: Severity
    text: str
    """What is wrong."""
    advice: str
    """What to do."""
    since: datetime
    silenced_until: datetime | None = None
    """It is shown, but nobody is called, until then."""


class RuleCard(Entity, frozen=True, kw_only=True):
    """A rule as a person reads of it."""

    rule: str
    severity: Severity
    """How it is shown, mostly: some rules make a difference."""
    condition: str
    """When it calls, with the settings as they are."""
    over: str
    """When it is over by itself."""
    off: bool = False
    """Whether the settings switch it off everywhere."""
