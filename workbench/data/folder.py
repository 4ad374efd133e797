"""A folder of this side as a datastore."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from workbench.data.backend import Folder, Page, Tail, changed, exists
from workbench.data.sources import safe_key
from workbench.entities.datastore import DataItem
from workbench.errors import Conflict, NotFound, Refused, StoreError, StoreFull, WorkbenchError
from workbench.opened_file import opened
from workbench.remote.forms.tree_paths import encode
from workbench.text.sanitize import clean_name

AT_ONCE = 1000
BLOCK = 1 << 20
FULL = (errno.ENOSPC, errno.EDQUOT)
PARTIAL = ".partial"
T = TypeVar("T")


class LocalFolder:
    """A `Backend`. The folder is made when something is written there; links to files are followed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def items(self, prefix: str = "") -> AsyncIterator[Page]:
        """See Backend; links to folders are not entered, as one may lead to where it lies."""
        walk = self._walk(prefix)
        while True:
            page = await _threaded(lambda: _next(walk))
            if page is None:
                return
            yield page

    def _walk(self, prefix: str) -> Iterator[Page]:
        top = self._place(prefix)
        if prefix and not top.is_dir():
            yield Page([self._item(prefix)])
            return
        found: list[DataItem] = []
        left_out = 0
        if prefix or self._root.is_dir():
            for folder, folders, names in os.walk(top, onerror=_raised):
                folders[:] = sorted(
                    name for name in folders if not os.path.islink(os.path.join(folder, name))
                )
                below = os.path.relpath(folder, self._root)
                for name in sorted(names):
                    key = name if below == "." else f"{below}/{name}"
                    if not safe_key(key) or _half(name):
                        left_out += not _half(name)
                        continue
                    try:
                        found.append(self._item(key))
                    except (FileNotFoundError, Conflict):  # it went, or is no file
                        continue
                    if len(found) >= AT_ONCE:
                        yield Page(found, left_out)
                        found, left_out = [], 0
        yield Page(found, left_out)

    async def folder(self, path: str = "") -> Folder:
        """See Backend."""
        return await _threaded(lambda: self._folder(path))

    def _folder(self, path: str) -> Folder:
        place = self._place(path)
        folders, items, left_out = [], [], 0
        if not path and not place.is_dir():
            return Folder([], [])
        for name in sorted(os.listdir(place)):
            key = f"{path}/{name}" if path else name
            if not safe_key(key) or _half(name):
                left_out += not _half(name)
            elif (place / name).is_dir():
                folders.append(name)
            else:
                try:
                    items.append(self._item(key))
                except (FileNotFoundError, Conflict):
                    continue
        return Folder(folders, items, left_out)

    async def stat(self, path: str) -> DataItem:
        """See Backend."""
        return await _threaded(lambda: self._item(path))

    def _item(self, key: str) -> DataItem:
        facts = os.stat(self._place(key))
        if not os.path.isfile(self._place(key)):
            raise Conflict(f"{_shown(key)} is no file")
        modified = datetime.fromtimestamp(facts.st_mtime, UTC)
        return DataItem(path=key, size=facts.st_size, modified=modified, etag=_etag(facts))

    async def read(
        self, path: str, offset: int = 0, length: int | None = None, etag: str | None = None
    ) -> AsyncIterator[bytes]:
        """See Backend."""
        async with opened(_explaining(partial(_to_read, self._place(path)))) as file:
            handle = file.handle
            facts = os.fstat(handle)
            if etag is not None and etag != _etag(facts):
                raise changed(_shown(path))
            stop = facts.st_size if length is None else min(facts.st_size, offset + length)
            at = offset
            while at < stop:
                block = await _threaded(partial(os.pread, handle, min(BLOCK, stop - at), at))
                if not block:
                    raise changed(_shown(path))
                at += len(block)
                yield block
            if _etag(os.fstat(handle)) != _etag(facts):
                raise changed(_shown(path))

    async def arrived(self, path: str, token: str) -> int:
        """See Backend."""
        try:
            return (await _threaded(lambda: os.lstat(self._partial(path, token)))).st_size
        except NotFound:
            return 0

    async def write(
        self, path: str, source: AsyncIterator[bytes], *, token: str, size: int, offset: int, overwrite: bool
    ) -> DataItem:
        """See Backend; written beside its place, so a cut leaves what came."""
        place, part = self._place(path), self._partial(path, token)
        tail = Tail(source, size - offset)
        async with opened(_explaining(partial(_to_write, place, part, offset, overwrite))) as file:
            try:
                async for block in tail.content():
                    file.digest.update(block)
                    await _threaded(partial(_write_all, file.handle, block))
                if tail.digest != file.digest.digest():
                    part.unlink(missing_ok=True)
                    raise Conflict(f"{_shown(path)} changed on its way", "send it again")
                await _threaded(partial(_settle, file.handle, part, place, overwrite))
            except StoreFull:
                part.unlink(missing_ok=True)
                raise
        return await self.stat(path)

    async def delete(self, path: str) -> None:
        """See Backend; folders stay."""
        await _threaded(lambda: os.unlink(self._place(path)))

    async def presigned(self, path: str, seconds: int) -> str | None:
        """See Backend: nobody else reaches this side."""
        return None

    async def close(self) -> None:
        """Nothing is held."""

    def _place(self, key: str) -> Path:
        return self._root / key if key else self._root

    def _partial(self, key: str, token: str) -> Path:
        place = self._place(key)
        name = encode(place.name)[: 255 - len(token) - len(PARTIAL) - 2]
        return place.parent / f".{name.decode('utf-8', 'surrogateescape')}.{token}{PARTIAL}"


def _half(name: str) -> bool:
    """Whether a file is one of an upload that is under way."""
    return name.startswith(".") and name.endswith(PARTIAL)


def _etag(facts: os.stat_result) -> str:
    return f"{facts.st_mtime_ns}-{facts.st_size}"


def _next(walk: Iterator[Page]) -> Page | None:
    return next(walk, None)


def _raised(problem: OSError) -> None:
    raise problem


class _Open(NamedTuple):
    """An open file, with the hash of what is in it so far."""

    handle: int
    digest: hashlib._Hash

    def close(self) -> None:
        """Give it back, with its lock."""
        os.close(self.handle)


def _to_read(place: Path) -> _Open:
    return _Open(os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), hashlib.sha256())


def _to_write(place: Path, part: Path, offset: int, overwrite: bool) -> _Open:
    """The file of an upload, cut to offset, with the hash of what is in it. Raises Conflict."""
    if not overwrite and os.path.lexists(place):
        raise exists(_shown(place.name))
    place.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_size < offset:
            raise Conflict("less of it is there than was said", "begin anew")
        digest, at = hashlib.sha256(), 0
        while at < offset:
            block = os.pread(handle, min(BLOCK, offset - at), at)
            digest.update(block)
            at += len(block)
        os.ftruncate(handle, offset)
        os.lseek(handle, offset, os.SEEK_SET)
    except BlockingIOError:
        os.close(handle)
        raise Conflict("the same file is being sent there already", "wait for that to end") from None
    except BaseException:
        os.close(handle)
        raise
    return _Open(handle, digest)


def _write_all(handle: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(handle, view) :]


def _settle(handle: int, part: Path, place: Path, overwrite: bool) -> None:
    os.fsync(handle)
    if overwrite:
        os.replace(part, place)
        return
    try:
        os.link(part, place)
        os.unlink(part)
    except FileExistsError:
        raise exists(place.name) from None
    except OSError as problem:
        if problem.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        if os.path.lexists(place):  # no hard links here: the best that is left
            raise exists(place.name) from None
        os.replace(part, place)


async def _threaded(function: Callable[[], T]) -> T:
    """What a blocking call answers; what the system says becomes an error of ours."""
    return await asyncio.to_thread(_explaining(function))


def _explaining(function: Callable[[], T]) -> Callable[[], T]:
    """A call whose errors of the system are errors of ours."""

    def called() -> T:
        try:
            return function()
        except OSError as problem:
            raise _explained(problem) from problem

    return called


def _explained(problem: OSError) -> WorkbenchError:
    named = problem.filename
    name = _shown(os.fsdecode(named)) if isinstance(named, str | bytes) else "the folder"
    if problem.errno in FULL:
        return StoreFull("the disk of the datastore is full", "make room, or another datastore")
    if isinstance(problem, FileNotFoundError | NotADirectoryError):
        return NotFound(f"there is no {name}", "wb datastore ls NAME lists what is there")
    if isinstance(problem, PermissionError):
        return Refused(f"{name} may not be read or written by this user")
    if isinstance(problem, IsADirectoryError):
        return Conflict(f"{name} is a folder")
    return StoreError(f"{name}: {problem.strerror or problem}")


def _shown(key: str) -> str:
    return clean_name(key, 300)
