"""Datastores: named places that hold data, and by which secret one gets in (AZ-43)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from workbench.entities.base import Entity

BORN = ("workspaceblobstore", "workspacefilestore")
"""What every workspace has from its birth (AZ-44); the first one is the default until another is chosen."""
OWN = "datastores"
"""The folder of the workspace's own folder in which those are."""


class DatastoreKind(StrEnum):
    """How a datastore is reached."""

    FOLDER = "folder"
    """A folder on this side."""
    MACHINE = "machine"
    """A folder of a compute target, reached through the connection we have to it."""
    S3 = "s3"
    """A bucket of S3, or of what speaks its language, or what is below a prefix of one."""
    FSSPEC = "fsspec"
    """Any other scheme, by the packages of fsspec that are installed on this side."""
    SQL = "sql"
    """A database, by SQLAlchemy and the database's own package on this side; queries bring tables of it."""


class Datastore(Entity, frozen=True, kw_only=True):
    """A place under a name. What lets one in is never here, only the name of the secret that has it."""

    name: str
    kind: DatastoreKind
    root: str
    """Where it is, by its kind: an absolute folder here, or one below the workspace's own (datastores/...);
    a folder of the target, absolute or below its home (~/...); BUCKET or BUCKET/PREFIX; PROTOCOL://...;
    of a database its address without a password."""
    target: str | None = None
    """The compute target whose folder it is."""
    endpoint: str | None = None
    """Where S3 is spoken: https://HOST[:PORT]; absent = the one of AWS in the region."""
    region: str | None = None
    options: dict[str, str] = {}
    """What the fsspec package is told besides; nothing that must not be seen."""
    secret: str | None = None
    """The name of the secret; absent = nobody signs (public buckets, folders)."""
    read_only: bool = False
    """Whether writing there is refused."""
    default: bool = False
    """Whether it is what is meant when no datastore is named; one of a workspace is."""
    description: str | None = None
    tags: dict[str, str | None] = {}
    created: datetime


class DataItem(Entity, frozen=True, kw_only=True):
    """One file of a datastore."""

    path: str
    """Below the datastore's root, with "/" between names."""
    size: int
    """Bytes."""
    modified: datetime | None = None
    etag: str | None = None
    """What tells this content from another of the same path, where the place has such a thing."""
