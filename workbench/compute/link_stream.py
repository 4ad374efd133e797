"""One request on a link as the near end sees it: what comes, what it costs to take it, its one answer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from workbench.errors import RemoteError, WorkbenchError, from_wire
from workbench.remote.forms import protocol
from workbench.remote.wire import frames
from workbench.text.sanitize import clean

# What a far end may say of itself; anything else it claims becomes a RemoteError.
TRUSTED_CODES = frozenset(
    {
        "not_found",
        "ambiguous",
        "conflict",
        "refused",
        "usage",
        "no_python",
        "hostile_archive",
        "remote",
    }
)

Item = dict[str, Any] | bytes


def remote_error(wire: object) -> WorkbenchError:
    """The error a RESPONSE holds; data["code"] of a RemoteError is the far end's own code."""
    fields = wire if isinstance(wire, dict) else {}
    code = clean(str(fields.get("code", "")), 80)
    message = clean(
        str(fields.get("message", "the machine answered with an error it does not explain")), 2000
    )
    hint = clean(str(fields.get("hint", "")), 2000)
    if code in TRUSTED_CODES:
        return from_wire({"code": code, "message": message, "hint": hint})
    return RemoteError(message, hint, code=code)


class LinkStream:
    """The stream of one request: iterate it for events (mappings) and DATA bodies (bytes).

    What is not taken stays with the machine: at most `window` bytes wait here. Iteration ends when the
    answer has come, or raises the error it is. Leaving the context cancels what is still in progress.
    """

    def __init__(self, stream: int, window: int, send: Callable[[bytes], None]) -> None:
        self.id = stream
        self.window = window
        self._send = send
        self._items: deque[tuple[Item, int]] = deque()
        self._waiting_size = 0
        self._taken = 0
        self._wake: asyncio.Future[None] | None = None
        self._answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answer.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._cancelled = False
        self._credit = protocol.INITIAL_CREDIT
        self._credit_more = asyncio.Event()
        self.uploader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()
        if self.uploader is not None:
            self.uploader.cancel()
            await asyncio.wait({self.uploader})

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        while not self._items:
            if self._answer.done():
                self._answer.result()
                raise StopAsyncIteration
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        item, size = self._items.popleft()
        self._waiting_size -= size
        self._taken += size
        if self._taken >= self.window // 4 and not self._answer.done():
            self._send(frames.encode_credit(self.id, self._taken))
            self._taken = 0
        return item

    @property
    def waiting(self) -> Item | None:
        """What the next step of the iteration gives at once; None when it would have to wait."""
        return self._items[0][0] if self._items else None

    async def result(self) -> Any:
        """The answer, dropping what has not been taken of the stream. Raises the error it is."""
        async for _ in self:
            pass
        return self._answer.result()

    def cancel(self) -> None:
        """Give it up; the far end ends what it does for it and still answers. Idempotent.

        What came and was not taken is dropped, and so is what still comes.
        """
        if not self._cancelled:
            self._cancelled = True
            self._items.clear()
            self._waiting_size = 0
            if not self._answer.done():
                self._send(frames.encode(protocol.CANCEL, self.id))

    @property
    def done(self) -> bool:
        """Whether the answer is here."""
        return self._answer.done()

    async def spend(self, wanted: int) -> int:
        """Wait until DATA may be sent; how many of the wanted bytes, at once deducted. 0 once answered."""
        while self._credit <= 0 and not self.done:
            self._credit_more.clear()
            await self._credit_more.wait()
        if self.done:
            return 0
        size = min(wanted, self._credit)
        self._credit -= size
        return size

    def deliver(self, frame: frames.Frame) -> None:
        """A frame for this stream; raises FrameError when the far end sends more than it may."""
        if frame.type == protocol.DATA:
            self._put(frame.body, len(frame.body))
        elif frame.type == protocol.EVENT:
            self._put(frames.decode_json(frame.body), len(frame.body))
        elif frame.type == protocol.CREDIT:
            self._credit += frames.decode_credit(frame.body)
            self._credit_more.set()
        elif frame.type == protocol.RESPONSE:
            answer = frames.decode_json(frame.body)
            if "ok" in answer:
                self._finish(answer["ok"])
            else:
                self.fail(remote_error(answer.get("error")))

    def fail(self, error: WorkbenchError) -> None:
        """End it with an error, unless it has ended."""
        if not self._answer.done():
            self._answer.set_exception(error)
            self._ended()

    def _finish(self, value: object) -> None:
        if not self._answer.done():
            self._answer.set_result(value)
            self._ended()

    def _put(self, item: Item, size: int) -> None:
        if self._cancelled:
            return
        self._waiting_size += size
        # An event may overdraw the credit, by one message; a peer that ignores credit would fill our memory.
        if self._waiting_size > 2 * self.window + protocol.MAX_MESSAGE:
            raise frames.FrameError("the machine sends more than it may")
        self._items.append((item, size))
        self._woken()

    def _ended(self) -> None:
        self._credit_more.set()
        self._woken()

    def _woken(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
