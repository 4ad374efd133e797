"""The store for asyncio: one thread owns it, everything waits its turn there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from workbench.store.store import Store

P = ParamSpec("P")
R = TypeVar("R")


class Keeper:
    """Runs calls on a Store in its one thread, in the order they were made."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._store: Store | None = None

    async def open(self, directory: Path) -> Store:
        """Open the store; raises what Store.open raises."""
        self._store = await asyncio.get_running_loop().run_in_executor(self._thread, Store.open, directory)
        return self._store

    async def __call__(
        self, method: Callable[Concatenate[Store, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """method(store, *args, **kwargs) on the store's thread."""
        store = self._store
        if store is None:
            raise RuntimeError("the store is not open")
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: method(store, *args, **kwargs)
        )

    async def close(self) -> None:
        """Close the store after what is waiting; idempotent."""
        store, self._store = self._store, None
        if store is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, store.close)
        self._thread.shutdown(wait=True)
