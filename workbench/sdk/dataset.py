# Written by docs/make_sdk.py from workbench/aio/dataset.py: change it there.
"""Where datasets come from: files, tables of files, and what is registered (AZ-47 to AZ-51, AZ-56)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError
from workbench.sdk.datastore import Datastore
from workbench.sdk.file_dataset import FileDataset
from workbench.sdk.tabular_dataset import TabularDataset
from workbench.text.asset_reference import LATEST
from workbench.workspace.data_sources import source_of

if TYPE_CHECKING:
    from workbench.sdk.workspace import Workspace

Place = str | Path | tuple[Datastore, str]
Places = Place | Sequence[Place]
"""A path, pattern, URL, MACHINE:PATH or a place in a datastore; or a list of places of one kind (AZ-48)."""


class _Files:
    """Makes datasets of files."""

    @staticmethod
    def from_files(path: Places) -> FileDataset:
        """One of files, folders, patterns or URLs (AZ-47, AZ-48); to be registered."""
        return FileDataset(source(path))


class _Tables:
    """Makes tabular datasets; options as the cloud's SDK has them (AZ-49 to AZ-51)."""

    @staticmethod
    def from_delimited_files(
        path: Places,
        validate: bool = True,
        include_path: bool = False,
        infer_column_types: bool = True,
        set_column_types: Mapping[str, str] | None = None,
        separator: str = ",",
        header: bool = True,
        partition_format: str | None = None,
        support_multi_line: bool = False,
        empty_as_string: bool = False,
        encoding: str = "utf8",
    ) -> TabularDataset:
        """Rows of delimited text. set_column_types: integer, float, boolean, datetime, text by column.

        validate=False reads nothing when it is registered, and needs infer_column_types=False.
        """
        return _table(
            path,
            format="delimited",
            validate=validate,
            include_path=include_path,
            infer_column_types=infer_column_types,
            set_column_types=dict(set_column_types or {}),
            separator=separator,
            header=header,
            partition_format=partition_format,
            support_multi_line=support_multi_line,
            empty_as_string=empty_as_string,
            encoding=encoding,
        )

    @staticmethod
    def from_parquet_files(
        path: Places,
        validate: bool = True,
        include_path: bool = False,
        partition_format: str | None = None,
    ) -> TabularDataset:
        """Rows of parquet files."""
        return _table(
            path,
            format="parquet",
            validate=validate,
            infer_column_types=validate,
            include_path=include_path,
            partition_format=partition_format,
        )

    @staticmethod
    def from_json_lines_files(
        path: Places,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Mapping[str, str] | None = None,
        partition_format: str | None = None,
        encoding: str = "utf8",
    ) -> TabularDataset:
        """Rows of files with one JSON object a line."""
        return _table(
            path,
            format="json_lines",
            validate=validate,
            infer_column_types=validate,
            include_path=include_path,
            set_column_types=dict(set_column_types or {}),
            partition_format=partition_format,
            encoding=encoding,
        )

    @staticmethod
    def from_sql_query(
        query: tuple[Place, str],
        validate: bool = True,
        set_column_types: Mapping[str, str] | None = None,
        query_timeout: float = 30,
    ) -> TabularDataset:
        """Rows that a query brings, whenever they are read: (place, text of the query).

        place: a datastore that is a database, or an SQLite file anywhere (a path, MACHINE:PATH, a place in a
        datastore). query_timeout: seconds that the next row may take. What a query brings may change:
        `snapshot` keeps it.
        """
        where, text = query
        at = (
            {"datastore": where.name, "target": None, "paths": [""]} if isinstance(where, Datastore) else None
        )
        definition = {
            "format": "sqlite",
            "query": text,
            "query_timeout": query_timeout,
            "validate": validate,
            "infer_column_types": validate,
            "set_column_types": dict(set_column_types or {}),
        }
        return TabularDataset(at or source(where), definition)


class Dataset:
    """Where datasets come from: files, tables, and those that are registered."""

    File = _Files
    Tabular = _Tables

    @staticmethod
    def get_by_name(
        workspace: Workspace, name: str, version: int | str = LATEST
    ) -> FileDataset | TabularDataset:
        """A version, the newest where none is said (AZ-56); raises NotFound."""
        reference = f"{name}@{version}" if version == LATEST else f"{name}:{version}"
        return made(workspace, workspace.session.call("datasets", "get", dataset=reference))

    @staticmethod
    def get_all(workspace: Workspace, archived: bool = False) -> dict[str, FileDataset | TabularDataset]:
        """The newest version of each, by name; archived: also of those that have none but archived ones."""
        found = workspace.session.call("datasets", "list", archived=archived)
        return {item["name"]: made(workspace, item["latest"]) for item in found}


def made(workspace: Workspace, details: dict[str, Any]) -> FileDataset | TabularDataset:
    """The dataset that an entity describes."""
    kind = TabularDataset if details.get("kind") == TabularDataset.kind else FileDataset
    return kind(details["source"], details.get("table"), workspace=workspace, details=details)


def source(path: Places) -> dict[str, Any]:
    """Where places are, as the service takes it; raises UsageError for places of several kinds (AZ-48)."""
    single = isinstance(path, str | Path) or (
        isinstance(path, tuple) and len(path) == 2 and isinstance(path[0], Datastore)
    )
    places: Sequence[Any] = [path] if single else [*path]  # type: ignore[misc]
    stores = {place[0].name for place in places if isinstance(place, tuple)}
    if not stores:
        return source_of([str(place) for place in places])
    if len(stores) > 1 or not all(isinstance(place, tuple) for place in places):
        raise UsageError("the paths are of several places", "paths of one datastore alone")
    return source_of([str(place[1]) for place in places], datastore=stores.pop())


def _table(path: Places, **definition: Any) -> TabularDataset:
    return TabularDataset(source(path), definition)
