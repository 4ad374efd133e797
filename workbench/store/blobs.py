"""File contents by their sha256, one file each: blobs/ab/<sha256>. Written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from workbench.errors import Refused, StoreError
from workbench.remote.forms import protocol
from workbench.remote.snapshots.blobs import store_blobs, write_blob

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
    """The blobs below root, laid out as on machines. No database: a blob is there when its file is."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "blobs"
        self._text = os.fspath(self.folder)

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

    def put(self, source: IO[bytes], sha256: str) -> None:
        """Keep source's bytes under their hash. Raises Refused when they have another; OSError."""
        place = self._place(sha256)
        if self.has(sha256):
            return
        folder = os.path.dirname(place)
        os.makedirs(folder, 0o700, exist_ok=True)
        partial = f"{folder}/.partial-{secrets.token_hex(8)}"
        pieces = iter(lambda: source.read(_PIECE), b"")
        if not write_blob(pieces, sha256, partial, place, durable=_DURABLE):
            raise Refused(
                f"what should have sha256 {sha256} is something else", "it changed on its way: try again"
            )

    def adopt(self, file: str, sha256: str) -> None:
        """Keep a file that was written on this disk and whose bytes have this hash; it is moved. OSError."""
        place = self._place(sha256)
        os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
        os.rename(file, place)

    def take(self, upload: Path) -> int:
        """Keep the entries of a zip that are named by their sha256; how many there were.

        Raises ArchiveError at the first that is something else, OSError.
        """
        return store_blobs(os.fspath(self.folder.parent), os.fspath(upload))

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
