"""What watching a machine costs it: the probe on a scripted driver with eight GPUs and thirty processes.

nvitop is looked for in the folder WORKBENCH_BENCH_PEERS names, then on PATH; it sees the same scripted driver.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench.dashboards import cpu, resident
from tests.bench.place import lasting_folder
from tests.bench.report import Row, full
from tests.nvml.building import Nvml, environment
from tests.nvml.script import MIB, Script, counter, ramp, sine, uuid
from tests.terminal.latency import TimedProgram
from workbench.compute.payload import build_payload
from workbench.compute.samples import State
from workbench.remote import compiled
from workbench.remote.machine import Machine
from workbench.remote.probe.probe_process import ProbeProcess

GPUS, PROCESSES = 8, 30
SETTLING = 3.0
WORK = """
import time
while True:
    end = time.perf_counter() + 0.002
    while time.perf_counter() < end: pass
    time.sleep(0.25)
"""
"""Does a little now and then, so that its share of a CPU moves."""


class Cost(NamedTuple):
    """Percent of a core, MB, and the median bytes a tick."""

    cpu: float
    memory: float
    bytes: float


def run() -> list[Row]:
    """Costs at 1 Hz and 10 Hz, how soon it tells and how soon it is gone; nvitop beside it."""
    compiler = shutil.which("cc")
    if compiler is None:
        return [
            Row("probe: 8 GPUs, 30 processes", None, "% of a core", "<= 0.5 %", "no C compiler is installed")
        ]
    folder = lasting_folder()
    with thirty() as pids, scripted(folder, compiler, pids):
        machine = machine_in(folder)
        return measure(f"probe, {GPUS} GPUs, {PROCESSES} processes", machine, GPUS, "H100", uuid(0))


def measure(what: str, machine: Machine, gpus: int, name: str, close: str) -> list[Row]:
    """The costs of a probe on the driver this process finds, and nvitop's beside it.

    what: said in each row. name: a word that nvitop shows for each GPU. close: the GPU looked at closely.
    """
    starts = [first_and_last(machine, gpus) for _ in range(15 if full() else 7)]
    slow, fast = costs(machine, 1.0, close), costs(machine, 0.1, close)
    peer = nvitop(name, gpus)
    return rows(what, slow, fast, [statistics.median(took) for took in zip(*starts, strict=True)], peer)


def rows(
    what: str, slow: Cost, fast: Cost, starts: Sequence[float], peer: tuple[float, float, float] | None
) -> list[Row]:
    """The table's rows. starts: ms of `first_and_last`."""
    first, complete, gone, python = starts
    absent = "nvitop is not installed"

    def beside(number: int, ours: float, unit: str) -> tuple[str, float | None]:
        if peer is None:
            return absent, None
        return f"nvitop -m full, 200x60: {peer[number]:.3g} {unit}", ours / peer[number]

    note = f"at 10 Hz: {fast.cpu:.2f} %"
    return [
        Row(f"{what}, 1 Hz: CPU", slow.cpu, "% of a core", "<= 0.5 %", *beside(0, slow.cpu, "%"), note),
        Row(f"{what}, 1 Hz: resident memory", slow.memory, "MB", "<= 16 MB", *beside(1, slow.memory, "MB"),
            f"at 10 Hz: {fast.memory:.1f} MB"),
        Row(f"{what}, 1 Hz: bytes a tick", slow.bytes, "B", "<= 600 B", "none", None, f"at 10 Hz: {fast.bytes:.0f} B"),
        Row(f"{what}: started to its first sample of host and GPUs", first, "ms", "<= 60 ms",
            *beside(2, first, "ms to its first screen"),
            f"{first / python:.1f} x a python that does nothing; with processes: {complete:.0f} ms"),
        Row(f"{what}: gone after its input closed", gone, "ms", "<= 100 ms", "none"),
    ]  # fmt: skip


@contextlib.contextmanager
def thirty() -> Iterator[list[int]]:
    """Thirty processes that work a little."""
    command = [sys.executable, "-I", "-S", "-c", WORK]
    started = [subprocess.Popen(command) for _ in range(PROCESSES)]
    try:
        yield [one.pid for one in started]
    finally:
        for one in started:
            one.kill()
            one.wait()


@contextlib.contextmanager
def scripted(folder: Path, compiler: str, pids: list[int]) -> Iterator[None]:
    """A scripted driver in this process's environment, whose every figure moves as a training's does."""
    script = Script(folder / "script", GPUS)
    for gpu, figures in enumerate(script.gpus):
        phase = gpu / GPUS
        figures.update(
            utilisation=sine(90, 9, 17, phase),
            memory_utilisation=sine(45, 10, 13, phase),
            memory_used=ramp(60000 * MIB, 64000 * MIB, 60 + gpu),
            temperature=sine(66, 4, 60, phase),
            memory_temperature=sine(76, 4, 70, phase),
            power=sine(600_000, 60_000, 11, phase),
            sm_clock=sine(1900, 60, 19, phase),
            nvlink_sent=counter(1e6),
        )
    for number, pid in enumerate(pids):
        share = sine(60, 30, 7 + number % 5, number / PROCESSES)
        script.process(number % GPUS, pid, (4 + number) * 1000 * MIB, share)
    script.write()
    changes = environment(Nvml(folder, compiler).library(), script.path)
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def machine_in(folder: Path) -> Machine:
    """A machine whose payload is there and compiled, as a link finds it from its second second on."""
    payload = folder / "payload.pyz"
    payload.write_bytes(build_payload().data)
    compiled.build(str(payload))
    return Machine(str(folder / "root"), str(folder / "leases"), str(payload))


def first_and_last(machine: Machine, gpus: int) -> tuple[float, float, float, float]:
    """ms from a probe's start to its first sample, to the first with processes, from the close of its input
    to its end; and those of a python that does nothing.
    """
    began = time.perf_counter()
    process = ProbeProcess(machine, False)
    process.ask(60.0, [], False)
    state, times = State(), []
    while True:
        for line in process.read() or ():
            times.append(time.perf_counter())
            sample = state.apply(json.loads(line))
        if times and len(sample.gpus) == gpus and sample.processes:
            break
    time.sleep(0.3)
    closing = time.perf_counter()
    process.close()
    ends = (times[0], times[-1], began + time.perf_counter() - closing, began + bare())
    first, complete, gone, python = ((end - began) * 1000 for end in ends)
    return first, complete, gone, python


def bare() -> float:
    """Seconds that a python takes which does nothing."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True)
    return time.perf_counter() - began


def costs(machine: Machine, every: float, close: str) -> Cost:
    """What a probe at this rate costs, its start left out; one GPU is looked at closely when it is fast."""
    process = ProbeProcess(machine, False)
    process.ask(every, [close] if every < 1 else [], False)
    try:
        end = time.monotonic() + SETTLING
        while time.monotonic() < end:
            process.read()
        before, began = cpu(process.pid), time.monotonic()
        sizes: list[int] = []
        while time.monotonic() < began + (60.0 if full() else 20.0):
            sizes += [len(line) + 1 for line in process.read() or ()]
        share = (cpu(process.pid) - before) / (time.monotonic() - began) * 100
        return Cost(share, resident(process.pid), statistics.median(sizes))
    finally:
        process.close()


def nvitop(name: str, gpus: int) -> tuple[float, float, float] | None:
    """nvitop's percent of a core, MB, and ms to its first screen with all GPUs; None where there is none."""
    folder = os.environ.get("WORKBENCH_BENCH_PEERS")
    found = shutil.which("nvitop", path=folder) or shutil.which("nvitop")
    if found is None:
        return None
    with TimedProgram([found, "-m", "full"], 200, 60) as program:
        shown = program.until(lambda replay: sum(name in line for line in replay.screen.display) >= gpus)
        time.sleep(SETTLING)
        before, began = cpu(program.pid), time.monotonic()
        time.sleep(20.0)
        share = (cpu(program.pid) - before) / (time.monotonic() - began) * 100
        return share, resident(program.pid), (shown - program.began) * 1000
