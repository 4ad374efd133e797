"""Comparing 20 runs with many metrics, and handing a run of many points on in one file."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.bench.bench_store import HEADER, records
from tests.bench.report import Row
from tests.services import Services, services
from tests.store_making import make_run, run_id
from workbench.entities.configuration import RunConfiguration
from workbench.entities.run import RunState
from workbench.store.runs import kept_runs, run_rows

RUNS = 20
METRICS = (10, 100, 1000)
POINTS = 1_000_000
REPETITIONS = 5


def run() -> list[Row]:
    """All rows; everything is written below one temporary folder."""
    with tempfile.TemporaryDirectory(prefix="bench-compare-") as place:
        return asyncio.run(_compared(Path(place))) + asyncio.run(_handed_on(Path(place)))


async def _feed(live: Services, number: int, lines: list[bytes]) -> str:
    run = make_run(number, status=RunState.COMPLETED)
    await live.store.write(kept_runs.insert, run, RunConfiguration(command="true"))
    offset = 0
    for data in [HEADER, *lines]:
        await live.store.write(live.store.intake.take, run.id, "records/1-a.jsonl", offset, data)
        offset += len(data)
    return run.id


async def _compared(folder: Path) -> list[Row]:
    rows, first = [], 0.0
    for metrics in METRICS:
        async with services(folder / str(metrics)) as live:
            for number in range(1, RUNS + 1):
                lines = [
                    b'{"k":"metric","n":"group%d/m%d","v":%d.5,"s":1,"t":1.0}\n'
                    % (at % 9, at, at * number % 97)
                    for at in range(metrics)
                ]
                await _feed(live, number, [b"".join(lines)])
            ids = [run_id(number) for number in range(1, RUNS + 1)]
            figures, alone = [], []
            for _ in range(REPETITIONS):
                begin = time.perf_counter()
                json.dumps(await live.call("runs.compare", runs=ids))
                figures.append((time.perf_counter() - begin) * 1000)
                begin = time.perf_counter()
                for run in ids:
                    await live.store.read(run_rows.get, run)
                alone.append((time.perf_counter() - begin) * 1000)
        figure, reference = sorted(figures)[REPETITIONS // 2], sorted(alone)[REPETITIONS // 2]
        first = first or figure
        grown = f"{figure / first:.2g} x that of {METRICS[0]}"
        what = f"{RUNS} runs of {metrics:,} metrics compared, as JSON"
        rows.append(
            Row(what, figure, "ms", "", f"their rows alone: {reference:.3g} ms", figure / reference, grown)
        )
    return rows


async def _handed_on(folder: Path) -> list[Row]:
    lines = records(POINTS, 1)
    async with services(folder / "giver") as giver, services(folder / "taker") as taker:
        run = await _feed(giver, 1, lines)
        begin = time.perf_counter()
        blocks = giver.read("runs.bundle", runs=[run])
        data = b"".join([block async for block in blocks])
        out = time.perf_counter() - begin
        begin = time.perf_counter()
        packed = len(zlib.compress(b"".join(lines), 4))
        reference = time.perf_counter() - begin
        begin = time.perf_counter()
        await _taken(taker, data)
        back = time.perf_counter() - begin
        again = time.perf_counter()
        await _taken(taker, data)
        again = time.perf_counter() - again
    beside = f"zlib over its record lines: {reference:.2g} s, {packed / 1e6:.1f} MB"
    return [
        Row(f"a run of {POINTS:,} points into a bundle", out, "s", "", beside, out / reference),
        Row("its size", len(data) / 1e6, "MB", "", beside, len(data) / packed),
        Row("and in again elsewhere", back, "s", "", f"into the bundle: {out:.2g} s", back / out),
        Row(
            "the same bundle once more: nothing to do",
            again * 1000,
            "ms",
            "",
            f"the first time: {back:.2g} s",
            again / back,
        ),
    ]


async def _taken(live: Services, data: bytes) -> Any:
    async def blocks() -> AsyncIterator[bytes]:
        for start in range(0, len(data), 1 << 18):
            yield data[start : start + (1 << 18)]

    return await live.workspace.operations["runs.unbundle"].write({}, blocks())
