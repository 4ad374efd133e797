"""File contents by their sha256, one file each: blobs/ab/<sha256>. Written whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from workbench.errors import Refused, StoreError
from workbench.remote import protocol

EMPTY = hashlib.sha256(b"").hexdigest()
_PIECE = 1 << 20
_DURABLE = 1 << 20
"""Contents from this size on are fsynced: a lost output cannot be made again, a source file can."""


class Pruned(NamedTuple):
    """What a prune removed, or would remove."""

    blobs: int
    bytes: int
    manifests: int


class Blobs:
    """A folder of blobs. No database behind it: a blob is there when its file is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._text = os.fspath(folder)

    def path(self, sha256: str) -> Path:
        """Where the blob is, or would be. Raises StoreError for text that is no sha256."""
        return Path(self._place(sha256))

    def _place(self, sha256: str) -> str:
        # Plain text: making paths of thousands of blobs costs more than asking for them.
        if not protocol.SHA256.match(sha256):
            raise StoreError(f"{sha256[:80]!r} is no sha256")
        return f"{self._text}/{sha256[:2]}/{sha256}"

    def has(self, sha256: str) -> bool:
        """Whether the blob is there; a file that a power cut left empty is not."""
        try:
            return os.stat(self._place(sha256)).st_size > 0 or sha256 == EMPTY
        except FileNotFoundError:
            return False

    def missing(self, hashes: Iterable[str]) -> list[str]:
        """Those not there, in the order given, each once."""
        return [sha256 for sha256 in dict.fromkeys(hashes) if not self.has(sha256)]

    def put(self, source: Path | bytes | IO[bytes], sha256: str) -> None:
        """Keep source's bytes under their hash. Raises Refused when they have another; OSError."""
        place = self.path(sha256)
        if self.has(sha256):
            return
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(prefix=".partial-", dir=place.parent)
        try:
            with os.fdopen(descriptor, "wb") as target:
                digest, size = _copy(source, target)
                if digest != sha256:
                    raise Refused(
                        f"content that should have sha256 {sha256} has {digest}",
                        "it changed on its way: try again",
                    )
                target.flush()
                if size >= _DURABLE:
                    os.fsync(target.fileno())
            os.replace(partial, place)
        except BaseException:
            os.unlink(partial)
            raise

    def every(self) -> Iterator[tuple[str, os.stat_result]]:
        """All blobs with their facts; leftovers of interrupted writes under their own names."""
        for folder in sorted(self.folder.iterdir()) if self.folder.is_dir() else []:
            if folder.is_dir():
                for entry in os.scandir(folder):
                    yield entry.name, entry.stat(follow_symlinks=False)

    def prune(self, needed: set[str], dry_run: bool, grace: float) -> Pruned:
        """Remove blobs nobody needs, older than grace seconds: younger ones may be of a submit under way."""
        count = size = 0
        horizon = time.time() - grace
        for name, facts in list(self.every()):
            if name in needed or facts.st_mtime > horizon:
                continue
            count, size = count + 1, size + facts.st_size
            if not dry_run:
                parent = name[:2] if protocol.SHA256.match(name) else None
                for place in [self.folder / parent / name] if parent else self.folder.glob(f"*/{name}"):
                    place.unlink(missing_ok=True)
        return Pruned(count, size, 0)


def _copy(source: Path | bytes | IO[bytes], target: IO[bytes]) -> tuple[str, int]:
    """Copy everything; returns its sha256 and size."""
    if isinstance(source, Path):
        with open(source, "rb") as opened:
            return _copy(opened, target)
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    digest, size = hashlib.sha256(), 0
    while piece := stream.read(_PIECE):
        digest.update(piece)
        target.write(piece)
        size += len(piece)
    return digest.hexdigest(), size
