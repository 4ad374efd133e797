"""Activities and events as services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from workbench.entities.event import Activity, Event
from workbench.services.context import Context
from workbench.services.operation import call, items
from workbench.store.sqlite import events
from workbench.store.workspace import activities


class ActivityService:
    """Long-running operations (AZ-13)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def list(self, limit: int = 50, active: bool = False) -> list[Activity]:
        """The newest activities."""
        return await self._store.read(activities.newest, limit, active)


class EventService:
    """What changed, in order (AZ-16 to AZ-20)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def list(self, after: int = 0, limit: int = 1000) -> list[Event]:
        """Events with a sequence above after."""
        return await self._store.read(events.after, after, min(limit, 10_000))

    @call
    async def last(self) -> dict[str, int]:
        """{"sequence"}: that of the newest event; whoever watches from there on misses nothing."""
        return {"sequence": await self._store.read(events.last_sequence)}

    @items
    async def watch(self, after: int | None = None) -> AsyncIterator[Event]:
        """Events above after (absent: from now on), for ever."""
        last = await self._store.read(events.last_sequence) if after is None else after
        with self._context.bus.listen("events") as listener:
            while True:
                batch = await self._store.read(events.after, last)
                for event in batch:
                    last = event.sequence
                    yield event
                if not batch:
                    await listener.take(timeout=30.0)
                else:
                    await asyncio.sleep(0)
