"""Whether a version's files are still those that it was made of: its fingerprint held against a look."""

from __future__ import annotations

from typing import NamedTuple

from workbench.data.reading import DatasetFiles, Listing, Tell, silent
from workbench.entities.base import replace
from workbench.entities.dataset import DatasetVersion, Fingerprint
from workbench.text import sizes
from workbench.text.numbers import counted


class Look(NamedTuple):
    """A version's files as they are now."""

    quick: Listing
    """By paths, sizes and times."""
    deep: Listing | None = None
    """By what they hold, where that was read."""

    @property
    def best(self) -> Listing:
        """What says most."""
        return self.deep or self.quick

    def fingerprint(self) -> Fingerprint:
        """What is kept of it."""
        found = self.best.fingerprint(self.best.hash)
        return found if self.deep is None else replace(found, seen=self.quick.hash)


async def look(
    files: DatasetFiles, version: DatasetVersion, contents: bool = False, tell: Tell = silent
) -> Look:
    """Look at a version's files; contents: whether they are read, unless it is plain that they are others."""
    quick = await files.look(version.source, False, tell, version.table)
    if not contents or quick.content or same_files(version.fingerprint, Look(quick)) is False:
        return Look(quick)
    return Look(quick, await files.look(version.source, True, tell, version.table))


async def changed_since(files: DatasetFiles, version: DatasetVersion) -> str | None:
    """In words how a version's files are others than its fingerprint says; None where they are not.

    They are read only where their contents were looked at and their times are others now.
    """
    if version.fingerprint is None or await files.asked_anew(version.source):
        return None
    now = await look(files, version)
    same = same_files(version.fingerprint, now)
    if same is None and version.fingerprint.content:
        now = await look(files, version, contents=True)
        same = same_files(version.fingerprint, now)
    return difference(version, now) if same is False else None


def same_files(before: Fingerprint | None, now: Look) -> bool | None:
    """Whether a look found what a fingerprint says; None where it cannot tell."""
    if before is None:
        return None
    quick = now.quick
    if (before.files, before.bytes) != (len(quick.files), _size(quick)):
        return False
    if before.content and (now.deep or quick.content):
        return before.hash == now.best.hash
    times = before.seen if before.content else before.hash
    if times is None or before.made_on != quick.made_on:  # another place has other times
        return None
    return True if times == quick.hash else (None if before.content else False)


def difference(version: DatasetVersion, now: Look) -> str:
    """That a version's files are others, in words."""
    before, count, size = version.fingerprint, len(now.quick.files), _size(now.quick)
    words = f"the files of {version.reference} are not those it was registered with"
    found = f"{counted(count, 'file')}, {sizes.short(size)}"
    if before is None or (before.files, before.bytes) == (count, size):
        return f"{words}, although as many and as large: {found}"
    return f"{words}: now {found}, then {counted(before.files, 'file')}, {sizes.short(before.bytes)}"


def next_version(version: DatasetVersion) -> str:
    """What to do about it."""
    return f"register what is there as the next version: wb data register {version.name} ... --new-version"


def _size(listing: Listing) -> int:
    return sum(file.size for file in listing.files)
