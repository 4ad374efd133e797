"""What a process of a run is doing at a moment: where its threads are, or what they wait for."""

from __future__ import annotations

from workbench.entities.base import Entity


class ThreadWait(Entity, frozen=True, kw_only=True):
    """One thread as the kernel sees it; what cannot be read is absent."""

    id: int
    name: str | None = None
    state: str | None = None
    """A letter as in /proc: R, S, D, T ..."""
    wchan: str | None = None
    """The function of the kernel it waits in."""
    kernel: list[str] = []
    """Its stack in the kernel, where that may be read."""


class ProcessStack(Entity, frozen=True, kw_only=True):
    """One process."""

    pid: int
    parent: int
    state: str
    command: str | None = None
    cpu: float | None = None
    """Seconds it has computed."""
    rank: int | None = None
    threads: int | None = None
    """How many it has; `waits` has the first of them."""
    waits: list[ThreadWait] = []
    python: str | None = None
    """Where each thread of a Python is, as text; absent for what is none, or cannot be asked."""
    by: str | None = None
    """Who said so: faulthandler (the process itself) or py-spy."""
    problem: str | None = None


class RunStacks(Entity, frozen=True, kw_only=True):
    """The processes of a run; `more` were left out."""

    processes: list[ProcessStack] = []
    more: int = 0
