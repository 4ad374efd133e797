"""Tabular datasets looked at from this side: their types when they are registered, their first rows."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from workbench.data.opened import OpenDatastores
from workbench.data.queried import Queried, is_query, streamed
from workbench.data.reading import DataFile, DatasetFiles, Listing
from workbench.entities.dataset import ColumnType, DatasetKind, DataSource
from workbench.errors import UsageError
from workbench.remote.tabular.definition import SQL, checked
from workbench.remote.tabular.reading import BadTable
from workbench.remote.tabular.table import File, Table
from workbench.remote.tabular.values import LOOKED_AT

MOST_READ = 256 << 20
"""Bytes that one look at a table may read; behind them it says that it stopped."""
BUFFER = 1 << 18


class Preview(NamedTuple):
    """The first rows of a table."""

    columns: list[ColumnType]
    rows: list[list[Any]]
    cut: bool
    """Whether reading stopped before so many rows were found."""


class TooMuch(BadTable):
    """A look that would have to read more than a look may."""


def table_definition(kind: DatasetKind, table: dict[str, Any] | None) -> dict[str, Any] | None:
    """The definition of a dataset's table with every option, None for files; raises UsageError."""
    if kind is DatasetKind.FILE:
        if table is not None:
            raise UsageError("a dataset of files is no table", "register it as tabular")
        return None
    try:
        return checked(table if table is not None else {"format": "delimited"})
    except ValueError as problem:
        raise UsageError(str(problem), "docs/data.md says how tables are read") from problem


async def with_types(
    datastores: OpenDatastores, source: DataSource, definition: dict[str, Any]
) -> tuple[dict[str, Any], list[ColumnType]]:
    """The definition with the types that were found in the first rows, and its columns behind all steps.

    Nothing is read where it is not to be validated. Raises UsageError for what is no such table, and what
    looking raises.
    """
    if not definition["validate"]:
        return definition, []
    queried, files = Queried(datastores), DatasetFiles(datastores)
    if is_query(definition) and await queried.reaches(source, definition):
        return await _of_query(queried, source, definition)
    listing = await files.look(source)
    loop = asyncio.get_running_loop()
    table = Table(definition, opened_files(files, source, listing, loop))

    def look() -> tuple[dict[str, str], list[ColumnType]]:
        if table.is_parquet and not _has_arrow():
            _check_parquet(table.files)
            return {}, []
        if definition["partition_format"] is not None:
            for file in table.files:
                _partitioned(definition, file.path)
        shape = table.shape
        types = {} if table.is_parquet else table.inferred
        return types, [ColumnType(name=name, type=shape.types.get(name, "text")) for name in shape.columns]

    try:
        types, columns = await asyncio.to_thread(look)
    except (BadTable, ValueError) as problem:
        raise UsageError(
            f"it cannot be read as a table: {problem}", "docs/data.md says how tables are read"
        ) from None
    if definition["infer_column_types"]:
        definition = {**definition, "types": types}
    return definition, columns


async def _of_query(
    queried: Queried, source: DataSource, definition: dict[str, Any]
) -> tuple[dict[str, Any], list[ColumnType]]:
    async with queried.rows(source, definition, LOOKED_AT) as rows:
        # All of it: whether it can be read at all is what is asked.
        async for _ in rows.lines:
            pass
        found = rows.columns
    names = [column.name for column in found]
    types = {column.name: column.type for column in found}
    wanted = {**definition, "columns": names, "types": types}
    try:
        shape = Table(wanted, [File("result.jsonl", io.BytesIO)]).shape
    except (BadTable, ValueError) as problem:
        raise UsageError(
            f"it cannot be read as a table: {problem}", "docs/data.md says how tables are read"
        ) from None
    columns = [ColumnType(name=name, type=shape.types.get(name, "text")) for name in shape.columns]
    return (wanted if definition["infer_column_types"] else {**definition, "columns": names}), columns


async def preview(
    datastores: OpenDatastores, source: DataSource, definition: dict[str, Any], count: int
) -> Preview:
    """The first rows behind all steps. Raises UsageError, and what reading raises."""
    queried, files = Queried(datastores), DatasetFiles(datastores)
    loop = asyncio.get_running_loop()
    if is_query(definition) and await queried.reaches(source, definition):
        # Asked once, so its columns have to be known before: of the first rows, where nobody looked.
        known = definition if definition.get("types") else (await _of_query(queried, source, definition))[0]
        async with queried.rows(source, known) as rows:
            table = Table({**known, "format": SQL}, [streamed(rows.lines, loop)])
            return await _first(table, count)
    listing = await files.look(source)
    return await _first(Table(definition, opened_files(files, source, listing, loop)), count)


async def _first(table: Table, count: int) -> Preview:
    def look() -> Preview:
        shape = table.shape
        columns = [ColumnType(name=name, type=shape.types.get(name, "text")) for name in shape.columns]
        rows: list[list[Any]] = []
        try:
            rows.extend(islice(table.rows(), count))
        except TooMuch:
            return Preview(columns, rows, True)
        return Preview(columns, rows, False)

    try:
        return await asyncio.to_thread(look)
    except (BadTable, ValueError) as problem:
        raise UsageError(
            f"it cannot be read as a table: {problem}", "docs/data.md says how tables are read"
        ) from None


def opened_files(
    files: DatasetFiles, source: DataSource, listing: Listing, loop: asyncio.AbstractEventLoop
) -> list[File]:
    """The files of a listing as blocking ones, for a thread beside the loop."""
    left = [MOST_READ]
    return [
        File(file.path or file.place.rpartition("/")[2], partial(_opened, files, source, file, loop, left))
        for file in listing.files
    ]


def _opened(
    files: DatasetFiles, source: DataSource, file: DataFile, loop: asyncio.AbstractEventLoop, left: list[int]
) -> io.BufferedReader:
    return io.BufferedReader(_Blocking(files, source, file, loop, left), BUFFER)


class _Blocking(io.RawIOBase):
    """A file of a dataset for a thread that may wait: sought by asking for another range."""

    def __init__(
        self,
        files: DatasetFiles,
        source: DataSource,
        file: DataFile,
        loop: asyncio.AbstractEventLoop,
        left: list[int],
    ) -> None:
        self._files, self._source, self._file, self._loop = files, source, file, loop
        self._left = left
        self._at = 0
        self._blocks: AsyncIterator[bytes] | None = None
        self._rest = b""

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go elsewhere."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.size}[whence]
        if start + offset != self._at:
            self._end()
            self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read what comes next; raises TooMuch."""
        if not self._rest:
            if self._left[0] <= 0:
                raise TooMuch("more would have to be read than a look may")
            if self._blocks is None:
                self._blocks = self._files.read(self._source, self._file, self._at)
            self._rest = asyncio.run_coroutine_threadsafe(_next(self._blocks), self._loop).result()
            self._left[0] -= len(self._rest)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._at += count
        return count

    def close(self) -> None:
        """Let go of what is read."""
        if not self.closed:
            self._end()
        super().close()

    def _end(self) -> None:
        blocks, self._blocks, self._rest = self._blocks, None, b""
        close = getattr(blocks, "aclose", None)
        if close is not None:
            asyncio.run_coroutine_threadsafe(close(), self._loop).result()


async def _next(blocks: AsyncIterator[bytes]) -> bytes:
    async for block in blocks:
        if block:
            return block
    return b""


def _partitioned(definition: dict[str, Any], path: str) -> None:
    from workbench.remote.tabular.partitions import Partitions

    Partitions(definition["partition_format"]).values(path)


def _has_arrow() -> bool:
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None


def _check_parquet(files: list[File]) -> None:
    """Raise BadTable for a first file that does not begin as parquet does."""
    for file in files[:1]:
        with file.open() as opened:
            if opened.read(4) != b"PAR1":
                raise BadTable(f"{file.path} is no parquet file")
