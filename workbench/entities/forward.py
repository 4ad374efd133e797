"""Forwards: a port of this machine that leads to one on another, kept until somebody closes it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from workbench.entities.base import Entity

LOCALHOST = "localhost"


class ForwardState(StrEnum):
    """Whether somebody is let in."""

    OPEN = "open"
    STARTING = "starting"
    """What it leads to is being started."""
    WAITING = "waiting"
    """It cannot be now, and is tried again; `problem` says why."""


class Forward(Entity, frozen=True, kw_only=True):
    """One forward; its local port is its name."""

    local: int
    """The port on this machine, on the loopback interface alone."""
    target: str
    host: str = LOCALHOST
    """As the target knows it; localhost is the target itself."""
    port: int | None = None
    """There; absent while what it leads to has none yet."""
    run: str | None = None
    """The id of the run it is for."""
    run_name: str | None = None
    tool: str | None = None
    """What was started for it and ends with it: tensorboard, jupyter."""
    key: str | None = None
    """What the target knows the tool by."""
    created: datetime | None = None

    # As it is now; nothing of it is kept.
    state: ForwardState = ForwardState.OPEN
    problem: str | None = None
    url: str | None = None
    connections: int = 0
    """Open now."""
    served: int = 0
    """All so far."""
