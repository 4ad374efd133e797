"""Forwards as a service: ports of this machine that lead to others', kept until they are closed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal

from workbench.entities.forward import LOCALHOST, Forward
from workbench.errors import Conflict, NotFound, UsageError
from workbench.remote.forms.run_ids import new_run_id
from workbench.services.context import Context
from workbench.services.kept_forward import Kept
from workbench.services.operation import call
from workbench.store.fleet import forwards, targets

Forwards = list[Forward]
Tool = Literal["tensorboard", "jupyter"]


class ForwardService:
    """What can be done with forwards. It holds those that are open; the hub opens and closes it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._kept: dict[int, Kept] = {}

    @property
    def active(self) -> bool:
        """Whether there is a forward, so that the server must not end by itself."""
        return bool(self._kept)

    async def open(self) -> None:
        """Open again what was open before."""
        for forward in await self._store.read(forwards.every):
            self._take_up(forward)

    async def close(self) -> None:
        """Let nobody in any more; all of it is opened again with the next server."""
        kept, self._kept = list(self._kept.values()), {}
        await asyncio.gather(*(one.close() for one in kept))

    @call
    async def list(self) -> Forwards:
        """All, by local port, as they stand now."""
        return [self._kept[local].seen() for local in sorted(self._kept)]

    @call
    async def add(
        self,
        port: int,
        target: str | None = None,
        run: str | None = None,
        host: str = LOCALHOST,
        local: int = 0,
    ) -> Forward:
        """Lead a port of this machine to one of a target, or of a run's machine until the run is over.

        host: as the target knows it. local: 0 for any that is free. The machine need not be reached now.
        Raises UsageError, Conflict when the local port is taken.
        """
        _check(port, local)
        if (target is None) == (run is None):
            raise UsageError("say where it leads to: a target or a run, one of them")
        found = None if run is None else await self._context.place(run)
        if found is not None and found.status.terminal:
            raise Conflict(f"{found.name} is over", "name its machine instead")
        name = target if found is None else found.target
        assert name is not None
        await self._store.read(targets.get, name)
        wanted = Forward(
            local=local,
            target=name,
            host=host,
            port=port,
            run=None if found is None else found.id,
            run_name=None if found is None else found.name,
            created=datetime.now(UTC),
        )
        return await self._add(wanted)

    async def _add(self, wanted: Forward) -> Forward:
        if wanted.local in self._kept:
            raise Conflict(f"port {wanted.local} is forwarded already", "wb compute forwards lists them")
        kept = Kept(self._context, wanted, self._is_over)
        try:
            forward = await kept.listen()
            await self._store.write(forwards.put, forward)
        except BaseException:
            await kept.close()
            raise
        self._kept[forward.local] = kept
        kept.look_after()
        return kept.seen()

    @call
    async def serve(self, run: str, tool: Tool, local: int = 0) -> Forward:
        """Start TensorBoard or Jupyter for a run, on its machine by its interpreter, and lead a port to it.

        It ends when the forward is removed. The one that is there already is given when there is one.
        Returns once it answers. Raises NotFound when it is not installed there, RemoteError when it fails.
        """
        found = await self._context.place(run)
        there = [kept for kept in self._kept.values() if kept.is_for(found.id, tool)]
        if there:
            return await there[0].answering()
        _check(1, local)
        wanted = Forward(
            local=local,
            target=found.target,
            run=found.id,
            run_name=found.name,
            tool=tool,
            key=new_run_id(),
            created=datetime.now(UTC),
        )
        # The machine is reached first: an error of it is the user's answer.
        await self._context.link(found.target)
        forward = await self._add(wanted)
        try:
            return await self._kept[forward.local].answering()
        except BaseException:
            with suppress(NotFound):
                await self.remove(forward.local)
            raise

    @call
    async def remove(self, local: int) -> dict[str, Any]:
        """Close one by its local port, with what came in through it. Raises NotFound."""
        await self._store.write(forwards.remove, local)
        kept = self._kept.pop(local, None)
        if kept is not None:
            await kept.close()
            await kept.end_tool()
        return {}

    async def _is_over(self, local: int) -> None:
        with suppress(NotFound):
            await self.remove(local)

    def _take_up(self, forward: Forward) -> None:
        kept = self._kept[forward.local] = Kept(self._context, forward, self._is_over)
        kept.look_after()


def _check(port: int, local: int) -> None:
    if not 0 < port < 65536 or not 0 <= local < 65536:
        raise UsageError(f"{port if not 0 < port < 65536 else local} is no port", "1 to 65535")
