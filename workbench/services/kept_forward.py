"""A forward that is to be open as long as nobody closes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from workbench.compute.lasting import lasting
from workbench.compute.link import Link
from workbench.entities.base import replace
from workbench.entities.forward import Forward, ForwardState
from workbench.errors import NotFound, WorkbenchError, from_wire
from workbench.services.context import Context
from workbench.services.forwarding import HERE, OpenForward
from workbench.services.held_tool import HeldTool
from workbench.store.runs import run_rows

AGAIN = 5.0
"""Seconds between two tries to have a port that somebody else has."""

Over = Callable[[int], Awaitable[None]]


class Kept:
    """One forward: its listener, what it leads to, and a task that sees that it is open and when it is over.

    over: called with the local port when the run it is for is over.
    """

    def __init__(self, context: Context, forward: Forward, over: Over) -> None:
        self._over = over
        self._context = context
        self._forward = forward
        self._problem: str | None = None
        self._listening = False
        self._open = OpenForward(self._reach, self._place)
        self._tool = None if forward.tool is None else HeldTool(context.fleet, forward)
        self._tasks: list[asyncio.Task[None]] = []

    async def listen(self) -> Forward:
        """Let in; the forward with the port it has. Raises Conflict, Refused."""
        local = await self._open.listen(self._forward.local)
        self._listening, self._problem = True, None
        self._forward = replace(self._forward, local=local)
        return self._forward

    def look_after(self) -> None:
        """From now on see that it is open until its run is over, and have what it leads to."""
        self._tasks.append(lasting(self._look_after, f"forward {self._forward.local}"))
        if self._tool is not None:
            self._tasks.append(lasting(self._tool.hold, f"tool of forward {self._forward.local}"))

    def is_for(self, run: str, tool: str) -> bool:
        """Whether it leads to that tool of that run."""
        return (self._forward.run, self._forward.tool) == (run, tool)

    async def answering(self) -> Forward:
        """Wait until its tool answers. Raises why it does not."""
        assert self._tool is not None
        await self._tool.ready.wait()
        if self._tool.failed is not None:
            raise from_wire(self._tool.failed.to_wire())
        return self.seen()

    async def close(self) -> None:
        """Let nobody in any more."""
        others = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._open.close()

    async def end_tool(self) -> None:
        """End what was started for it."""
        if self._tool is not None:
            await self._tool.end()

    def seen(self) -> Forward:
        """The forward as it stands now."""
        tool = self._tool
        there = ForwardState.OPEN if tool is None or tool.port is not None else ForwardState.STARTING
        failed = tool is not None and tool.failed is not None
        return replace(
            self._forward,
            state=there if self._listening and not failed else ForwardState.WAITING,
            problem=self._problem or (tool.problem if tool is not None else None) or self._open.trouble,
            url=f"http://{HERE}:{self._forward.local}{tool.path if tool is not None else '/'}",
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
        if self._forward.run is not None and self._tool is None:
            await self._until_over(self._forward.run)
            await self._over(self._forward.local)

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
        port = self._forward.port if self._tool is None else self._tool.port
        return None if port is None else (self._forward.host, port)
