"""Rows of queries where their data lies: a database by its own process, an SQLite file by its machine."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from workbench.data.opened import OpenDatastores
from workbench.data.reading import DatasetFiles
from workbench.data.sql.place import PATIENCE, SqlPlace
from workbench.data.sql.process import Rows, query
from workbench.entities.dataset import ColumnType, DataSource
from workbench.errors import RemoteError
from workbench.remote.tabular.definition import SQL, SQLITE
from workbench.remote.tabular.table import File

MOST_READ = 256 << 20
"""Bytes of a result that one look may read."""


def is_query(definition: Mapping[str, Any]) -> bool:
    """Whether a table is what a query brings."""
    return definition.get("format") in (SQLITE, SQL)


def patience_of(definition: Mapping[str, Any] | None) -> float:
    """Seconds that the next row of a query may take."""
    return float((definition or {}).get("query_timeout") or PATIENCE)


class Queried:
    """Queries of one workspace's datasets."""

    def __init__(self, datastores: OpenDatastores) -> None:
        self._datastores = datastores
        self._files = DatasetFiles(datastores)

    async def reaches(self, source: DataSource, definition: Mapping[str, Any]) -> bool:
        """Whether rows can be had without bringing the files: not of an SQLite file in a bucket."""
        if await self._database(source) is not None:
            return True
        return definition.get("format") == SQLITE and await self._files.on_machine(source) is not None

    async def _database(self, source: DataSource) -> SqlPlace | None:
        if source.datastore is None:
            return None
        _, backend = await self._datastores.get(source.datastore)
        return backend if isinstance(backend, SqlPlace) else None

    @asynccontextmanager
    async def rows(
        self, source: DataSource, definition: Mapping[str, Any], most: int | None = None
    ) -> AsyncIterator[Rows]:
        """The rows before any step, as lines of JSON, no more than most.

        Raises UsageError for what is wrong with the query, Unreachable, RemoteError.
        """
        place = await self._database(source)
        if place is not None:
            async with query(place.database, source.paths[0], patience_of(definition), most) as rows:
                yield rows
            return
        there = await self._files.on_machine(source)
        assert there is not None
        link = await self._datastores.link(there[0])
        asked = {"paths": there[1], "query": definition["query"], "rows": most}
        asked["query_timeout"] = patience_of(definition)
        async with link.stream("table_result", asked) as stream:
            messages = aiter(stream)
            first = await anext(messages, None)
            told = first.get("columns") if isinstance(first, dict) else None

            async def lines() -> AsyncGenerator[bytes, None]:
                async for block in messages:
                    if isinstance(block, bytes):
                        yield block
                await stream.result()

            if told is None:
                await stream.result()  # says what is wrong
                raise RemoteError("the machine did not say which columns the query has")
            yield Rows([_column(item) for item in told], lines())


def _column(item: Any) -> ColumnType:
    fine = isinstance(item, list) and len(item) == 2 and all(isinstance(text, str) for text in item)
    if not fine:
        raise RemoteError("the machine told of a column what makes no sense")
    return ColumnType(name=item[0], type=item[1])


def streamed(lines: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> File:
    """A result as a blocking file, for a thread beside the loop; it can be opened once."""
    return File("result.jsonl", partial(io.BufferedReader, _Streamed(lines, loop), 1 << 16))


class _Streamed(io.RawIOBase):
    """What comes, for a thread that may wait."""

    def __init__(self, lines: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._lines, self._loop = lines, loop
        self._rest = b""
        self._left = MOST_READ

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what comes next; raises TooMuch."""
        from workbench.data.tables import TooMuch

        if not self._rest:
            if self._left <= 0:
                raise TooMuch("more would have to be read than a look may")
            self._rest = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
            self._left -= len(self._rest)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    async def _next(self) -> bytes:
        return await anext(self._lines, b"")
