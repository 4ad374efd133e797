"""A folder of a machine as a datastore, through the link we have to it: nothing more listens there."""

from __future__ import annotations

import posixpath
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from workbench.compute.link import Link
from workbench.compute.machine_files import read_entries, read_entry
from workbench.data.backend import Folder, Page, changed
from workbench.data.sources import safe_key
from workbench.entities.datastore import DataItem
from workbench.entities.machine_file import MachineFile
from workbench.errors import Conflict, NotFound
from workbench.text.sanitize import clean_name

PAGE = 5000
Reach = Callable[[], Awaitable[Link]]


class MachineFolder:
    """A `Backend`. reach: gives the link, connecting when needed."""

    def __init__(self, reach: Reach, root: str) -> None:
        self._reach = reach
        self._root = root

    def place(self, key: str) -> str:
        """The path on the machine that a key means."""
        return posixpath.join(self._root, key) if key else self._root

    async def items(self, prefix: str = "") -> AsyncIterator[Page]:
        """See Backend; links to folders are not entered."""
        link = await self._reach()
        asked = {"paths": [self.place(prefix)], "literal": True}
        try:
            async with link.stream("data_files", asked) as stream:
                async for event in stream:
                    if isinstance(event, dict) and "entries" in event:
                        yield _page(event["entries"], prefix)
                await stream.result()
        except NotFound:
            if prefix:
                raise
            yield Page([])

    async def folder(self, path: str = "") -> Folder:
        """See Backend."""
        link = await self._reach()
        found: list[MachineFile] = []
        total = 1
        while len(found) < total:
            asked = {"path": self.place(path), "offset": len(found), "limit": PAGE}
            answer = await link.call("listing", asked)
            page = read_entries(answer.get("entries"))
            total = int(answer.get("total") or 0)
            if not page:
                break
            found += page
        folders = [entry.name for entry in found if (entry.leads or entry.kind) == "dir"]
        files = [entry for entry in found if (entry.leads or entry.kind) == "file"]
        items = [_item(entry, f"{path}/{entry.name}" if path else entry.name) for entry in files]
        good = [item for item in items if safe_key(item.path)]
        kept = [name for name in folders if safe_key(name)]
        return Folder(kept, good, len(items) - len(good) + len(folders) - len(kept))

    async def stat(self, path: str) -> DataItem:
        """See Backend."""
        link = await self._reach()
        answer = await link.call("stat", {"path": self.place(path)})
        entry = read_entry({**answer, "name": answer.get("name") or "/"})
        if entry is None or (entry.leads or entry.kind) != "file":
            raise Conflict(f"{clean_name(path, 300)} is no file")
        if entry.kind == "link":  # its own size is that of its text
            now = await link.call("get", {"path": self.place(path), "length": 0, "hash": False})
            size, modified = int(now.get("size") or 0), _moment(int(float(now.get("modified") or 0) * 1e9))
            return DataItem(path=path, size=size, modified=modified, etag=_etag(modified, size))
        return _item(entry, path)

    async def read(
        self, path: str, offset: int = 0, length: int | None = None, etag: str | None = None
    ) -> AsyncIterator[bytes]:
        """See Backend; a cut is the caller's to go on from, as for every file of a machine."""
        if etag is not None and not _same((await self.stat(path)).etag, etag):
            raise changed(clean_name(path, 300))
        link = await self._reach()
        asked = {"path": self.place(path), "offset": offset, "length": length, "hash": False}
        async with link.stream("get", asked) as stream:
            async for block in stream:
                if isinstance(block, bytes):
                    yield block
            await stream.result()

    async def arrived(self, path: str, token: str) -> int:
        """See Backend."""
        link = await self._reach()
        answer = await link.call("stat", {"path": self.place(path), "token": token})
        arrived = answer.get("arrived")
        return arrived if isinstance(arrived, int) and arrived >= 0 else 0

    async def write(
        self, path: str, source: AsyncIterator[bytes], *, token: str, size: int, offset: int, overwrite: bool
    ) -> DataItem:
        """See Backend."""
        link = await self._reach()
        place = self.place(path)
        await link.call("mkdir", {"path": posixpath.dirname(place), "parents": True})
        asked: dict[str, Any] = {"path": place, "token": token, "size": size, "offset": offset}
        async with link.stream("put", {**asked, "overwrite": overwrite}, source) as stream:
            await stream.result()
        return await self.stat(path)

    async def delete(self, path: str) -> None:
        """See Backend."""
        link = await self._reach()
        async with link.stream("delete", {"path": self.place(path), "recursive": False}) as stream:
            async for _ in stream:
                pass
            await stream.result()

    async def presigned(self, path: str, seconds: int) -> str | None:
        """See Backend: a machine gives its files to who has a link to it."""
        return None

    async def close(self) -> None:
        """The link is the fleet's."""


def _etag(modified: datetime | None, size: int) -> str | None:
    return None if modified is None else f"{size}-{int(modified.timestamp() * 1e6)}"


def _same(one: str | None, other: str) -> bool:
    """Whether two are of one content: a time that was a float on its way may be a microsecond off."""
    size, _, time = (one or "").partition("-")
    size_then, _, then = other.partition("-")
    return size == size_then and time.isdecimal() and then.isdecimal() and abs(int(time) - int(then)) <= 2


def _page(rows: Any, prefix: str) -> Page:
    """What a machine told of its files; what does not fit is counted and left out."""
    items, left_out = [], 0
    for row in rows if isinstance(rows, list) else []:
        fine = isinstance(row, list) and len(row) == 3 and isinstance(row[0], str)
        name, size, token = row if fine else ("", None, None)
        key = posixpath.join(prefix, name) if name else prefix
        if not isinstance(size, int) or size < 0 or not isinstance(token, int) or not safe_key(key):
            left_out += 1
            continue
        modified = _moment(token)
        items.append(DataItem(path=key, size=size, modified=modified, etag=_etag(modified, size)))
    return Page(items, left_out)


def _moment(nanoseconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _item(entry: MachineFile, key: str) -> DataItem:
    return DataItem(
        path=key, size=entry.size, modified=entry.modified, etag=_etag(entry.modified, entry.size)
    )
