"""The files of datasets, as a service: listed, fingerprinted and read where they lie."""

from __future__ import annotations

import asyncio
import io
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any

from workbench.data import sameness
from workbench.data.reading import DataFile, DatasetFiles, Listing, manifest_text, single_name
from workbench.entities.dataset import DatasetVersion
from workbench.errors import Conflict, NotFound
from workbench.runs.activity import activity
from workbench.services.context import Context
from workbench.services.datasets import read_reference
from workbench.services.operation import call, items, read
from workbench.store.registry import datasets
from workbench.text import sizes
from workbench.text.sanitize import clean_name

EVERY = 0.3
REMEMBERED = 8
AT_ONCE = 2000


class DatasetFileService:
    """Part of the noun `datasets`."""

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._files = DatasetFiles(context.datastores)
        self._lately: OrderedDict[str, Listing] = OrderedDict()

    async def _version(self, dataset: str) -> DatasetVersion:
        asked = read_reference(dataset)
        return await self._store.read(datasets.get, asked.name, asked.version)

    @items
    async def fingerprint(self, dataset: str, contents: bool = False) -> AsyncIterator[dict[str, Any]]:
        """Look at a version's files where they lie: {"files", "bytes"}, at the end {"version", "same"}.

        By their paths, sizes and times; with contents every file is read and hashed (AZ-63). The first look's
        list is kept with the version and stays its own; contents are added to what still is the same. same:
        whether they are what was seen before; null when nobody looked, or times are others and contents were
        not read. Raises Conflict where they are others. A query's rows may be: there the last look is kept.
        """
        version = await self._version(dataset)
        told = f"looking at {version.reference}"
        async with activity(self._store, "fingerprint", f"data/{version.reference}", told) as progress:
            so_far = [0, 0]

            def tell(files: int, size: int) -> None:
                so_far[:] = [files, size]

            looking = asyncio.create_task(sameness.look(self._files, version, contents, tell))
            try:
                while not looking.done():
                    await asyncio.wait({looking}, timeout=EVERY)
                    await progress.report(f"{told}: {sizes.short(so_far[1])}", so_far[0])
                    yield {"files": so_far[0], "bytes": so_far[1]}
                found = looking.result()
            finally:
                looking.cancel()
            same = sameness.same_files(version.fingerprint, found)
            anew = await self._files.asked_anew(version.source)
            if same is False and not anew:
                raise Conflict(sameness.difference(version, found), sameness.next_version(version))
            if anew or version.fingerprint is None or found.deep is not None:
                version = await self._keep(version, found)
        yield {"version": version, "same": same, "left_out": found.best.left_out}

    async def _keep(self, version: DatasetVersion, found: sameness.Look) -> DatasetVersion:
        listing = found.best
        await self._store.put_blob(io.BytesIO(manifest_text(listing.files)), listing.hash)
        changes = {"fingerprint": found.fingerprint()}
        return await self._store.write(datasets.change_version, version.name, version.version, changes)

    @items
    async def files(self, dataset: str) -> AsyncIterator[dict[str, Any]]:
        """What a version refers to now: {"entries": [[path, size]]} ..., {"count", "bytes", "hash",
        "single"?}.

        single: the name of the one file that it is. hash: another one where any of them is another by now.
        """
        version = await self._version(dataset)
        listing = await self._listing(version, anew=True)
        for at in range(0, len(listing.files), AT_ONCE):
            yield {"entries": [[file.path, file.size] for file in listing.files[at : at + AT_ONCE]]}
        yield {
            "count": len(listing.files),
            "bytes": sum(file.size for file in listing.files),
            "hash": listing.hash,
            "single": single_name(listing.files),
            "left_out": listing.left_out,
        }

    @read
    async def read(
        self,
        dataset: str,
        path: str = "",
        offset: int = 0,
        length: int | None = None,
        seen: str | None = None,
    ) -> AsyncIterator[bytes]:
        """The bytes of one file of a version; raises NotFound, Conflict when it is not as it was listed.

        seen: the hash that `files` told: of files that are others by now nothing is given.
        """
        version = await self._version(dataset)
        listing = await self._listing(version)
        file = _named(listing, path)
        if file is None or seen not in (None, listing.hash):
            listing = await self._listing(version, anew=True)
            file = _named(listing, path)
        if seen not in (None, listing.hash):
            raise Conflict(f"the files of {version.reference} are not as they were", "fetch them again")
        if file is None:
            raise NotFound(
                f"{version.reference} has no file {clean_name(path, 200)}", "wb data files lists them"
            )
        async for block in self._files.read(version.source, file, offset, length, version.table):
            yield block

    @call
    async def manifest(self, dataset: str) -> dict[str, Any]:
        """{"entries": [[path, size, token]]} as they were when somebody looked last; raises NotFound."""
        version = await self._version(dataset)
        found = version.fingerprint
        if found is None or found.manifest is None:
            raise NotFound(
                f"nobody looked at {version.reference} yet", f"wb data fingerprint {version.reference}"
            )
        path = self._store.blob_path(found.manifest)
        return {"entries": await asyncio.to_thread(_entries, path)}

    async def _listing(self, version: DatasetVersion, anew: bool = False) -> Listing:
        known = self._lately.get(version.reference)
        if known is None or anew:
            known = await self._files.look(version.source, table=version.table)
            self._lately[version.reference] = known
        self._lately.move_to_end(version.reference)
        while len(self._lately) > REMEMBERED:
            self._lately.popitem(last=False)
        return known


def _named(listing: Listing, path: str) -> DataFile | None:
    if not path and len(listing.files) == 1:
        return listing.files[0]
    return next((file for file in listing.files if file.path == path), None)


def _entries(path: Any) -> list[Any]:
    import json

    try:
        with open(path, "rb") as file:
            return [json.loads(line) for line in file]
    except FileNotFoundError:
        raise NotFound(
            "the list of its files is not here any more", "look again: wb data fingerprint NAME"
        ) from None
