"""News inside the server."""

from __future__ import annotations

import asyncio

import pytest

from workbench.services.bus import Bus, Listener, News


async def test_who_listens_hears_what_happened_and_nobody_hears_the_rest() -> None:
    bus = Bus()
    bus.tell("a", News.ROW)
    with bus.listen("a") as one, bus.listen("a") as two:
        bus.tell("a", News.STREAM)
        bus.tell("b", News.ROW)
        assert await one.take(timeout=0) == {News.STREAM}
        assert await two.take() == {News.STREAM}
        assert await one.take(timeout=0.001) == set()
    bus.tell("a", News.STREAM)
    assert await one.take(timeout=0.001) == set()
    assert not bus._listeners


async def test_a_listener_costs_the_same_however_much_happens() -> None:
    bus = Bus()
    with bus.listen("a") as listener:
        for _ in range(100_000):
            for news in News:
                bus.tell("a", news)
        assert len(listener._news) == len(News)
        assert await listener.take() == set(News)


@pytest.mark.parametrize("turns", range(5))
@pytest.mark.parametrize("timeout", [None, 60.0])
async def test_a_cancellation_together_with_news_is_not_lost(turns: int, timeout: float | None) -> None:
    """Whoever was cancelled would go on, and hold what it has for as long as there are news."""
    listener = Listener()

    async def forever() -> None:
        while True:
            await listener.take(timeout)

    task = asyncio.ensure_future(forever())
    await asyncio.sleep(0.01)
    listener.put(News.ROW)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=60)
    task.cancel()
    assert done
    assert task.cancelled()
