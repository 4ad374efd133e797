"""A DUPLEX operation between two streams of pieces, whatever carries them."""

from __future__ import annotations

import asyncio
import logging
import select
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

from workbench import duplex_form
from workbench.entities.encoding import encode
from workbench.errors import UsageError, WorkbenchError
from workbench.services.operation import Arguments, Operation

log = logging.getLogger(__name__)
Write = Callable[[bytes], Awaitable[Any]]
HUNG_UP_LOOK = 1.0
"""Seconds between two looks whether a client is gone."""


def failure(problem: Exception) -> dict[str, Any]:
    """What went wrong in an operation, as its answer has it; what is no error of ours goes to the log."""
    if isinstance(problem, WorkbenchError):
        return problem.to_wire()
    log.error("an operation broke", exc_info=problem)
    return WorkbenchError(
        f"internal error: {type(problem).__name__}", "wb server logs shows the details"
    ).to_wire()


async def arriving(blocks: AsyncIterator[bytes]) -> AsyncGenerator[duplex_form.Piece, None]:
    """The pieces of a stream that comes in any split. Raises UsageError when they are none, or cut short."""
    parser = duplex_form.PieceParser()
    async for block in blocks:
        for piece in parser.feed(block):
            yield piece
    if parser.torn:
        raise UsageError("the request is cut short")


@asynccontextmanager
async def while_connected(connection: socket.socket) -> AsyncIterator[None]:
    """For a block that is cancelled when its client hangs up, also while nothing that sent is read."""
    task = asyncio.current_task()
    poll = select.poll()
    poll.register(connection.fileno(), 0)  # only what cannot be masked: that it hung up

    async def watch() -> None:
        while not poll.poll(0):  # noqa: ASYNC110 - asyncio waits for bytes or room, not for this
            await asyncio.sleep(HUNG_UP_LOOK)
        if task is not None:
            task.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()


async def converse(
    operation: Operation, arguments: Arguments, source: AsyncIterator[duplex_form.Piece], write: Write
) -> None:
    """Do the operation: its values are written, what the other side sends is its source.

    Raises ConnectionResetError, BrokenPipeError when the other side is gone.
    """

    async def said() -> AsyncIterator[Any]:
        async for piece in source:
            yield piece.value

    try:
        async with aclosing(operation.converse(arguments, said())) as values:
            async for value in values:
                await write(encoded(value))
        last: dict[str, Any] = {"ok": None}
    except ConnectionError:
        raise
    except Exception as problem:  # the rim: whatever broke inside becomes the answer and a log entry
        last = {"error": failure(problem)}
    await write(duplex_form.of_message(encode(last)))


def encoded(value: Any) -> bytes:
    """A value of a DUPLEX operation as it is written."""
    if isinstance(value, bytes):
        return duplex_form.of_bytes(value)
    return duplex_form.of_message(b'{"item":' + encode(value) + b"}")
