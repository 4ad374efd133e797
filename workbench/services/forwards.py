"""Forwards as a service: ports of this machine that lead to others', kept until they are closed."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from workbench.compute.link import Link
from workbench.entities.base import replace
from workbench.entities.forward import LOCALHOST, Forward, ForwardState
from workbench.errors import Conflict, NotFound, UsageError, WorkbenchError
from workbench.services.context import Context
from workbench.services.forwarding import HERE, OpenForward
from workbench.services.operation import call
from workbench.store import forwards, run_rows, targets

AGAIN = 5.0
"""Seconds between two tries to have a port that somebody else has."""
log = logging.getLogger(__name__)
Forwards = list[Forward]


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
        found = None if run is None else await self._context.resolve(run)
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
        kept = Kept(self, self._context, wanted)
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
    async def remove(self, local: int) -> dict[str, Any]:
        """Close one by its local port, with what came in through it. Raises NotFound."""
        await self._store.write(forwards.remove, local)
        kept = self._kept.pop(local, None)
        if kept is not None:
            await kept.close()
        return {}

    def _take_up(self, forward: Forward) -> None:
        kept = self._kept[forward.local] = Kept(self, self._context, forward)
        kept.look_after()


class Kept:
    """One forward that is to be open: its listener, and a task that sees that it is, and when it is over."""

    def __init__(self, service: ForwardService, context: Context, forward: Forward) -> None:
        self._service = service
        self._context = context
        self._forward = forward
        self._problem: str | None = None
        self._listening = False
        self._open = OpenForward(self._reach, self._place)
        self._task: asyncio.Task[None] | None = None

    async def listen(self) -> Forward:
        """Let in; the forward with the port it has. Raises Conflict, Refused."""
        local = await self._open.listen(self._forward.local)
        self._listening, self._problem = True, None
        self._forward = replace(self._forward, local=local)
        return self._forward

    def look_after(self) -> None:
        """From now on see that it is open until its run is over."""
        self._task = asyncio.ensure_future(self._look_after())
        self._task.add_done_callback(_told)

    async def close(self) -> None:
        """Let nobody in any more."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._open.close()

    def seen(self) -> Forward:
        """The forward as it stands now."""
        return replace(
            self._forward,
            state=ForwardState.OPEN if self._listening else ForwardState.WAITING,
            problem=self._problem or self._open.trouble,
            url=f"http://{HERE}:{self._forward.local}/",
            connections=self._open.connections,
            served=self._open.served,
        )

    async def _look_after(self) -> None:
        while not self._listening:
            try:
                await self.listen()
            except WorkbenchError as problem:  # told by `list`, tried again
                self._problem = problem.message
                await asyncio.sleep(AGAIN)
        if self._forward.run is not None:
            await self._until_over(self._forward.run)
            with suppress(NotFound):
                await self._service.remove(self._forward.local)

    async def _until_over(self, run: str) -> None:
        """Wait until a run is over, or was removed."""
        with self._context.bus.listen(f"runs/{run}") as listener:
            while True:
                try:
                    row = await self._context.store.read(run_rows.get, run)
                except NotFound:
                    return
                if row.status.terminal:
                    return
                await listener.take()

    async def _reach(self) -> Link:
        return await self._context.fleet.link(self._forward.target)

    def _place(self) -> tuple[str, int] | None:
        return None if self._forward.port is None else (self._forward.host, self._forward.port)


def _check(port: int, local: int) -> None:
    if not 0 < port < 65536 or not 0 <= local < 65536:
        raise UsageError(f"{port if not 0 < port < 65536 else local} is no port", "1 to 65535")


def _told(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (problem := task.exception()) is not None:
        log.error("a forward is no longer looked after", exc_info=problem)
