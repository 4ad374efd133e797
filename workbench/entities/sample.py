"""What a machine's probe measures: its host, its GPUs, the processes on them.

Everything but names may be absent, and absent is never zero (law 4). Sizes are bytes, rates bytes a second,
shares percent from 0 to 100 (a process's CPU: 100 is one core), powers watts, clocks MHz, temperatures
degrees Celsius, times seconds since 1970, durations seconds. GPUs are named by UUID, never by index.
"""

from __future__ import annotations

from workbench.entities.base import Entity


class Measured(Entity, frozen=True, kw_only=True):
    """What comes hundreds of times a second: msgspec leaves out what is absent, no garbage is looked for."""


class Traffic(Measured, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Bytes a second in both directions, as the machine or device sees them."""

    received: float | None = None
    sent: float | None = None


class Disk(Measured, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A file system where something of ours lives; `free` is what this user may still fill."""

    path: str
    roles: list[str] = []
    """What is there: root (runs), home, leases."""
    kind: str | None = None
    total: int | None = None
    free: int | None = None
    read: float | None = None
    written: float | None = None
    """Bytes a second of its device, where one device carries it."""
    age: float | None = None
    """Seconds since it last answered, where that is too long ago: a dead network disk does not."""


class HostSample(Measured, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The machine itself."""

    cpus: int | None = None
    cpu: float | None = None
    """Percent of all CPUs together."""
    load: list[float] | None = None
    """Over 1, 5 and 15 minutes."""
    memory_total: int | None = None
    memory_used: int | None = None
    """Total less what could be given to a program at once."""
    swap_total: int | None = None
    swap_used: int | None = None
    uptime: float | None = None
    users: int | None = None
    """People logged in, each counted once."""
    network: Traffic | None = None
    disks: list[Disk] = []


class Remapped(Measured, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Rows of GPU memory that were replaced by spare ones."""

    corrected: int | None = None
    uncorrected: int | None = None
    pending: bool | None = None
    failed: bool | None = None


class Xid(Measured, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An error the driver reported of a GPU."""

    code: int
    time: float


class GpuSample(Measured, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One GPU (or MIG instance, then `parent` names its card)."""

    uuid: str
    index: int | None = None
    name: str | None = None
    bus: str | None = None
    parent: str | None = None
    utilisation: float | None = None
    memory_utilisation: float | None = None
    """Percent of time in which its memory was read or written."""
    encoder: float | None = None
    decoder: float | None = None
    jpeg: float | None = None
    optical_flow: float | None = None
    memory_total: int | None = None
    memory_used: int | None = None
    memory_reserved: int | None = None
    """By the driver; not part of used."""
    temperature: float | None = None
    memory_temperature: float | None = None
    power: float | None = None
    power_limit: float | None = None
    sm_clock: float | None = None
    sm_clock_max: float | None = None
    memory_clock: float | None = None
    memory_clock_max: float | None = None
    fan: float | None = None
    performance_state: int | None = None
    throttle: list[str] | None = None
    """Why its clocks are held back now: words of remote.gpu_words.THROTTLE; empty = they are not."""
    ecc_corrected: int | None = None
    ecc_uncorrected: int | None = None
    """Since the driver was loaded."""
    remapped: Remapped | None = None
    retired_pages: int | None = None
    xid: Xid | None = None
    """The last one seen since the probe started."""
    pcie: Traffic | None = None
    pcie_generation: int | None = None
    pcie_width: int | None = None
    nvlink: Traffic | None = None
    mig: bool | None = None
    compute_mode: str | None = None
    error: str | None = None
    """Why the figures are old or missing: hung, lost, or the driver's own words."""
    age: float | None = None
    """Seconds since the figures were read; absent while they are fresh."""


class GpuUse(Measured, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one process has of one GPU."""

    gpu: str
    memory: int | None = None
    utilisation: float | None = None
    """Percent of its SMs' time; absent when the driver had no sample, which is not 0."""


class ProcessSample(Measured, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A process on a GPU, or one of a run of ours."""

    pid: int
    start: int | None = None
    """Field 22 of /proc/PID/stat: with pid and boot id its identity; absent for one we cannot see."""
    user: str | None = None
    command: str | None = None
    """Absent for another user's."""
    gpus: list[GpuUse] = []
    cpu: float | None = None
    memory: int | None = None
    """Resident bytes."""
    age: float | None = None
    run: str | None = None
    """The run it belongs to."""
    found_by: str | None = None
    """How that is known: cgroup, environment, session, parent."""
    mine: bool = False
    """Whether it runs as the user we are on the machine: only such a one can be ended from here."""
    container: str | None = None
    """The container it is in: docker or podman id, shortened."""


class Driver(Measured, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The GPU driver as the probe found it."""

    version: str | None = None
    cuda: str | None = None
    source: str | None = None
    """nvml, nvidia-smi, sysfs; absent = no GPU library at all."""
    error: str | None = None
    """In words, such as a driver and library of different versions."""


class MachineSample(Measured, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Everything one tick of a probe knows of its machine."""

    time: float
    """Of the machine's own clock."""
    every: float | None = None
    """Seconds between ticks now."""
    host: HostSample = HostSample()
    driver: Driver = Driver()
    gpus: list[GpuSample] = []
    """In bus order."""
    processes: list[ProcessSample] = []
    note: str | None = None
    """What limits the view, such as pids that are another namespace's."""
