"""What differs between two snapshots: the changed paths, and a unified diff. Pure over a blob reader."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from workbench.entities.base import Entity
from workbench.entities.snapshot import Entry, EntryKind, Manifest
from workbench.text.patch import patch_files

MOST_FILE = 1 << 20
"""Bytes of one side of a file that is compared line by line."""
MOST_LINES = 20_000
"""Lines of both sides together: comparing takes time by their product."""
MOST_TOTAL = 5 << 20
"""Characters of a whole diff."""

ContentReader = Callable[[str], bytes]
"""The whole contents that have a sha256."""


class ChangeKind(StrEnum):
    """What happened to a path from one snapshot to another."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"
    MODE = "mode"
    """Only whether it is executable."""
    LINK = "link"
    """A link that points elsewhere."""
    KIND = "kind"
    """A file that became a link, a directory that became a file ..."""


class Change(NamedTuple):
    """One path that is not the same in both."""

    path: str
    change: ChangeKind
    before: Entry | None
    after: Entry | None


class ChangedFile(Entity, frozen=True, kw_only=True):
    """A path that is not the same in both, and how many lines make the difference."""

    path: str
    change: ChangeKind
    added: int | None = None
    """Lines; absent where they were not compared: binary and very large files, or far too many."""
    removed: int | None = None


def changes(before: Manifest, after: Manifest) -> list[Change]:
    """All paths that differ, sorted."""
    old = {entry.path: entry for entry in before.entries}
    new = {entry.path: entry for entry in after.entries}
    found = []
    for path in sorted(old.keys() | new.keys()):
        a, b = old.get(path), new.get(path)
        if a != b:
            found.append(Change(path, _kind(a, b), a, b))
    return found


def unified(
    before: Manifest, after: Manifest, read: ContentReader, path: str | None = None, most: int = MOST_TOTAL
) -> str:
    """A unified diff of every difference, or of those at path and below it; "" when there is none.

    Binary and very large files are named, not shown; a diff over `most` characters is cut with a line that
    says so. read is asked only for files that are shown.
    """
    out: list[str] = []
    size = 0
    for change in changes(before, after):
        if path is not None and change.path != path and not change.path.startswith(path.rstrip("/") + "/"):
            continue
        for line in _lines(change, read):
            size += len(line)
            if size > most:
                out.append(f"... the diff is cut here, at {most} characters\n")
                return "".join(out)
            out.append(line)
    return "".join(out)


def changed_files(
    before: Manifest, after: Manifest, read: ContentReader, most: int = MOST_TOTAL
) -> list[ChangedFile]:
    """Every difference with its lines counted, as long as the whole diff has at most so many characters."""
    found: list[ChangedFile] = []
    size = 0
    for change in changes(before, after):
        text = "".join(_lines(change, read)) if size <= most else ""
        size += len(text)
        file = patch_files(text)[0] if "\n@@" in text else None
        found.append(
            ChangedFile(
                path=change.path,
                change=change.change,
                added=None if file is None else file.added,
                removed=None if file is None else file.removed,
            )
        )
    return found


def _kind(a: Entry | None, b: Entry | None) -> ChangeKind:
    if a is None:
        return ChangeKind.ADDED
    if b is None:
        return ChangeKind.REMOVED
    if a.kind is not b.kind:
        return ChangeKind.KIND
    if a.kind is EntryKind.LINK and a.target != b.target:
        return ChangeKind.LINK
    return ChangeKind.MODE if a.sha256 == b.sha256 else ChangeKind.MODIFIED


def _lines(change: Change, read: ContentReader) -> Iterator[str]:
    a, b = change.before, change.after
    shown = _shown(change.path)
    yield f"diff {_side('a', shown)} {_side('b', shown)}\n"
    if a is None and b is not None:
        yield f"new {_word(b)}\n"
    elif b is None and a is not None:
        yield f"deleted {_word(a)}\n"
    elif a is not None and b is not None and (a.mode != b.mode or a.kind is not b.kind):
        yield f"old {_word(a)}\nnew {_word(b)}\n"
    if change.change is ChangeKind.MODE:
        return
    if max(_size(a), _size(b)) > MOST_FILE:
        yield f"Large files differ: {_size(a)} and {_size(b)} bytes\n"
        return
    old, new = _text(a, read), _text(b, read)
    if old is None or new is None:
        yield f"Binary files differ: {_size(a)} and {_size(b)} bytes\n"
        return
    first, second = old.splitlines(keepends=True), new.splitlines(keepends=True)
    if len(first) + len(second) > MOST_LINES and first and second:
        yield f"Large files differ: {len(first)} and {len(second)} lines\n"
        return
    names = ("/dev/null" if a is None else _side("a", shown), "/dev/null" if b is None else _side("b", shown))
    for line in difflib.unified_diff(first, second, *names):
        yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"


def _text(entry: Entry | None, read: ContentReader) -> str | None:
    """What stands there as text; None for binary contents."""
    if entry is None or entry.kind is EntryKind.DIRECTORY:
        return ""
    if entry.kind is EntryKind.LINK:
        return entry.target.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    raw = read(entry.sha256)
    if b"\0" in raw:
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _size(entry: Entry | None) -> int:
    return entry.size if entry is not None else 0


def _word(entry: Entry) -> str:
    if entry.kind is EntryKind.FILE:
        return f"file mode {entry.mode:o}"
    return "link" if entry.kind is EntryKind.LINK else "directory"


def _shown(path: str) -> str:
    # A name may hold a newline or worse; the diff's own lines must not.
    plain = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return plain if plain.isprintable() else plain.encode("unicode_escape").decode("ascii")


def _side(side: str, shown: str) -> str:
    return f"{side}/{shown}"
