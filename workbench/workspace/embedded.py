"""The services inside this process (`WORKBENCH_EMBEDDED=1`, tests, the demo): same calls, no socket."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from workbench.entities.base import to_wire
from workbench.home import Home, private_folder
from workbench.services.hub import Hub
from workbench.services.operation import Kind, Operation, find
from workbench.settings import load_settings
from workbench.workspace.client import encode_parameters

T = TypeVar("T")
_END = object()


class EmbeddedClient:
    """A client whose services run on an event loop in a thread of this process."""

    def __init__(self, home: Home, workspace: str) -> None:
        private_folder(home.root)
        self._workspace = workspace
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="services", daemon=True)
        self._thread.start()
        self._hub = self._run(self._start(home))

    async def _start(self, home: Home) -> Hub:
        hub = Hub(home, load_settings(home.settings_file), lambda: None)
        await hub.start()
        return hub

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _operation(self, noun: str, method: str) -> Operation:
        return find((await self._hub.workspace(self._workspace)).operations, noun, method)

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value; raises the WorkbenchError the service raised."""

        async def work() -> Any:
            return _plain(await (await self._operation(noun, method)).call(_checked(parameters)))

        return self._run(work())

    def items(self, noun: str, method: str, **parameters: Any) -> Iterator[Any]:
        """Values as they come; closing the iterator ends the operation."""
        return self._iterate(noun, method, parameters, _plain)

    def read(self, noun: str, method: str, **parameters: Any) -> Iterator[bytes]:
        """Bytes as they come."""
        return self._iterate(noun, method, parameters, lambda block: block)

    def _iterate(
        self, noun: str, method: str, parameters: dict[str, Any], turn: Callable[[Any], Any]
    ) -> Iterator[Any]:
        async def begin() -> AsyncIterator[Any]:
            return (await self._operation(noun, method)).iterate(_checked(parameters))

        values = self._run(begin())

        async def following() -> Any:
            try:
                return turn(await anext(values))
            except StopAsyncIteration:
                return _END

        async def close() -> None:
            finish = getattr(values, "aclose", None)
            if finish is not None:
                await finish()

        try:
            while (value := self._run(following())) is not _END:
                yield value
        finally:
            self._run(close())

    def write(self, noun: str, method: str, source: Iterable[bytes], **parameters: Any) -> Any:
        """Send bytes, get one value."""
        blocks = iter(source)

        async def pour() -> AsyncIterator[bytes]:
            while (block := await asyncio.to_thread(next, blocks, None)) is not None:
                yield block

        async def work() -> Any:
            operation = await self._operation(noun, method)
            assert operation.kind is Kind.WRITE
            return _plain(await operation.write(_checked(parameters), pour()))

        return self._run(work())

    def close(self) -> None:
        """Close the workspaces and end the thread; runs go on where they are."""
        self._run(self._hub.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _checked(parameters: dict[str, Any]) -> Any:
    """Parameters as they would arrive over the socket."""
    return json.loads(encode_parameters(parameters))


def _plain(value: Any) -> Any:
    return to_wire(value)
