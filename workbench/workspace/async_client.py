"""The services for a face that has an event loop, such as a dashboard: the workspace's four calls.

Whatever is awaited may be cancelled; that ends the operation here and in the server. A stream that is left
before its end is closed with `contextlib.aclosing`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from workbench.errors import ServerError
from workbench.home import Home, find_home, wants_embedded, workspace_name
from workbench.store.sqlite.ownership import find_server
from workbench.workspace.client import AsyncServices
from workbench.workspace.exchange import ServerGone
from workbench.workspace.resuming import (
    PAUSE,
    Parameters,
    Resumption,
    asked_again,
    follows_log,
    item_resumption,
    log_question,
    log_resumption,
)

T = TypeVar("T")


class AsyncClient:
    """A workspace's services. An asynchronous context manager; belongs to one event loop."""

    def __init__(self, services: AsyncServices) -> None:
        self._services = services

    @classmethod
    def open(
        cls, name: str | None = None, *, embedded: bool | None = None, home: Home | None = None
    ) -> AsyncClient:
        """As `Workspace.open`; nothing is started or connected before the first call."""
        home = home or find_home()
        name = name or workspace_name()
        home.workspace(name)
        if (wants_embedded() if embedded is None else embedded) and find_server(home) is None:
            from workbench.workspace.embedded import AsyncEmbeddedClient

            return cls(AsyncEmbeddedClient(home, name))
        from workbench.workspace.async_socket import AsyncSocketClient

        return cls(AsyncSocketClient(home, name))

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of the services; runs go on."""
        await self._services.aclose()

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One operation's value as plain JSON types; raises the WorkbenchError the service raised."""
        for _ in range(asked_again(method)):
            try:
                return await self._services.call(noun, method, **parameters)
            except ServerGone:
                await asyncio.sleep(PAUSE)
        return await self._services.call(noun, method, **parameters)

    async def items(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[Any, None]:
        """A stream of values. Following a run, and events, go on when the server ends underneath."""
        stream = item_resumption(noun, method, parameters)
        if stream is None:
            pieces = self._services.items(noun, method, **parameters)
        else:
            pieces = _resumed(lambda asked: self._services.items(noun, method, **asked), stream)
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    async def read(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[bytes, None]:
        """A stream of bytes. Following a log goes on when the server ends underneath."""
        if follows_log(noun, method, parameters):
            place = await self.call("runs", "log_place", **log_question(parameters))
            pieces = _resumed(lambda asked: self._services.read(noun, method, **asked), log_resumption(place))
        else:
            pieces = self._services.read(noun, method, **parameters)
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    async def write(self, noun: str, method: str, source: AsyncIterable[bytes], **parameters: Any) -> Any:
        """Send bytes, get one value."""
        return await self._services.write(noun, method, source, **parameters)

    async def duplex(
        self, noun: str, method: str, source: AsyncIterable[Any], **parameters: Any
    ) -> AsyncGenerator[Any, None]:
        """Send bytes and values, get bytes and values as they come."""
        async with aclosing(self._services.duplex(noun, method, source, **parameters)) as values:
            async for value in values:
                yield value


async def _resumed(
    source: Callable[[Parameters], AsyncGenerator[T, None]], stream: Resumption
) -> AsyncGenerator[T, None]:
    """All pieces of a stream, however often it breaks."""
    while True:
        try:
            async with aclosing(source(stream.parameters)) as pieces:
                async for piece in pieces:
                    stream.came(piece)
                    yield piece
            return
        except ServerError as problem:
            stream.failed(problem)
            await asyncio.sleep(PAUSE)
