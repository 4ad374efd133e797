"""The services inside this process, on an event loop of their own."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from workbench.entities.base import to_wire
from workbench.home import Home, private_folder
from workbench.services.conversing import arriving, converse, while_connected
from workbench.services.hub import Hub
from workbench.services.operation import Arguments, Kind, Operation, find
from workbench.settings import load_settings
from workbench.workspace.exchange import encode_parameters

T = TypeVar("T")
END = object()
"""What a stream gives after its last value."""
BLOCK = 1 << 16


class EmbeddedServices:
    """The services in a thread, so that no caller makes them wait."""

    def __init__(self, home: Home, workspace: str) -> None:
        private_folder(home.root)
        self._workspace = workspace
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="services", daemon=True)
        self._thread.start()
        self._conversing: set[asyncio.Task[None]] = set()
        self._hub = Hub(home, load_settings(home.settings_file), lambda: None)
        try:
            self.wait(self._hub.start())
        except BaseException:
            self.close()
            raise

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start work on the services' loop; cancelling the future cancels it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Do work on the services' loop; interrupting the wait cancels it."""
        future = self.begin(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def call(self, noun: str, method: str, parameters: dict[str, Any]) -> Any:
        """One value. This and the next two belong to the services' loop."""
        operation = await self._operation(noun, method, Kind.CALL)
        return to_wire(await operation.call(_arrived(parameters)))

    async def stream(self, noun: str, method: str, parameters: dict[str, Any], kind: Kind) -> EmbeddedStream:
        """An operation's values or bytes, begun."""
        operation = await self._operation(noun, method, kind)
        return EmbeddedStream(operation.iterate(_arrived(parameters)), kind)

    async def write(
        self, noun: str, method: str, source: AsyncIterator[bytes], parameters: dict[str, Any]
    ) -> Any:
        """One value for the bytes of source."""
        operation = await self._operation(noun, method, Kind.WRITE)
        return to_wire(await operation.write(_arrived(parameters), source))

    async def duplex(self, noun: str, method: str, parameters: dict[str, Any]) -> socket.socket:
        """One end of a connection to an operation, begun; it speaks pieces. The operation ends with it."""
        operation = await self._operation(noun, method, Kind.DUPLEX)
        arguments = operation.arguments(_arrived(parameters))
        theirs, ours = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        task = asyncio.create_task(_conversing(operation, arguments, reader, writer))
        self._conversing.add(task)
        task.add_done_callback(self._conversing.discard)
        return theirs

    async def _operation(self, noun: str, method: str, kind: Kind) -> Operation:
        return find((await self._hub.workspace(self._workspace)).operations, noun, method, kind)

    async def _close(self) -> None:
        for task in self._conversing:
            task.cancel()
        await asyncio.gather(*self._conversing, return_exceptions=True)
        await self._hub.close()

    def close(self) -> None:
        """Close the workspaces and end the thread; runs go on where they are."""
        try:
            self.wait(self._close())
        finally:
            self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class EmbeddedStream:
    """A stream of the services' loop. Its methods belong to that loop, and wait for each other."""

    def __init__(self, values: AsyncGenerator[Any, None], kind: Kind) -> None:
        self._values = values
        self._kind = kind
        self._turn = asyncio.Lock()

    async def following(self) -> Any:
        """The next value as plain JSON types, or block; END after the last."""
        async with self._turn:
            try:
                value = await anext(self._values)
            except StopAsyncIteration:
                return END
        return value if self._kind is Kind.READ else to_wire(value)

    async def close(self) -> None:
        """End the operation."""
        async with self._turn:
            await self._values.aclose()


async def _conversing(
    operation: Operation, arguments: Arguments, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Do a DUPLEX operation until it ends or its other side hangs up."""

    async def blocks() -> AsyncGenerator[bytes, None]:
        while block := await reader.read(BLOCK):
            yield block

    async def write(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    try:
        with suppress(ConnectionError):  # the other side is gone: its right
            async with while_connected(writer.get_extra_info("socket")):
                await converse(operation, arguments, arriving(blocks()), write)
    finally:
        writer.close()


def _arrived(parameters: dict[str, Any]) -> Any:
    """Parameters as they would arrive over the socket."""
    return json.loads(encode_parameters(parameters))
