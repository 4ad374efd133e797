"""Frames of the link: how they are written and how they are found again in any split of the bytes.

Pure: bytes in, frames out; both ends use it. The form is protocol.HEADER(length, type, stream) + body.
"""

from typing import Any, Dict, List, NamedTuple, Tuple, Union

from workbench.remote.forms import protocol

Bytes = Union[bytes, bytearray, memoryview]

Frame = NamedTuple("Frame", [("type", int), ("stream", int), ("body", bytes)])

_TYPES = frozenset(range(protocol.REQUEST, protocol.PART + 1))
_MESSAGES = frozenset((protocol.REQUEST, protocol.RESPONSE, protocol.EVENT))
_HEADER_SIZE = protocol.HEADER.size


class FrameError(ValueError):
    """The bytes are no frames of ours: an oversized body, an unknown type, a malformed CREDIT or JSON."""


def encode(kind, stream, body=b""):
    # type: (int, int, bytes) -> bytes
    """One frame; raises FrameError when the body is over protocol.MAX_BODY bytes."""
    if len(body) > protocol.MAX_BODY:
        raise FrameError("a frame of %d bytes, at most %d are allowed" % (len(body), protocol.MAX_BODY))
    return protocol.HEADER.pack(len(body), kind, stream) + body


def encode_message(kind, stream, value):
    # type: (int, int, Dict[str, Any]) -> List[bytes]
    """A REQUEST, RESPONSE or EVENT as frames: several when its JSON is longer than one body may be.

    Raises FrameError over protocol.MAX_MESSAGE bytes.
    """
    return encode_json(kind, stream, protocol.dumps(value))


def encode_json(kind, stream, body):
    # type: (int, int, bytes) -> List[bytes]
    """The same of a value that is JSON already."""
    if len(body) > protocol.MAX_MESSAGE:
        raise FrameError("a message of %d bytes, at most %d are allowed" % (len(body), protocol.MAX_MESSAGE))
    frames = []
    start = 0
    while len(body) - start > protocol.MAX_BODY:
        frames.append(encode(protocol.PART, stream, body[start : start + protocol.MAX_BODY]))
        start += protocol.MAX_BODY
    frames.append(encode(kind, stream, body[start:]))
    return frames


def encode_data(stream, data):
    # type: (int, Bytes) -> List[Bytes]
    """DATA frames for data of any length, as pieces to be written one after the other; nothing is copied."""
    pieces = []  # type: List[Bytes]
    view = memoryview(data)
    for start in range(0, len(view), protocol.MAX_BODY):
        part = view[start : start + protocol.MAX_BODY]
        pieces.append(protocol.HEADER.pack(len(part), protocol.DATA, stream))
        pieces.append(part)
    return pieces


def encode_credit(stream, amount):
    # type: (int, int) -> bytes
    """A CREDIT frame: so many more bytes may be sent on the stream."""
    return encode(protocol.CREDIT, stream, amount.to_bytes(4, "big"))


def decode_credit(body):
    # type: (bytes) -> int
    """The amount of a CREDIT frame; raises FrameError when it is not 4 bytes."""
    if len(body) != 4:
        raise FrameError("a credit of %d bytes, 4 are needed" % len(body))
    return int.from_bytes(body, "big")


def decode_json(body):
    # type: (bytes) -> Dict[str, Any]
    """The JSON object of a REQUEST, RESPONSE or EVENT; raises FrameError for anything else."""
    try:
        return protocol.loads(body)
    except (ValueError, RecursionError) as error:
        raise FrameError("a frame that is no JSON object: %s" % error)


class Parser(object):
    """Finds frames in bytes that arrive in any pieces."""

    def __init__(self):
        # type: () -> None
        self._pieces = []  # type: List[bytes]
        self._have = 0
        self._need = _HEADER_SIZE
        self._parts = {}  # type: Dict[int, List[bytes]]
        self._parts_size = 0

    def feed(self, data):
        # type: (bytes) -> List[Frame]
        """The frames that are complete now, in order; the parts of a long message come as its one frame.

        Raises FrameError for an oversized body or an unknown type, as soon as its header is seen: the
        peer speaks something else, nothing after it can be trusted.
        """
        if self._pieces:
            self._pieces.append(data)
            self._have += len(data)
            if self._have < self._need:
                return []
            data = b"".join(self._pieces)
            self._pieces = []
        frames = []  # type: List[Frame]
        position, end = 0, len(data)
        need = _HEADER_SIZE
        while end - position >= _HEADER_SIZE:
            length, kind, stream = protocol.HEADER.unpack_from(data, position)
            if length > protocol.MAX_BODY:
                raise FrameError("a frame of %d bytes, at most %d are allowed" % (length, protocol.MAX_BODY))
            if kind not in _TYPES:
                raise FrameError("a frame of unknown type %d" % kind)
            need = _HEADER_SIZE + length
            if end - position < need:
                break
            body = data[position + _HEADER_SIZE : position + need]
            if kind == protocol.PART:
                self._keep_part(stream, body)
            elif self._parts and kind in _MESSAGES and stream in self._parts:
                frames.append(Frame(kind, stream, self._take_parts(stream) + body))
            else:
                frames.append(Frame(kind, stream, body))
            position += need
            need = _HEADER_SIZE
        if position < end:
            self._pieces = [data[position:]]
            self._have = end - position
            self._need = need
        return frames

    def _keep_part(self, stream, body):
        # type: (int, bytes) -> None
        self._parts_size += len(body)
        if self._parts_size > protocol.MAX_MESSAGE:
            raise FrameError("messages of over %d bytes" % protocol.MAX_MESSAGE)
        self._parts.setdefault(stream, []).append(body)

    def _take_parts(self, stream):
        # type: (int) -> bytes
        joined = b"".join(self._parts.pop(stream))
        self._parts_size -= len(joined)
        return joined

    @property
    def torn(self):
        # type: () -> bool
        """Whether a frame has begun and is not complete: an end of input now is a cut, not a close."""
        return bool(self._pieces)


def chunk_prefix(name, offset):
    # type: (str, int) -> bytes
    """What stands before the raw bytes: ">H" length of a JSON header, the header."""
    header = protocol.dumps({"f": name, "o": offset})
    return len(header).to_bytes(2, "big") + header


def split_chunk(body):
    # type: (bytes) -> Tuple[str, int, bytes]
    """(file, offset, bytes) of a chunk; raises FrameError when it is malformed."""
    size = int.from_bytes(body[:2], "big")
    header = decode_json(body[2 : 2 + size]) if len(body) >= 2 + size else {}
    name, offset = header.get("f"), header.get("o")
    if not isinstance(name, str) or not isinstance(offset, int) or isinstance(offset, bool) or offset < 0:
        raise FrameError("a chunk without file and offset")
    return name, offset, body[2 + size :]
