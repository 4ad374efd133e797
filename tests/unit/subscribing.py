"""Subscriptions of a workspace in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.services import Services
from workbench.entities.event import Event
from workbench.store.sqlite import events
from workbench.store.sqlite.database import Transaction

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def event(kind: str = "RunCompleted", subject: str = "experiments/mnist/runs/R", **data: Any) -> Event:
    return Event(sequence=1, time=NOW, actor="local", kind=kind, subject=subject, data=data)


def happen(change: Transaction, kind: str, subject: str, data: dict[str, Any]) -> None:
    """Something happened."""
    change.event(kind, subject, data)


async def happened(live: Services, kind: str = "RunCompleted", **data: Any) -> int:
    """Write an event; its sequence. What is told of it may be an event already by now."""
    before = await live.store.read(events.last_sequence)
    await live.store.write(happen, kind, "experiments/mnist/runs/R", data)
    mine = (event for event in await live.store.read(events.after, before) if event.kind == kind)
    return next(mine).sequence


async def add(live: Services, name: str, **chosen: Any) -> dict[str, Any]:
    found: dict[str, Any] = await live.call("subscriptions.add", name=name, **chosen)
    return found


async def one(live: Services, name: str) -> dict[str, Any]:
    return next(item for item in await live.call("subscriptions.list") if item["name"] == name)


async def until(live: Services, name: str, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The subscription, once it stands so."""
    async with asyncio.timeout(60):
        while True:
            if fits(found := await one(live, name)):
                return found
            await asyncio.sleep(0.01)
