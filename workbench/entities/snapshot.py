"""Snapshots: the content of a source tree, identified by its canonical manifest (AZ-107 to AZ-119)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import StrEnum

from workbench.entities.base import Entity


class EntryKind(StrEnum):
    """What stands at a path."""

    FILE = "file"
    LINK = "link"
    DIRECTORY = "dir"
    """Only for a directory that would otherwise vanish because nothing in it is kept."""


class Entry(Entity, frozen=True, kw_only=True):
    """One path of a snapshot."""

    path: str
    """Relative, "/" between parts, in UTF-8 with surrogateescape for undecodable names."""
    kind: EntryKind = EntryKind.FILE
    mode: int = 0o644
    """0o644 or 0o755; the only bits that are kept."""
    size: int = 0
    sha256: str = ""
    """Of a file's bytes; empty for links and directories."""
    target: str = ""
    """Where a link points."""


def entry_from_line(path: str, kind: str, mode: int, size: int, content: str) -> Entry:
    """An entry in the short form that is kept and travels: content is a file's sha256 or a link's target.

    Raises ValueError for an unknown kind.
    """
    what = EntryKind(kind)
    if what is EntryKind.LINK:
        return Entry(path=path, kind=what, mode=mode, size=size, target=content)
    return Entry(path=path, kind=what, mode=mode, size=size, sha256=content)


class Manifest(Entity, frozen=True, kw_only=True):
    """All entries of a tree, sorted by path."""

    entries: tuple[Entry, ...]

    @property
    def id(self) -> str:
        """The snapshot's id: sha256 over the canonical lines."""
        return hashlib.sha256(canonical(self.entries)).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.entries)


def canonical(entries: Iterable[Entry]) -> bytes:
    """The bytes a snapshot's id is made of; the same on every machine and Python.

    One line an entry, sorted by the path's bytes: path, kind, mode in octal, then sha256 (files), the
    target (links) or nothing (directories), separated by NUL, ended by NUL and a newline: names and targets
    may hold newlines, and two trees must never share their bytes.
    """
    lines = []
    for entry in entries:
        path = entry.path.encode("utf-8", "surrogateescape")
        content = (
            entry.target.encode("utf-8", "surrogateescape")
            if entry.kind == EntryKind.LINK
            else entry.sha256.encode()
        )
        lines.append(b"\0".join((path, entry.kind.value.encode(), b"%o" % entry.mode, content)))
    lines.sort()
    return b"".join(line + b"\0\n" for line in lines)


class Snapshot(Entity, frozen=True, kw_only=True):
    """A stored snapshot's row."""

    id: str
    files: int
    size: int
