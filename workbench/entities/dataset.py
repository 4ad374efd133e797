"""Datasets: references to data in versions that never change; nothing is copied by making one (AZ-46)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from workbench.entities.base import Entity


class DatasetKind(StrEnum):
    """What a dataset is to its reader (AZ-47)."""

    FILE = "file"
    """Any files."""
    TABULAR = "tabular"
    """A table: rows of delimited text, parquet or JSON lines."""


class DataSource(Entity, frozen=True, kw_only=True):
    """Where data is: in a datastore, on a machine, or on the web; one of the three."""

    datastore: str | None = None
    """paths are below its root."""
    target: str | None = None
    """paths are this compute target's: absolute, or below its home (~/...). `local` is this machine."""
    paths: list[str]
    """Files, folders, patterns (weather/**/*.csv); URLs where neither a datastore nor a target is named."""

    @property
    def urls(self) -> bool:
        """Whether the paths are URLs."""
        return self.datastore is None and self.target is None


class Fingerprint(Entity, frozen=True, kw_only=True):
    """Which files a version had when somebody looked: their paths, sizes and times, by hash (AZ-63)."""

    hash: str
    """sha256 of the canonical manifest: of paths and contents where contents were read, else of paths, sizes
    and times."""
    content: bool = False
    """Whether every file was read: hash then says what the bytes are."""
    files: int
    bytes: int
    made_on: str | None = None
    """The target where the files were looked at; absent for a datastore or the web."""
    made: datetime
    manifest: str | None = None
    """sha256 of the whole list of files, kept in the workspace."""
    seen: str | None = None
    """Of one of contents: its hash by paths, sizes and times, so that what stayed is not read again."""


class ColumnType(Entity, frozen=True, kw_only=True):
    """One column of a tabular dataset."""

    name: str
    type: str
    """integer, float, boolean, datetime, text or null."""


class DatasetVersion(Entity, frozen=True, kw_only=True):
    """One version of a dataset."""

    name: str
    version: int
    kind: DatasetKind = DatasetKind.FILE
    source: DataSource
    locations: dict[str, str] = {}
    """Where the same files lie on machines already: target -> folder (or file). Used in place there."""
    table: dict[str, Any] | None = None
    """How a tabular one is read: format, its options, and the steps taken since (take, filter ...)."""
    schema: list[ColumnType] = []
    """Columns as they were found when somebody looked."""
    fingerprint: Fingerprint | None = None
    description: str | None = None
    tags: dict[str, str | None] = {}
    properties: dict[str, str] = {}
    run: str | None = None
    """The run that made it."""
    archived: bool = False
    """Whether it is hidden from lists and is none's newest; whoever names it has it."""
    created: datetime
    created_by: str | None = None

    @property
    def reference(self) -> str:
        """NAME:VERSION."""
        return f"{self.name}:{self.version}"


class CachedCopy(Entity, frozen=True, kw_only=True):
    """A version's files in a machine's cache, where this workspace brought them or had them brought."""

    target: str
    key: str
    """Names the contents there: a version whose files changed has several."""
    path: str | None = None
    """Where they lie there; absent until the machine was asked."""
    files: int | None = None
    bytes: int | None = None
    brought: datetime
    """When they were brought last, or found to be there."""
    used: datetime | None = None
    """When a run wanted them last; absent until the machine was asked."""


class Dataset(Entity, frozen=True, kw_only=True):
    """A dataset with its newest version."""

    name: str
    versions: int
    """How many there are, but for archived ones unless those were asked for."""
    latest: DatasetVersion
