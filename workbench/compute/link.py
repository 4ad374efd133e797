"""The near end of a link: one connection to a machine, any number of requests on it at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from workbench.compute import bootstrap
from workbench.compute.channel import READ, Channel, Host
from workbench.compute.link_stream import LinkStream
from workbench.compute.payload import Payload
from workbench.errors import Unreachable, WorkbenchError
from workbench.remote.forms import protocol
from workbench.remote.wire import frames
from workbench.text.sanitize import clean

BULK = 4 * protocol.MAX_BODY
"""Bytes of an upload that are written at once; small frames go between."""

WINDOWS = {
    "read": 8 << 20,
    "follow": 8 << 20,
    "get": 8 << 20,
    "bundle": 8 << 20,
    "terminal": protocol.TERMINAL_WINDOW,
    "connect": protocol.CONNECTION_WINDOW,
}
"""Bytes the machine may send ahead, by method; with 8 MiB a round trip of 50 ms still carries 160 MB/s.

The last two are what the machine itself keeps to; it is told sooner that they were taken.
"""


class Link:
    """A link to a machine; made by `Link.open`. All methods belong to one event loop."""

    def __init__(self, channel: Channel, name: str, *, keepalive: float) -> None:
        self.hello: dict[str, Any] = {}
        """What the far end says of itself: version, capabilities, python, root, machine, boot, pid."""
        self.noise = b""
        """The first KB that start-up files printed before the link came up."""
        self.noise_size = 0
        self.closed = asyncio.Event()
        """Set once the link is over, however that came."""
        self.lost_reason: str | None = None
        """Why it is over, in words; None while it is up."""
        self._channel = channel
        self._name = name
        self._keepalive = keepalive
        self._parser = frames.Parser()
        self._streams: dict[int, LinkStream] = {}
        self._next = 1
        self._heard = time.monotonic()
        self._used = time.monotonic()
        self._own: set[int] = set()  # streams nobody asked for
        self._urgent: deque[bytes] = deque()
        self._bulk: deque[tuple[bytes, asyncio.Future[None]]] = deque()
        self._work = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._greeted: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(
        cls,
        host: Host,
        *,
        root: str | None,
        lease_dir: str | None,
        python: str | None,
        payload: Payload,
        name: str | None = None,
        keepalive: float = 15.0,
        timeout: float = 120.0,
    ) -> Link:
        """Start the far end on host, sending the payload if the machine lacks it, and shake hands.

        root, lease_dir, python: None for the machine's defaults. name: what its user calls the machine.
        keepalive: seconds of silence after which it is asked, three times that means it is gone. timeout:
        seconds for everything here.
        Raises Unreachable and its kinds, NoPython, UsageError, RemoteError (disk full there ...).
        """
        line = bootstrap.command_line(python)
        await host.connect()  # not under the timeout: a person may be typing a password
        channel = await host.open(line)
        link = cls(channel, name or host.describe(), keepalive=keepalive)
        try:
            async with asyncio.timeout(timeout):
                await link._start(root, lease_dir, payload)
        except TimeoutError:
            raise Unreachable(
                f"{host.describe()} did not answer within {timeout:.0f} s",
                "the machine or its home may be overloaded; try again, or look with ssh",
            ) from None
        except OSError as error:
            raise await link._ended_early(str(error)) from error
        finally:
            if not link.hello:
                link._lose("it never came up")
                await link._stop()
                await channel.wait()
        return link

    async def call(
        self, method: str, params: dict[str, Any] | None = None, timeout: float | None = None
    ) -> Any:
        """The answer to one request, a JSON value. timeout: seconds to wait for it, None for ever.

        Raises what the machine answered (RemoteError or the class its code names), Unreachable when the
        link is lost or the time is up.
        """
        stream = self.stream(method, params)
        try:
            async with asyncio.timeout(timeout), stream:
                return await stream.result()
        except TimeoutError:
            raise Unreachable(
                f"{self._name} did not answer '{method}' within {timeout:g} s", "try again in a moment"
            ) from None

    def stream(
        self, method: str, params: dict[str, Any] | None = None, source: AsyncIterator[bytes] | None = None
    ) -> LinkStream:
        """Open a request with events, bytes or both; source gives the bytes to send along.

        Raises Unreachable when the link is over.
        """
        if self.lost_reason is not None:
            raise self._lost()
        stream = LinkStream(self._next, WINDOWS.get(method, protocol.INITIAL_CREDIT), self._send)
        self._next += 1
        self._streams[stream.id] = stream
        self._used = time.monotonic()
        request = frames.encode_message(
            protocol.REQUEST, stream.id, {"method": method, "params": params or {}}
        )
        # A stream's frames keep their order because small ones never overtake what they belong to.
        opening = b"".join(request)
        if stream.window > protocol.INITIAL_CREDIT:
            opening += frames.encode_credit(stream.id, stream.window - protocol.INITIAL_CREDIT)
        self._send(opening)
        if source is not None:
            stream.uploader = asyncio.create_task(self._upload(stream, source))
        return stream

    async def close(self) -> None:
        """End the link; the far end ends what it does for it, runs go on. Idempotent."""
        self._lose("it was closed")
        await self._stop()
        await self._channel.close()

    async def _start(self, root: str | None, lease_dir: str | None, payload: Payload) -> None:
        first = bootstrap.stage0_line(root=root, lease_dir=lease_dir, sha=payload.sha, size=len(payload.data))
        with contextlib.suppress(OSError):  # it may have ended already: then what it said says why
            await self._channel.write(first)
        magic = bootstrap.MagicReader()
        while True:
            while (answer := magic.answer()) is None:
                data = await self._channel.read(READ)
                if not data:
                    raise await self._ended_early(magic.noise_text())
                magic.feed(data)
            if "error" in answer:
                raise bootstrap.refused(answer["error"])
            if not answer.get("need"):
                break
            await self._channel.write(payload.data)
        self.noise, self.noise_size = magic.noise, magic.noise_size
        self._tasks = [asyncio.create_task(self._read(magic.rest())), asyncio.create_task(self._write())]
        self.hello = await self._greeted
        self._tasks.append(asyncio.create_task(self._watch()))

    async def _ended_early(self, said: str) -> Unreachable:
        try:
            async with asyncio.timeout(5):
                status = await self._channel.wait()
        except TimeoutError:
            status = None
        return bootstrap.ended_early(status, self._channel.stderr_tail(), said)

    async def _read(self, data: bytes) -> None:
        reason = "the machine closed the connection"
        try:
            while True:
                for frame in self._parser.feed(data):
                    self._take(frame)
                data = await self._channel.read(READ)
                if not data:
                    break
                self._heard = time.monotonic()
            words = [line for line in clean(self._channel.stderr_tail(), 2000).splitlines() if line.strip()]
            if words:
                reason += f" ({words[-1].strip()})"
        except OSError as error:
            reason = f"the connection broke: {error}"
        except frames.FrameError as error:
            reason = f"the machine sent what makes no sense: {error}"
        self._lose(reason)

    def _take(self, frame: frames.Frame) -> None:
        if frame.stream == 0:
            if frame.type == protocol.EVENT and not self._greeted.done():
                hello = frames.decode_json(frame.body)
                if "error" in hello:
                    self._greeted.set_exception(bootstrap.refused(hello["error"]))
                else:
                    self._greeted.set_result(hello)
            return
        stream = self._streams.get(frame.stream)
        if stream is not None:
            stream.deliver(frame)
            if stream.done:
                self._over(stream)

    def _over(self, stream: LinkStream) -> None:
        del self._streams[stream.id]
        if stream.id in self._own:
            self._own.discard(stream.id)
        else:
            self._used = time.monotonic()

    async def _write(self) -> None:
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                while self._urgent or self._bulk:
                    small = b"".join(self._urgent)
                    self._urgent.clear()
                    data, sent = self._bulk.popleft() if self._bulk else (b"", None)
                    await self._channel.write(small + data if small else data)
                    if sent is not None and not sent.done():
                        sent.set_result(None)
        except OSError as error:
            self._lose(f"the connection broke: {error}")

    def _send(self, data: bytes) -> None:
        if self.lost_reason is None:
            self._urgent.append(data)
            self._work.set()

    async def _upload(self, stream: LinkStream, source: AsyncIterator[bytes]) -> None:
        try:
            async with _closing(source) as blocks:
                async for block in blocks:
                    view = memoryview(block)
                    while view:
                        size = await stream.spend(min(len(view), BULK))
                        if not size:
                            return
                        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                        self._bulk.append((b"".join(frames.encode_data(stream.id, view[:size])), sent))
                        self._work.set()
                        await sent
                        view = view[size:]
            self._send(frames.encode(protocol.END, stream.id))
        except WorkbenchError as error:
            stream.cancel()
            stream.fail(error)
        except OSError as error:
            stream.cancel()
            stream.fail(WorkbenchError(f"what was to be sent cannot be read: {error}"))
        except Exception as error:
            # The source is the caller's: whatever goes wrong in it is what its request ends with.
            stream.cancel()
            stream.fail(WorkbenchError(f"what was to be sent cannot be read: {error!r}"))

    @property
    def silent(self) -> float:
        """Seconds since the machine was last heard."""
        return time.monotonic() - self._heard

    def rest(self, stream: LinkStream, resting: bool) -> None:
        """Say whether a request goes on for nobody's sake; such a one does not keep the link."""
        if stream.id not in self._streams or resting == (stream.id in self._own):
            return
        if resting:
            self._own.add(stream.id)
        else:
            self._own.discard(stream.id)
        self._used = time.monotonic()

    @property
    def unused(self) -> float:
        """Seconds since the last request that somebody wanted ended; 0 while one goes on."""
        return 0.0 if len(self._streams) > len(self._own) else time.monotonic() - self._used

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._keepalive / 3)
            if self.lost_reason is not None:
                return
            silent = self.silent
            if silent >= 3 * self._keepalive:
                self._lose(f"it did not answer for {silent:.0f} s")
                return
            if silent >= self._keepalive:
                used = self._used
                self._own.add(self.stream("ping").id)
                self._used = used

    def _lost(self) -> Unreachable:
        return Unreachable(
            f"the link to {self._name} is over: {self.lost_reason}",
            "runs there go on; it is connected again by itself when it can be reached",
        )

    def _lose(self, reason: str) -> None:
        if self.lost_reason is not None:
            return
        self.lost_reason = reason
        error = self._lost()
        for stream in list(self._streams.values()):
            stream.fail(error)
        self._streams.clear()
        for _, sent in self._bulk:
            if not sent.done():
                sent.set_result(None)
        if not self._greeted.done():
            self._greeted.set_exception(error)
            self._greeted.exception()
        self.closed.set()
        if reason != "it was closed":
            self._channel.abort()

    async def _stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


@contextlib.asynccontextmanager
async def _closing(source: AsyncIterator[bytes]) -> AsyncGenerator[AsyncIterator[bytes], None]:
    """A source that is left half way gives back its file now, and not when somebody tidies up."""
    try:
        yield source
    finally:
        if isinstance(source, AsyncGenerator):
            await source.aclose()
