"""One exchange with the local server as bytes: the request, and the answer taken apart as it arrives. No I/O.

It is HTTP by hand: importing http.client costs more than a whole `wb ps` may take. Requests say HTTP/1.0 (1.1
for an upload), and every answer ends where its connection ends, which is all a stream needs.
"""

from __future__ import annotations

import json
import struct
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from workbench import long_json
from workbench.duplex_form import BYTES, PieceParser, of_bytes, of_message
from workbench.errors import ServerError, UsageError, from_wire
from workbench.version import __version__

_LENGTH = struct.Struct(">I")
_BEGAN = time.time()
"""When this process loaded its code, or just about: a server whose own was changed before makes room."""
MAX_HEAD = 1 << 16
LAST_CHUNK = b"0\r\n\r\n"


class ServerOutdated(ServerError):
    """The server is of older code than this client, by its version or by its files, and is handing over."""


class ServerGone(ServerError):
    """The server went away before it had answered whole: what only asks may be asked again."""


def no_answer(why: str | None) -> ServerError:
    """The error for a socket where our server does not listen."""
    return ServerError(f"the local server does not answer: {why}", "wb server status; wb server start")


def gone(problem: OSError) -> ServerError:
    """The error for a connection that broke."""
    return ServerGone(f"the local server went away: {problem.strerror}", "try again")


class Shape(Enum):
    """How an operation answers."""

    VALUE = "one JSON value"
    ITEMS = "a JSON value a line"
    BLOCKS = "blocks of bytes"
    PIECES = "bytes and messages"


class Piece(NamedTuple):
    """A whole part of an answer: a block of bytes, or a JSON message of the operation or about it."""

    data: bytes
    block: bool = False


def encode_parameters(parameters: dict[str, Any]) -> bytes:
    """Parameters as the request carries them; absent ones (None) are left out."""
    return json.dumps({k: v for k, v in parameters.items() if v is not None}).encode("ascii")


def request(workspace: str, noun: str, method: str, parameters: dict[str, Any]) -> bytes:
    """The whole request of an operation that is asked with parameters alone."""
    body = encode_parameters(parameters)
    extra = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return _head(workspace, noun, method, "1.0", extra) + body


def upload_head(workspace: str, noun: str, method: str, parameters: dict[str, Any]) -> bytes:
    """The beginning of an operation's request that carries bytes: `chunk`s follow, and LAST_CHUNK."""
    given = encode_parameters(parameters).decode("ascii")
    return _head(workspace, noun, method, "1.1", f"X-Parameters: {given}\r\nTransfer-Encoding: chunked\r\n")


def conversation_head(workspace: str, noun: str, method: str, parameters: dict[str, Any]) -> bytes:
    """The beginning of a DUPLEX operation's request: `chunk`s of pieces follow, and LAST_CHUNK."""
    extra = "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n"
    return _head(workspace, noun, method, "1.0", extra) + chunk(of_message(encode_parameters(parameters)))


def encode_piece(value: Any) -> bytes:
    """Bytes, or a value that JSON can say, as they are sent to a DUPLEX operation."""
    return of_bytes(value) if isinstance(value, bytes) else of_message(json.dumps(value).encode("ascii"))


def chunk(block: bytes) -> bytes:
    """A block of an upload as it is sent; nothing for an empty one, which would end the upload."""
    return b"%x\r\n%b\r\n" % (len(block), block) if block else b""


def _head(workspace: str, noun: str, method: str, version: str, extra: str) -> bytes:
    return (
        f"POST /v1/{workspace}/{noun}/{method} HTTP/{version}\r\nHost: localhost\r\n"
        f"Connection: close\r\nX-Version: {__version__}\r\nX-Began: {_BEGAN:.3f}\r\n{extra}\r\n"
    ).encode("ascii")


class AnswerParser:
    """Takes what arrives (`feed`) and gives whole pieces (`next_piece`)."""

    def __init__(self, shape: Shape, *, headed: bool = False) -> None:
        """headed: whether what arrives begins with the answer itself, without HTTP's head."""
        self._shape = shape
        self._buffer = bytearray()
        self._searched = 0
        self._ended = False
        self._headed = headed
        self._pieces = PieceParser()
        self._whole: deque[Piece] = deque()
        self.wanted = MAX_HEAD
        """How many bytes to read at once for the next `feed`."""

    def feed(self, data: bytes) -> None:
        """Bytes that arrived; b"" when the connection ended."""
        if data:
            self._buffer += data
        else:
            self._ended = True

    def next_piece(self) -> Piece | None:
        """The next piece; None when more must be fed first.

        Raises ServerOutdated, and ServerError when the answer is none of ours or its end came too soon.
        """
        if not self.read_head():
            return None
        if self._shape is Shape.PIECES:
            return self._piece()
        if self._shape is Shape.ITEMS:
            return self._line()
        if self._shape is Shape.BLOCKS:
            return self._block()
        self.wanted = 1 << 20
        return Piece(self._take(len(self._buffer))) if self._ended else None

    @property
    def refused(self) -> bool:
        """Whether a stream was refused before it began; the next piece says why."""
        return self._headed and self._shape is Shape.VALUE

    def read_head(self) -> bool:
        """Whether the answer has begun. Raises as `next_piece`."""
        if self._headed:
            return True
        head = self._until(b"\r\n\r\n")
        if head is None:
            if self._ended or len(self._buffer) > MAX_HEAD:
                raise ServerGone("the local server went away before it answered", "try again")
            return False
        if not head.startswith(b"HTTP/1."):
            raise ServerError(
                "what answers on the server's socket is no workbench server", "wb server status"
            )
        if head.split(b" ", 2)[1] == b"426":
            raise ServerOutdated("the local server is of an older version and is handing over")
        if b"application/json" in head.lower():  # a stream that was refused before it began, too
            self._shape = Shape.VALUE
        self._headed = True
        return True

    def _line(self) -> Piece | None:
        line = self._until(b"\n")
        if line is None and self._ended:
            raise ServerError("the local server ended in the middle of a stream", "try again")
        return None if line is None else Piece(line)

    def _block(self) -> Piece | None:
        missing = _LENGTH.size - len(self._buffer)
        if missing <= 0:
            length = _LENGTH.unpack_from(self._buffer)[0]
            if length == 0:
                self._take(_LENGTH.size)
                self._shape = Shape.VALUE
                return self.next_piece()
            missing = _LENGTH.size + length - len(self._buffer)
            if missing <= 0:
                self._take(_LENGTH.size)
                return Piece(self._take(length), block=True)
        if self._ended:
            raise ServerError("the local server ended in the middle of a stream", "try again")
        self.wanted = min(1 << 20, max(MAX_HEAD, missing))
        return None

    def _piece(self) -> Piece | None:
        try:
            found = self._pieces.feed(self._take(len(self._buffer)))
        except UsageError as problem:
            raise ServerError("what the local server answers makes no sense", "wb server status") from problem
        self._whole.extend(Piece(piece.body, piece.kind == BYTES) for piece in found)
        if not self._whole and self._ended:
            raise ServerError("the local server ended in the middle of a stream", "try again")
        return self._whole.popleft() if self._whole else None

    def _until(self, mark: bytes) -> bytes | None:
        """What stands before mark, taken with it; None when it has not arrived."""
        end = self._buffer.find(mark, self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(mark) + 1)
            return None
        self._searched = 0
        taken = self._take(end + len(mark))
        return taken[:end]

    def _take(self, count: int) -> bytes:
        with memoryview(self._buffer) as view:
            taken = bytes(view[:count])
        del self._buffer[:count]
        return taken


class Told(NamedTuple):
    """What a message says: a value, and whether more follows."""

    value: Any
    more: bool


def told(message: Any) -> Told:
    """A message's meaning; raises the WorkbenchError it carries."""
    if not isinstance(message, dict):
        raise ServerError("what answers on the server's socket is no workbench server", "wb server status")
    if "error" in message:
        raise from_wire(message["error"])
    if "item" in message:
        return Told(message["item"], more=True)
    return Told(message.get("ok"), more=False)


def decode(data: bytes) -> Any:
    """The JSON of a message; raises ServerError when it is cut short."""
    return _decoded(data)


def decode_giving_way(data: bytes) -> Any:
    """As `decode`, a little slower, for a thread: others run meanwhile."""
    return _decoded(data, long_json.loads)


def _decoded(data: bytes, loads: Callable[[bytes], Any] = json.loads) -> Any:
    try:
        return loads(data)
    except ValueError as problem:
        raise ServerError("the local server's answer is cut short", "try again") from problem
