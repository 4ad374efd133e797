"""The clients of services inside this process (`WORKBENCH_EMBEDDED=1`, tests): same calls, no socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterable, Iterator
from contextlib import aclosing
from typing import Any

from workbench.home import Home
from workbench.services.operation import Kind
from workbench.workspace.async_duplex import conversed
from workbench.workspace.duplex import Duplex
from workbench.workspace.embedded_services import END, EmbeddedServices
from workbench.workspace.exchange import AnswerParser, Shape


class EmbeddedClient:
    """The client of services in this process."""

    def __init__(self, home: Home, workspace: str) -> None:
        self._services = EmbeddedServices(home, workspace)

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value; raises the WorkbenchError the service raised."""
        return self._services.wait(self._services.call(noun, method, parameters))

    def items(self, noun: str, method: str, **parameters: Any) -> Generator[Any, None, None]:
        """Values as they come; closing the iterator ends the operation."""
        return self._iterate(noun, method, parameters, Kind.ITEMS)

    def read(self, noun: str, method: str, **parameters: Any) -> Iterator[bytes]:
        """Bytes as they come."""
        return self._iterate(noun, method, parameters, Kind.READ)

    def _iterate(
        self, noun: str, method: str, parameters: dict[str, Any], kind: Kind
    ) -> Generator[Any, None, None]:
        stream = self._services.wait(self._services.stream(noun, method, parameters, kind))
        try:
            while (value := self._services.wait(stream.following())) is not END:
                yield value
        finally:
            self._services.wait(stream.close())

    def write(self, noun: str, method: str, source: Iterable[bytes], **parameters: Any) -> Any:
        """Send bytes, get one value."""
        blocks = iter(source)

        async def pour() -> AsyncIterator[bytes]:
            while (block := await asyncio.to_thread(next, blocks, None)) is not None:
                yield block

        return self._services.wait(self._services.write(noun, method, pour(), parameters))

    def duplex(self, noun: str, method: str, **parameters: Any) -> Duplex:
        """Begin an operation that sends and receives; raises the WorkbenchError it is refused with."""
        connection = self._services.wait(self._services.duplex(noun, method, parameters))
        return Duplex(connection, AnswerParser(Shape.PIECES, headed=True), framed=False)

    def close(self) -> None:
        """Close the workspaces; runs go on where they are."""
        self._services.close()


class AsyncEmbeddedClient:
    """The same for who has an event loop of their own. The services start with the first operation."""

    def __init__(self, home: Home, workspace: str) -> None:
        self._home = home
        self._workspace = workspace
        self._started: asyncio.Future[EmbeddedServices] | None = None

    async def _services(self) -> EmbeddedServices:
        if self._started is None or (self._started.done() and self._started.exception() is not None):
            self._started = asyncio.ensure_future(
                asyncio.to_thread(EmbeddedServices, self._home, self._workspace)
            )
        return await asyncio.shield(self._started)  # who waits may be cancelled; what started is closed

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value; raises the WorkbenchError the service raised."""
        services = await self._services()
        return await asyncio.wrap_future(services.begin(services.call(noun, method, parameters)))

    def items(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[Any, None]:
        """Values as they come; closing the generator ends the operation."""
        return self._iterate(noun, method, parameters, Kind.ITEMS)

    def read(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[bytes, None]:
        """Bytes as they come."""
        return self._iterate(noun, method, parameters, Kind.READ)

    async def _iterate(
        self, noun: str, method: str, parameters: dict[str, Any], kind: Kind
    ) -> AsyncGenerator[Any, None]:
        services = await self._services()
        stream = await asyncio.wrap_future(services.begin(services.stream(noun, method, parameters, kind)))
        try:
            while (value := await asyncio.wrap_future(services.begin(stream.following()))) is not END:
                yield value
        finally:
            await asyncio.wrap_future(services.begin(stream.close()))

    async def write(self, noun: str, method: str, source: AsyncIterable[bytes], **parameters: Any) -> Any:
        """Send bytes, get one value."""
        here, blocks = asyncio.get_running_loop(), aiter(source)

        async def following() -> bytes | None:
            return await anext(blocks, None)

        async def pour() -> AsyncIterator[bytes]:
            while True:
                block = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(following(), here))
                if block is None:
                    return
                yield block

        services = await self._services()
        return await asyncio.wrap_future(services.begin(services.write(noun, method, pour(), parameters)))

    async def duplex(
        self, noun: str, method: str, source: AsyncIterable[Any], **parameters: Any
    ) -> AsyncGenerator[Any, None]:
        """Send bytes and values, get bytes and values as they come."""
        services = await self._services()
        connection = await asyncio.wrap_future(services.begin(services.duplex(noun, method, parameters)))
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            async with aclosing(conversed(reader, writer, source, framed=False)) as values:
                async for value in values:
                    yield value
        finally:
            writer.transport.abort()

    async def aclose(self) -> None:
        """Close the workspaces; runs go on where they are."""
        started, self._started = self._started, None
        if started is not None:
            await asyncio.to_thread((await started).close)
