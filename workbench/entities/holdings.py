"""What the workbench keeps on a machine, and what of it may go."""

from __future__ import annotations

from workbench.entities.base import Entity


class HeldRun(Entity, frozen=True, kw_only=True):
    """A run's folder on a machine."""

    id: str
    bytes: int
    """On the disk."""
    age: float
    """Seconds since its state changed last, by the machine's clock."""
    over: bool = False
    """Whether it is over, as far as the machine can read."""
    ours: bool = True
    """Whether it ran on this machine: several may share a folder."""
    workspace: str | None = None
    name: str | None = None
    experiment: str | None = None
    snapshot: str | None = None
    environment: str | None = None


class Held(Entity, frozen=True, kw_only=True):
    """A snapshot's list of files, an environment, data, or a copy of our program, by its id."""

    id: str
    bytes: int
    age: float
    name: str | None = None


class Counted(Entity, frozen=True, kw_only=True):
    """Many things of which only the number and the room matter."""

    count: int
    bytes: int


class Holdings(Entity, frozen=True, kw_only=True):
    """All of it, and how much room there is."""

    root: str
    total: int
    free: int | None = None
    runs: list[HeldRun] = []
    trees: list[Held] = []
    environments: list[Held] = []
    data: list[Held] = []
    """Datasets in the cache; age: since a run wanted it last."""
    copies: list[Held] = []
    """Copies of our program but for the one at work: each release leaves one."""
    blobs: Counted
    payloads: Counted
    other: Counted


class Item(Entity, frozen=True, kw_only=True):
    """Something that goes, or would."""

    kind: str
    """run, tree, environment, data or payload (a copy of our program)."""
    id: str
    bytes: int
    age: float
    name: str | None = None
    experiment: str | None = None
    warning: str | None = None
    """What is lost with it, where that is more than room."""


class PrunePlan(Entity, frozen=True, kw_only=True):
    """What a pruning of a machine would remove, and why the rest stays."""

    target: str
    remove: list[Item] = []
    kept: dict[str, int] = {}
    """How many runs stay, by reason."""
    stays: dict[str, str] = {}
    """Why each of them stays, by id."""
    bytes: int = 0
    """What would be freed; more contents may go than those, once nothing names them."""
    blobs: int | None = None
    """Contents that nothing would name any more; absent until the machine was asked."""
    free: int | None = None
