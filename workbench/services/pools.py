"""Pools of machines, as a part of the noun compute."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from workbench.entities.pool import ANY, Pool
from workbench.errors import Conflict, UsageError
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.fleet import pools, targets

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")


class PoolService:
    """What can be done with pools: a run that is sent to one goes to the machine that has room first."""

    def __init__(self, context: Context) -> None:
        self._store = context.store

    @call
    async def pools(self) -> list[Pool]:
        """All pools by name; `any`, the machines that are attached, is always there and not listed."""
        return await self._store.read(pools.every)

    @call
    async def pool(self, name: str) -> Pool:
        """One pool; raises NotFound."""
        return await self._store.read(pools.get, name)

    @call
    async def set_pool(self, name: str, targets: list[str]) -> Pool:
        """Make a pool, or change which machines it has; the first of several that have room counts."""
        if not _NAME.match(name) or name == ANY:
            hint = "any is all machines; else letters, digits, '_', '-', '.', at most 64"
            raise UsageError(f"{name!r} is no name for a pool", hint)
        if not targets:
            raise UsageError("a pool has at least one machine", f"wb compute pool set {name} gpu1 gpu2")
        await self._check(name, targets)
        pool = Pool(name=name, targets=list(dict.fromkeys(targets)), created=datetime.now(UTC))
        return await self._store.write(pools.put, pool)

    async def _check(self, name: str, members: list[str]) -> None:
        if any(target.name == name for target in await self._store.read(targets.every)):
            raise Conflict(f"{name} is a machine already", "choose another name for the pool")
        for member in members:
            await self._store.read(targets.get, member)

    @call
    async def remove_pool(self, name: str) -> dict[str, Any]:
        """Forget a pool; its machines and runs stay as they are. Raises NotFound."""
        await self._store.write(pools.remove, name)
        return {}
