"""News inside the server."""

from __future__ import annotations

import asyncio

import pytest

from workbench.services.bus import MAX_WAITING, Bus, Listener


async def test_who_listens_hears_what_is_told_and_nobody_hears_the_rest() -> None:
    bus = Bus()
    bus.tell("a", 1)
    with bus.listen("a") as one, bus.listen("a") as two:
        bus.tell("a", 2)
        bus.tell("b", 3)
        assert await one.take(timeout=0) == [2]
        assert await two.take() == [2]
        assert await one.take(timeout=0.001) == []
    bus.tell("a", 4)
    assert await one.take(timeout=0.001) == []


async def test_a_slow_listener_keeps_the_newest() -> None:
    listener = Listener()
    for number in range(MAX_WAITING + 10):
        listener.put(number)
    news = await listener.take()
    assert len(news) <= MAX_WAITING
    assert news[-1] == MAX_WAITING + 9


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
    listener.put("news")
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    task.cancel()
    assert done
    assert task.cancelled()
