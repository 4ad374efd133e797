"""Datasets brought to machines before a run wants them, as a service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.entities.base import replace
from workbench.entities.dataset import CachedCopy
from workbench.errors import WorkbenchError
from workbench.runs.activity import activity
from workbench.services.context import Context
from workbench.services.datasets import read_reference
from workbench.services.operation import call, items
from workbench.store.fleet import targets
from workbench.store.registry import dataset_caches, datasets
from workbench.text.sanitize import clean_name

EVERY = 0.3
PATIENCE = 5.0
"""Seconds that a connected machine may take to say what it has."""
Copies = list[CachedCopy]
LONGEST = 100 * 365 * 86400.0
"""Seconds ago beyond which a time makes no sense."""
KIND = "transfer"


class DatasetBringingService:
    """Part of the noun `datasets`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def cached(self, dataset: str) -> Copies:
        """Which machines' caches hold a version that this workspace brought there; raises NotFound.

        Those that are connected are asked, and what they do not have any more is forgotten; of others it is
        said as it was (`used` is absent). Nothing is connected for it.
        """
        asked = read_reference(dataset)
        version = await self._store.read(datasets.get, asked.name, asked.version)
        known = await self._store.read(dataset_caches.of_version, version.name, version.version)
        by_target: dict[str, list[CachedCopy]] = {}
        for copy in known:
            by_target.setdefault(copy.target, []).append(copy)
        found = await asyncio.gather(*(self._held(*item) for item in by_target.items()))
        return [copy for copies in found for copy in copies]

    async def _held(self, target: str, copies: Copies) -> Copies:
        """What of it a machine has still; all as it was known where it does not answer."""
        link = self._context.fleet.current(target)
        if link is None:
            return copies
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await link.call("data_held", {"keys": [copy.key for copy in copies]})
        except (WorkbenchError, TimeoutError):
            return copies
        held = answer.get("held") if isinstance(answer, dict) else None
        if not isinstance(held, dict):
            return copies
        gone = [copy.key for copy in copies if copy.key not in held]
        if gone:
            await self._store.write(dataset_caches.forget, target, gone)
        return [_seen(copy, held[copy.key]) for copy in copies if copy.key in held]

    @items
    async def bring(self, dataset: str, target: str) -> AsyncGenerator[dict[str, Any], None]:
        """Have a version's files in a machine's cache: {"doing", "done", "total"} while they come, at the end
        {"mechanism", "location", "files", "bytes", "sent"}.

        What lies there already is told so. One that was cut goes on where it stopped when it is asked for
        again. Raises NotFound, Unreachable, RemoteError (no room), Conflict (the files changed meanwhile).
        """
        asked = read_reference(dataset)
        version = await self._store.read(datasets.get, asked.name, asked.version)
        machine = await self._store.read(targets.get, target)
        told = f"{version.reference} to {machine.name}"
        so_far: dict[str, Any] = {"doing": told, "done": 0, "total": 0}
        async with activity(self._store, KIND, f"data/{version.reference}", told) as progress:

            async def say(text: str, done: int, total: int) -> None:
                so_far.update(doing=text, done=done, total=total)
                await progress.report(f"{told}: {text}", done, total or None)

            link = await self._context.link(machine.name)
            work = asyncio.create_task(
                self._context.inputs.keep(link, machine, version, say), name=f"bring {told}"
            )
            try:
                while not work.done():
                    await asyncio.wait({work}, timeout=EVERY)
                    yield dict(so_far)
                kept = work.result()
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
        yield {**kept._asdict(), "mechanism": kept.mechanism.value}


def _seen(copy: CachedCopy, told: Any) -> CachedCopy:
    """A copy with what its machine says of it: where it is, and how long ago a run wanted it."""
    told = told if isinstance(told, dict) else {}
    used, path = told.get("used"), told.get("path")
    known = isinstance(used, int | float) and not isinstance(used, bool) and 0 <= used < LONGEST
    return replace(
        copy,
        path=clean_name(path, 4000) if isinstance(path, str) else copy.path,
        used=datetime.now(UTC) - timedelta(seconds=used) if known else None,
    )
