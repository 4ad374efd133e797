"""Following a run's output: how much passes in a second, and how long a line takes from there to here."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.place import NO_SSH, TRANSPORTS, Place, connected, has_ssh, place, submit, until
from tests.bench.report import Row, full
from workbench.compute.hosts import make_host
from workbench.compute.link import Link
from workbench.compute.payload import build_payload
from workbench.entities.target import Target, TargetKind, Transport
from workbench.workspace import Workspace

ROUNDS = 5
LINES = 300
EVERY = 0.05
"""Seconds between two lines of which the delay is measured; not a multiple of anybody's polling."""

# Each line says when it was written; both run on this machine, so its clock is ours.
SPEAKER = "import sys,time\nfor n in range(%d):\n print(repr(time.time()), flush=True)\n time.sleep(%r)\n"


def run() -> list[Row]:
    """Rows of throughput and of delay, by both transports."""
    if not has_ssh():
        return [Row("log follow", None, "MB/s", ">= 0.8 x", NO_SSH)]
    with place() as where, connected(where) as workspace:
        for transport in TRANSPORTS:
            where.attach(workspace, transport)
        rows = _throughput(where, workspace)
        for transport in TRANSPORTS:
            rows += _delays(where, workspace, transport)
        return rows


def _throughput(where: Place, workspace: Workspace) -> list[Row]:
    megabytes = 500 if full() else 100
    line = "epoch 12 step 3456 loss 0.123456 accuracy 0.98765 lr 0.0003 time 12.34 s"
    made = submit(workspace, TRANSPORTS[0], f"yes '{line}' | head -c {megabytes * 1_000_000}")
    until(lambda: workspace.call("runs", "get", run=made["id"])["status"] == "Completed", "the run to end")
    file = where.root / "runs" / made["id"] / "stream.log"
    size = file.stat().st_size
    assert size == megabytes * 1_000_000
    what = f"log follow, a run's {megabytes} MB of output over the link"
    rates = asyncio.run(_rates(where, made["id"], file, size))
    reference = f"ssh host cat: {rates['cat']:.0f} MB/s"
    rows = [
        Row(f"{what}, {name}", rates[name], "MB/s", ">= 0.8 x", reference, rates[name] / rates["cat"])
        for name in TRANSPORTS
    ]
    whole = _into_the_store(workspace, made["id"], size)
    words = "log follow, the same through the server into the store"
    rows.append(Row(words, whole, "MB/s", "", reference, whole / rates["cat"], "asyncssh"))
    return rows


async def _rates(where: Place, run: str, file: Path, size: int) -> dict[str, float]:
    """MB/s of each transport's link and of `ssh host cat`, medians of rounds taken in turn."""
    taken: dict[str, list[float]] = {name: [] for name in (*TRANSPORTS, "cat")}
    async with _link(where, "asyncssh") as first, _link(where, "openssh") as second:
        for _ in range(ROUNDS):
            for name, link in zip(TRANSPORTS, (first, second), strict=True):
                taken[name].append(size / 1e6 / await _followed(link, run, size))
            taken["cat"].append(size / 1e6 / await asyncio.to_thread(_cat, where.ssh("cat", str(file)), size))
    return {name: statistics.median(found) for name, found in taken.items()}


@asynccontextmanager
async def _link(where: Place, transport: str) -> AsyncIterator[Link]:
    settings: Any = where.sshd.settings(transport=Transport(transport))
    target = Target(name="m1", kind=TargetKind.SSH, settings=settings, created=datetime.now(UTC))
    host = make_host(target, known_hosts=where.folder / "known_hosts")
    lease_dir = str(where.machine / "lease")
    link = await Link.open(
        host, root=str(where.root), lease_dir=lease_dir, python=None, payload=build_payload()
    )
    try:
        yield link
    finally:
        await link.close()
        await host.close()


async def _followed(link: Link, run: str, size: int) -> float:
    """Seconds to take a whole stream."""
    began, taken = time.perf_counter(), 0
    stream = link.stream("follow", {"run": run, "seq": 0, "stream": 0, "records": {}})
    async with stream:
        async for message in stream:
            taken += len(message) if isinstance(message, bytes) else 0
        await stream.result()
    assert taken >= size
    return time.perf_counter() - began


def _cat(argv: list[str], size: int) -> float:
    """Seconds until a command's output was read to its end; connecting is not counted."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        taken = len(process.stdout.read(1 << 18))
        began = time.perf_counter()
        while block := process.stdout.read(1 << 18):
            taken += len(block)
        took = time.perf_counter() - began
    assert taken == size
    return took


def _into_the_store(workspace: Workspace, run: str, size: int) -> float:
    """MB/s of a run that is adopted again: everything it wrote is fetched and kept."""
    rates = []
    for _ in range(3):
        with _fresh(workspace) as other:
            began = time.perf_counter()
            other.call("compute", "adopt", name="asyncssh", all_workspaces=True)
            until(lambda: other.call("runs", "get", run=run)["status"] == "Completed", "the run to be here")
            rates.append(size / 1e6 / (time.perf_counter() - began))
    return statistics.median(rates)


@contextmanager
def _fresh(workspace: Workspace) -> Iterator[Workspace]:
    """Another workspace of the same server that knows the machine and none of its runs."""
    name = f"fresh{time.monotonic_ns()}"
    target = workspace.call("compute", "get", name="asyncssh")
    with Workspace.open(name, embedded=False, home=workspace.home) as other:
        settings = {key: target["settings"][key] for key in ("address", "ssh_config", "root", "lease_dir")}
        other.call("compute", "attach", name="asyncssh", kind="ssh", settings=settings)
        yield other


def _delays(where: Place, workspace: Workspace, transport: str) -> list[Row]:
    """How long after it was written a line is here: of ours, and of `ssh host tail -f`."""
    code = SPEAKER % (LINES, EVERY * 1.037)
    made = submit(workspace, transport, ["python3", "-c", code])
    mine = _heard(workspace, made["id"])
    file = where.folder / f"spoken-{transport}"
    file.touch()
    tail = subprocess.Popen(where.ssh("tail", "-n", "+1", "-f", str(file)), stdout=subprocess.PIPE, bufsize=0)
    with file.open("wb") as spoken, tail:
        speaker = subprocess.Popen(["python3", "-c", code], stdout=spoken)
        assert tail.stdout is not None
        theirs = []
        for raw in iter(tail.stdout.readline, b""):
            theirs.append((time.time() - float(raw)) * 1000)
            if len(theirs) == LINES:
                break
        speaker.wait()
        tail.terminate()
    rows = []
    for share, budget in ((50, "<= 100 ms"), (99, "<= 300 ms")):
        ours, other = _percentile(mine, share), _percentile(theirs, share)
        words = f"from a line written there to here, {transport}, p{share}"
        rows.append(Row(words, ours, "ms", budget, f"ssh host tail -f: {other:.1f} ms", ours / other))
    return rows


def _heard(workspace: Workspace, run: str) -> list[float]:
    """Milliseconds of delay of every line of a run, through the local server."""
    found, rest = [], ""
    with closing(_logs(workspace, run)) as texts:
        for text in texts:
            now = time.time()
            *lines, rest = (rest + text).split("\n")
            found += [(now - float(line)) * 1000 for line in lines]
    assert len(found) == LINES, f"{len(found)} lines of {LINES} came"
    return found[10:]  # the first are those of its start


def _logs(workspace: Workspace, run: str) -> Generator[str, None, None]:
    for item in workspace.items("runs", "follow", run=run):
        if "log" in item:
            yield item["log"]


def _percentile(found: list[float], share: int) -> float:
    return sorted(found)[min(len(found) - 1, len(found) * share // 100)]
