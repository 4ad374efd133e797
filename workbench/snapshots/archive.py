"""A snapshot as a zip: the blobs a peer lacks as one stream, and the whole tree saved for a person.

Neither is ever held in memory or copied to a temporary file.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from workbench.entities.snapshot import Entry, EntryKind, Manifest
from workbench.errors import Conflict, NotFound
from workbench.snapshots.zipstream import PIECE, ZipStream

BlobReader = Callable[[str], Iterable[bytes]]
"""The contents that have a sha256, in pieces."""


def zip_blobs(sources: Mapping[str, Path]) -> Iterator[bytes]:
    """One zip stream of files by their sha256, which is each entry's name; what `remote.trees` stores.

    Raises Conflict, naming the file, when it no longer holds what its sha256 says, NotFound when it is gone.
    """
    stream = ZipStream()
    for sha256, path in sources.items():
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as problem:
            raise _gone(path, problem) from problem
        with os.fdopen(handle, "rb", buffering=0) as file:
            size = os.fstat(handle).st_size
            pieces = verified(_pieces(file.read, size, path), sha256, os.fspath(path))
            yield from stream.entry(sha256.encode("ascii"), stat.S_IFREG | 0o644, pieces, size)
    yield from stream.end()


def zip_tree(manifest: Manifest, read: BlobReader) -> Iterator[bytes]:
    """The tree as an ordinary zip with modes and links, the same bytes for the same tree and zlib.

    Raises Conflict when what read gives is not what the manifest names.
    """
    stream = ZipStream()
    for entry in sorted(manifest.entries, key=_raw):
        name = _raw(entry)
        if entry.kind is EntryKind.DIRECTORY:
            yield from stream.entry(name + b"/", stat.S_IFDIR | 0o755, (), 0)
        elif entry.kind is EntryKind.LINK:
            target = entry.target.encode("utf-8", "surrogateescape")
            yield from stream.entry(name, stat.S_IFLNK | 0o777, (target,), len(target))
        else:
            pieces = verified(_cut(read(entry.sha256)), entry.sha256, entry.path)
            yield from stream.entry(name, stat.S_IFREG | entry.mode, pieces, entry.size)
    yield from stream.end()


def verified(pieces: Iterable[bytes], sha256: str, what: str) -> Iterator[bytes]:
    """The same pieces; raises Conflict at their end, or at the last of them, when their hash is another."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        yield piece
    if digest.hexdigest() != sha256:
        raise Conflict(
            f"{what} changed since it was scanned",
            "submit again; if something keeps writing to it, add it to .amlignore or .gitignore",
            path=what,
        )


def _raw(entry: Entry) -> bytes:
    return entry.path.encode("utf-8", "surrogateescape")


def _gone(path: Path, problem: OSError) -> NotFound | Conflict:
    if isinstance(problem, FileNotFoundError):
        return NotFound(f"{path} was removed since it was scanned", "submit again", path=os.fspath(path))
    return Conflict(
        f"{path} can no longer be read: {problem.strerror}",
        "check its permissions, or add it to .amlignore or .gitignore",
        path=os.fspath(path),
    )


def _pieces(read: Callable[[int], bytes], size: int, path: Path) -> Iterator[bytes]:
    # One byte more than it had: a file that grew must not pass for what it was.
    left = size + 1
    while left > 0:
        try:
            piece = read(min(PIECE, left))
        except OSError as problem:
            raise _gone(path, problem) from problem
        if not piece:
            return
        left -= len(piece)
        yield piece


def _cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    # Deflated pieces stand alone, so their bounds must not depend on how a store reads its blobs.
    held = b""
    for piece in pieces:
        held += piece
        while len(held) >= PIECE:
            yield held[:PIECE]
            held = held[PIECE:]
    if held:
        yield held
