"""A tool that was started for a forward: wanted while that is open, found again after every cut."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from workbench.compute.fleet import Fleet
from workbench.entities.forward import Forward
from workbench.errors import RemoteError, Unreachable, WorkbenchError
from workbench.text.sanitize import clean_name

AGAIN = 5.0
"""Seconds between two tries to reach its machine."""
END_SECONDS = 20.0


class HeldTool:
    """The tool of a forward; `ready` is set once it answers, or `failed` says why it will not."""

    def __init__(self, fleet: Fleet, forward: Forward) -> None:
        self._fleet = fleet
        self._forward = forward
        self.ready = asyncio.Event()
        self.port: int | None = None
        """On its machine."""
        self.path = "/"
        """Of its page; it may hold what the page asks for, so it is kept nowhere."""
        self.failed: WorkbenchError | None = None
        self.problem: str | None = None

    async def hold(self) -> None:
        """Have it until cancelled; returns when it has ended by itself."""
        while self.failed is None:
            try:
                await self._want()
            except Unreachable as problem:
                self.problem = problem.message
                await asyncio.sleep(AGAIN)
            except WorkbenchError as problem:
                self.failed, self.problem = problem, ": ".join(filter(None, (problem.message, problem.hint)))
                self.ready.set()

    async def _want(self) -> None:
        forward = self._forward
        link = await self._fleet.link(forward.target)
        asked = {"key": forward.key, "tool": forward.tool, "run": forward.run}
        async with link.stream("tool", asked) as stream:
            async for event in stream:
                port = event.get("port") if isinstance(event, dict) else None
                if isinstance(port, int) and 0 < port < 65536 and isinstance(event, dict):
                    self.port, self.path = port, _path(event.get("path"))
                    self.problem = None
                    self.ready.set()
            await stream.result()
        raise RemoteError("it has ended")

    async def end(self) -> None:
        """End it where its machine can be reached; elsewhere nobody wants it any more, which ends it, too."""
        with suppress(WorkbenchError, TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                link = await self._fleet.link(self._forward.target)
                await link.call("tool_end", {"key": self._forward.key})


def _path(said: object) -> str:
    """What a machine says comes after the host of a URL, if it can be one."""
    path = clean_name(str(said or "/"), 500)
    return path if path.startswith("/") and path.isascii() and " " not in path else "/"
