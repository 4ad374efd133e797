"""Whole lines out of chunks that may be cut anywhere, come twice, or leave a hole. Pure."""

from __future__ import annotations

from typing import NamedTuple

from workbench.errors import Conflict
from workbench.remote.forms import protocol

_OWN = 500
"""Bytes of memory of a line that waits, whatever is in it."""


class Lines(NamedTuple):
    """Whole lines of a file: data covers start to stop, unless too_long lines in it were dropped."""

    start: int
    stop: int
    data: bytes
    too_long: int


class LineAssembler:
    """Follows one file from a known offset, handing out whole lines exactly once.

    position: every byte before it was handed out or belongs to a line that waits for its end. A line longer
    than protocol.MAX_RECORD is dropped as it comes, so a hostile file costs no memory.
    """

    def __init__(self, offset: int) -> None:
        self.done = offset
        self._waiting = b""
        self._waiting_length = 0

    @property
    def position(self) -> int:
        """The offset of the next byte wanted."""
        return self.done + self._waiting_length

    @property
    def idle(self) -> bool:
        """Whether nothing waits for the end of its line."""
        return self._waiting_length == 0

    @property
    def held(self) -> int:
        """Bytes of memory, about, that the line which waits for its end takes."""
        return _OWN + len(self._waiting)

    def feed(self, offset: int, data: bytes) -> Lines | None:
        """The lines that data, which starts at offset of the file, completes; None when it completes none.

        Bytes already seen are passed over. Raises Conflict when bytes between are missing.
        """
        if offset > self.position:
            raise Conflict(f"bytes {self.position} to {offset} of a record file are missing")
        data = data[self.position - offset :]
        end = data.rfind(b"\n") + 1
        if not end:
            self._wait(data)
            return None
        first = data.find(b"\n") + 1
        start, too_long = self.done, 0
        if self._waiting_length + first > protocol.MAX_RECORD + 1:
            whole, too_long = data[first:end], 1
        else:
            whole = self._waiting + data[:end]
        self.done = self.position + end
        self._waiting, self._waiting_length = b"", 0
        self._wait(data[end:])
        return Lines(start, self.done, whole, too_long)

    def _wait(self, data: bytes) -> None:
        self._waiting_length += len(data)
        if self._waiting_length <= protocol.MAX_RECORD:
            self._waiting += data
        else:
            self._waiting = b""
