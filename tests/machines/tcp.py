"""Small TCP servers of this machine, and who speaks to them: what is at the far end of a connection."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MakeServe = Callable[[Serve], Awaitable[int]]
PAGE = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[MakeServe]:
    """`await serve(function)`: the port of a server that does so with each connection; all end with the test."""
    servers: list[asyncio.Server] = []
    tasks: set[asyncio.Task[None]] = set()

    async def make(function: Serve) -> int:
        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await function(reader, writer)
                writer.close()
                await writer.wait_closed()
            except OSError:
                pass  # the other side went away
            finally:
                writer.transport.abort()

        def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(carry(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(accepted, "127.0.0.1", 0)
        servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    yield make
    for server in servers:
        server.close()
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A web server of one page."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(PAGE)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Give back what comes; end when it ends."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send for ever."""
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say half of it, hear one byte, and break."""
    writer.write(b"half")
    await writer.drain()
    await reader.read(1)
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Pouring:
    """A server that sends for ever and counts it."""

    def __init__(self) -> None:
        self.sent = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            self.sent += 65536

    async def stopped(self) -> int:
        """Wait until it could send something, and then no more for a while; how much that was."""
        before = 0
        while not self.sent or before != self.sent:
            before = self.sent
            await asyncio.sleep(0.3)
        return before


async def fetch(port: int, said: bytes = b"GET / HTTP/1.0\r\n\r\n") -> bytes:
    """All that a local port answers, empty when it closes at once; raises ConnectionError when nobody listens."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(said)
        writer.write_eof()
        async with asyncio.timeout(60):
            return await reader.read()
    except OSError:
        return b""
    finally:
        writer.transport.abort()
