"""Any other scheme as a datastore, by the package fsspec and its own ones, in threads.

What they raise is anything: their words are told without the values of the secret. An upload that is cut
begins anew there, as fsspec knows no parts of one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from workbench.data.backend import Folder, Page, Tail, changed, exists
from workbench.data.sources import safe_key
from workbench.entities.datastore import DataItem
from workbench.errors import Conflict, NotFound, Refused, Unreachable, UsageError, WorkbenchError
from workbench.remote.processes.masking import masked_text
from workbench.text.sanitize import clean_name

AT_ONCE = 1000
BLOCK = 1 << 20
T = TypeVar("T")


def read_options(text: str | None) -> dict[str, Any]:
    """What a secret adds to a scheme's options: a JSON mapping. Raises UsageError, without its value."""
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError(
            "the secret of the datastore is no JSON mapping",
            'write the package\'s own options: {"token": "..."}',
        )
    return {str(key): value for key, value in found.items()}


class SchemeFolder:
    """A `Backend`. secret: options that must not be seen."""

    def __init__(self, name: str, root: str, options: dict[str, str], secret: dict[str, Any]) -> None:
        self._name = name
        self._protocol, _, rest = root.partition("://")
        self._options = options
        self._secret = secret
        self._root = rest.strip("/")
        self._opened: Any = None

    def _system(self) -> Any:
        if self._opened is None:
            try:
                import fsspec
            except ImportError:
                raise UsageError(
                    f"{self._protocol}:// needs the package fsspec", "pip install 'mlworkbench[data]'"
                ) from None
            try:
                kind = fsspec.get_filesystem_class(self._protocol)
            except (ImportError, ValueError) as problem:
                raise UsageError(
                    f"{self._protocol}:// cannot be read here: {problem}", "install it here"
                ) from None
            self._opened = kind(**{**self._options, **self._secret, "skip_instance_cache": True})
            self._root = str(kind._strip_protocol(f"{self._protocol}://{self._root}")).rstrip("/")
        return self._opened

    def _place(self, key: str) -> str:
        self._system()
        return f"{self._root}/{key}" if key else self._root

    async def items(self, prefix: str = "") -> AsyncIterator[Page]:
        """See Backend."""
        found = await self._asked(lambda: self._found(prefix))
        for start in range(0, len(found.items) or 1, AT_ONCE):
            yield Page(found.items[start : start + AT_ONCE], 0 if start else found.left_out)

    def _found(self, prefix: str) -> Page:
        system = self._system()
        found = system.find(self._place(prefix), detail=True)
        if prefix and not found:
            raise FileNotFoundError(prefix)
        return self._page(found.values())

    def _page(self, infos: Any) -> Page:
        items, left_out = [], 0
        for info in infos:
            key = self._key(info)
            if key is None:
                left_out += 1
            else:
                items.append(_item(key, info))
        return Page(sorted(items, key=lambda item: item.path), left_out)

    def _key(self, info: dict[str, Any]) -> str | None:
        name = str(info.get("name") or "")
        start = f"{self._root}/" if self._root else ""
        key = name[len(start) :] if name.startswith(start) else name.lstrip("/")
        return key if safe_key(key) and (not start or name.startswith(start)) else None

    async def folder(self, path: str = "") -> Folder:
        """See Backend."""

        def look() -> Folder:
            infos = self._system().ls(self._place(path), detail=True)
            page = self._page([info for info in infos if info.get("type") != "directory"])
            keys = [self._key(info) for info in infos if info.get("type") == "directory"]
            folders = sorted(key.rpartition("/")[2] for key in keys if key is not None)
            return Folder(folders, page.items, page.left_out + keys.count(None))

        try:
            return await self._asked(look)
        except NotFound:
            if path:
                raise
            return Folder([], [])

    async def stat(self, path: str) -> DataItem:
        """See Backend."""

        def look() -> DataItem:
            info = self._system().info(self._place(path))
            if info.get("type") == "directory":
                raise Conflict(f"{clean_name(path, 300)} is a folder")
            return _item(path, info)

        return await self._asked(look)

    async def read(
        self, path: str, offset: int = 0, length: int | None = None, etag: str | None = None
    ) -> AsyncIterator[bytes]:
        """See Backend."""
        before = await self.stat(path)
        if etag is not None and before.etag != etag:
            raise changed(clean_name(path, 300))
        stop = before.size if length is None else min(before.size, offset + length)

        def blocks() -> Iterator[bytes]:
            with self._system().open(self._place(path), "rb", block_size=BLOCK) as file:
                file.seek(offset)
                at = offset
                while at < stop:
                    block = file.read(min(BLOCK, stop - at))
                    if not block:
                        raise changed(clean_name(path, 300))
                    at += len(block)
                    yield block

        reading = blocks()
        while True:
            block = await self._asked(lambda: next(reading, None))
            if block is None:
                return
            yield block

    async def arrived(self, path: str, token: str) -> int:
        """See Backend: nothing of a cut upload is there."""
        return 0

    async def write(
        self, path: str, source: AsyncIterator[bytes], *, token: str, size: int, offset: int, overwrite: bool
    ) -> DataItem:
        """See Backend; gathered beside its place and moved there."""
        # In a thread, as all of it: opening a scheme may ask the network, and says what it was given.
        place, part = await self._asked(lambda: (self._place(path), self._place(f"{path}.{token}.partial")))
        if not overwrite and await self._asked(lambda: self._system().exists(place)):
            raise exists(clean_name(path, 300))
        if offset:
            raise Conflict("nothing of it is there", "begin anew")
        tail, digest = Tail(source, size), hashlib.sha256()
        await self._asked(lambda: self._system().makedirs(place.rpartition("/")[0], exist_ok=True))
        file = await self._asked(lambda: self._system().open(part, "wb"))
        try:
            try:
                async for block in tail.content():
                    digest.update(block)
                    await self._asked(lambda piece=block: file.write(piece))  # type: ignore[misc]
            finally:
                await self._asked(file.close)
            if tail.digest != digest.digest():
                raise Conflict(f"{clean_name(path, 300)} changed on its way", "send it again")
            await self._asked(lambda: self._system().mv(part, place))
        except BaseException:
            await asyncio.to_thread(self._forget, part)
            raise
        return await self.stat(path)

    def _forget(self, place: str) -> None:
        try:
            self._system().rm_file(place)
        except Exception:  # it may not be there, and packages raise anything
            return

    async def delete(self, path: str) -> None:
        """See Backend."""
        await self.stat(path)
        await self._asked(lambda: self._system().rm_file(self._place(path)))

    async def presigned(self, path: str, seconds: int) -> str | None:
        """See Backend."""

        def sign() -> str | None:
            try:
                return str(self._system().sign(self._place(path), expiration=seconds))
            except (NotImplementedError, AttributeError):
                return None

        return await self._asked(sign)

    async def close(self) -> None:
        """What a package holds ends with it."""
        self._opened = None

    async def _asked(self, function: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(function)
        except WorkbenchError:
            raise
        except FileNotFoundError as problem:
            what = masked_text(clean_name(str(problem), 200), self._hidden())
            raise NotFound(f"there is no {what} in {self._name}") from None
        except PermissionError:
            raise Refused(
                f"{self._name} does not let us in", "look at its secret: wb datastore show"
            ) from None
        except Exception as problem:  # packages of fsspec raise what they like
            what = masked_text(clean_name(f"{type(problem).__name__}: {problem}", 300), self._hidden())
            raise Unreachable(f"{self._name}: {what}", "look at it: wb datastore show") from None

    def _hidden(self) -> list[str]:
        return [str(value) for value in self._secret.values() if value]


def _item(key: str, info: dict[str, Any]) -> DataItem:
    size = info.get("size")
    modified = info.get("mtime", info.get("LastModified", info.get("last_modified", info.get("created"))))
    if isinstance(modified, int | float):
        modified = datetime.fromtimestamp(modified, UTC)
    if not isinstance(modified, datetime):
        modified = None
    elif modified.tzinfo is None:
        modified = modified.replace(tzinfo=UTC)
    etag = info.get("ETag", info.get("etag", info.get("md5Hash")))
    if etag is None and modified is not None:
        etag = f"{size}-{int(modified.timestamp() * 1e6)}"
    whole = size if isinstance(size, int) and size >= 0 else 0
    return DataItem(
        path=key, size=whole, modified=modified, etag=None if etag is None else str(etag).strip('"')
    )
