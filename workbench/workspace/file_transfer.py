"""One file to a machine or from it: in pieces that a cut does not lose, checked by its hash at the end."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from workbench.errors import Conflict, RemoteError, StoreError, StoreFull
from workbench.text import sizes
from workbench.workspace.client import Client
from workbench.workspace.persistence import persist

BLOCK = 1 << 18
MODES = 0o755
FULL = (errno.ENOSPC, errno.EDQUOT)
Moved = Callable[[int], object]
"""Told of each number of bytes that moved; a negative one takes back what has to be moved again."""


class FileTransfer:
    """Files between this side and one machine."""

    def __init__(self, client: Client, target: str, *, overwrite: bool, moved: Moved) -> None:
        self._client = client
        self._target = target
        self._overwrite = overwrite
        self._tell = moved
        self._moved = 0

    def send(self, source: Path, to: str) -> str:
        """Put a file at the path `to` of the machine; answers the path. Raises Conflict, RemoteError."""
        facts = source.stat()
        told = (os.path.abspath(source), facts.st_size, facts.st_mtime_ns, self._target, to)
        token = _token(told)
        counted = Counted(self._tell)

        def attempt() -> dict[str, Any]:
            found = self._client.call("files", "stat", target=self._target, path=to, token=token)
            offset = min(int(found.get("arrived") or 0), facts.st_size)
            counted.at(offset)
            answer: dict[str, Any] = self._client.write(
                "files", "put", content(source, facts, offset, counted), target=self._target, path=to,
                token=token, size=facts.st_size, offset=offset, mode=facts.st_mode & 0o777,
                modified=facts.st_mtime, overwrite=self._overwrite,
            )  # fmt: skip
            return answer

        return str(persist(attempt, lambda: counted.moved)["path"])

    def fetch(self, path: str, entry: dict[str, Any], to: Path) -> Path:
        """Save a machine's file, of which `files.stat` told entry, as `to`; answers that.

        Raises Conflict when something is there already, StoreFull when it has no room here.
        """
        check_free(to, self._overwrite)
        size = int(entry["size"])
        token = _token((self._target, path, size, entry.get("modified")))
        partial = to.with_name(f".{token}.partial")
        counted = Counted(self._tell)
        resumed = False

        def attempt() -> None:
            nonlocal resumed
            done = min(file_size(partial), size)
            resumed = resumed or done > 0
            counted.at(done)
            source = self._client.read("files", "get", target=self._target, path=path, offset=done)
            append(source, partial, done, counted)

        check_room(to.parent, size - file_size(partial))
        persist(attempt, lambda: counted.moved)
        if resumed:  # what came in one piece was checked where it was read
            found = persist(lambda: self._client.call("files", "hash", target=self._target, path=path))
            expected = found["sha256"]
            if hash_of(partial) != expected:
                partial.unlink()
                raise RemoteError(f"{path} changed while it was read", "fetch it again")
        finish(partial, entry)
        put_in_place(partial, to, self._overwrite)
        return to


class Counted:
    """How far one file is, told as it moves."""

    def __init__(self, tell: Moved) -> None:
        self._tell = tell
        self._place = 0
        self.moved = 0
        """Bytes that moved in all, those that moved twice counted twice."""

    def at(self, place: int) -> None:
        """It goes on from here."""
        self._tell(place - self._place)
        self._place = place

    def more(self, count: int) -> None:
        """So many bytes moved."""
        self.moved += count
        self._place += count
        self._tell(count)


def content(source: Path, facts: os.stat_result, offset: int, counted: Counted) -> Iterator[bytes]:
    """A file's bytes from offset on, then the sha256 of all of it; raises Conflict when it changes."""
    digest = hashlib.sha256()
    with open(source, "rb") as handle:
        at = 0
        while at < facts.st_size:
            block = handle.read(min(BLOCK, (offset if at < offset else facts.st_size) - at))
            if not block:
                break
            digest.update(block)
            if at >= offset:
                yield block
                counted.more(len(block))
            at += len(block)
        now = os.fstat(handle.fileno())
    if at < facts.st_size or (now.st_size, now.st_mtime_ns) != (facts.st_size, facts.st_mtime_ns):
        raise Conflict(f"{source} changed while it was sent", "send it again")
    yield digest.digest()


def append(source: Iterator[bytes], partial: Path, done: int, counted: Counted) -> None:
    """Write what comes behind the first bytes of a file; raises StoreFull, StoreError."""
    try:
        with open(partial, "r+b" if done else "wb", opener=_own) as out:
            out.truncate(done)
            out.seek(done)
            for block in source:
                out.write(block)
                counted.more(len(block))
            out.flush()
            os.fsync(out.fileno())
    except OSError as problem:
        raise cannot_write(partial.parent, problem) from problem


def _own(path: str, flags: int) -> int:
    """Opens no link: in a folder that others write to, one may lie where a transfer is gathered."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def cannot_write(folder: Path, problem: OSError) -> StoreError:
    """Why nothing can be written on this side, in words."""
    if problem.errno in FULL:
        what = "the disk here is full" if problem.errno == errno.ENOSPC else "the disk quota here is used up"
        return StoreFull(f"{what}: {folder}", "make room, then the same command goes on where it stopped")
    return StoreError(f"cannot write {folder}: {problem.strerror}", "choose another place")


def check_room(folder: Path, size: int) -> None:
    """Raise StoreFull when so many bytes do not fit into a folder of this side."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as problem:
        raise cannot_write(folder, problem) from problem
    if size > free:
        raise StoreFull(
            f"{sizes.short(size)} do not fit into {folder}: {sizes.short(free)} are free",
            "make room here, or choose another place",
        )


def check_free(to: Path, overwrite: bool) -> None:
    """Raise Conflict when a file cannot be put there."""
    if to.is_dir():
        raise Conflict(f"{to} is a folder", "name a file to write")
    if not overwrite and (to.exists() or to.is_symlink()):
        raise Conflict(f"{to} exists", "add --overwrite to replace it")


def finish(partial: Path, entry: dict[str, Any]) -> None:
    """Give a file the mode and the time it had on its machine, as far as they are known."""
    from workbench.text.times import parse

    modified, mode = parse(entry.get("modified")), entry.get("mode")
    if isinstance(mode, int):
        os.chmod(partial, (mode & MODES) | 0o600)
    if modified is not None:
        os.utime(partial, (modified.timestamp(), modified.timestamp()))


def put_in_place(partial: Path, to: Path, overwrite: bool) -> None:
    """Give a whole file its name; raises Conflict when something is there meanwhile."""
    check_free(to, overwrite)
    os.replace(partial, to)


def hash_of(path: Path) -> str:
    """A file's sha256."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def file_size(path: Path) -> int:
    """The bytes of a file; 0 where there is none."""
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _token(told: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(told).encode("utf-8", "backslashreplace")).hexdigest()[:24]
