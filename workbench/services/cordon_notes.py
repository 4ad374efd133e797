"""What machines said of their cordons: kept in their rows and in the views, so that lists tell of it."""

from __future__ import annotations

from contextlib import suppress

from workbench.compute.monitor import Monitor
from workbench.entities.queue import Cordon
from workbench.errors import NotFound
from workbench.store.async_store import AsyncStore
from workbench.store.fleet import targets


class CordonNotes:
    """Takes what each machine says; what it said before costs nothing."""

    def __init__(self, store: AsyncStore, monitor: Monitor) -> None:
        self._store = store
        self._monitor = monitor
        self._said: dict[str, Cordon | None] = {}

    async def note(self, name: str, cordon: Cordon | None) -> None:
        """Keep how a machine stands; an event tells of a change, whoever made it."""
        self._monitor.set_cordon(name, cordon)
        if name in self._said and self._said[name] == cordon:
            return
        with suppress(NotFound):  # it was just detached
            await self._store.write(targets.set_cordon, name, cordon)
            self._said[name] = cordon
