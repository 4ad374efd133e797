"""The bytes' way to a host that no jump host leads to: a TCP connection, or a ProxyCommand.

Both are given to asyncssh as its tunnel. A tunnel of `()` would let asyncssh follow ProxyJump by itself,
without our known_hosts and prompts.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from workbench.compute.process_end import close_pipes, ended

KEPT = 4096  # bytes of a proxy command's error output
LAST_WORDS = 2.0
"""Seconds a proxy command whose connection broke gets to say why: its end of the socket may close first."""

Factory = Callable[[], asyncio.Protocol]
Made = tuple[asyncio.BaseTransport, asyncio.Protocol]


class Direct:
    """A TCP connection of our own. family: of the address, 0 for any. source: the address to come from."""

    def __init__(self, family: int = 0, source: str | None = None) -> None:
        self._family = family
        self._source = source

    async def create_connection(self, factory: Factory, host: str, port: int) -> Made:
        """Connect to host; raises OSError."""
        local = (self._source, 0) if self._source else None
        loop = asyncio.get_running_loop()
        return await loop.create_connection(factory, host, port, family=self._family, local_addr=local)

    async def close(self) -> None:
        """Nothing is held beside the connection."""

    async def complaint(self, wait: float = 0) -> str:
        """See ProxyCommand."""
        del wait
        return ""


class ProxyCommand:
    """A ProxyCommand, run by a shell as OpenSSH does; its input and output carry the connection."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._said = b""
        self._listener: asyncio.Task[None] | None = None

    async def create_connection(self, factory: Factory, host: str, port: int) -> Made:
        """Start the command, which knows host and port; raises OSError."""
        del host, port
        near, far = socket.socketpair()
        try:
            # A socket is handed over, not pipes: asyncssh's own way takes the command's error output for
            # bytes of the machine.
            self._process = await asyncio.create_subprocess_exec(
                "/bin/sh",
                "-c",
                f"exec {self._command}",
                stdin=far.fileno(),
                stdout=far.fileno(),
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError:
            near.close()
            raise
        finally:
            far.close()
        self._listener = asyncio.create_task(self._listen(self._process.stderr))
        return await asyncio.get_running_loop().create_connection(factory, sock=near)

    async def close(self) -> None:
        """End the command and what it started."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await ended(self._process)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await ended(self._process)
        close_pipes(self._process)
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait({self._listener})

    async def complaint(self, wait: float = 0) -> str:
        """The last line the command wrote to its error output; wait: seconds until it may have ended that."""
        if self._listener is not None and wait:
            await asyncio.wait({self._listener}, timeout=wait)
        lines = self._said.decode("utf-8", "replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    async def _listen(self, stream: Any) -> None:
        while block := await stream.read(KEPT):
            self._said = (self._said + block)[-KEPT:]
