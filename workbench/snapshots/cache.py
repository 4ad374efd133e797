"""What a scan remembers of a tree: one compact file a directory, so that unchanged files are not read again.

Several processes may scan at once: the file is replaced whole, by rename, and the last one wins. A damaged
or foreign file counts as an empty memory.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from pathlib import Path
from typing import NamedTuple

_VERSION = 1
_RACY = 2_000_000_000  # nanoseconds: the coarsest clock of a file system in use (FAT)
_HASH = re.compile(r"[0-9a-f]{64}")


class Seen(NamedTuple):
    """A file as it was when it was hashed. Times are nanoseconds."""

    size: int
    modified: int
    changed: int
    inode: int
    sha256: str
    kept: bool
    """Whether the last snapshot of this tree had exactly these contents at this path."""


class StatCache:
    """The memory of one scanned directory; `load` it, ask it, and `save` what the new scan saw."""

    def __init__(self, file: Path, root: Path, files: dict[str, Seen], written: int) -> None:
        self._file = file
        self._root = os.fspath(root)
        self.files = files
        self._written = written

    @classmethod
    def load(cls, directory: Path, root: Path) -> StatCache:
        """The memory of root kept below the cache directory; empty when there is none that can be read."""
        root = Path(os.path.realpath(root.expanduser()))  # "." is another tree in each directory
        name = hashlib.sha256(os.fsencode(root)).hexdigest()[:32]
        file = directory / f"{name}.json"
        try:
            value = json.loads(file.read_bytes())
            written = value["written"]
            if value["v"] == _VERSION and value["root"] == os.fspath(root) and isinstance(written, int):
                return cls(file, root, _checked(value["files"]), written)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass  # absent, torn or foreign: everything is read again, and it is written anew
        return cls(file, root, {}, 0)

    def lookup(self, path: str, found: os.stat_result) -> str | None:
        """The sha256 of an unchanged file; None when it has to be read.

        Racy-clean: a file touched within two seconds of the memory's writing could have changed again
        without its times moving, so it is read again.
        """
        seen = self.files.get(path)
        if (
            seen is None
            or seen[0] != found.st_size
            or seen[1] != found.st_mtime_ns
            or seen[2] != found.st_ctime_ns
            or seen[3] != found.st_ino
            or max(seen[1], seen[2]) > self._written - _RACY
        ):
            return None
        return seen[4]

    def kept(self, path: str, sha256: str) -> bool:
        """Whether the last snapshot had these contents at path."""
        seen = self.files.get(path)
        return seen is not None and seen.kept and seen.sha256 == sha256

    def settled(self, files: dict[str, Seen]) -> bool:
        """Whether the memory holds just these files, and none of them would have to be read again."""
        latest = self._written - _RACY
        return self.files == files and all(max(item[1], item[2]) <= latest for item in files.values())

    def save(self, files: dict[str, Seen], written: int) -> None:
        """Replaces the memory. written: nanoseconds since 1970 when the scan began. Raises OSError."""
        value = {"v": _VERSION, "written": written, "root": self._root, "files": files}
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = self._file.with_name(f"{self._file.name}.{uuid.uuid4().hex}.partial")
        try:
            partial.write_bytes(json.dumps(value, separators=(",", ":")).encode("ascii"))
            partial.replace(self._file)
        finally:
            partial.unlink(missing_ok=True)
        self.files, self._written = files, written


def _checked(files: dict[str, list[object]]) -> dict[str, Seen]:
    found = {}
    for path, (size, modified, changed, inode, sha256, kept) in files.items():
        if not isinstance(sha256, str) or not _HASH.fullmatch(sha256):
            raise ValueError("no sha256")
        found[path] = Seen(size, modified, changed, inode, sha256, kept is True)  # type: ignore[arg-type]
    return found
