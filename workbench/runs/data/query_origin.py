"""What a query on a database brings, as a run's input: asked from this side, no machine gets in there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from workbench.data.opened import OpenDatastores
from workbench.data.reading import DataFile, DatasetFiles
from workbench.entities.dataset import DataSource
from workbench.entities.datastore import Datastore
from workbench.errors import Conflict
from workbench.runs.data.origins import OriginFile, Tell


class QueryOrigin:
    """One result, known by the hash of its rows: where it is the same as before nothing is sent."""

    def __init__(
        self,
        datastores: OpenDatastores,
        datastore: Datastore,
        paths: list[str],
        table: Mapping[str, Any] | None,
    ) -> None:
        self._files = DatasetFiles(datastores)
        self._source = DataSource(datastore=datastore.name, paths=paths)
        self._table = table
        self._known: dict[str, DataFile] = {}
        self.identity = f"sql:{datastore.root}:" + "\n".join(paths)
        self.single = True
        self.linked: list[str] = []

    async def files(self, tell: Tell) -> list[OriginFile]:
        """The result, asked for now; raises UsageError, Unreachable, StoreFull."""
        tell(f"asking {self._source.datastore}")
        listing = await self._files.look(self._source, table=self._table)
        found = []
        for file in listing.files:
            self._known[file.place] = file
            found.append(OriginFile(file.place, file.size, str(file.token), str(file.token)))
        return found

    async def blocks(self, file: OriginFile, offset: int) -> AsyncGenerator[bytes, None]:
        """Its bytes; raises Conflict where it is not here any more and the query brings another."""
        known = self._known[file.path]
        size = offset
        blocks = self._files.read(self._source, known, offset, None, self._table)
        async with aclosing(blocks):  # type: ignore[type-var]
            async for block in blocks:
                size += len(block)
                yield block
        if size != file.size:
            raise Conflict("the query's result is not here any more", "submit again")

    async def url(self, file: OriginFile) -> str | None:
        """None: only this side has it."""
        return None
