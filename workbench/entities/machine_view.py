"""A machine as it is watched: what was measured last and how old that is, whose runs are there, alerts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from workbench.entities.alert import Alert
from workbench.entities.base import Entity
from workbench.entities.queue import Cordon
from workbench.entities.run import RunState
from workbench.entities.sample import MachineSample
from workbench.entities.target import TargetState


class Freshness(StrEnum):
    """How far what is known of a machine can be trusted to be how it is now."""

    FRESH = "fresh"
    LATE = "late"
    """It should have said something by now (3 ticks and a second): amber."""
    LOST = "lost"
    """Nothing for a minute: red."""
    RESTING = "resting"
    """It is not asked: nobody looks, and none of our runs is there. Old, and nothing is wrong."""
    NEVER = "never"
    """Nothing was measured since the local server started."""


class Looking(StrEnum):
    """How closely somebody watches, which decides how often a machine is asked."""

    CLOSELY = "closely"
    """The machine in view: ten times a second, with the rates of PCIe and NVLink."""
    VISIBLE = "visible"
    """It is on the screen: once a second."""
    AWAY = "away"
    """Every five seconds, and only what is measured anyway: a machine may rest."""


class RunThere(Entity, frozen=True, kw_only=True):
    """A run of this workspace that is not over, as its machine's page shows it."""

    name: str
    experiment: str
    status: RunState
    user: str | None = None
    """Who submitted it."""
    gpus: list[str] = []
    """UUIDs of those it holds."""
    started: datetime | None = None


class MachineView(Entity, frozen=True, kw_only=True):
    """One machine. A sample that is not fresh stays, with its age."""

    name: str
    state: TargetState = TargetState.UNKNOWN
    problem: str | None = None
    """Why it is not connected, or why its figures do not come, as a sentence."""
    retry: datetime | None = None
    """When it is tried again by itself; absent when it is connected, or waits for its user."""
    freshness: Freshness = Freshness.NEVER
    age: float | None = None
    """Seconds since the sample came, when this view was made; absent without a sample."""
    heard: datetime | None = None
    """When the sample came, by this side's clock."""
    sample: MachineSample | None = None
    runs: dict[str, RunThere] = {}
    """By id."""
    held: dict[str, str] = {}
    """Who holds a GPU, by its UUID: the id of a run of ours, or the label of a lease."""
    alerts: list[Alert] = []
    cordon: Cordon | None = None
    """Nothing starts there; absent = it takes runs."""
