"""A channel over a child process of ours: a local shell, or the system's ssh."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress

from workbench.compute.channel import STDERR_KEPT
from workbench.compute.process_end import close_pipes, ended

BUFFER = 1 << 20
LAST_WORDS = 5.0
"""Seconds a process gets to end after its input was closed, and again after TERM."""


class ProcessChannel:
    """A child process as a channel; see `Channel`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._stderr = b""
        self._stderr_task = asyncio.create_task(self._keep_stderr(process.stderr))

    @classmethod
    async def start(cls, argv: Sequence[str], environment: Mapping[str, str] | None = None) -> ProcessChannel:
        """Start argv in a session of its own. Raises OSError when it cannot be started."""
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            limit=BUFFER,
            start_new_session=True,
        )
        for stream in (process.stdin, process.stdout):
            _widen(stream)
        return cls(process)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the child has not ended yet."""
        return self._process.returncode is None

    async def read(self, n: int) -> bytes:
        """See `Channel`."""
        return await self._stdout.read(n)

    async def write(self, data: bytes) -> None:
        """See `Channel`."""
        if self._stdin.is_closing():
            raise BrokenPipeError("the channel is closed")
        self._stdin.write(data)
        await self._stdin.drain()

    async def close(self) -> None:
        """See `Channel`."""
        self._stdin.close()
        discarding = asyncio.create_task(self._discard())
        try:
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    async with asyncio.timeout(LAST_WORDS):
                        await ended(self._process)
                    break
                except TimeoutError:
                    self._signal(number)
            await ended(self._process)
        finally:
            discarding.cancel()
            await asyncio.wait({discarding})
        await self._end_stderr()
        close_pipes(self._process)

    def abort(self) -> None:
        """See `Channel`. A child that ignores TERM is killed a little later."""
        self._stdin.close()
        self._signal(signal.SIGTERM)
        if self.running:
            asyncio.get_running_loop().call_later(LAST_WORDS, self._signal, signal.SIGKILL)

    async def wait(self) -> int | None:
        """See `Channel`."""
        code = await ended(self._process)
        await self._end_stderr()
        return code

    def stderr_tail(self) -> str:
        """See `Channel`."""
        return self._stderr.decode("utf-8", "replace")

    async def _discard(self) -> None:
        # A child that still has something to say would wait for ever on a full pipe.
        with suppress(OSError, RuntimeError):  # RuntimeError: somebody else is reading, so it is drained
            while await self._stdout.read(BUFFER):
                pass

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def _keep_stderr(self, stream: asyncio.StreamReader) -> None:
        while block := await stream.read(BUFFER):
            self._stderr = (self._stderr + block)[-STDERR_KEPT:]

    async def _end_stderr(self) -> None:
        # Something the command left running may hold its error output open: a moment is enough.
        _done, waiting = await asyncio.wait({self._stderr_task}, timeout=0.5)
        for task in waiting:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _widen(stream: asyncio.StreamWriter | asyncio.StreamReader | None) -> None:
    """Let a pipe hold more than 64 KB, so that both sides are woken less often; only Linux can."""
    transport = getattr(stream, "transport", None) or getattr(stream, "_transport", None)
    if transport is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
        # Over the user's share of pipe memory it works as it is; closed already, it is not needed.
        with suppress(OSError, ValueError):
            fcntl.fcntl(transport.get_extra_info("pipe").fileno(), fcntl.F_SETPIPE_SZ, BUFFER)
