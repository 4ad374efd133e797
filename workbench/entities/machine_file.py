"""Files of a machine, whoever made them."""

from __future__ import annotations

from datetime import datetime

from workbench.entities.base import Entity


class MachineFile(Entity, frozen=True, kw_only=True):
    """One thing in a folder of a machine."""

    name: str
    """As it is there: it may hold control characters, and bytes that are no UTF-8 as lone surrogates."""
    kind: str
    """file, dir, link, pipe, socket or device."""
    size: int
    """Bytes."""
    mode: int | None = None
    """Permissions, such as 0o644."""
    modified: datetime | None = None
    user: str | None = None
    """Whose it is."""
    target: str | None = None
    """Where a link leads, as it is written in the link."""
    leads: str | None = None
    """The kind of what a link leads to; absent where that is nothing."""


class Room(Entity, frozen=True, kw_only=True):
    """What one thing in a folder takes on the disk, with all below it."""

    name: str
    kind: str
    bytes: int


class DiskUse(Entity, frozen=True, kw_only=True):
    """Where the room of a folder went."""

    path: str
    total: int
    """Bytes on the disk, the folder itself included; a file with several names counts once."""
    files: int
    entries: list[Room] = []
    """The largest first."""
    elsewhere: int | None = None
    """Things in it that lie on other disks; absent while it is still counted, as are the next."""
    unread: int | None = None
    """Folders in it that could not be read."""
    unreadable: list[str] = []
    """Some of those."""
