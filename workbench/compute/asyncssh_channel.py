"""A channel over an asyncssh session: bytes in big chunks, the last of stderr kept."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import asyncssh

from workbench.compute.channel import READ, STDERR_KEPT
from workbench.compute.ssh_errors import broken

WINDOW = 16 << 20  # bytes the machine may send ahead: 320 MB/s at 50 ms
MAX_PACKET = 1 << 20
LAST_WORDS = 5.0
"""Seconds a command gets to end after its input was closed."""

MOMENT = 0.5  # seconds for the last bytes and the exit status of what is over


class AsyncsshChannel:
    """One session of an asyncssh connection; see `Channel`."""

    def __init__(
        self,
        writer: asyncssh.SSHWriter[bytes],
        reader: asyncssh.SSHReader[bytes],
        errors: asyncssh.SSHReader[bytes],
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._channel = writer.channel
        self._cut = asyncio.Event()
        self._readers = 0
        self._stderr = b""
        self._stderr_task = asyncio.create_task(self._keep_stderr(errors))

    @classmethod
    async def start(cls, connection: asyncssh.SSHClientConnection, line: str) -> AsyncsshChannel:
        """Run line on the connection, without a terminal. Raises asyncssh.Error when it cannot be opened."""
        writer, reader, errors = await connection.open_session(
            line,
            encoding=None,
            request_pty=False,
            x11_forwarding=False,
            window=WINDOW,
            max_pktsize=MAX_PACKET,
        )
        return cls(writer, reader, errors)

    async def read(self, n: int) -> bytes:
        """See `Channel`."""
        self._readers += 1
        try:
            return await self._reader.read(n)
        except asyncssh.Error as error:
            raise broken(error) from error
        finally:
            self._readers -= 1

    async def write(self, data: bytes) -> None:
        """See `Channel`."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except asyncssh.Error as error:
            raise broken(error) from error

    async def close(self) -> None:
        """See `Channel`."""
        with suppress(OSError, asyncssh.Error):
            self._writer.write_eof()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self._discard()
                await self._channel.wait_closed()
        self._end()
        await self._end_stderr()

    def abort(self) -> None:
        """See `Channel`."""
        self._end()

    async def wait(self) -> int | None:
        """See `Channel`. A command that was cut off and lives on all the same is not waited for."""
        closed = asyncio.create_task(self._channel.wait_closed())
        cut = asyncio.create_task(self._cut.wait())
        try:
            await asyncio.wait({closed, cut}, return_when=asyncio.FIRST_COMPLETED)
            if not closed.done():
                await asyncio.wait({closed}, timeout=MOMENT)
        finally:
            closed.cancel()
            cut.cancel()
        await self._end_stderr()
        session = self._channel
        return session.get_returncode() if isinstance(session, asyncssh.SSHClientChannel) else None

    def stderr_tail(self) -> str:
        """See `Channel`."""
        return self._stderr.decode("utf-8", "replace")

    def _end(self) -> None:
        # Closing a channel does not end the command at the other end. Its closed input is our far end's sign
        # to go; TERM reaches whatever does not read.
        if isinstance(self._channel, asyncssh.SSHClientChannel):
            with suppress(OSError, asyncssh.Error):
                self._channel.terminate()
        self._channel.abort()
        self._cut.set()

    async def _discard(self) -> None:
        # A command that still has something to say would wait for ever on a full window.
        with suppress(OSError, asyncssh.Error):
            while not self._readers and await self._reader.read(READ):
                pass

    async def _keep_stderr(self, stream: asyncssh.SSHReader[bytes]) -> None:
        with suppress(OSError, asyncssh.Error):  # the connection broke; whoever reads the output is told
            while block := await stream.read(READ):
                self._stderr = (self._stderr + block)[-STDERR_KEPT:]

    async def _end_stderr(self) -> None:
        _done, waiting = await asyncio.wait({self._stderr_task}, timeout=MOMENT)
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting)
