"""The files of a dataset: which there are, what they were told by, and their bytes."""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from workbench.data.backend import Backend
from workbench.data.opened import OpenDatastores
from workbench.data.sources import safe_key
from workbench.data.sql.place import PATIENCE, RESULT_FILE, Spooled, SqlPlace
from workbench.data.sql.process import query
from workbench.data.web import Web, url_name
from workbench.entities.dataset import DataSource, Fingerprint
from workbench.entities.datastore import DataItem, DatastoreKind
from workbench.errors import Conflict, NotFound, RemoteError
from workbench.opened_file import opened
from workbench.remote.data.fingerprints import hash_of
from workbench.remote.data.patterns import is_pattern, matcher, split
from workbench.remote.forms.tree_paths import encode, path_problem
from workbench.text.sanitize import clean_name

MOST_FILES = 1_000_000
BLOCK = 1 << 20
HERE = "local"
Tell = Callable[[int, int], None]
"""Is told how many files, and bytes, were looked at."""


class DataFile(NamedTuple):
    """One file of a dataset."""

    path: str
    """Below what all its files have in common; "" for a dataset that is one file of a machine."""
    size: int
    token: int | str | None
    """Its time in nanoseconds, its etag, or the sha256 of its content."""
    place: str
    """The key, path or URL by which its place knows it."""


class Listing(NamedTuple):
    """All files of a dataset as they were."""

    files: list[DataFile]
    hash: str
    content: bool
    made_on: str | None
    """The target that looked."""
    left_out: int = 0
    """Keys that no path may be."""

    def fingerprint(self, manifest: str | None = None) -> Fingerprint:
        """What is kept of it."""
        return Fingerprint(
            hash=self.hash,
            content=self.content,
            files=len(self.files),
            bytes=sum(file.size for file in self.files),
            made_on=self.made_on,
            made=datetime.now(UTC),
            manifest=manifest,
        )


def silent(files: int, size: int) -> None:
    """Tells nobody."""


class DatasetFiles:
    """Looks at datasets of one workspace and reads them."""

    def __init__(self, datastores: OpenDatastores) -> None:
        self._datastores = datastores

    async def look(
        self,
        source: DataSource,
        contents: bool = False,
        tell: Tell = silent,
        table: Mapping[str, Any] | None = None,
    ) -> Listing:
        """All files that a source names, looked at where they are. contents: whether each is read and hashed.

        Of a query on a database that is its result, as one file: it is asked now (table says how long it may
        take). Raises NotFound where it names nothing, Unreachable and its kinds.
        """
        if (database := await self._database(source)) is not None:
            return _of_result(await self._asked(database, source, table))
        place = await self.on_machine(source)
        if place is not None:
            return await self._listed_there(*place, contents, tell)
        if source.urls:
            files, left_out = await _of_web(self._datastores.web, source.paths), 0
        else:
            _, backend = await self._datastores.get(source.datastore)
            files, left_out = await of_backend(backend, source.paths, tell)
        if contents:
            files = [file async for file in self._hashed(source, files, tell)]
        lines = [(file.path, file.size, file.token) for file in files]
        return Listing(files, hash_of(lines), contents, None, left_out)

    async def asked_anew(self, source: DataSource) -> bool:
        """Whether it is a query on a database, whose rows may be others each time."""
        return await self._database(source) is not None

    async def _database(self, source: DataSource) -> SqlPlace | None:
        if source.datastore is None:
            return None
        _, backend = await self._datastores.get(source.datastore)
        return backend if isinstance(backend, SqlPlace) else None

    async def _asked(self, place: SqlPlace, source: DataSource, table: Mapping[str, Any] | None) -> Spooled:
        patience = float((table or {}).get("query_timeout") or PATIENCE)
        async with query(place.database, source.paths[0], patience) as rows:
            return await self._datastores.results.keep(rows.lines)

    async def _result(
        self, place: SqlPlace, source: DataSource, file: DataFile, table: Mapping[str, Any] | None
    ) -> Path:
        """Where a result that was looked at is on this side; asked again where it is not here any more."""
        found = self._datastores.results.find(str(file.token))
        if found is None:
            again = await self._asked(place, source, table)
            if again.sha256 != file.token:
                raise Conflict("the query brings other rows than before", "keep them: wb data snapshot")
            found = again.path
        return found

    async def on_machine(self, source: DataSource) -> tuple[str, list[str]] | None:
        """The target, and paths on it, where the files are files of a machine (this side is one)."""
        if source.target is not None:
            return source.target, list(source.paths)
        if source.urls:
            return None
        datastore, _ = await self._datastores.get(source.datastore)
        if datastore.kind is DatastoreKind.FOLDER:
            root = str(self._datastores.folder_of(datastore))
            return HERE, [posixpath.join(root, path) if path else root for path in source.paths]
        if datastore.kind is DatastoreKind.MACHINE:
            root = datastore.root
            below = [posixpath.join(root, path) if path else root for path in source.paths]
            return str(datastore.target), below
        return None

    async def _listed_there(self, target: str, paths: list[str], contents: bool, tell: Tell) -> Listing:
        link = await self._datastores.link(target)
        rows: list[Any] = []
        async with link.stream("data_files", {"paths": paths, "contents": contents}) as stream:
            async for event in stream:
                if not isinstance(event, dict):
                    continue
                if isinstance(event.get("files"), int) and isinstance(event.get("bytes"), int):
                    tell(event["files"], event["bytes"])
                rows += event.get("entries") or []
                if len(rows) > MOST_FILES:
                    raise RemoteError(
                        f"more than {MOST_FILES} files", "register a part of them, or an archive"
                    )
            answer = await stream.result()
        base = str(answer.get("base") or "")
        files = [_file(row, base) for row in rows]
        found = hash_of([(file.path, file.size, file.token) for file in files])
        if found != answer.get("hash"):
            raise RemoteError(f"{target} told files that are not those it hashed", "try again")
        return Listing(files, found, contents, target)

    async def _hashed(
        self, source: DataSource, files: Iterable[DataFile], tell: Tell
    ) -> AsyncIterator[DataFile]:
        size = 0
        for done, file in enumerate(files):
            digest = hashlib.sha256()
            async for block in self.read(source, file):
                digest.update(block)
                size += len(block)
                tell(done, size)
            yield file._replace(token=digest.hexdigest())

    async def read(
        self,
        source: DataSource,
        file: DataFile,
        offset: int = 0,
        length: int | None = None,
        table: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[bytes]:
        """The bytes of one file that `look` told; raises Conflict when it is another by now."""
        if (database := await self._database(source)) is not None:
            path = await self._result(database, source, file, table)
            async for block in blocks_of(path, offset, length):
                yield block
            return
        place = await self.on_machine(source)
        if place is not None:
            folder = self._datastores.machine_folder(place[0], "/")
            async for block in folder.read(file.place.lstrip("/"), offset, length, _machine_etag(file)):
                yield block
        else:
            etag = file.token if isinstance(file.token, str) and len(file.token) != 64 else None
            web = self._datastores.web if source.urls else None
            store = web or (await self._datastores.get(source.datastore))[1]
            async for block in store.read(file.place, offset, length, etag):
                yield block


def _of_result(result: Spooled) -> Listing:
    file = DataFile("", result.size, result.sha256, RESULT_FILE)
    return Listing([file], hash_of([(file.path, file.size, result.sha256)]), True, None)


async def blocks_of(path: Path, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
    """The bytes of a file of this side."""
    async with opened(lambda: open(path, "rb")) as file:
        await asyncio.to_thread(file.seek, offset)
        left = length
        while left is None or left > 0:
            block = await asyncio.to_thread(file.read, BLOCK if left is None else min(BLOCK, left))
            if not block:
                return
            left = None if left is None else left - len(block)
            yield block


async def of_backend(
    backend: Backend, paths: Iterable[str], tell: Tell = silent
) -> tuple[list[DataFile], int]:
    """The files that paths, folders and patterns name in a place, and how many keys were left out.

    Their paths are below the folder that all have in common. Raises NotFound where one names nothing.
    """
    found: dict[str, DataItem] = {}
    heads: list[str] = []
    left_out = size = 0
    for path in paths:
        folder, pattern = split(path)
        fits = matcher(pattern) if pattern else None
        start = len(folder) + 1 if folder else 0
        named = False
        async for page in backend.items(folder):
            left_out += page.left_out
            for item in page.items:
                if fits is None or (item.path != folder and fits(item.path[start:])):
                    named = True
                    size += 0 if item.path in found else item.size
                    found[item.path] = item
            tell(len(found), size)
            if len(found) > MOST_FILES:
                raise RemoteError(f"more than {MOST_FILES} files", "register a part of them, or an archive")
        if not named and is_pattern(path):
            raise NotFound(f"nothing fits {clean_name(path, 200)}", "wb datastore ls shows what is there")
        heads.append(posixpath.dirname(folder) if folder in found else folder)
    start = len(base) + 1 if (base := posixpath.commonpath(heads) if heads else "") else 0
    files = [DataFile(key[start:], item.size, item.etag, key) for key, item in found.items()]
    files.sort(key=lambda file: encode(file.path))
    return files, left_out


async def _of_web(web: Web, urls: Iterable[str]) -> list[DataFile]:
    files = []
    names: dict[str, int] = {}
    for url in urls:
        item = await web.look(url)
        name = url_name(url)
        names[name] = names.get(name, 0) + 1
        path = name if names[name] == 1 else f"{names[name]}-{name}"
        files.append(DataFile(path, item.size, item.etag, url))
    files.sort(key=lambda file: encode(file.path))
    return files


def _file(row: Any, base: str) -> DataFile:
    """A file that a machine told; raises RemoteError for what is none, or would be written elsewhere."""
    fine = isinstance(row, list) and len(row) == 3 and isinstance(row[0], str)
    path, size, token = row if fine else ("", None, None)
    known = isinstance(token, int | str) and not isinstance(token, bool)
    if not isinstance(size, int) or size < 0 or not known or (path and path_problem(path) is not None):
        raise RemoteError("the machine told of a file what makes no sense")
    return DataFile(path, size, token, posixpath.join(base, path) if path else base)


def _machine_etag(file: DataFile) -> str | None:
    if not isinstance(file.token, int):
        return None
    return f"{file.size}-{file.token // 1000}"


def manifest_text(files: Iterable[DataFile]) -> bytes:
    """The list of files as it is kept: the very lines whose hash the fingerprint is."""
    import json

    lines = (
        json.dumps([f.path, f.size, f.token], separators=(",", ":")).encode("ascii") + b"\n" for f in files
    )
    return b"".join(lines)


def single_name(files: list[DataFile]) -> str | None:
    """The name of the one file that a dataset is, where it is one; None for a folder of files."""
    if len(files) == 1 and files[0].path == "":
        return posixpath.basename(files[0].place) or "data"
    return None


def checked_path(path: str) -> str:
    """A path of a dataset as it may be written here; raises Conflict."""
    if path and not safe_key(path):
        raise Conflict(f"{clean_name(path, 200)!r} cannot be written here", "its name leads elsewhere")
    return path
