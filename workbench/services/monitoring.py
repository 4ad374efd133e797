"""Machines as they are now, as they change, and as they were."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from workbench.compute import past
from workbench.compute.monitor import Monitor
from workbench.compute.watched import EVERY
from workbench.entities.base import Plain
from workbench.entities.machine_series import Span
from workbench.entities.machine_view import Freshness, Looking, MachineView
from workbench.errors import NoPython, Unreachable, UsageError
from workbench.services.context import Context
from workbench.services.operation import call, items
from workbench.services.told_machines import Told
from workbench.store.fleet import machine_minutes

RECENT = 1.5
"""Seconds for which a sample is the answer to how a machine is now."""
FIRST = 20.0
"""Seconds to wait for a machine's first sample."""
PART = 25
"""Machines in one item of a watch."""
MOST_POINTS = 10_000
LONGEST = 366 * 86_400
"""Seconds of history that may be asked for."""


class MonitoringService:
    """The live part of the noun `compute`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._monitor: Monitor = context.monitor
        self._store = context.store

    @items
    async def watch(
        self, names: list[str] | None = None, looking: Looking = Looking.VISIBLE
    ) -> AsyncIterator[Plain]:
        """Machines (absent: all, also those to come) as they change, for ever.

        First {"machines": {name: view}}, then {"patch": {name: merge patch of its view}} (RFC 7396) and
        {"gone": [name]}, as often as `looking` says and never faster than they are taken. Processes
        come every five seconds only unless few machines were named. Raises NotFound.
        """
        monitor = self._monitor
        with monitor.look(names or None, looking) as look:
            told = Told(monitor, names or ())
            yield Plain({"machines": told.whole(names or monitor.names)})
            while True:
                changed = sorted(await look.take())
                if gone := told.gone(changed):
                    yield Plain({"gone": gone})
                # In parts, so that no face is kept from its keys by one long line.
                for start in range(0, len(changed), PART):
                    if patch := told.patch(changed[start : start + PART]):
                        yield Plain({"patch": patch})
                await asyncio.sleep(EVERY[looking])

    @call
    async def sample(self, name: str) -> MachineView:
        """One machine as it is now, connected to when needed.

        Raises NotFound, Unreachable and its kinds.
        """
        monitor = self._monitor
        view = monitor.view(name)
        if view.freshness is Freshness.FRESH and view.age is not None and view.age <= RECENT:
            return view
        before = view.heard
        with monitor.look([name], Looking.VISIBLE) as look:
            if not monitor.is_here(name):
                with suppress(NoPython):  # its own shell may tell of it
                    await self._context.link(name)
            try:
                async with asyncio.timeout(FIRST):
                    while (view := monitor.view(name)).heard == before:
                        await look.take()
            except TimeoutError:
                said = view.problem or "its probe says nothing"
                raise Unreachable(f"{name} sent no figures: {said}", f"wb compute doctor {name}") from None
        return view

    @call
    async def history(
        self,
        name: str,
        series: list[str] | None = None,
        seconds: float = 600.0,
        points: int = 300,
        bounds: bool = False,
    ) -> dict[str, Any]:
        """How a machine's figures were in the last seconds: {"step", "start", "series": {name: [value]}}.

        step: seconds a value stands for. start: the first of them, since 1970. series absent: all there
        are. A gap is null. bounds: with "low" and "high" as well. Raises NotFound, UsageError.
        """
        if not 1 <= points <= MOST_POINTS or not 1 <= seconds <= LONGEST:
            raise UsageError(
                "that is no stretch of time to show", f"1 to {MOST_POINTS} points, 1 to {LONGEST} seconds"
            )
        history = self._monitor.history(name)
        names = series or sorted({*history.names, *await self._store.read(machine_minutes.names, name)})
        now = int(time.time())
        asked = past.window(now, int(seconds), points)
        missing = past.missing(history, asked, now)
        stored: Mapping[str, Mapping[int, Span]] = {}
        if missing:
            stored = await self._store.read(machine_minutes.read, name, names, missing.start, missing.stop)
        found = {one: past.series(history, one, asked, stored) for one in names}
        answer: dict[str, Any] = {"step": asked.step, "start": asked.start}
        for key, figure in (("series", "mean"), *((("low", "low"), ("high", "high")) if bounds else ())):
            answer[key] = {
                one: [None if span is None else round(getattr(span, figure), 2) for span in spans]
                for one, spans in found.items()
            }
        return answer
