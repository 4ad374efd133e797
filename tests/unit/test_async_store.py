"""The store for asyncio: reads and changes do not wait for each other, and who awaited a change sees it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.store_making import make_run, run_id
from workbench.entities.configuration import RunConfiguration
from workbench.errors import StoreError
from workbench.store.async_store import READERS, AsyncStore
from workbench.store.runs import kept_runs, run_rows
from workbench.store.sqlite.database import Transaction


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[AsyncStore]:
    opened = AsyncStore()
    await opened.open(tmp_path / "store")
    await opened.write(kept_runs.insert, make_run(), RunConfiguration(command="true"))
    async with asyncio.timeout(60):
        yield opened
    await opened.close()


class Held:
    """What a function of the store waits for, and whether it came so far."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def wait(self) -> None:
        self.begun.set()
        assert self.go_on.wait(60)


def name(connection: sqlite3.Connection) -> str:
    return run_rows.get(connection, run_id()).name


def name_twice(connection: sqlite3.Connection, held: Held) -> tuple[str, str]:
    first = name(connection)
    held.wait()
    return first, name(connection)


def rename(change: Transaction, new: str, held: Held | None = None) -> None:
    kept_runs.describe(change, run_id(), name=new)
    if held is not None:
        held.wait()


async def test_a_long_read_delays_no_change_and_sees_one_state(store: AsyncStore) -> None:
    held = Held()
    long = asyncio.create_task(store.read(name_twice, held))
    await asyncio.to_thread(held.begun.wait)
    await store.write(rename, "new")  # with one thread for both this would wait for ever
    assert await store.read(name) == "new"
    held.go_on.set()
    assert await long == ("calm-otter-1", "calm-otter-1")


async def test_a_long_change_delays_no_read(store: AsyncStore) -> None:
    held = Held()
    long = asyncio.create_task(store.write(rename, "new", held))
    await asyncio.to_thread(held.begun.wait)
    assert await store.read(name) == "calm-otter-1"
    held.go_on.set()
    await long
    assert await store.read(name) == "new"


async def test_long_reads_leave_short_ones_a_turn(store: AsyncStore) -> None:
    held = [Held() for _ in range(READERS - 1)]
    long = [asyncio.create_task(store.read(name_twice, one)) for one in held]
    for one in held:
        await asyncio.to_thread(one.begun.wait)
    assert await store.read(name) == "calm-otter-1"
    for one in held:
        one.go_on.set()
    await asyncio.gather(*long)


async def test_who_awaited_a_change_sees_it(store: AsyncStore) -> None:
    """From any of the threads that read, however many ask at once."""
    for number in range(30):
        await store.write(rename, f"run-{number}")
        seen = await asyncio.gather(*(store.read(name) for _ in range(2 * READERS)))
        assert set(seen) == {f"run-{number}"}


async def test_changes_happen_in_the_order_they_were_asked_for(store: AsyncStore) -> None:
    await asyncio.gather(*(store.write(rename, f"run-{number}") for number in range(20)))
    assert await store.read(name) == "run-19"


async def test_what_reads_cannot_change(store: AsyncStore) -> None:
    with pytest.raises(StoreError):
        await store.read(lambda connection: connection.execute("DELETE FROM runs"))
    assert await store.read(name) == "calm-otter-1"


async def test_closing_waits_for_what_was_asked_for(tmp_path: Path) -> None:
    opened = AsyncStore()
    await opened.open(tmp_path / "other")
    held = Held()
    await opened.write(kept_runs.insert, make_run(), RunConfiguration(command="true"))
    long = asyncio.create_task(opened.read(name_twice, held))
    await asyncio.to_thread(held.begun.wait)
    closing = asyncio.create_task(opened.close())
    await asyncio.sleep(0)
    held.go_on.set()
    assert (await long)[0] == "calm-otter-1"
    await closing
    await opened.close()
    with pytest.raises(RuntimeError):
        await opened.read(name)
