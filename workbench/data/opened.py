"""The datastores of a workspace as places one can read and write: opened when first used."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from workbench.compute.fleet import Fleet
from workbench.compute.link import Link
from workbench.data.backend import Backend, read_only
from workbench.data.folder import LocalFolder
from workbench.data.machine_folder import MachineFolder
from workbench.data.s3.bucket import Bucket
from workbench.data.s3.client import S3Client
from workbench.data.s3.signing import read_credentials
from workbench.data.scheme import SchemeFolder, read_options
from workbench.data.sql.place import Spool, SqlPlace
from workbench.data.web import Web
from workbench.entities.datastore import Datastore, DatastoreKind
from workbench.errors import NeedsSignIn
from workbench.store.async_store import AsyncStore
from workbench.store.registry import datastores
from workbench.store.workspace.secret_store import SecretStore

NOTES = "uploads"
RESULTS = "results"


class OpenDatastores:
    """One workspace's. folder: its own, with its first datastores. most: bytes that a query may bring."""

    def __init__(
        self, store: AsyncStore, fleet: Fleet, secrets: SecretStore, folder: Path, most: int = 0
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._secrets = secrets
        self._folder = folder
        self._opened: dict[str, tuple[Datastore, str | None, Backend]] = {}
        self.web = Web()
        self.results = Spool(folder / RESULTS, most)
        """What queries brought, on this side."""

    async def get(self, name: str | None = None) -> tuple[Datastore, Backend]:
        """A datastore, without a name the default one, and its place. Raises NotFound, StoreError."""
        datastore = await self._store.read(datastores.get, name)
        secret = None
        if datastore.secret is not None:
            secret = await asyncio.to_thread(self._secrets.get, datastore.secret)
        before = self._opened.get(datastore.name)
        if before is not None and before[:2] == (datastore, secret):
            return datastore, before[2]
        backend = self._make(datastore, secret)
        self._opened[datastore.name] = (datastore, secret, backend)
        if before is not None:
            await before[2].close()
        return datastore, backend

    async def writable(self, name: str | None = None) -> tuple[Datastore, Backend]:
        """As `get`; raises Refused for one that is read only."""
        datastore, backend = await self.get(name)
        if datastore.read_only:
            raise read_only(datastore.name)
        return datastore, backend

    async def presigned(self, name: str | None, path: str, seconds: int) -> str | None:
        """A URL by which a machine may fetch a file without credentials; None where there is none.

        It lets in whoever has it: hand it over a link, keep it nowhere.
        """
        _, backend = await self.get(name)
        return await backend.presigned(path, seconds)

    def folder_of(self, datastore: Datastore) -> Path:
        """Where a datastore of kind FOLDER is on this side."""
        root = Path(datastore.root)
        return root if root.is_absolute() else self._folder / root

    def machine_folder(self, target: str, root: str) -> MachineFolder:
        """A folder of a machine; for one with a user who waits."""
        return MachineFolder(partial(self.link, target), root)

    async def link(self, target: str) -> Link:
        """The link to a machine; raises Unreachable and its kinds, NotFound."""
        try:
            return await self._fleet.link(target, retry_now=True)
        except NeedsSignIn as problem:
            problem.hint = f"sign in with: wb compute login {target}"
            raise

    def _make(self, datastore: Datastore, secret: str | None) -> Backend:
        if datastore.kind is DatastoreKind.FOLDER:
            return LocalFolder(self.folder_of(datastore))
        if datastore.kind is DatastoreKind.MACHINE:
            return self.machine_folder(str(datastore.target), datastore.root)
        if datastore.kind is DatastoreKind.S3:
            bucket, _, prefix = datastore.root.partition("/")
            client = S3Client(
                bucket,
                None if secret is None else read_credentials(secret),
                endpoint=datastore.endpoint,
                region=datastore.region,
                name=datastore.name,
            )
            return Bucket(client, prefix, self._folder / NOTES)
        if datastore.kind is DatastoreKind.SQL:
            return SqlPlace(datastore.name, datastore.root, secret)
        return SchemeFolder(datastore.name, datastore.root, dict(datastore.options), read_options(secret))

    async def close(self) -> None:
        """Let go of every place."""
        opened, self._opened = self._opened, {}
        for _, _, backend in opened.values():
            await backend.close()
        await self.web.close()
