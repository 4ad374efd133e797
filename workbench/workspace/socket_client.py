"""The client over the server's Unix socket: one connection an operation, nothing held between them."""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

from workbench.unix_socket import same_user
from workbench.workspace.duplex import Duplex
from workbench.workspace.exchange import (
    LAST_CHUNK,
    AnswerParser,
    Piece,
    Shape,
    chunk,
    conversation_head,
    decode,
    gone,
    no_answer,
    request,
    told,
    upload_head,
)

Pieces = Generator[Piece, None, None]


class SocketClient:
    """A client of the server that listens at path; raises ServerError when none does."""

    def __init__(self, path: Path, workspace: str) -> None:
        self._path = path
        self._workspace = workspace

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value; raises the WorkbenchError the service raised."""
        with closing(self._ask(noun, method, parameters, Shape.VALUE)) as pieces:
            return told(decode(next(pieces).data)).value

    def items(self, noun: str, method: str, **parameters: Any) -> Generator[Any, None, None]:
        """Values as they come; closing the iterator ends the operation."""
        with closing(self._ask(noun, method, parameters, Shape.ITEMS)) as pieces:
            for piece in pieces:
                value, more = told(decode(piece.data))
                if not more:
                    return
                yield value

    def read(self, noun: str, method: str, **parameters: Any) -> Iterator[bytes]:
        """Bytes as they come."""
        with closing(self._ask(noun, method, parameters, Shape.BLOCKS)) as pieces:
            for piece in pieces:
                if not piece.block:
                    told(decode(piece.data))
                    return
                yield piece.data

    def write(self, noun: str, method: str, source: Iterable[bytes], **parameters: Any) -> Any:
        """Send bytes, get one value."""
        head = upload_head(self._workspace, noun, method, parameters)
        sent = chain([head], map(chunk, source), [LAST_CHUNK])
        with closing(self._exchange(sent, Shape.VALUE)) as pieces:
            return told(decode(next(pieces).data)).value

    def duplex(self, noun: str, method: str, **parameters: Any) -> Duplex:
        """Begin an operation that sends and receives; raises the WorkbenchError it is refused with."""
        connection = self._connect()
        parser = AnswerParser(Shape.PIECES)
        try:
            connection.sendall(conversation_head(self._workspace, noun, method, parameters))
            while not parser.read_head():
                parser.feed(_received(connection, parser.wanted))
            if parser.refused:
                connection.sendall(LAST_CHUNK)  # else the server waits a while for the rest of the request
            while parser.refused:
                if (piece := parser.next_piece()) is not None:
                    told(decode(piece.data))
                parser.feed(_received(connection, parser.wanted))
        except BaseException:
            connection.close()
            raise
        return Duplex(connection, parser)

    def close(self) -> None:
        """Nothing is held between calls."""

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(self._path))
        except OSError as problem:
            connection.close()
            raise no_answer(problem.strerror) from problem
        if not same_user(connection):
            connection.close()
            raise no_answer(f"{self._path} is another user's")
        return connection

    def _ask(self, noun: str, method: str, parameters: dict[str, Any], shape: Shape) -> Pieces:
        """The answer to an operation asked with parameters alone."""
        return self._exchange([request(self._workspace, noun, method, parameters)], shape)

    def _exchange(self, sent: Iterable[bytes], shape: Shape) -> Pieces:
        parser = AnswerParser(shape)
        with self._connect() as connection:
            try:
                for part in sent:
                    connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the server answered early; its answer says why
            while True:
                while (piece := parser.next_piece()) is None:
                    parser.feed(_received(connection, parser.wanted))
                yield piece


def _received(connection: socket.socket, wanted: int) -> bytes:
    try:
        return connection.recv(wanted)
    except OSError as problem:
        raise gone(problem) from problem
