"""Datasets that are queries, as a service: their rows as they are now, and kept as one that stays so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from workbench.data.queried import Queried, is_query
from workbench.data.reading import DataFile, Listing, blocks_of
from workbench.data.sql.place import Spooled
from workbench.entities.base import replace
from workbench.entities.dataset import DatasetVersion, DataSource
from workbench.errors import Conflict, NotFound, UsageError
from workbench.remote.data.fingerprints import hash_of
from workbench.remote.tabular.definition import SQL
from workbench.runs.activity import activity
from workbench.services.context import Context
from workbench.services.datasets import read_reference
from workbench.services.operation import items, read
from workbench.store.registry import datasets
from workbench.text import sizes
from workbench.text.asset_reference import checked_name

SNAPSHOTS = "snapshots"
Tags = dict[str, str | None]


class DatasetQueryService:
    """Part of the noun `datasets`."""

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._datastores = context.datastores
        self._queried = Queried(context.datastores)

    async def _version(self, dataset: str) -> tuple[DatasetVersion, dict[str, Any]]:
        asked = read_reference(dataset)
        version = await self._store.read(datasets.get, asked.name, asked.version)
        table = version.table or {}
        if not is_query(table):
            raise UsageError(f"{version.reference} is no query", "wb data files lists its files")
        if not await self._queried.reaches(version.source, table):
            raise UsageError(
                f"{version.reference} is a database in a bucket, which answers no queries there",
                "bring it to a machine first: wb data download",
            )
        return version, table

    @read
    async def result(self, dataset: str, rows: int | None = None) -> AsyncIterator[bytes]:
        """What a query brings now, before the table's steps: a line of JSON a row. Raises UsageError.

        rows: no more than so many. Nothing is gathered: who reads slowly makes the database wait.
        """
        version, table = await self._version(dataset)
        async with self._queried.rows(version.source, table, rows) as found:
            async for block in found.lines:
                yield block

    @items
    async def snapshot(
        self,
        dataset: str,
        name: str,
        datastore: str | None = None,
        path: str | None = None,
        description: str | None = None,
        tags: Tags | None = None,
        new_version: bool = False,
        created_by: str | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Keep what a query brings now as a dataset that never changes: {"bytes"}, at the end {"version"}.

        Its rows are written to a datastore, the default one unless it is named, below `snapshots` unless a
        path is named; steps and types stay with the new version, and so does the query. Raises UsageError,
        Conflict for a name or file that is there, StoreFull, Unreachable.
        """
        version, table = await self._version(dataset)
        wanted = checked_name(name)
        store, backend = await self._datastores.writable(datastore)
        if not new_version:
            await self._free(wanted)
        told = f"keeping {version.reference}"
        async with activity(self._store, "snapshot", f"data/{version.reference}", told) as progress:
            async with self._queried.rows(version.source, table) as rows:
                kept = await self._datastores.results.keep(rows.lines)
                columns = [column.name for column in rows.columns]
            yield {"bytes": kept.size}
            await progress.report(f"{told}: {sizes.short(kept.size)}")
            key = path or f"{SNAPSHOTS}/{wanted}/{kept.sha256[:16]}.jsonl"
            await backend.write(
                key, _sent(kept), token=kept.sha256[:24], size=kept.size, offset=0, overwrite=path is None
            )
        file = DataFile("", kept.size, kept.sha256, key)
        listing = Listing([file], hash_of([("", kept.size, kept.sha256)]), True, None)
        query = table.get("query") or "".join(version.source.paths)
        made = replace(
            version,
            name=wanted,
            version=0,
            source=DataSource(datastore=store.name, paths=[key]),
            locations={},
            table={**table, "format": SQL, "query": query, "columns": columns},
            fingerprint=listing.fingerprint(),
            description=description or None,
            tags=tags or {},
            properties={**version.properties, "workbench.snapshot_of": version.reference},
            run=None,
            created=datetime.now(UTC),
            created_by=created_by,
        )
        yield {"version": await self._store.write(datasets.register, made, new_version), "rows": kept.rows}

    async def _free(self, name: str) -> None:
        try:
            there = await self._store.read(datasets.get, name, None)
        except NotFound:
            return
        hint = "--new-version makes the next version of it"
        raise Conflict(f"there is a dataset {there.name} already", hint)


async def _sent(kept: Spooled) -> AsyncIterator[bytes]:
    async for block in blocks_of(kept.path):
        yield block
    yield bytes.fromhex(kept.sha256)
