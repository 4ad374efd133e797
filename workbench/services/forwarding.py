"""One forward while it is open: a listener on the loopback, each connection a stream of the link."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from workbench.compute.link import Link
from workbench.compute.link_stream import LinkStream
from workbench.errors import Conflict, Refused, Unreachable, WorkbenchError

HERE = "127.0.0.1"
MOST = 256
"""Connections of one forward at once; each may have a window of bytes on its way."""
PATIENCE = 5.0
"""Seconds a new connection waits for the machine to be reached again."""
AGAIN = 0.5
"""Seconds between two tries meanwhile."""
BLOCK = 1 << 16
_AT_ONCE = struct.pack("ii", 1, 0)
log = logging.getLogger(__name__)

Reach = Callable[[], Awaitable[Link]]
Place = Callable[[], tuple[str, int] | None]


class OpenForward:
    """A listener and what comes in. reach: the link. place: host and port there, None while there is none."""

    def __init__(self, reach: Reach, place: Place) -> None:
        self._reach = reach
        self._place = place
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0
        """Open now."""
        self.served = 0
        """All so far."""
        self.trouble: str | None = None
        """Why the last connection could not be made; None once one could."""

    async def listen(self, local: int) -> int:
        """Let in on a local port, any for 0; which one it is. Raises Conflict, Refused."""
        try:
            self._server = await asyncio.start_server(self._accepted, HERE, local, limit=BLOCK)
        except PermissionError as problem:
            raise Refused(f"port {local} needs rights you do not have", "take one above 1023") from problem
        except (OSError, OverflowError) as problem:
            said = f"port {local} cannot be had here: {getattr(problem, 'strerror', None) or problem}"
            raise Conflict(said, "take another, or leave it out and any that is free is taken") from problem
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Let nobody in any more and end what came in."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.connections >= MOST:
            _break(writer)
            writer.transport.abort()
            return
        self.connections += 1
        self.served += 1
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.connections -= 1
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("a forwarded connection broke", exc_info=problem)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end; one that breaks there breaks here."""
        connected = asyncio.Event()
        try:
            async with await self._connect(reader, connected) as stream:
                connected.set()
                self.trouble = None
                async for item in stream:
                    if isinstance(item, bytes):
                        writer.write(item)
                        await writer.drain()
                    elif "end" in item and writer.can_write_eof():
                        writer.write_eof()
                await stream.result()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        except WorkbenchError as problem:
            self.trouble = problem.message
            _break(writer)
        except OSError:
            pass  # whoever had connected here went away: their right
        finally:
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, connected: asyncio.Event) -> LinkStream:
        """A connection there, made, and read for once connected is set. The link is waited for a moment."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    return await self._try(_blocks(reader, connected))
            except TimeoutError:
                raise Unreachable("it did not answer in time", "it is tried again by itself") from None
            except Unreachable:
                if loop.time() + AGAIN > deadline:
                    raise
            await asyncio.sleep(AGAIN)

    async def _try(self, source: AsyncIterator[bytes]) -> LinkStream:
        link = await self._reach()
        place = self._place()
        if place is None:
            raise Unreachable("what it leads to has not started yet", "try again in a moment")
        stream = link.stream("connect", {"host": place[0], "port": place[1]}, source)
        try:
            await anext(stream, None)  # that it is connected; raises why it is not
        except BaseException:
            stream.cancel()
            if stream.uploader is not None:
                stream.uploader.cancel()
            raise
        return stream


def _break(writer: asyncio.StreamWriter) -> None:
    """Have the connection end as broken: an end would pass for the end of what was said."""
    connection = writer.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)


async def _blocks(reader: asyncio.StreamReader, connected: asyncio.Event) -> AsyncIterator[bytes]:
    await connected.wait()
    while block := await reader.read(BLOCK):
        yield block
