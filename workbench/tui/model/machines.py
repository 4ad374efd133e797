"""The machines as they are measured: one stream a dashboard, only while somebody looks, as often as he sees.

Whoever looks says how; nobody looking ends the stream, so that machines nobody looks at are measured as
seldom as the server does by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import NamedTuple

from workbench.errors import WorkbenchError
from workbench.text.numbers import finite
from workbench.tui.model.feed import AGAIN, Services
from workbench.views.gpus import Use
from workbench.views.watched import WatchedMachines

TRAIL_SECONDS, TRAIL_STEPS = 60.0, 16
QUICK, USUAL = 0.1, 0.5
"""Seconds between two tellings of what changed: for one machine looked at closely, and for many."""


class Looking(NamedTuple):
    """How one looks: closely at a few machines by name, or from afar at all of them."""

    how: str
    names: tuple[str, ...] = ()

    @property
    def closely(self) -> bool:
        """Whether every tick counts."""
        return self.how == "closely"


class Machines(WatchedMachines):
    """Their views by name, kept up to date while `run` runs and somebody looks."""

    def __init__(self, services: Services, told: Callable[[set[str]], None]) -> None:
        """told: called with the names of machines that became others, as often as `how` allows."""
        super().__init__(lambda: datetime.now(UTC), TRAIL_SECONDS, TRAIL_STEPS)
        self._services = services
        self._told = told
        self.looking: Looking | None = None
        self._other = asyncio.Event()
        self._dirty: set[str] = set()
        self._some = asyncio.Event()

    def look(self, looking: Looking | None) -> None:
        """Look like this from now on; None: at nothing."""
        if looking != self.looking:
            self.looking = looking
            self._other.set()

    async def run(self) -> None:
        """Follow while somebody looks, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hand_on(), name="machines told")
            while True:
                self._other.clear()
                following = (
                    None
                    if self.looking is None
                    else tasks.create_task(self._follow(self.looking), name="machines watched")
                )
                await self._other.wait()
                if following is not None:
                    following.cancel()

    async def _follow(self, looking: Looking) -> None:
        while True:
            try:
                watched = self._services.items(
                    "compute", "watch", names=list(looking.names), looking=looking.how
                )
                async with aclosing(watched) as items:
                    async for item in items:
                        self._dirty |= self.take(item, whole=not looking.names)
                        if self._dirty:
                            self._some.set()
            except WorkbenchError:
                pass  # the header tells of a server that does not answer, a page of a machine that is gone
            await asyncio.sleep(AGAIN)

    async def _hand_on(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            dirty, self._dirty = self._dirty, set()
            self._told(dirty)
            looking = self.looking
            await asyncio.sleep(QUICK if looking is not None and looking.closely else USUAL)

    async def remember(self, name: str) -> None:
        """Get what was before one looked. Raises WorkbenchError."""
        found = await self._services.call(
            "compute",
            "history",
            name=name,
            series=["gpus:utilisation", "cpu"],
            seconds=TRAIL_SECONDS,
            points=TRAIL_STEPS * 2,
        )
        series = found.get("series") or {}
        values = series.get("gpus:utilisation") or []
        if not any(value is not None for value in values):
            values = series.get("cpu") or []
        self.trail(name).load(
            float(found["start"]), float(found["step"]), [finite(value) for value in values]
        )

    def gpus(self) -> tuple[int, int] | None:
        """How many GPUs are in use, and how many there are; None where not all machines are watched."""
        if self.looking is None or self.looking.names:
            return None
        rows = [self.row(name) for name in self.views]
        found = [gpu for known in rows if known is not None for gpu in known.gpus]
        unused = (Use.FREE, Use.UNKNOWN, Use.ERROR)
        return (sum(gpu.use not in unused for gpu in found), len(found)) if found else None
