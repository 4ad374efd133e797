"""A machine's probe over its link: samples as they come, and how often they are to come."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

from workbench.compute.link_stream import LinkStream
from workbench.entities.sample import MachineSample
from workbench.errors import RemoteError

CONFUSED = 3
"""Messages in a row that make no sense before the probe is given up."""


SHARE = 0.1
"""Of this process that one machine may have for what it says, however fast a hostile one says it."""
BURST = 0.05
"""Seconds that it may have at once."""


class Asked(NamedTuple):
    """What a probe is asked for."""

    every: float
    """Seconds between samples."""
    detail: tuple[str, ...] = ()
    """UUIDs of GPUs whose PCIe and NVLink rates are wanted, too."""
    resting: bool = False
    """Whether it is for nobody's sake: such a stream does not keep a link."""


class Decoder(Protocol):
    """What makes samples of a probe's messages."""

    def apply(self, message: Mapping[str, Any]) -> MachineSample:
        """The sample after a message; raises ValueError when it needs one in full first."""


class Streams(Protocol):
    """What of a link is needed."""

    def stream(
        self, method: str, params: dict[str, Any] | None = None, source: AsyncIterator[bytes] | None = None
    ) -> LinkStream:
        """A request in progress; raises Unreachable."""

    def rest(self, stream: LinkStream, resting: bool) -> None:
        """Whether the request goes on for nobody's sake."""


class ProbeStream:
    """An asynchronous context manager and iterator; the far end's probe goes on until it is left.

    Iterating raises Unreachable when the link is lost, RemoteError when the probe cannot go on.
    """

    def __init__(self, link: Streams, asked: Asked, decoder: Callable[[], Decoder]) -> None:
        self._link = link
        self._asked = asked
        self._decoder = decoder()
        self._words: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._confused = 0
        self._debt = 0.0
        self._paid = 0.0
        first = {"every": asked.every, "detail": list(asked.detail)}
        self._stream = link.stream("probe", first, source=self._said())
        link.rest(self._stream, asked.resting)

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stream.__aexit__(kind, error, trace)

    def ask(self, asked: Asked) -> None:
        """Change what is asked for; nothing happens when it is asked for already."""
        before, self._asked = self._asked, asked
        words: dict[str, Any] = {}
        if asked.every != before.every:
            words["every"] = asked.every
        if asked.detail != before.detail:
            words["detail"] = list(asked.detail)
        if words:
            self._words.put_nowait(words)
        if asked.resting != before.resting:
            self._link.rest(self._stream, asked.resting)

    async def _said(self) -> AsyncIterator[bytes]:
        while True:
            yield json.dumps(await self._words.get()).encode() + b"\n"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> MachineSample:
        async for message in self._stream:
            if not isinstance(message, dict):
                continue
            began = time.thread_time()
            try:
                sample = self._decoder.apply(message)
            except ValueError as problem:
                self._confused += 1
                if self._confused > CONFUSED:
                    raise RemoteError(f"its probe makes no sense: {problem}") from problem
                self._words.put_nowait({"full": True})
                continue
            self._confused = 0
            await self._give_way(time.thread_time() - began)
            return sample
        raise StopAsyncIteration

    async def _give_way(self, spent: float) -> None:
        """Let others have their turn when this machine had more than its share; what it says waits there."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._debt = max(0.0, self._debt - (now - self._paid) * SHARE) + spent
        self._paid = now
        if self._debt > BURST:
            await asyncio.sleep(self._debt / SHARE)
