"""Who watches machines: what changed since they looked last, by name only.

As with the bus, a listener keeps that something changed and reads what it is when it goes on: one that
stopped reading costs nothing, however long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from workbench.entities.machine_view import Looking


class Look:
    """One who looks, at some machines or at all; made by `Monitor.look`."""

    def __init__(self, names: Collection[str] | None, looking: Looking) -> None:
        self.looking = looking
        self._names = None if names is None else frozenset(names)
        self._changed: set[str] = set()
        self._ready = asyncio.Event()

    def covers(self, name: str) -> bool:
        """Whether a machine is one of those that are looked at."""
        return self._names is None or name in self._names

    def put(self, name: str) -> None:
        """A machine's view is another one, or the machine is gone; never blocks."""
        self._changed.add(name)
        self._ready.set()

    async def take(self) -> set[str]:
        """The machines whose view changed since this was asked last, at least one."""
        await self._ready.wait()
        changed, self._changed = self._changed, set()
        self._ready.clear()
        return changed
