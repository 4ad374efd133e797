"""Long work as an activity: progress, an end, and an error that says what to do next (AZ-13)."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from workbench.entities.base import replace
from workbench.entities.event import Activity, ActivityState
from workbench.errors import HostKeyUnknown, NotAnswered, StoreError, WorkbenchError
from workbench.store.async_store import AsyncStore
from workbench.store.workspace import activities

log = logging.getLogger(__name__)
EVERY = 0.5
"""Seconds between two notes of the same activity's progress."""


class Progress:
    """What the work in hand reports through."""

    def __init__(self, store: AsyncStore, activity: Activity) -> None:
        self._store = store
        self._noted = time.monotonic()
        self.activity = activity

    async def report(self, text: str, done: int | None = None, total: int | None = None) -> None:
        """Say how far it is; kept at most every half second."""
        self.activity = replace(self.activity, text=text, done=done, total=total)
        if time.monotonic() - self._noted >= EVERY:
            self._noted = time.monotonic()
            await self.keep()

    async def counted(
        self, source: AsyncIterable[bytes], text: str, done: int, total: int
    ) -> AsyncIterator[bytes]:
        """What comes of source, saying how much of total that makes with the done bytes before it."""
        async for block in source:
            yield block
            done += len(block)
            await self.report(text, min(done, total), total)

    async def end(self, state: ActivityState, **changes: Any) -> None:
        """Say how it ended."""
        self.activity = replace(self.activity, state=state, ended=datetime.now(UTC), **changes)
        await self.keep()

    async def keep(self) -> None:
        """Write it down; a store that cannot is not allowed to stop the work itself."""
        try:
            await self._store.write(activities.put, self.activity)
        except StoreError as problem:
            log.warning("an activity is not kept: %s", problem.message)


@asynccontextmanager
async def activity(store: AsyncStore, kind: str, subject: str, text: str = "") -> AsyncIterator[Progress]:
    """Keep an activity for as long as the block lasts; how the block ends is how it ended."""
    started = Activity(id=uuid.uuid4().hex, kind=kind, subject=subject, text=text, started=datetime.now(UTC))
    progress = Progress(store, started)
    await progress.keep()
    try:
        yield progress
    except (NotAnswered, HostKeyUnknown) as problem:  # its user went away or has to decide: nothing failed
        await progress.end(ActivityState.CANCELED, error=problem.message, hint=problem.hint or None)
        raise
    except WorkbenchError as problem:
        await progress.end(ActivityState.FAILED, error=problem.message, hint=problem.hint or None)
        raise
    except asyncio.CancelledError:
        await progress.end(ActivityState.CANCELED)
        raise
    except Exception as problem:
        await progress.end(ActivityState.FAILED, error=f"internal error: {type(problem).__name__}")
        raise
    await progress.end(ActivityState.DONE)


async def close_forgotten(store: AsyncStore) -> None:
    """End the activities of a server that is gone; nobody works on them any more."""
    for forgotten in await store.read(activities.newest, 10_000, True):
        gone = replace(
            forgotten,
            state=ActivityState.CANCELED,
            ended=datetime.now(UTC),
            error="the local server ended before it was done",
            hint="what is still needed is done again by itself",
        )
        await store.write(activities.put, gone)
