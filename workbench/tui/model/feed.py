"""The server's event stream, gathered and handed on no faster than eyes and terminals take it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from enum import StrEnum
from typing import Any, Protocol

from workbench.errors import WorkbenchError
from workbench.tui.model.dirty import Dirty

REST = 4
"""What costs the server long is asked seldom: a pause is so many times as long as the news before it took."""
MOST_REST = 2.0
AGAIN = 1.0
"""Seconds between two tries to reach a server that went away."""


class Services(Protocol):
    """What the dashboard needs of the workspace's asyncio client."""

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value; raises the WorkbenchError the service raised."""

    def items(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[Any, None]:
        """Values as they come."""

    def read(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[bytes, None]:
        """Bytes as they come."""


class ServerState(StrEnum):
    """How the dashboard stands with the local server."""

    STARTING = "starting"
    CONNECTED = "connected"
    LOST = "lost"


class Feed:
    """Follows the events while `run` runs; news that come while some are handed on wait together.

    heard: told of each event as it comes; must not take long. turn: waited for before news are handed on.
    """

    def __init__(
        self,
        services: Services,
        news: Callable[[Dirty], Awaitable[None]],
        state: Callable[[ServerState, str], None],
        seconds: float,
        heard: Callable[[Mapping[str, Any]], None] = lambda event: None,
        turn: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._services = services
        self._heard = heard
        self._turn = turn
        self._news = news
        self._state = state
        self._seconds = seconds
        self._dirty = Dirty()
        self._some = asyncio.Event()

    async def run(self) -> None:
        """Follow and hand on until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(), name="events")
            tasks.create_task(self._hand_on(), name="flush")

    def tell(self, dirty: Dirty) -> None:
        """Add news from somewhere else: what this face itself changed."""
        self._dirty.merge(dirty)
        self._some.set()

    async def _follow(self) -> None:
        after: int | None = None
        while True:
            try:
                if after is None:
                    after = (await self._services.call("events", "last"))["sequence"]
                self._state(ServerState.CONNECTED, "")
                self.tell(Dirty(everything=True))
                async with aclosing(self._services.items("events", "watch", after=after)) as events:
                    async for event in events:
                        after = event["sequence"]
                        self._dirty.add(event)
                        self._heard(event)
                        if self._dirty:
                            self._some.set()
            except WorkbenchError as problem:
                self._state(ServerState.LOST, problem.message)
            await asyncio.sleep(AGAIN)

    async def _hand_on(self) -> None:
        while True:
            await self._some.wait()
            if self._turn is not None:
                await self._turn()
            self._some.clear()
            dirty, self._dirty = self._dirty, Dirty()
            began = time.monotonic()
            await self._news(dirty)
            took = time.monotonic() - began
            await asyncio.sleep(max(self._seconds, min(took * REST, MOST_REST)))
