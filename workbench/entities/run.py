"""A run, its states and the transitions between them (AZ-70 to AZ-92)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from workbench.entities.base import Entity
from workbench.entities.run_data import RunData
from workbench.remote.forms import protocol


class RunState(StrEnum):
    """AZ-70's names; a member's value is what machines and JSON say."""

    NOT_STARTED = protocol.NOT_STARTED
    STARTING = protocol.STARTING
    PROVISIONING = protocol.PROVISIONING
    PREPARING = protocol.PREPARING
    QUEUED = protocol.QUEUED
    RUNNING = protocol.RUNNING
    FINALIZING = protocol.FINALIZING
    CANCEL_REQUESTED = protocol.CANCEL_REQUESTED
    COMPLETED = protocol.COMPLETED
    FAILED = protocol.FAILED
    CANCELED = protocol.CANCELED
    NOT_RESPONDING = protocol.NOT_RESPONDING
    PAUSED = protocol.PAUSED
    PAUSING = protocol.PAUSING
    UNAPPROVED = protocol.UNAPPROVED

    @property
    def terminal(self) -> bool:
        """Whether a run in this state never changes by itself again (AZ-72)."""
        return self.value in protocol.TERMINAL


WORKING = frozenset({RunState.RUNNING, RunState.FINALIZING, RunState.CANCEL_REQUESTED})
"""States of a run that is on its machine; before them it is on its way there."""


class Transition(Entity, frozen=True, kw_only=True):
    """One step in a run's life, as the machine that ran it wrote it down."""

    seq: int
    """Counts from 1 within the run; the follower applies transitions by it, all of them."""
    state: RunState
    time: datetime
    """By the machine's clock."""
    attempt: int = 1
    cause: str | None = None
    """A code of remote.protocol.CAUSE_*; absent for ordinary progress."""
    message: str | None = None
    """The cause as a sentence for people."""
    exit_code: int | None = None
    signal: int | None = None


class Resources(Entity, frozen=True, kw_only=True):
    """What an attempt used, by the kernel's accounting of the whole tree."""

    cpu_seconds: float | None = None
    peak_memory: int | None = None
    """Bytes of the largest process."""
    stream_bytes: int | None = None
    stream_dropped: int | None = None
    """Bytes of output that were not kept (full disk, or over the cap)."""


class GitFacts(Entity, frozen=True, kw_only=True):
    """Where the code came from (AZ-120 to AZ-125); credentials are stripped from the URL."""

    repository_uri: str | None = None
    branch: str | None = None
    commit: str | None = None
    dirty: bool | None = None
    build_id: str | None = None
    build_uri: str | None = None


class Interpreter(Entity, frozen=True, kw_only=True):
    """A Python that a run used on its machine (AZ-90)."""

    path: str
    version: str
    platform: str
    """Such as linux-x86_64."""
    distributions: int | None = None
    """How many are installed in it; absent where it could not be asked."""


class MetricValue(Entity, frozen=True, kw_only=True):
    """The summary of one metric in a run's row: its plain view over ranks and files."""

    last: float
    min: float | None = None
    max: float | None = None
    count: int = 1
    last_step: int | None = None


class RunFile(Entity, frozen=True, kw_only=True):
    """A file the run kept, by its path relative to the run's folder (outputs/..., logs/...)."""

    path: str
    size: int
    modified: datetime | None = None
    sha256: str | None = None
    """Absent until it was hashed."""
    collected: bool = False
    """Whether its bytes are on this side too."""


class RunChildren(Entity, frozen=True, kw_only=True):
    """What there is below a run, to any depth."""

    count: int
    active: int = 0
    failed: int = 0
    best: float | None = None
    """The best finite value of the metric their experiment is judged by."""


class Run(Entity, frozen=True, kw_only=True):
    """One execution of a command on a target, in one or more attempts."""

    id: str
    name: str
    """Such as calm-otter-42; not unique."""
    experiment: str
    target: str
    status: RunState = RunState.NOT_STARTED
    cause: str | None = None
    message: str | None = None
    """Why it is in this state, in words: the queue's reason, or the cause of death."""
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    exit_code: int | None = None
    signal: int | None = None
    attempt: int = 1
    command: str | None = None
    """The command as one would type it."""
    tags: dict[str, str | None] = {}
    properties: dict[str, str] = {}
    params: dict[str, str] = {}
    metrics: dict[str, MetricValue] = {}
    description: str | None = None
    environment: str | None = None
    """The interpreter that was asked for; `interpreters` are those that ran."""
    interpreters: list[Interpreter] = []
    inputs: list[RunData] = []
    """What it read (AZ-60)."""
    outputs: list[RunData] = []
    """Its named outputs, and what became of them."""
    gpus: list[str] = []
    gpus_wanted: int | None = None
    """How many it waits for; absent when it waits for none, or no longer."""
    git: GitFacts | None = None
    snapshot: str | None = None
    snapshot_code: bool = True
    """Whether its code was to be sent; without it the run starts in an empty directory (AZ-119)."""
    collect_outputs: bool = True
    """Whether outputs/ and logs/ are fetched by themselves (AZ-119)."""
    submitted_by: str | None = None
    parent: str | None = None
    """The id of the run it is a child of."""
    inside: str | None = None
    """The id of the run that made it in its own process and whose folder it shares; absent where it was
    submitted."""
    children: RunChildren | None = None
    """Absent where it has none."""
    resources: Resources | None = None
    warnings: int = 0
    archived: bool = False
    as_of: datetime | None = None
    """When its machine last said anything about it, by this side's clock."""
