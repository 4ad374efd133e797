"""Minutes of machines on their way into the store, all machines' in one transaction, and out of it again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from workbench.compute.history import History
from workbench.compute.monitor import Monitor
from workbench.entities.target import Target, TargetKind
from workbench.services.minute_keeper import MinuteKeeper
from workbench.store.async_store import AsyncStore
from workbench.store.fleet import machine_minutes, targets

START = 1_790_000_040


class Rings:
    """The part of a monitor that is asked for minutes, with histories a test fills."""

    minutes = Monitor.minutes

    def __init__(self, **histories: History) -> None:
        self._machines = {name: type("One", (), {"history": kept}) for name, kept in histories.items()}


def filled(seconds: int, value: float) -> History:
    history = History()
    for second in range(START, START + seconds):
        history.add(second, {"cpu": value})
    return history


async def keeper_over(folder: Path, **histories: History) -> tuple[AsyncStore, MinuteKeeper]:
    store = AsyncStore()
    await store.open(folder)
    for name in histories:
        await store.write(targets.put, Target(name=name, kind=TargetKind.SSH, created=datetime.now(UTC)))
    return store, MinuteKeeper(store, cast(Any, Rings(**histories)), days=1.0)


async def kept(store: AsyncStore, name: str) -> dict[int, float]:
    """The means of a machine's minutes, counted from the first."""
    first = START // 60
    found = await store.read(machine_minutes.read, name, ["cpu"], first - 9, first + 10_000)
    return {minute - first: span.mean for minute, span in found["cpu"].items()}


async def test_minutes_that_are_over_are_written_once(tmp_path: Path) -> None:
    a, b = filled(150, 1.0), filled(70, 2.0)
    store, keeper = await keeper_over(tmp_path, a=a, b=b)
    await keeper.write(START + 150)
    assert await kept(store, "a") == {0: 1.0, 1: 1.0}
    assert await kept(store, "b") == {0: 2.0, 1: 2.0}
    await keeper.write(START + 181)
    assert await kept(store, "a") == {0: 1.0, 1: 1.0, 2: 1.0}
    assert await kept(store, "b") == {0: 2.0, 1: 2.0}, "a machine that says nothing has a gap"
    await store.close()


async def test_the_end_of_the_server_keeps_the_minute_that_is_not_over(tmp_path: Path) -> None:
    store, keeper = await keeper_over(tmp_path, a=filled(70, 3.0))
    await keeper.write(START + 70, unfinished=True)
    assert await kept(store, "a") == {0: 3.0, 1: 3.0}
    await store.close()


async def test_what_is_older_than_is_to_be_kept_is_forgotten(tmp_path: Path) -> None:
    store, keeper = await keeper_over(tmp_path, a=filled(3 * 60, 1.0))
    await keeper.write(START + 3 * 60)
    await keeper.prune(START + 86_400 + 90)
    assert (await kept(store, "a")).keys() == {1, 2}
    await store.close()
