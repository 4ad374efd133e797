"""Following a run through the services: news wake a reader, and what it reads is what the store has."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.services import Services, services
from tests.store_making import FILE, NOW, header, lines, make_run, metric, run_id, step
from workbench.entities.configuration import RunConfiguration
from workbench.entities.run import RunState
from workbench.store.arriving.offsets import offsets
from workbench.store.runs import kept_runs, run_status


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Services]:
    """Services with a run that no machine has; what its follower would bring is put in by hand."""
    async with services(tmp_path) as opened, asyncio.timeout(60):
        await opened.store.write(kept_runs.insert, make_run(target="local"), RunConfiguration(command="true"))
        yield opened


async def bring(live: Services, records: list[dict[str, Any]], output: bytes = b"") -> None:
    """What a follower does with a chunk: write it, and tell."""
    have = await live.store.read(offsets, live.store.spool, run_id())
    if records:
        await live.store.write(
            live.store.intake.take, run_id(), FILE, have.records.get(FILE, 0), lines(records)
        )
        live.watcher.records(run_id())
    if output:
        await live.store.write(live.store.spool.append, run_id(), have.stream, output)
        live.watcher.stream(run_id())


async def end(live: Services) -> None:
    await live.store.write(run_status.apply, run_id(), [step(1, RunState.COMPLETED)], as_of=NOW)


async def test_a_follower_that_stopped_reading_holds_nothing_and_misses_nothing(live: Services) -> None:
    await bring(live, [header(), metric("loss", -1.0, 0)])
    stream = live.items("runs.follow", run=run_id())
    assert "run" in await anext(stream)
    before = count_batches()
    for start in range(1, 20_001, 100):  # nobody reads
        await bring(
            live, [metric("loss", float(at), at) for at in range(start, start + 100)], b"%d\n" % start
        )
    assert count_batches() == before
    await end(live)
    items = [item async for item in stream]
    metrics = [item["metric"] for item in items if "metric" in item]
    assert [one["step"] for one in metrics] == list(range(1, 20_001))
    assert metrics[-1] == {"name": "loss", "step": 20_000, "value": 20_000.0, "rank": 0}
    said = "".join(item["log"] for item in items if "log" in item)
    assert said == "".join(f"{start}\n" for start in range(1, 20_001, 100))
    assert items[-1]["run"]["status"] == "Completed"


def count_batches() -> int:
    """Record batches in memory: what listeners once kept."""
    gc.collect()
    return sum(type(one).__name__ == "RecordBatch" for one in gc.get_objects())


async def following(stream: AsyncIterator[Any]) -> Any:
    """The next item that is not the row, which a follower looks at now and then."""
    async for item in stream:
        if "run" not in item:
            return item
    raise AssertionError("the stream ended")


async def test_a_follower_that_reads_sees_each_thing_when_it_happens(live: Services) -> None:
    stream = live.items("runs.follow", run=run_id())
    assert (await anext(stream))["run"]["status"] == "NotStarted"
    await live.store.write(run_status.apply, run_id(), [step(1, RunState.RUNNING)], as_of=NOW)
    assert (await anext(stream))["run"]["status"] == "Running"
    for at in range(3):
        await bring(live, [header(), metric("loss", 0.5, at)] if at == 0 else [metric("loss", 0.5, at)])
        assert await following(stream) == {"metric": {"name": "loss", "step": at, "value": 0.5, "rank": 0}}
        await bring(live, [], b"epoch %d\n" % at)
        assert (await following(stream))["log"] == f"epoch {at}\n"
    await live.store.write(run_status.apply, run_id(), [step(2, RunState.COMPLETED)], as_of=NOW)
    rest = [item async for item in stream]
    assert all("run" in item for item in rest)
    assert rest[-1]["run"]["status"] == "Completed"


async def test_who_watches_a_run_hears_of_what_people_change(live: Services) -> None:
    stream = live.items("runs.watch", run=run_id())
    await anext(stream)
    await live.call("runs.describe", run=run_id(), name="best-one")
    assert (await anext(stream))["run"]["name"] == "best-one"
    await live.call("runs.tag", run=run_id(), set={"good": None})
    assert "good" in (await anext(stream))["run"]["tags"]
    await end(live)
    assert (await anext(stream))["run"]["status"] == "Completed"
    assert [item async for item in stream] == []


async def test_a_log_that_is_followed_ends_with_its_run(live: Services) -> None:
    got = b""

    async def read() -> None:
        nonlocal got
        async for block in live.read("runs.logs", run=run_id(), follow=True):
            got += block

    reading = asyncio.create_task(read())
    for at in range(5):
        await bring(live, [], b"line %d\n" % at)
    await end(live)
    await reading
    assert got == b"".join(b"line %d\n" % at for at in range(5))
