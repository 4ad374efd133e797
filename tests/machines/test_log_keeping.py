"""Output of runs that are over: compressed, dropped where its machine has it, fetched again, never lost."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.services import Services, services
from workbench.errors import NotFound
from workbench.services.log_keeping import covers
from workbench.settings import LogSettings, Settings
from workbench.store.logs.log_file import packed_path

LINES = 20_000
WROTE = b"".join(b"step %d loss 0.5\n" % n for n in range(LINES))
COMMAND = f"echo of a rank > logs/rank-0.log; i=0; while [ $i -lt {LINES} ]; do echo step $i loss 0.5; i=$((i+1)); done"


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Services]:
    async with services(tmp_path, Settings(logs=LogSettings(max_bytes=1))) as made:
        yield made


async def ended(made: Services, command: str, **more: Any) -> Any:
    run = await made.submit(1, command, **more)
    async for item in made.items("runs.watch", run=run["id"]):
        run = item["run"]
    assert run["status"] == "Completed", run
    return run


async def until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def read(made: Services, run: str, **more: Any) -> bytes:
    return b"".join([block async for block in made.read("runs.logs", run=run, **more)])


async def test_output_is_dropped_and_comes_back_whole(opened: Services, tmp_path: Path) -> None:
    run = await ended(opened, COMMAND)
    spool = opened.store.spool
    await until(lambda: spool.dropped(run["id"]))
    assert not spool.path(run["id"]).exists()
    assert not packed_path(spool.path(run["id"])).exists()
    assert await read(opened, run["id"]) == WROTE
    assert await read(opened, run["id"], log="logs/rank-0.log") == b"of a rank\n"
    await until(lambda: spool.dropped(run["id"]))  # over its room again
    assert await read(opened, run["id"], lines=2) == b"step 19998 loss 0.5\nstep 19999 loss 0.5\n"
    await until(lambda: spool.dropped(run["id"]))
    shutil.rmtree(tmp_path / "root" / "runs" / run["id"])
    with pytest.raises(NotFound, match="gone") as told:
        await read(opened, run["id"])
    assert "max_bytes" in told.value.hint


@pytest.mark.parametrize(
    ("kept", "gaps", "whole"),
    [
        ([(0, 100)], [], True),
        ([(0, 99)], [], False),
        ([(0, 40), (60, 100)], [], False),
        ([(0, 40), (60, 100)], [(40, 60)], True),
        ([(0, 40), (60, 100)], [(45, 60)], False),
        ([], [], False),
    ],
)
def test_only_what_the_machine_has_whole_is_dropped(
    kept: list[tuple[int, int]], gaps: list[tuple[int, int]], whole: bool
) -> None:
    assert covers(kept, 100, gaps) is whole


async def test_resumed_after_it_was_packed_the_log_goes_on(tmp_path: Path) -> None:
    async with services(tmp_path) as made:
        run = await ended(made, COMMAND)
        path = made.store.spool.path(run["id"])
        await until(lambda: packed_path(path).exists() and not path.exists())
        await made.call("runs.resume", run=run["id"])
        async for item in made.items("runs.watch", run=run["id"]):
            run = item["run"]
        assert await read(made, run["id"]) == WROTE * 2
        await until(lambda: not path.exists())
        assert await read(made, run["id"]) == WROTE * 2
        found = [item async for item in made.items("runs.log_search", run=run["id"], pattern="step 19999 ")]
        assert [offset for news in found for offset, _ in news["hits"]] == [
            len(WROTE) - 20, 2 * len(WROTE) - 20
        ]  # fmt: skip
