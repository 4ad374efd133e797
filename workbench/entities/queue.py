"""The queues of machines: who runs, who waits, why, and for how long still."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from workbench.entities.base import Entity


class QueueState(StrEnum):
    """How somebody stands in a queue."""

    RUNNING = "running"
    WAITING = "waiting"
    HELD = "held"


class QueueKind(StrEnum):
    """What stands in a queue."""

    RUN = "run"
    SHELL = "shell"
    """A terminal that holds GPUs while somebody works in it."""


class QueueEntry(Entity, frozen=True, kw_only=True):
    """One run, or one shell, that has GPUs or a slot of a machine, or waits for them.

    It may be another laptop's or another user's: then this side knows no more of it than this.
    """

    run: str
    """The run's id; for a shell one of its own."""
    kind: QueueKind = QueueKind.RUN
    name: str = ""
    experiment: str = ""
    by: str = ""
    """Who submitted it, and from where, in their own words."""
    user: str = ""
    """The user of the machine it runs as."""
    mine: bool = True
    """Whether it is this user's there: only those can be held, released or moved."""
    target: str
    state: QueueState
    position: int | None = None
    """Its place among those that wait, from 1; absent while it is on hold or has what it wants."""
    gpus: int = 0
    """How many it wants."""
    devices: list[str] = []
    """Those it has, by UUID."""
    priority: int = 0
    reason: str = ""
    """Why it waits, as a sentence."""
    expected_wait: float | None = None
    """Seconds until it will probably start; absent where nothing tells."""
    expected_left: float | None = None
    """Seconds that it will probably go on, of one that runs."""
    at_most: bool = False
    """Whether these seconds rest on maximum durations: a bound, not a guess."""
    pool: str | None = None
    """The pool it was sent to: it may still go to another machine."""
    elsewhere: dict[str, str] = {}
    """What was found of the pool's other machines: name -> why it is not there, as a sentence."""
    since: datetime | None = None
    """When it began to wait, or to run; by the machine's clock."""


class Cordon(Entity, frozen=True, kw_only=True):
    """A machine out of service: nothing starts there, what runs goes on."""

    drain: bool = False
    """Nothing new is taken on either."""
    reason: str = ""
    by: str = ""
    since: datetime | None = None


class MachineQueue(Entity, frozen=True, kw_only=True):
    """The queue of one machine in a line."""

    target: str
    running: int | None = None
    """How many have what they want; absent when the machine could not be asked, as is the next."""
    waiting: int | None = None
    cordon: Cordon | None = None
    problem: str | None = None
    """Why it could not be asked."""


class QueueOutcome(Entity, frozen=True, kw_only=True):
    """What became of a change of several runs in their queues."""

    changed: list[str] = []
    """Ids of the runs that were changed."""
    refused: dict[str, str] = {}
    """Id -> why it was not, as a sentence."""
