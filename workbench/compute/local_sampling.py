"""This machine as a probe tells of any other, through pynvml and psutil: nothing of it needs a link or /proc.

It is done by a child process, since a driver that hangs or crashes takes along whoever asks it. The child is
this module as a program: JSON lines {"every", "detail"} in, a MachineSample in JSON a tick out, and the end
with its input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from typing import Any, Protocol

import msgspec

from workbench.compute.process_end import close_pipes, ended
from workbench.compute.sample_texts import cleaned
from workbench.entities.base import from_wire
from workbench.entities.sample import MachineSample
from workbench.errors import RemoteError
from workbench.remote.machine import DEFAULT_ROOT, LEASE_PARENT, absolute, pid_namespace

WAIT_SHARE = 0.5
"""Of a tick may pass before what is not there yet is left for the next one."""
LONGEST_WAIT = 0.25
LOOK = 0.1
"""Seconds between two looks at how often samples are wanted."""
GONE = 1.0
"""Seconds the child gets to end before it is killed."""
LONGEST_LINE = 8 << 20


class Processes(Protocol):
    """What tells of processes, see `ProcessSampler`."""

    note: str | None

    def sample(self, gpu_uses: Mapping[int, list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Rows with the fields of entities' ProcessSample."""


def places_here(root: str | None, lease_dir: str | None) -> dict[str, str]:
    """Where something of ours lies on this machine, by role; None for the defaults."""
    leases = absolute(lease_dir or os.path.join(LEASE_PARENT, f"workbench-{os.getuid()}"))
    return {"root": absolute(root or DEFAULT_ROOT), "home": os.path.expanduser("~"), "leases": leases}


class LocalSampler:
    """Samples this machine. places: role -> path, whose file systems are told of."""

    def __init__(self, places: Mapping[str, str]) -> None:
        # Here: they import pynvml and psutil, and who starts the child needs neither.
        from workbench.compute.local_gpu_threads import LocalGpus
        from workbench.compute.local_host import LocalHostSampler

        self.gpus = LocalGpus()
        self.host = LocalHostSampler(places)
        self.processes = process_sampler()

    def sample(self, every: float, detail: Collection[str] = (), wait: float = LONGEST_WAIT) -> MachineSample:
        """Now. every: seconds between samples. wait: seconds that GPUs may take at most."""
        self.gpus.sample(detail, wait)
        sample = {
            "time": time.time(),
            "every": every,
            "host": self.host.sample(),
            "driver": self.gpus.driver(),
            "gpus": self.gpus.rows(every),
            "processes": self.processes.sample(self.gpus.uses()),
            "note": self.processes.note,
        }
        return from_wire(MachineSample, cleaned(sample))


def process_sampler() -> Processes:
    """By /proc, which knows cgroups and containers besides; by psutil where there is none."""
    if os.path.exists("/proc/self/stat"):
        from workbench.remote.probe.process_sampling import ProcessSampler

        return ProcessSampler(pid_namespace())
    from workbench.compute.portable_processes import PortableProcesses

    return PortableProcesses()


async def samples(
    every: Callable[[], float],
    places: Mapping[str, str] | None = None,
    detail: Callable[[], Collection[str]] = tuple,
) -> AsyncGenerator[MachineSample, None]:
    """Samples of this machine, `every()` seconds apart: what it says is looked at all the time.

    detail: UUIDs of GPUs whose PCIe and NVLink rates are wanted. Raises RemoteError when the child ends.
    """
    words = json.dumps(dict(places or places_here(None, None)))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", __name__, words,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LONGEST_LINE,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    line: asyncio.Task[bytes] | None = None
    asked = ""
    try:
        while True:
            line = line or asyncio.create_task(child.stdout.readline())
            wish = json.dumps({"every": every(), "detail": sorted(detail())})
            if wish != asked:
                asked = wish
                child.stdin.write(wish.encode() + b"\n")
            await asyncio.wait({line}, timeout=LOOK)
            if line.done():
                told, line = line.result(), None
                if not told:
                    raise RemoteError("what samples this machine ended", "it is started again by itself")
                yield msgspec.json.decode(told, type=MachineSample)
    finally:
        if line is not None:
            line.cancel()
        child.stdin.close()
        await _end(child)


async def _end(child: asyncio.subprocess.Process) -> None:
    """It ends with its input; one that hangs in the kernel is left to end when it can."""
    for _ in range(2):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GONE):
                await ended(child)
                close_pipes(child)
                return
        with contextlib.suppress(ProcessLookupError):
            child.kill()


def main(argv: list[str]) -> None:
    """Be the child. argv: the places in JSON."""
    from workbench.remote.probe.ticking import Wish, listen, writer

    output = os.dup(1)
    os.dup2(2, 1)  # what a library prints is not ours
    wish = Wish()
    threading.Thread(target=listen, args=(wish, 0, output), daemon=True).start()
    write = writer(output)
    sampler = LocalSampler(json.loads(argv[0]))
    while True:
        began = time.monotonic()
        wish.changed.clear()
        wait = min(LONGEST_WAIT, WAIT_SHARE * wish.every)
        write(msgspec.json.encode(sampler.sample(wish.every, wish.detail, wait)) + b"\n")
        while (left := began + wish.every - time.monotonic()) > 0:
            if wish.changed.wait(left):
                wish.changed.clear()


if __name__ == "__main__":
    main(sys.argv[1:])
