"""What one manifest changes of another, as the link's `tree` method takes it. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from workbench.entities.snapshot import Entry, EntryKind, Manifest


class Delta(NamedTuple):
    """Applied to the base, removals first, it makes the new manifest. Plain JSON values."""

    removed: list[str]
    added: list[list[Any]]
    """`[path, kind, mode, size, sha256 or target]`; replaces an entry of the same path."""


def delta(base: Manifest | None, new: Manifest) -> Delta:
    """The difference from base (None: from nothing) to new."""
    known = {entry.path: entry for entry in base.entries} if base is not None else {}
    added = [wire(entry) for entry in new.entries if known.get(entry.path) != entry]
    paths = {entry.path for entry in new.entries}
    return Delta([path for path in known if path not in paths], added)


def wire(entry: Entry) -> list[Any]:
    """An entry as machines hold it."""
    content = entry.target if entry.kind is EntryKind.LINK else entry.sha256
    return [entry.path, entry.kind.value, entry.mode, entry.size, content]
