"""A DUPLEX operation for who has an event loop: a generator of what comes, beside a task that sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import suppress
from typing import Any

from workbench.workspace.exchange import (
    LAST_CHUNK,
    AnswerParser,
    Shape,
    chunk,
    decode,
    encode_piece,
    gone,
    told,
)


async def conversed(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    source: AsyncIterable[Any],
    *,
    framed: bool = True,
) -> AsyncGenerator[Any, None]:
    """The bytes and values of an operation; those of source are sent from when its answer has begun.

    framed: whether HTTP carries them. Raises the WorkbenchError the operation ended with, ServerError when
    the server is gone, and whatever the source raises.
    """
    parser = AnswerParser(Shape.PIECES, headed=not framed)
    sending: asyncio.Task[None] | None = None
    try:
        while True:
            while (piece := parser.next_piece()) is None:
                if sending is None and parser.read_head():
                    taken = _nothing() if parser.refused else source
                    sending = asyncio.ensure_future(_send(writer, taken, framed))
                parser.feed(await _received(reader, parser.wanted, sending))
            value, more = (piece.data, True) if piece.block else told(decode(piece.data))
            if not more:
                return
            yield value
    finally:
        if sending is not None:
            sending.cancel()
            await asyncio.wait({sending})


async def _received(reader: asyncio.StreamReader, wanted: int, sending: asyncio.Task[None] | None) -> bytes:
    """What comes next; raises what the source raised meanwhile."""
    coming = asyncio.ensure_future(reader.read(wanted))
    try:
        while not coming.done():
            waited = {coming} if sending is None or sending.done() else {coming, sending}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if sending is not None and sending.done():
                sending.result()
        return coming.result()
    except OSError as problem:
        raise gone(problem) from problem
    finally:
        coming.cancel()


async def _nothing() -> AsyncGenerator[Any, None]:
    """What is sent to an operation that was refused: that no more comes, which ends its request."""
    nothing: tuple[Any, ...] = ()
    for value in nothing:
        yield value


async def _send(writer: asyncio.StreamWriter, source: AsyncIterable[Any], framed: bool) -> None:
    async for value in source:
        if value == b"":
            continue
        piece = encode_piece(value)
        writer.write(chunk(piece) if framed else piece)
        with suppress(ConnectionError):  # the answer says why
            await writer.drain()
    if framed:
        writer.write(LAST_CHUNK)
    else:
        writer.write_eof()
