"""The log of a run, by the workspace's services."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from workbench.text.times import parse
from workbench.tui.logs.source import Extent, Found, LineCount

if TYPE_CHECKING:
    from workbench.tui.model.feed import Services


class RunLog:
    """A LogSource. run is an id: what a name means may change. log: which of its logs, without the output."""

    def __init__(self, client: Services, run: str, log: str = "") -> None:
        self._client = client
        self.run = run
        self.log = log
        self._which = {"run": run, "log": log} if log else {"run": run}

    async def extent(self) -> Extent:
        """How much there is now."""
        return _extent(await self._client.call("runs", "log_extent", **self._which))

    async def changes(self) -> AsyncGenerator[Extent, None]:
        """The extent whenever it changed."""
        async with aclosing(self._client.items("runs", "log_watch", **self._which)) as news:
            async for extent in news:
                yield _extent(extent)

    async def read(self, offset: int, length: int) -> bytes:
        """Bytes at offset."""
        blocks = self._client.read("runs", "log_bytes", **self._which, offset=offset, length=length)
        async with aclosing(blocks):
            return b"".join([block async for block in blocks])

    async def lines(self, offset: int) -> LineCount:
        """The number of a line, as far as known."""
        told = await self._client.call("runs", "log_lines", **self._which, offset=offset)
        return LineCount(told["line"], told["lines"], told["counted"])

    async def line_start(self, line: int) -> int | None:
        """Where a line begins; it is waited for while lines are counted."""
        counted = -1
        while True:
            told = await self._client.call("runs", "log_line_start", **self._which, line=line)
            if told["offset"] is not None or told["counted"] == counted:
                offset: int | None = told["offset"]
                return offset
            counted = told["counted"]

    async def search(
        self, pattern: str, offset: int = 0, *, backwards: bool = False, most: int | None = None
    ) -> AsyncGenerator[Found, None]:
        """Lines that match."""
        asked = {"pattern": pattern, "offset": offset, "backwards": backwards, "most": most}
        async with aclosing(self._client.items("runs", "log_search", **asked, **self._which)) as news:
            async for found in news:
                yield _found(found)

    async def times(self, offset: int, stop: int) -> list[tuple[int, float]]:
        """When bytes came."""
        told = await self._client.call("runs", "log_times", offset=offset, stop=stop, **self._which)
        return [(place, time) for place, time in told]

    async def at(self, time: float) -> int | None:
        """From where on it came at a time or later."""
        told = await self._client.call("runs", "log_at", time=time, **self._which)
        offset: int | None = told["offset"]
        return offset

    async def errors(
        self, offset: int = 0, *, backwards: bool = False, most: int = 1
    ) -> AsyncGenerator[Found, None]:
        """Lines that tell of an error."""
        asked = {"offset": offset, "backwards": backwards, "most": most}
        async with aclosing(self._client.items("runs", "log_errors", **asked, **self._which)) as news:
            async for found in news:
                yield _found(found)

    async def whole(self) -> AsyncGenerator[bytes, None]:
        """All of it as it was written, gaps as a line: for a pager."""
        async with aclosing(self._client.read("runs", "logs", **self._which)) as blocks:
            async for block in blocks:
                yield block


def _extent(told: dict[str, Any]) -> Extent:
    gaps = tuple((start, stop) for start, stop in told["gaps"])
    return Extent(told["size"], gaps, told["ended"], parse(told["as_of"]))


def _found(told: dict[str, Any]) -> Found:
    return Found([(place, text) for place, text in told["hits"]], told["at"], told["count"])
