"""Datasets as a service: references to data, in versions that never change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from workbench.data.sources import checked_query, checked_source
from workbench.data.tables import table_definition, with_types
from workbench.entities.dataset import ColumnType, Dataset, DatasetKind, DatasetVersion, DataSource
from workbench.entities.datastore import DatastoreKind
from workbench.errors import NotFound, UsageError
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.fleet import targets
from workbench.store.registry import datasets, datastores
from workbench.text.asset_reference import LATEST, AssetReference, checked_name, parse, split_kind

Datasets = list[Dataset]
Versions = list[DatasetVersion]
Names = list[str]
Columns = list[ColumnType]
Tags = dict[str, str | None]
Places = dict[str, str]


class DatasetService:
    """The noun `datasets`; `dataset` is NAME, NAME:VERSION or NAME@latest, with data: before it or not."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def list(
        self, text: str | None = None, kind: DatasetKind | None = None, archived: bool = False
    ) -> Datasets:
        """All datasets by name, each with its newest version and how many it has; archived: those too."""
        return await self._store.read(datasets.every, text, kind, archived)

    @call
    async def versions(self, name: str, archived: bool = False) -> Versions:
        """All versions of a dataset, the newest first, archived ones where asked for; raises NotFound."""
        return await self._store.read(datasets.versions, checked_name(name), archived)

    @call
    async def get(self, dataset: str) -> DatasetVersion:
        """One version, the newest where none is named (AZ-56); raises NotFound."""
        asked = read_reference(dataset)
        return await self._store.read(datasets.get, asked.name, asked.version)

    @call
    async def register(
        self,
        name: str,
        source: DataSource,
        kind: DatasetKind = DatasetKind.FILE,
        table: dict[str, Any] | None = None,
        locations: dict[str, str] | None = None,
        description: str | None = None,
        tags: dict[str, str | None] | None = None,
        properties: dict[str, str] | None = None,
        new_version: bool = False,
        run: str | None = None,
        created_by: str | None = None,
    ) -> DatasetVersion:
        """A new version, which refers to data and copies none (AZ-46). Raises UsageError, NotFound.

        Raises Conflict for a name that is there, unless it may be a new version (AZ-55). table: how a tabular
        one is read; unless its validate is false the first rows are, and say which types its columns have.
        run: what made it.
        """
        found, table = await self._source(source, table)
        if found.target is not None:
            await self._store.read(targets.get, found.target)
        definition, columns = table_definition(kind, table), Columns()
        if definition is not None:
            definition, columns = await with_types(self._context.datastores, found, definition)
        made = DatasetVersion(
            name=checked_name(name),
            version=0,
            kind=kind,
            source=found,
            locations=await self._locations(locations or {}),
            table=definition,
            schema=columns,
            description=description,
            tags=tags or {},
            properties=properties or {},
            run=None if run is None else (await self._context.resolve(run)).id,
            created=datetime.now(UTC),
            created_by=created_by,
        )
        return await self._store.write(datasets.register, made, new_version)

    async def _source(
        self, source: DataSource, table: dict[str, Any] | None
    ) -> tuple[DataSource, dict[str, Any] | None]:
        if source.datastore is not None:
            store = await self._store.read(datastores.get, source.datastore)
            if store.kind is DatastoreKind.SQL:
                return checked_query(source, table, store.name)
        return checked_source(source), table

    async def _locations(self, locations: Places) -> dict[str, str]:
        for target, path in locations.items():
            await self._store.read(targets.get, target)
            if not path.startswith(("/", "~")) or "\0" in path:
                raise UsageError(f"a location is an absolute path, not {path[:80]!r}", f"{target}:/data/...")
        return locations

    @call
    async def describe(self, dataset: str, description: str | None = None) -> DatasetVersion:
        """Change what is said about a version; None or an empty text takes it away."""
        return await self._change(dataset, description=description or None)

    @call
    async def tag(self, dataset: str, set: Tags | None = None, remove: Names | None = None) -> DatasetVersion:
        """Set and remove tags of a version (AZ-56)."""
        before = await self.get(dataset)
        tags = {**before.tags, **(set or {})}
        for key in remove or []:
            tags.pop(key, None)
        return await self._change(before.reference, tags=tags)

    @call
    async def locate(
        self, dataset: str, set: Places | None = None, remove: Names | None = None
    ) -> DatasetVersion:
        """Say where the same files lie on machines already (target -> path), or that they do no longer."""
        before = await self.get(dataset)
        locations = {**before.locations, **await self._locations(set or {})}
        for target in remove or []:
            if locations.pop(target, None) is None:
                raise NotFound(f"{before.reference} has no location on {target}", "wb data show lists them")
        return await self._change(before.reference, locations=locations)

    @call
    async def archive(self, dataset: str, archived: bool = True) -> DatasetVersion:
        """Hide a version from lists and from `latest`, or bring it back; who names it has it all the same."""
        return await self._change((await self._named(dataset)).reference, archived=archived)

    async def _named(self, dataset: str) -> DatasetVersion:
        """A version that was named by its number: the newest means another one afterwards."""
        asked = read_reference(dataset)
        if asked.version is None:
            raise UsageError("say which version", f"wb data archive {asked.name}:1")
        return await self.get(dataset)

    @call
    async def remove(self, dataset: str, all_versions: bool = False) -> dict[str, Any]:
        """Forget a version, or all of its name; no data is touched (AZ-56): {"removed": [NAME:VERSION]}."""
        asked = read_reference(dataset)
        if all_versions and asked.version is not None:
            raise UsageError("all versions are named without a number", f"name {asked.name}")
        version = None if all_versions else (await self.get(dataset)).version
        gone = await self._store.write(datasets.remove, asked.name, version)
        return {"removed": [version.reference for version in gone]}

    async def _change(self, dataset: str, **changes: Any) -> DatasetVersion:
        asked = read_reference(dataset)
        return await self._store.write(datasets.change_version, asked.name, asked.version, changes)


def read_reference(dataset: str) -> AssetReference:
    """The version a text means; raises UsageError, NotFound for an alias: datasets have only `latest`."""
    kind, text = split_kind(dataset)
    if kind == "model":
        raise UsageError(f"{dataset[:80]!r} names a model", "data:NAME:VERSION")
    found = parse(text)
    if found.alias not in (None, LATEST):
        raise NotFound(f"datasets have no alias {found.alias}", f"{found.name}@{LATEST}, or a number")
    return found
