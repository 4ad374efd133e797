"""What every place that holds files can do, whatever is behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

from workbench.entities.datastore import DataItem
from workbench.errors import Conflict, Refused


class Page(NamedTuple):
    """Some files of a place, and how many keys were left out because no path may be so."""

    items: list[DataItem]
    left_out: int = 0


class Folder(NamedTuple):
    """What is directly below a path: names of folders, and files."""

    folders: list[str]
    items: list[DataItem]
    left_out: int = 0


class Backend(Protocol):
    """One datastore's place. Paths are keys below its root ("" is the root), and checked by who calls.

    All of it raises Unreachable where the place does not answer, Refused where it does not let us in.
    """

    def items(self, prefix: str = "") -> AsyncIterator[Page]:
        """All files at and below a path, in the order of their paths; raises NotFound where there is none."""

    async def folder(self, path: str = "") -> Folder:
        """What is directly below a path; raises NotFound."""

    async def stat(self, path: str) -> DataItem:
        """One file; raises NotFound."""

    def read(
        self, path: str, offset: int = 0, length: int | None = None, etag: str | None = None
    ) -> AsyncIterator[bytes]:
        """A file's bytes. etag: what it must be still; raises Conflict when it is not. A cut is gone over."""

    async def arrived(self, path: str, token: str) -> int:
        """How many bytes of an upload of that token are there already."""

    async def write(
        self, path: str, source: AsyncIterator[bytes], *, token: str, size: int, offset: int, overwrite: bool
    ) -> DataItem:
        """Put a file there: its bytes from offset on, then the 32 bytes of the sha256 of all of it.

        It appears whole or not at all. Raises Conflict for one that is there, unless it may be replaced, and
        where what arrived is something else.
        """

    async def delete(self, path: str) -> None:
        """Remove a file; raises NotFound."""

    async def presigned(self, path: str, seconds: int) -> str | None:
        """A URL by which anybody may read the file for so long; None where the place has no such thing."""

    async def close(self) -> None:
        """Let go of connections."""


def exists(path: str) -> Conflict:
    """The error for a file that is there."""
    return Conflict(f"{path} exists there", "add --overwrite to replace it")


def changed(path: str) -> Conflict:
    """The error for a file that became another while it was read."""
    return Conflict(f"{path} changed while it was read", "read it again")


def read_only(name: str) -> Refused:
    """The error for writing where nothing is to be written."""
    return Refused(f"the datastore {name} is read only", f"wb datastore set {name} read_only=no")


class Tail:
    """Splits what a write is given into content and the hash that follows it."""

    def __init__(self, source: AsyncIterator[bytes], size: int) -> None:
        self._source = source
        self._left = size
        self.digest = b""

    async def content(self) -> AsyncIterator[bytes]:
        """The content's blocks; raises Conflict when fewer or more bytes come than were said."""
        async for block in self._source:
            mine, rest = block[: self._left], block[self._left :]
            self._left -= len(mine)
            self.digest += rest
            if len(self.digest) > 32:
                raise Conflict("more came than was said", "send it again")
            if mine:
                yield mine
        if self._left or len(self.digest) != 32:
            raise Conflict(f"{self._left} bytes less came than were said", "send it again")
