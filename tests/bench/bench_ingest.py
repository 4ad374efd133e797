"""Reading what training code logs to files: event files into records, and the companion beside a run."""

from __future__ import annotations

import glob
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.place import until
from tests.bench.report import Row
from tests.machines.ground import Ground
from workbench.remote.processes import process_trees
from workbench.remote.readers.crc32c import masked
from workbench.remote.readers.entries import record_lines
from workbench.remote.readers.tensorboard import read
from workbench.remote.supervision.cancel import cancel

SIZES = (2_000, 20_000, 200_000)
RATES = (1, 10, 100)
SETTLING, SECONDS = 3.0, 10.0
ACCUMULATOR = """
import sys, time
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
start = time.perf_counter()
read = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
read.Reload()
found = len(read.Scalars("loss"))
print(found, time.perf_counter() - start)
"""
WRITER = """
import os, struct, sys, time
sys.path.insert(0, sys.argv[2])
from tests.bench.bench_ingest import event
rate, step, start = int(sys.argv[1]), 0, time.monotonic()
os.mkdir("runs")
with open("runs/events.out.tfevents.1.bench", "ab", buffering=0) as out:
    while True:
        out.write(event("written", time.time() % 4096, step))
        step += 1
        time.sleep(max(0.0, start + step / rate - time.monotonic()))
"""


def event(name: str, value: float, step: int) -> bytes:
    """A scalar as SummaryWriter writes it: one record of an event file."""
    inner = b"\x0a" + bytes([len(name)]) + name.encode() + b"\x15" + struct.pack("<f", value)
    summary = b"\x0a" + bytes([len(inner)]) + inner
    number, step_bytes = step, b""
    while number >= 0x80:
        step_bytes += bytes([number & 0x7F | 0x80])
        number >>= 7
    body = b"\x09" + struct.pack("<d", time.time()) + b"\x10" + step_bytes + bytes([number])
    body += b"\x2a" + bytes([len(summary)]) + summary
    head = struct.pack("<Q", len(body))
    return head + struct.pack("<I", masked(head)) + body + struct.pack("<I", masked(body))


def _tensorboard() -> str | None:
    """An interpreter with TensorBoard: the one WORKBENCH_BENCH_TENSORBOARD names, else ours; None: not there."""
    python = os.environ.get("WORKBENCH_BENCH_TENSORBOARD") or sys.executable
    ask = [python, "-c", "import tensorboard.backend.event_processing.event_accumulator"]
    try:
        subprocess.run(ask, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return python


def _ours(path: Path) -> float:
    """Seconds to make record lines of a whole event file."""
    start = time.perf_counter()
    state: dict[str, Any] = {}
    while True:
        reading = read(str(path), state)
        record_lines(reading.entries, 0.0, 0.0)
        state = reading.state
        if not reading.more:
            return time.perf_counter() - start


def _reading() -> list[Row]:
    peer = _tensorboard()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.out.tfevents.1.bench"
        for size in SIZES:
            path.write_bytes(b"".join(event("loss", 1 / (step + 1), step) for step in range(size)))
            rate = size / statistics.median(_ours(path) for _ in range(3))
            what = f"an event file of {size:,} scalars into records"
            if peer is None:
                rows.append(Row(what, rate, "points/s", "", "tensorboard is not installed"))
                continue
            told = subprocess.run(
                [peer, "-c", ACCUMULATOR, folder], check=True, capture_output=True, text=True
            )
            found, seconds = told.stdout.split()
            theirs = int(found) / float(seconds)
            reference = f"EventAccumulator: {theirs:,.0f} points/s"
            rows.append(Row(what, rate, "points/s", ">= 1 x", reference, rate / theirs))
    return rows


def _beside(ground: Ground, rate: int) -> list[Row]:
    """What the companion costs beside a run that logs so many points a second, and how soon they are records."""
    root = str(Path(__file__).parents[2])
    run = ground.submit([sys.executable, "-c", WRITER, str(rate), root])
    records = ground.path(run, "records")
    until(lambda: list(records.glob("ingest-*")), "the first record")
    supervisor = ground.identity(run, "supervisor")[0]
    below = [pid for pid, _ in process_trees.descendants(supervisor)]
    (pid,) = [one for one in below if process_trees.environment_value(one, process_trees.ENV_BESIDE) == "1"]
    time.sleep(SETTLING)
    before, began, ages = _cpu(pid), time.monotonic(), []
    (log,) = records.glob("ingest-*")
    with open(log, "rb") as lines:
        lines.seek(0, os.SEEK_END)
        while time.monotonic() - began < SECONDS:
            for line in lines.readlines():
                ages.append((time.time() % 4096 - json.loads(line)["v"]) % 4096)
            time.sleep(0.01)
    share = (_cpu(pid) - before) / (time.monotonic() - began) * 100
    memory = _pss(pid)
    cancel(ground.machine, run, 0.5)
    ground.wait(run)
    beside = f"beside a run that logs {rate}/s"
    return [
        Row(f"companion {beside}: CPU", share, "% of a core", "", "none"),
        Row(f"companion {beside}: memory (PSS)", memory, "MB", "", "none"),
        Row(f"from event file to record {beside}, p50", statistics.median(ages), "s", "<= 1 s", "none", None,
            f"the slowest {max(ages):.2f} s"),
    ]  # fmt: skip


def _cpu(pid: int) -> float:
    """Seconds of CPU of all threads of a process."""
    return sum(
        int(Path(path).read_text().split()[0]) / 1e9 for path in glob.glob(f"/proc/{pid}/task/*/schedstat")
    )


def _pss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1000
    return 0.0


def run() -> list[Row]:
    """Rows of reading whole event files, and of the companion at several rates."""
    rows = _reading()
    folder = Path(tempfile.mkdtemp(prefix="wbb-"))
    ground = Ground(folder)
    try:
        for rate in RATES:
            rows += _beside(ground, rate)
    finally:
        ground.close()
        shutil.rmtree(folder, ignore_errors=True)
    return rows
