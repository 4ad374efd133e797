"""A database as a datastore: it holds no files, but what a query brings is one."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn
from urllib.parse import unquote

from workbench.data.backend import Folder, Page
from workbench.data.sql.process import Database, tables
from workbench.entities.datastore import DataItem
from workbench.errors import NotFound, Refused, StoreFull, UsageError
from workbench.home import private_folder
from workbench.opened_file import opened
from workbench.text import sizes

RESULT_FILE = "result.jsonl"
"""What a query's result is called as a file."""
PATIENCE = 30.0
KEPT = 4
LEFT = 24 * 3600.0
"""Seconds after which a half-written result is one that a killed process left."""


class SqlPlace:
    """A `Backend` without files. secret: a password, or the whole address with one in it."""

    def __init__(self, name: str, root: str, secret: str | None) -> None:
        whole = secret is not None and "://" in secret
        url = secret.strip() if secret is not None and whole else root
        password = None if secret is None or whole else secret
        hidden = [text for text in (password, url if whole else None, *_passwords(url)) if text]
        self.database = Database(name, url, password, tuple(hidden))

    def items(self, prefix: str = "") -> AsyncIterator[Page]:
        """See Backend: a database has none."""
        raise self._no_files()

    async def folder(self, path: str = "") -> Folder:
        """See Backend: its tables and views, which are no files, by their names."""
        if path:
            raise NotFound(f"{self.database.name} is a database: it has no folders")
        names = await tables(self.database, PATIENCE)
        return Folder([], [DataItem(path=name, size=0) for name in names])

    async def stat(self, path: str) -> DataItem:
        """See Backend."""
        raise self._no_files()

    def read(
        self, path: str, offset: int = 0, length: int | None = None, etag: str | None = None
    ) -> AsyncIterator[bytes]:
        """See Backend."""
        raise self._no_files()

    async def arrived(self, path: str, token: str) -> int:
        """See Backend."""
        self._refuse()

    async def write(
        self, path: str, source: AsyncIterator[bytes], *, token: str, size: int, offset: int, overwrite: bool
    ) -> DataItem:
        """See Backend."""
        self._refuse()

    async def delete(self, path: str) -> None:
        """See Backend."""
        self._refuse()

    async def presigned(self, path: str, seconds: int) -> str | None:
        """See Backend."""
        return None

    async def close(self) -> None:
        """Nothing is held."""

    def _refuse(self) -> NoReturn:
        raise self._no_files()

    def _no_files(self) -> UsageError:
        name = self.database.name
        return UsageError(
            f"{name} is a database, and holds no files",
            f"wb data register NAME datastore:{name} --sql 'SELECT ...'",
        )


def _passwords(url: str) -> tuple[str, str]:
    """The password in an address, to be masked: as it stands there, and as a database's package has it."""
    name, _, _ = url.partition("://")[2].rpartition("@")
    said = name.partition(":")[2]
    return said, unquote(said)


class Spooled(NamedTuple):
    """A result that is kept on this side for a while."""

    path: Path
    size: int
    sha256: str
    rows: int


class Spool:
    """Results by the hash of what they hold; the last few stay. most: bytes of one, 0 without a limit."""

    def __init__(self, folder: Path, most: int = 0) -> None:
        self._folder = folder
        self._most = most

    def find(self, sha256: str) -> Path | None:
        """Where the result of that hash is."""
        path = self._folder / f"{sha256}.jsonl"
        return path if path.exists() else None

    async def keep(self, blocks: AsyncIterator[bytes]) -> Spooled:
        """Write a result down; raises StoreFull, Refused for one that is larger than one may be."""
        private_folder(self._folder)
        partial = self._folder / f"{uuid.uuid4().hex}.partial"
        digest, size, rows = hashlib.sha256(), 0, 0
        try:
            async with opened(lambda: _made(partial)) as file:
                async for block in blocks:
                    digest.update(block)
                    size += len(block)
                    if 0 < self._most < size:
                        raise Refused(
                            f"the query brings more than {sizes.short(self._most)}",
                            "ask for less of it, or let it: data.query_bytes in the settings",
                        )
                    rows += block.count(b"\n")
                    await asyncio.to_thread(file.write, block)
                await asyncio.to_thread(file.flush)
            path = self._folder / f"{digest.hexdigest()}.jsonl"
            os.replace(partial, path)
        except OSError as problem:
            raise StoreFull(
                f"the query's result has no room here: {problem.strerror}", "make room, or ask for less of it"
            ) from problem
        finally:
            partial.unlink(missing_ok=True)
        await asyncio.to_thread(self._tidy, path)
        return Spooled(path, size, digest.hexdigest(), rows)

    def _tidy(self, newest: Path) -> None:
        for path in self._folder.glob("*.partial"):
            if 0.0 < _modified(path) < time.time() - LEFT:
                path.unlink(missing_ok=True)
        found = sorted(self._folder.glob("*.jsonl"), key=_modified, reverse=True)
        for path in [path for path in found if path != newest][KEPT - 1 :]:
            path.unlink(missing_ok=True)


def _modified(path: Path) -> float:
    """Seconds since 1970; 0 of a file that another who tidies has just removed."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _made(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
