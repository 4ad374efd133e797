"""Whether the source of what this process runs was changed since it started, by an editor or an upgrade."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FACES = frozenset({"aio", "cli", "demo", "sdk", "tui", "workspace", "__pycache__"})
"""Rooms that a server does not run: theirs may change beneath it."""
SLOW, SHARE = 0.5, 50.0
"""A look that takes so many seconds, on a disk far away, is repeated after so many times that."""


class _Facts(NamedTuple):
    written: int
    size: int
    inode: int
    changed: int

    def same(self, other: _Facts | None) -> bool:
        """Whether the other is of the same contents.

        A file that took this one's place has another inode and is younger, whatever time it was given. One of
        the two says nothing: links that are made to it change the last, and some file systems give a file
        another inode whenever they are asked.
        """
        if other is None or (self.written, self.size) != (other.written, other.size):
            return False
        return self.inode == other.inode or self.changed == other.changed


class OwnCode:
    """The files of a package as they are when this is made.

    A client asks whether they changed before it began: one that was there before runs the old code as well.
    """

    def __init__(self, root: Path | None = None) -> None:
        files = _sources(root or Path(__file__).parent.parent)
        self._files = {path: facts for path in files if (facts := _facts(path)) is not None}
        self._looked = time.time()
        self._not_before = 0.0
        self.changed: str | None = None
        """A file that is another than at the start, once one was found."""
        self._when = 0.0

    async def outdated_for(self, began: float) -> bool:
        """Whether a client that began then (seconds since 1970) is of newer code than this process."""
        if self.changed is None and began > self._looked and time.monotonic() >= self._not_before:
            await asyncio.to_thread(self._look)
        return self.changed is not None and began > self._when

    def _look(self) -> None:
        began, self._looked = time.monotonic(), time.time()
        for path, known in self._files.items():
            if not known.same(_facts(path)):
                self._when = _change(path)
                self.changed = path
                return
        cost = time.monotonic() - began
        self._not_before = time.monotonic() + cost * SHARE if cost > SLOW else 0.0


def _sources(root: Path) -> Iterator[str]:
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if name not in FACES]
        yield from (os.path.join(folder, name) for name in names if name.endswith(".py"))


def _facts(path: str) -> _Facts | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return _Facts(found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns)


def _change(path: str) -> float:
    """When a file became what it is, whatever time it was given; now for one that is gone."""
    try:
        return os.stat(path).st_ctime
    except OSError:
        return time.time()
