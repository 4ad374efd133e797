"""The store for asyncio: one thread writes, a few others read, and neither waits for the other."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Concatenate, ParamSpec, TypeVar

from workbench.store.arriving.intake import Intake
from workbench.store.blobs import Pruned
from workbench.store.blocking_store import PRUNE_GRACE, Store
from workbench.store.logs.spool import Spool
from workbench.store.queries.orders import Orders
from workbench.store.registry import manifests
from workbench.store.sqlite.database import Transaction

P = ParamSpec("P")
R = TypeVar("R")
READERS = 3
"""Threads that read: one long read, or two, and the short ones still have their turn."""


class AsyncStore:
    """Runs a Store's calls in threads of its own. Changes happen in the order they were asked for.

    A read that begins after a change was awaited sees it.
    """

    def __init__(self) -> None:
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._store: Store | None = None

    async def open(self, directory: Path) -> Store:
        """Open the store; raises what Store.open raises."""
        self._store = await asyncio.get_running_loop().run_in_executor(self._writer, Store.open, directory)
        return self._store

    @property
    def _opened(self) -> Store:
        if self._store is None:
            raise RuntimeError("the store is not open")
        return self._store

    @property
    def spool(self) -> Spool:
        """Where the output of runs is."""
        return self._opened.spool

    @property
    def intake(self) -> Intake:
        """What takes records in."""
        return self._opened.intake

    @property
    def orders(self) -> Orders:
        """The orders of long lists."""
        return self._opened.orders

    async def read(
        self, function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """`Store.read` on a thread that reads."""
        store = self._opened
        return await asyncio.get_running_loop().run_in_executor(
            self._readers, lambda: store.read(function, *args, **kwargs)
        )

    async def write(
        self, function: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """`Store.write` on the thread that writes."""
        store = self._opened
        return await asyncio.get_running_loop().run_in_executor(
            self._writer, lambda: store.write(function, *args, **kwargs)
        )

    async def remove_run(self, run_id: str) -> None:
        """`Store.remove_run` on the thread that writes."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._opened.remove_run, run_id)

    def blob_path(self, sha256: str) -> Path:
        """Where a content is, or would be."""
        return self._opened.blob_path(sha256)

    @property
    def directory(self) -> Path:
        """Where the store is."""
        return self._opened.directory

    async def take_blobs(self, upload: Path) -> int:
        """`Store.take_blobs` on a thread of its own: it may take long."""
        return await asyncio.to_thread(self._opened.take_blobs, upload)

    async def put_blob(self, source: IO[bytes], sha256: str) -> None:
        """Keep a content under its hash. Raises Refused when it has another, StoreError."""
        await asyncio.to_thread(self._opened.put_blob, source, sha256)

    async def adopt_blob(self, file: str, sha256: str) -> None:
        """`Store.adopt_blob` on a thread of its own."""
        await asyncio.to_thread(self._opened.adopt_blob, file, sha256)

    async def missing_blobs(self, hashes: Iterable[str]) -> list[str]:
        """Those of these contents that are not here."""
        return await asyncio.to_thread(self._opened.missing_blobs, hashes)

    async def prune(self, dry_run: bool) -> Pruned:
        """`Store.prune`: the database on the thread that writes, files on one of their own."""
        unused, needed = await self.write(manifests.prune, dry_run, PRUNE_GRACE)
        pruned = await asyncio.to_thread(self._opened.prune_contents, needed, dry_run, PRUNE_GRACE)
        return pruned._replace(manifests=unused)

    async def close(self) -> None:
        """Close the store after what is waiting; idempotent."""
        store, self._store = self._store, None
        if store is not None:
            await asyncio.to_thread(self._readers.shutdown)
            await asyncio.get_running_loop().run_in_executor(self._writer, store.close)
        self._readers.shutdown()
        self._writer.shutdown()
