"""The client over the server's Unix socket for who has an event loop; it starts the server on demand.

Asyncio's own streams and the exchange that the other client uses: nothing else to import. A connection lives
as long as its operation: cancelling, or closing the generator, closes it, and that ends the operation there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from workbench.errors import ServerError
from workbench.home import Home
from workbench.unix_socket import same_user
from workbench.workspace.async_duplex import conversed
from workbench.workspace.exchange import (
    LAST_CHUNK,
    AnswerParser,
    Piece,
    ServerOutdated,
    Shape,
    chunk,
    conversation_head,
    decode,
    decode_giving_way,
    gone,
    no_answer,
    request,
    told,
    upload_head,
)
from workbench.workspace.server_start import STEP, ServerStart

LARGE = 256 << 10
"""Bytes of JSON from which on it is parsed in a thread, so that the loop goes on."""

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class AsyncSocketClient:
    """A client of a home's local server. Any number of operations may go on at once, in one event loop."""

    def __init__(self, home: Home, workspace: str) -> None:
        self._home = home
        self._path = home.socket
        self._workspace = workspace
        self._starting = asyncio.Lock()

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value; raises the WorkbenchError the service raised."""
        async with aclosing(self._ask(noun, method, parameters, Shape.VALUE)) as pieces:
            return told(await _decoded((await anext(pieces)).data)).value

    async def items(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[Any, None]:
        """Values as they come; closing the generator ends the operation."""
        async with aclosing(self._ask(noun, method, parameters, Shape.ITEMS)) as pieces:
            async for piece in pieces:
                value, more = told(await _decoded(piece.data))
                if not more:
                    return
                yield value

    async def read(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[bytes, None]:
        """Bytes as they come."""
        async with aclosing(self._ask(noun, method, parameters, Shape.BLOCKS)) as pieces:
            async for piece in pieces:
                if not piece.block:
                    told(decode(piece.data))
                    return
                yield piece.data

    async def write(self, noun: str, method: str, source: AsyncIterable[bytes], **parameters: Any) -> Any:
        """Send bytes, get one value."""

        async def sent() -> AsyncGenerator[bytes, None]:
            yield upload_head(self._workspace, noun, method, parameters)
            async for block in source:
                yield chunk(block)
            yield LAST_CHUNK

        async with aclosing(self._exchange(sent(), Shape.VALUE)) as pieces:
            return told(await _decoded((await anext(pieces)).data)).value

    async def duplex(
        self, noun: str, method: str, source: AsyncIterable[Any], **parameters: Any
    ) -> AsyncGenerator[Any, None]:
        """Send bytes and values, get bytes and values as they come."""
        head = conversation_head(self._workspace, noun, method, parameters)
        try:
            async with self._connection() as (reader, writer):
                writer.write(head)
                async with aclosing(conversed(reader, writer, source)) as values:
                    async for value in values:
                        yield value
        except ServerOutdated:  # said before anything of the source was taken
            await self._start()
            async with self._connection() as (reader, writer):
                writer.write(head)
                async with aclosing(conversed(reader, writer, source)) as values:
                    async for value in values:
                        yield value

    async def aclose(self) -> None:
        """Nothing is held between operations."""

    async def _ask(
        self, noun: str, method: str, parameters: dict[str, Any], shape: Shape
    ) -> AsyncGenerator[Piece, None]:
        """The answer to an operation asked with parameters alone."""

        async def sent() -> AsyncGenerator[bytes, None]:
            yield request(self._workspace, noun, method, parameters)

        try:
            async with aclosing(self._exchange(sent(), shape)) as pieces:
                async for piece in pieces:
                    yield piece
        except ServerOutdated:  # said before anything else
            await self._start()
            async with aclosing(self._exchange(sent(), shape)) as pieces:
                async for piece in pieces:
                    yield piece

    async def _exchange(self, sent: AsyncGenerator[bytes, None], shape: Shape) -> AsyncGenerator[Piece, None]:
        parser = AnswerParser(shape)
        async with self._connection() as (reader, writer):
            try:
                async with aclosing(sent) as parts:
                    async for part in parts:
                        writer.write(part)
                        await writer.drain()
            except (BrokenPipeError, ConnectionResetError):
                pass  # the server answered early; its answer says why
            while True:
                while (piece := parser.next_piece()) is None:
                    parser.feed(await _received(reader, parser.wanted))
                yield piece

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Stream]:
        try:
            reader, writer = await self._connect()
        except ServerError:
            await self._start()
            reader, writer = await self._connect()
        try:
            yield reader, writer
        finally:
            writer.transport.abort()  # at once, whatever is still unsent

    async def _connect(self) -> Stream:
        try:
            reader, writer = await asyncio.open_unix_connection(self._path, limit=1 << 20)
        except OSError as problem:
            raise no_answer(problem.strerror) from problem
        if not same_user(writer.get_extra_info("socket")):
            writer.transport.abort()
            raise no_answer(f"{self._path} is another user's")
        return reader, writer

    async def _start(self) -> None:
        async with self._starting:
            start = ServerStart(self._home)
            while True:
                found = await asyncio.to_thread(start.socket)
                if found is not None:
                    self._path = found
                    return
                await asyncio.sleep(STEP)


async def _received(reader: asyncio.StreamReader, wanted: int) -> bytes:
    try:
        return await reader.read(wanted)
    except OSError as problem:
        raise gone(problem) from problem


async def _decoded(data: bytes) -> Any:
    if len(data) < LARGE:
        return decode(data)
    return await asyncio.to_thread(decode_giving_way, data)
