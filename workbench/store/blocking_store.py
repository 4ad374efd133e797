"""The store: everything the workbench keeps on this side, in one folder.

What is kept by noun are functions of a module each (`runs`, `targets`, `series` ...): those that ask take a
connection, those that change take a `Transaction`, and `read` and `write` give them one. Calls block; asyncio
goes through `AsyncStore`. The thread that opened a store is its writer; any thread may read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Concatenate, ParamSpec, TypeVar

from workbench.entities.event import Event
from workbench.store.arriving.intake import Intake
from workbench.store.blobs import Blobs, Pruned
from workbench.store.logs.spool import Spool
from workbench.store.queries.orders import Orders
from workbench.store.runs import kept_runs
from workbench.store.sqlite import opening
from workbench.store.sqlite.database import Database, Transaction
from workbench.store.sqlite.problems import explained

P = ParamSpec("P")
R = TypeVar("R")
PRUNE_GRACE = 3600.0


class Store:
    """Made by `Store.open`. Every method raises StoreError for a full disk or a damaged database."""

    def __init__(self, directory: Path, database: Database) -> None:
        self.directory = directory
        self.spool = Spool(directory / "spool")
        self.intake = Intake()
        self.orders = Orders()
        self._db = database
        self._blobs = Blobs(directory)

    @classmethod
    def open(cls, directory: Path, actor: str = "local") -> Store:
        """The store in directory, made or migrated when needed; the calling thread becomes its writer.

        actor: who changes things, in events. Raises StoreTooNew, StoreError (damaged, locked, full, on a
        network file system: see `location.choose_directory`).
        """
        return cls(directory, opening.open_database(directory, actor))

    def close(self) -> None:
        """Close the database; idempotent."""
        self._db.close()

    def read(
        self, function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """What function makes of one state of the database: all that was committed when the call began."""
        with self._db.read() as connection:
            return function(connection, *args, **kwargs)

    def write(
        self, function: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Do all that function does, with the events that tell of it, or nothing."""
        with self._db.write() as change:
            return function(change, *args, **kwargs)

    @property
    def on_events(self) -> Callable[[list[Event]], None] | None:
        """Called in the writer's thread after each commit with the events it brought."""
        return self._db.on_events

    @on_events.setter
    def on_events(self, listener: Callable[[list[Event]], None] | None) -> None:
        self._db.on_events = listener

    def remove_run(self, run_id: str) -> None:
        """Forget a run, its records and its output; blobs stay until pruned. Raises NotFound."""
        self.write(kept_runs.remove, run_id)
        self.intake.forget(run_id)
        self.spool.remove(run_id)

    def missing_blobs(self, hashes: Iterable[str]) -> list[str]:
        """Those of these contents that are not here; any thread may ask."""
        with explained(self._blobs.folder):
            return self._blobs.missing(hashes)

    def blob_path(self, sha256: str) -> Path:
        """Where the content is, or would be; never opened for writing by anybody else."""
        return self._blobs.path(sha256)

    def put_blob(self, source: IO[bytes], sha256: str) -> None:
        """Keep a content, whole or not at all; any thread may. Raises Refused when the hash differs."""
        with explained(self._blobs.folder):
            self._blobs.put(source, sha256)

    def adopt_blob(self, file: str, sha256: str) -> None:
        """Keep a file of this disk, moved, whose bytes are known to have this hash; any thread may."""
        with explained(self._blobs.folder):
            self._blobs.adopt(file, sha256)

    def take_blobs(self, upload: Path) -> int:
        """Keep the contents in a zip whose entries are named by their sha256, each whole or not at all.

        How many there were; any thread may. Raises ArchiveError at the first that is something else.
        """
        with explained(self._blobs.folder):
            return self._blobs.take(upload)

    def prune_contents(self, needed: set[str], dry_run: bool, grace: float = PRUNE_GRACE) -> Pruned:
        """Remove contents that are not among those needed, older than grace seconds; any thread may."""
        with explained(self._blobs.folder):
            return self._blobs.prune(needed, dry_run, grace)
