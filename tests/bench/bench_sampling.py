"""What one look at a machine's host and processes costs: the probe's own reading of /proc, and psutil's."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from tests.bench.bench_probe import PROCESSES, thirty
from tests.bench.report import Row, alternate, full
from workbench.compute.local_host import LocalHostSampler
from workbench.compute.portable_processes import PortableProcesses
from workbench.remote.machine import pid_namespace
from workbench.remote.probe.host_sampling import HostSampler
from workbench.remote.probe.process_sampling import ProcessSampler

LOOKS = 20
"""Looks that are measured together: one is shorter than what a process's clock counts in."""
TICK = 0.1
"""Seconds between two looks: what is read now and then takes its share, as at 10 Hz."""


def run() -> list[Row]:
    """CPU time a tick of both, host and processes alone and together."""
    places = {"home": os.path.expanduser("~"), "leases": "/var/tmp"}
    with thirty() as pids:
        uses = {pid: [{"gpu": "GPU-1", "memory": 1 << 30}] for pid in pids}
        ours, theirs = HostSampler(places), LocalHostSampler(places)
        mine, portable = ProcessSampler(pid_namespace(), False), PortableProcesses()
        looks: list[Callable[[], object]] = [
            ours.sample,
            theirs.sample,
            lambda: mine.sample(uses),
            lambda: portable.sample(uses),
        ]
        for look in looks:
            look()
        took = alternate([measure(look) for look in looks], 9 if full() else 5)
    host, host_psutil, processes, processes_psutil = took
    what = f"{PROCESSES} processes"
    return [
        row("probe: host facts, CPU a tick", host, host_psutil),
        row(f"probe: {what}, CPU a tick", processes, processes_psutil),
        row(f"probe: host and {what}, CPU a tick", host + processes, host_psutil + processes_psutil),
    ]


def measure(look: Callable[[], object]) -> Callable[[], float]:
    """Milliseconds of CPU of one look, its threads' included."""

    def looks() -> float:
        began = time.process_time()
        for _ in range(LOOKS):
            look()
            time.sleep(TICK)
        return (time.process_time() - began) * 1000 / LOOKS

    return looks


def row(what: str, figure: float, reference: float) -> Row:
    """One row of the table."""
    return Row(
        what, figure, "ms", "<= psutil", f"psutil, the same fields: {reference:.3g} ms", figure / reference
    )
