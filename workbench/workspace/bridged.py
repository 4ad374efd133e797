"""A blocking client for a thread beside an event loop: its operations run on the loop's own client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from workbench.workspace.client import AsyncServices
from workbench.workspace.duplex import Duplex

T = TypeVar("T")


class BridgedClient:
    """What work in a thread asks of the services of the loop that waits for it.

    Used by one thread that is not the loop's. After `stop`, what it asks, and waits for, ends with
    concurrent.futures.CancelledError: so does the work of somebody who waits no more.
    """

    def __init__(self, services: AsyncServices, loop: asyncio.AbstractEventLoop) -> None:
        self._services = services
        self._loop = loop
        self._changing = threading.Lock()
        self._pending: Future[Any] | None = None
        self._stopped = False

    def stop(self) -> None:
        """End what the thread waits for now, and all it asks later. Any thread may."""
        with self._changing:
            self._stopped = True
            if self._pending is not None:
                self._pending.cancel()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        with self._changing:
            if self._stopped:
                work.close()
                raise CancelledError
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._pending = future
        try:
            return future.result()
        finally:
            self._pending = None

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value; raises the WorkbenchError the service raised."""
        return self._wait(self._services.call(noun, method, **parameters))

    def items(self, noun: str, method: str, **parameters: Any) -> Generator[Any, None, None]:
        """Values as they come; closing the generator ends the operation."""
        return self._iterate(self._services.items(noun, method, **parameters))

    def read(self, noun: str, method: str, **parameters: Any) -> Iterator[bytes]:
        """Bytes as they come."""
        return self._iterate(self._services.read(noun, method, **parameters))

    def _iterate(self, pieces: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        async def following() -> tuple[T] | None:
            async for piece in pieces:
                return (piece,)
            return None

        try:
            while (found := self._wait(following())) is not None:
                yield found[0]
        finally:
            asyncio.run_coroutine_threadsafe(pieces.aclose(), self._loop).result()

    def write(self, noun: str, method: str, source: Iterable[bytes], **parameters: Any) -> Any:
        """Send bytes, get one value."""
        blocks = iter(source)

        async def pour() -> AsyncIterator[bytes]:
            while (block := await asyncio.to_thread(next, blocks, None)) is not None:
                yield block

        return self._wait(self._services.write(noun, method, pour(), **parameters))

    def duplex(self, noun: str, method: str, **parameters: Any) -> Duplex:
        """Terminals and forwards want a thread of their own; raises NotImplementedError."""
        raise NotImplementedError(f"{noun}.{method} needs a blocking client")

    def close(self) -> None:
        """Nothing: the services belong to the loop."""
