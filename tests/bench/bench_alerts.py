"""Alerts and subscriptions: judging 200 machines, bringing an event to a webhook."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench.report import Row, alternate
from tests.receivers import receiver
from tests.services import services
from workbench.alerts.engine import EVERY, Watch
from workbench.alerts.finding import Pulse
from workbench.entities.base import to_wire
from workbench.entities.machine_view import Freshness, MachineView, RunThere
from workbench.entities.run import RunState
from workbench.entities.sample import (
    Disk,
    GpuSample,
    GpuUse,
    HostSample,
    MachineSample,
    ProcessSample,
    Remapped,
)
from workbench.settings import AlertSettings
from workbench.store.sqlite import events
from workbench.store.sqlite.database import Transaction

MACHINES = 200
EVENTS = 200
NOW = 1_800_000_000.0


def run() -> list[Row]:
    """All rows."""
    return [_judging(), asyncio.run(_delivering())]


def _view() -> MachineView:
    """Eight GPUs, held by eight runs, thirty processes."""
    runs = [f"01{letter * 24}" for letter in "ABCDEFGH"]
    gpus = [
        GpuSample(
            uuid=f"GPU-{number}",
            index=number,
            utilisation=90.0,
            memory_used=1 << 35,
            throttle=["power cap"],
            ecc_uncorrected=0,
            remapped=Remapped(pending=False, failed=False),
        )
        for number in range(8)
    ]
    processes = [
        ProcessSample(
            pid=number,
            start=number,
            run=runs[number % 8],
            gpus=[GpuUse(gpu=f"GPU-{number % 8}", memory=1 << 30)],
        )
        for number in range(30)
    ]
    disk = Disk(path="/", roles=["root"], total=10**12, free=5 * 10**11)
    sample = MachineSample(time=NOW, gpus=gpus, processes=processes, host=HostSample(disks=[disk]))
    held = {f"GPU-{number}": run for number, run in enumerate(runs)}
    there = {
        run: RunThere(name=run, experiment="bench", status=RunState.RUNNING, gpus=[gpu])
        for gpu, run in held.items()
    }
    return MachineView(name="m", freshness=Freshness.FRESH, sample=sample, runs=there, held=held)


def _judging() -> Row:
    view, clock = _view(), [NOW]
    pulses = dict.fromkeys(view.runs, Pulse(NOW, NOW))
    watches = [Watch(f"m{number}", AlertSettings()) for number in range(MACHINES)]
    body = json.dumps(to_wire(view.sample))

    def judge() -> float:
        clock[0] += EVERY
        began = time.process_time()
        for watch in watches:
            watch.look(view, pulses, clock[0])
        return (time.process_time() - began) * 1000

    def parse() -> float:
        began = time.process_time()
        for _ in range(MACHINES):
            json.loads(body)
        return (time.process_time() - began) * 1000

    figure, reference = alternate([judge, parse], 11)
    return Row(
        f"alerts of {MACHINES} machines with 8 GPUs and 30 processes: one look at each",
        figure,
        "ms",
        "",
        f"parsing their whole samples as JSON {reference:.1f} ms",
        figure / reference,
        f"{figure / EVERY / 10:.2f} % of a core at one look in {EVERY:g} s",
    )


def _happen(change: Transaction) -> None:
    change.event("RunCompleted", "experiments/bench/runs/R", {"state": "Completed"})


async def _delivering() -> Row:
    with tempfile.TemporaryDirectory(prefix="bench-alerts-") as place:
        async with services(Path(place)) as live, receiver() as there:
            chosen: dict[str, Any] = {"sink": "webhook", "url": there.url, "allow": ["127.0.0.1"]}
            await live.call("subscriptions.add", name="a", plain_http=True, **chosen)
            took = []
            for number in range(EVENTS):
                began = time.perf_counter()
                await live.store.write(_happen)
                await there.until(number + 1)
                took.append((time.perf_counter() - began) * 1000)
            body = json.dumps(to_wire((await live.store.read(events.after, 0, 1))[0])).encode()
            bare = await _bare(there.url, body)
    figure, reference = statistics.median(took), statistics.median(bare)
    return Row(
        "an event from its commit to a webhook on this machine that has it, median",
        figure,
        "ms",
        "",
        f"the same POST by aiohttp, a connection each {reference:.1f} ms",
        figure / reference,
    )


async def _bare(url: str, body: bytes) -> list[float]:
    took = []
    for _ in range(EVENTS):
        began = time.perf_counter()
        async with aiohttp.ClientSession() as session, session.post(url, data=body) as answer:
            await answer.read()
        took.append((time.perf_counter() - began) * 1000)
    return took
