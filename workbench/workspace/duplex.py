"""A DUPLEX operation from the side of who asked for it: sending and receiving, neither ever waiting.

Whoever drives it waits by itself, with `select` over its descriptor and others: a terminal needs that.
"""

from __future__ import annotations

import socket
from typing import Any

from workbench.errors import WorkbenchError
from workbench.workspace.exchange import (
    LAST_CHUNK,
    AnswerParser,
    Told,
    chunk,
    decode,
    encode_piece,
    gone,
    told,
)

BLOCK = 1 << 18


class Duplex:
    """One operation over a connection that was made for it, whose answer has begun. A context manager.

    framed: whether what is sent is an HTTP request's body. Leaving it ends the operation.
    """

    def __init__(self, connection: socket.socket, parser: AnswerParser, *, framed: bool = True) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._parser = parser
        self._framed = framed
        self._unsent = bytearray()
        self._finished = False
        self._problem: WorkbenchError | None = None
        self.over = False
        """Whether the operation has ended; nothing more comes."""

    def __enter__(self) -> Duplex:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """The descriptor: readable when something may have come, writable when something may be sent."""
        return self._connection.fileno()

    @property
    def unsent(self) -> int:
        """Bytes that wait until they can be sent; who sends should hold back while there are many."""
        return len(self._unsent)

    def send(self, value: Any) -> None:
        """Send bytes, or a value that JSON can say; now as far as it goes, the rest with `flush`."""
        if value != b"":
            piece = encode_piece(value)
            self._unsent += chunk(piece) if self._framed else piece
            self.flush()

    def finish(self) -> None:
        """Say that no more will be sent."""
        if not self._finished:
            self._finished = True
            self._unsent += LAST_CHUNK if self._framed else b""
            self.flush()

    def flush(self) -> None:
        """Send what waits, as far as it goes now. That the other side is gone is told by `receive`."""
        try:
            while self._unsent:
                with memoryview(self._unsent) as waiting:
                    count = self._connection.send(waiting[:BLOCK])
                del self._unsent[:count]
            if self._finished and not self._framed:
                self._connection.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            return
        except OSError:
            self._unsent.clear()

    def receive(self) -> list[Any]:
        """The bytes and values that have come since the last time, at most a part of many.

        Once all were given: raises the WorkbenchError the operation ended with, ServerError when the server
        is gone.
        """
        if self._problem is not None:
            raise self._problem
        found: list[Any] = []
        try:
            self._take()
            while not self.over and (piece := self._parser.next_piece()) is not None:
                value, more = Told(piece.data, True) if piece.block else told(decode(piece.data))
                self.over = not more
                if more:
                    found.append(value)
        except WorkbenchError as problem:
            self._problem = problem
            if not found:
                raise
        return found

    def _take(self) -> None:
        try:
            self._parser.feed(self._connection.recv(self._parser.wanted))
        except BlockingIOError:
            return
        except OSError as problem:
            raise gone(problem) from problem

    def close(self) -> None:
        """End the operation, unless it has ended."""
        self._connection.close()
