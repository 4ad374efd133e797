"""Compute targets: a machine one reaches, and what was measured and chosen when it was attached."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from workbench.entities.base import Entity
from workbench.entities.queue import Cordon


class TargetKind(StrEnum):
    """How a target is reached."""

    LOCAL = "local"
    SSH = "ssh"


class Transport(StrEnum):
    """Which SSH client carries the link."""

    ASYNCSSH = "asyncssh"
    OPENSSH = "openssh"


class TargetState(StrEnum):
    """What we know of a machine now; unreachable is not failed (law 3)."""

    UNKNOWN = "unknown"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    UNREACHABLE = "unreachable"
    NEEDS_SIGN_IN = "needs sign-in"
    IDLE = "idle"
    """Nothing to ask it now; the connection is closed."""
    STARTING = "starting"
    """Its start command runs, or was run and it does not answer yet."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    """Its stop command was run; nobody has reached it since."""


POWER = frozenset({TargetState.STARTING, TargetState.STOPPING, TargetState.STOPPED})
"""States of a machine that was switched on or off; that it cannot be reached then is no news."""


class TargetSettings(Entity, frozen=True, kw_only=True):
    """Everything about a target a person may set."""

    address: str | None = None
    """[USER@]HOST[:PORT] or a Host of ~/.ssh/config; absent for local."""
    transport: Transport = Transport.ASYNCSSH
    identity: str | None = None
    jump: str | None = None
    root: str | None = None
    """The folder of ours on the machine; absent = ~/.workbench there."""
    lease_dir: str | None = None
    """Leases and locks, on a local disk; absent = /var/tmp/workbench-<uid> there."""
    python: str | None = None
    """Absolute path of the interpreter the link and runs use."""
    install_python: bool = False
    """Whether uv may fetch a Python that an environment wants and the machine lacks, into our folder."""
    container_engine: str | None = None
    """The docker-compatible command that runs containers, such as podman or `sudo -n docker`; absent = the
    first of docker, podman and nerdctl that works. `none`: it runs no containers."""
    setup: list[str] = []
    """Shell lines run before the command."""
    login_shell: bool = False
    environment_variables: dict[str, str] = {}
    gpus: int = 0
    """GPUs a run gets when it does not say."""
    devices: list[str] = []
    """GPUs runs may use, preferred first, by UUID or index; empty = all."""
    foreign_memory: int | None = None
    """Bytes of a GPU that others may hold outside the queue before it counts as theirs; absent = nobody may
    compute on it, and 1 GiB of windows or hidden processes is allowed."""
    foreign_utilisation: int = 50
    """Percent of a GPU's time others may take before it counts as theirs."""
    slots: int = 0
    """Runs at once; 0 = no limit of its own."""
    grace: float = 10.0
    """Seconds between TERM and KILL when a run is cancelled."""
    stream_cap: int = 1 << 30
    """Bytes of output kept a run."""
    ssh_config: str | None = None
    """A file to read instead of ~/.ssh/config."""
    alerts_off: list[str] = []
    """Rules of alerts that this machine is not judged by."""
    start: str | list[str] | None = None
    """What switches the machine on: a shell line, or an exact argv, run on this side (a cloud's command)."""
    stop: str | list[str] | None = None
    restart: str | list[str] | None = None
    """Absent: stop, then start."""
    power_timeout: float = 600.0
    """Seconds one of these may take, and again until the machine answers."""
    protected: bool = False


class Target(Entity, frozen=True, kw_only=True):
    """A compute target's row."""

    name: str
    kind: TargetKind
    settings: TargetSettings = TargetSettings()
    created: datetime
    state: TargetState = TargetState.UNKNOWN
    problem: str | None = None
    """Why it is not connected, as a sentence."""
    last_seen: datetime | None = None
    facts: dict[str, Any] = {}
    """What the machine said of itself (remote.facts): hostname, machine_id, python, cpus, gpus ..."""
    default: bool = False
    cordon: Cordon | None = None
    """Nothing starts there, as the machine said last; absent = it takes runs."""
    running: int = 0
    """Runs on it now, by their last known state; counted when it is asked for, as is the next."""
    waiting: int = 0
    """Runs on their way to it, preparing or queued."""
