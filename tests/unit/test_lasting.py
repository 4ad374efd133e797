"""Tasks that last: one that breaks is told of and begins again, one that is cancelled is not."""

from __future__ import annotations

import asyncio

import pytest

from workbench.compute import lasting as module
from workbench.compute.backoff import Backoff
from workbench.compute.lasting import breaks, lasting
from workbench.services.doctoring import broken


async def test_one_that_breaks_says_so_and_begins_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN", Backoff(first=0.0))
    begun = 0
    works = asyncio.Event()

    async def failing() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise ValueError(f"of ours {begun}")
        works.set()
        await asyncio.sleep(60)

    task = lasting(failing, "the minutes")
    await asyncio.wait_for(works.wait(), 60)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert [record.getMessage() for record in caplog.records] == [
        "the minutes broke; it begins again in 0 s"
    ] * 2
    assert "of ours 1" in caplog.text
    assert "of ours 2" in caplog.text
    (found,) = breaks()
    assert found.text == "what looks after the minutes broke 2 times, at last by ValueError: of ours 2"
    (line,) = broken()
    assert (line["name"], line["state"], line["text"]) == ("server", "warn", found.text)
    assert line["fix"] == "wb server logs"


async def test_one_that_is_done_ends(caplog: pytest.LogCaptureFixture) -> None:
    await asyncio.wait_for(lasting(lambda: asyncio.sleep(0), "another"), 60)
    assert not caplog.records
    assert breaks() == []


async def test_what_is_remembered_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN", Backoff(first=3600.0))

    async def breaks_down() -> None:
        raise ValueError("x" * 10_000 + "\nand more")

    tasks = [lasting(breaks_down, f"monitor {number}") for number in range(module.MOST + 5)]
    await asyncio.sleep(0.01)
    assert len(breaks()) == module.MOST
    assert max(len(found.text) for found in breaks()) < 500
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
