"""The generic client: one call shape for every operation, over the server's Unix socket or in this process.

The socket client speaks HTTP/1.0 by hand: importing http.client costs more than a whole `wb ps` may take.
HTTP/1.0 answers end where the connection ends, which is all a stream needs.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from workbench.errors import ServerError, from_wire
from workbench.version import __version__

_LENGTH = struct.Struct(">I")
_READ = 1 << 16
MAX_HEAD = 1 << 16


class Client(Protocol):
    """What a face needs of the services."""

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value; raises the WorkbenchError the service raised."""

    def items(self, noun: str, method: str, **parameters: Any) -> Iterator[Any]:
        """Values as they come; closing the iterator ends the operation."""

    def read(self, noun: str, method: str, **parameters: Any) -> Iterator[bytes]:
        """Bytes as they come."""

    def write(self, noun: str, method: str, source: Iterable[bytes], **parameters: Any) -> Any:
        """Send bytes, get one value."""

    def close(self) -> None:
        """Let go of what the client holds."""


def encode_parameters(parameters: dict[str, Any]) -> bytes:
    """Parameters as the request carries them; absent ones (None) are left out."""
    return json.dumps({k: v for k, v in parameters.items() if v is not None}).encode("ascii")


class SocketClient:
    """A client of the local server."""

    def __init__(self, path: Path, workspace: str) -> None:
        self._path = path
        self._workspace = workspace

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(self._path))
        except OSError as problem:
            connection.close()
            raise ServerError(
                f"the local server does not answer: {problem.strerror}", "wb server status; wb server start"
            ) from problem
        return connection

    def _head(self, noun: str, method: str, version: str, extra: str) -> bytes:
        return (
            f"POST /v1/{self._workspace}/{noun}/{method} HTTP/{version}\r\nHost: localhost\r\n"
            f"Connection: close\r\nX-Version: {__version__}\r\n{extra}\r\n"
        ).encode("ascii")

    def _open(self, noun: str, method: str, parameters: dict[str, Any]) -> Answer:
        body = encode_parameters(parameters)
        connection = self._connect()
        try:
            extra = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            connection.sendall(self._head(noun, method, "1.0", extra) + body)
            return Answer(connection)
        except OSError as problem:
            connection.close()
            raise ServerError(f"the local server went away: {problem.strerror}", "try again") from problem
        except BaseException:
            connection.close()
            raise

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value; raises the WorkbenchError the service raised."""
        with self._open(noun, method, parameters) as answer:
            return _value(answer.rest())

    def items(self, noun: str, method: str, **parameters: Any) -> Iterator[Any]:
        """Values as they come; closing the iterator ends the operation."""
        with self._open(noun, method, parameters) as answer:
            if answer.refused:
                _value(answer.rest())
            while line := answer.line():
                message = json.loads(line)
                if "end" in message:
                    return
                if "error" in message:
                    raise from_wire(message["error"])
                yield message["item"]
        raise ServerError("the local server ended in the middle of a stream", "try again")

    def read(self, noun: str, method: str, **parameters: Any) -> Iterator[bytes]:
        """Bytes as they come."""
        with self._open(noun, method, parameters) as answer:
            if answer.refused:
                _value(answer.rest())
            while (length := _LENGTH.unpack(answer.exactly(4))[0]) > 0:
                yield answer.exactly(length)
            _value(answer.rest())

    def write(self, noun: str, method: str, source: Iterable[bytes], **parameters: Any) -> Any:
        """Send bytes, get one value."""
        connection = self._connect()
        try:
            extra = (
                f"X-Parameters: {encode_parameters(parameters).decode()}\r\nTransfer-Encoding: chunked\r\n"
            )
            connection.sendall(self._head(noun, method, "1.1", extra))
            for block in source:
                if block:
                    connection.sendall(b"%x\r\n%b\r\n" % (len(block), block))
            connection.sendall(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server answered early; its answer says why
        except BaseException:
            connection.close()
            raise
        with Answer(connection) as answer:
            return _value(answer.rest())

    def close(self) -> None:
        """Nothing is held between calls."""


class ServerOutdated(ServerError):
    """The server is older than this client and ends itself; start a new one and call again."""

    code = "server_outdated"


class Answer:
    """The body of a response that ends with the connection (or its Content-Length)."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""
        try:
            self.refused = self._begin()
        except BaseException:
            connection.close()
            raise

    def _begin(self) -> bool:
        """Read the head; whether the answer is a refusal instead of a stream."""
        head = self._until(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1."):
            raise ServerError(
                "what answers on the server's socket is no workbench server", "wb server status"
            )
        if head.split(b" ", 2)[1] == b"426":
            raise ServerOutdated("the local server is of an older version and is handing over")
        return b"application/json" in head.lower()

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _more(self) -> bool:
        block = self._receive(_READ)
        self._buffer += block
        return bool(block)

    def _receive(self, count: int) -> bytes:
        try:
            return self._connection.recv(count)
        except OSError as problem:
            raise ServerError(f"the local server went away: {problem.strerror}", "try again") from problem

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            if len(self._buffer) > MAX_HEAD or not self._more():
                raise ServerError("the local server went away before it answered", "try again")
        head, _, self._buffer = self._buffer.partition(mark)
        return head

    def line(self) -> bytes:
        """The next line, b"" at the end."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if not self._more():
                return b""
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line

    def exactly(self, count: int) -> bytes:
        """count bytes; raises ServerError when the stream ends before."""
        parts = [self._buffer]
        have = len(self._buffer)
        while have < count:
            block = self._receive(min(1 << 20, max(_READ, count - have)))
            if not block:
                raise ServerError("the local server ended in the middle of a stream", "try again")
            parts.append(block)
            have += len(block)
        whole = b"".join(parts)
        self._buffer = whole[count:]
        return whole[:count]

    def rest(self) -> bytes:
        """Everything until the end."""
        parts = [self._buffer]
        while block := self._receive(1 << 20):
            parts.append(block)
        self._buffer = b""
        return b"".join(parts)


def _value(body: bytes) -> Any:
    """The value of a {"ok"} answer; raises what an {"error"} answer says."""
    try:
        message = json.loads(body)
    except ValueError as problem:
        raise ServerError("the local server's answer is cut short", "try again") from problem
    if "error" in message:
        raise from_wire(message["error"])
    return message.get("ok")
