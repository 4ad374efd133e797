"""Data in a datastore that is no folder here and no machine's: the machine fetches it where it may."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from workbench.data.opened import OpenDatastores
from workbench.data.reading import DataFile, of_backend
from workbench.entities.datastore import Datastore, DatastoreKind
from workbench.errors import Conflict
from workbench.runs.data.origins import Origin, OriginFile, Tell
from workbench.runs.data.query_origin import QueryOrigin
from workbench.runs.data.run_inputs import OpenStore
from workbench.text.sanitize import clean_name
from workbench.text.sizes import short

FETCH_SECONDS = 12 * 3600
"""How long an address that a machine is given lets it in."""


class StoreOrigin:
    """Files of a datastore."""

    def __init__(self, datastores: OpenDatastores, datastore: Datastore, paths: list[str]) -> None:
        self._datastores = datastores
        self._name = datastore.name
        self._paths = paths
        self._known: dict[str, DataFile] = {}
        self.identity = f"{datastore.kind.value}:{datastore.endpoint or ''}:{datastore.root}:" + "\n".join(
            paths
        )
        self.single = False
        self.linked: list[str] = []

    async def files(self, tell: Tell) -> list[OriginFile]:
        """All of them; raises NotFound, Refused, Unreachable."""
        _, backend = await self._datastores.get(self._name)

        def say(files: int, size: int) -> None:
            tell(f"looking at {self._name}: {files} files, {short(size)}")

        found, _ = await of_backend(backend, self._paths, say)
        self._known = {file.path: file for file in found}
        self.single = len(found) == 1 and [file.place for file in found] == self._paths
        return [OriginFile(file.path, file.size, str(file.token or file.size)) for file in found]

    async def blocks(self, file: OriginFile, offset: int) -> AsyncGenerator[bytes, None]:
        """The bytes from offset on; raises Conflict when the object is not as it was, Unreachable."""
        known = self._known[file.path]
        _, backend = await self._datastores.get(self._name)
        etag = known.token if isinstance(known.token, str) else None
        size = offset
        async for block in backend.read(known.place, offset, None, etag):
            size += len(block)
            if size > file.size:
                break
            yield block
        if size != file.size:
            raise Conflict(f"{clean_name(known.place, 200)} is not as it was", "submit again")

    async def url(self, file: OriginFile) -> str | None:
        """A signed address, where its place has such."""
        return await self._datastores.presigned(self._name, self._known[file.path].place, FETCH_SECONDS)


def store_opener(datastores: OpenDatastores) -> OpenStore:
    """What makes an origin of a datastore's paths."""

    def opened(datastore: Datastore, paths: list[str], table: dict[str, Any] | None) -> Origin:
        if datastore.kind is DatastoreKind.SQL:
            return QueryOrigin(datastores, datastore, paths, table)
        return StoreOrigin(datastores, datastore, paths)

    return opened
