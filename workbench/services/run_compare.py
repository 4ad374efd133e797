"""How runs differ: params, metrics, facts and code."""

from __future__ import annotations

import asyncio

from workbench.errors import UsageError
from workbench.runs.compare import Comparison, compare
from workbench.runs.retrieval import retrieve_contents
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.services.run_snapshots import snapshot_if_any, snapshot_of
from workbench.snapshots.diff import unified
from workbench.store import environments, experiments

MAX_COMPARED = 20


class RunCompareService:
    """Runs side by side."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def compare(self, runs: list[str], all: bool = False) -> Comparison:
        """2 to 20 runs side by side: only what differs, unless all is asked for."""
        if not 2 <= len(runs) <= MAX_COMPARED:
            raise UsageError(f"compare takes 2 to {MAX_COMPARED} runs, not {len(runs)}")
        found = [await self._context.resolve(reference) for reference in runs]
        snapshots = [await snapshot_if_any(self._store, run) for run in found]
        installed = [await self._store.read(environments.distributions, run.id) for run in found]
        experiment = await self._store.read(experiments.get, found[0].experiment)
        primary = (experiment.primary_metric, experiment.goal) if experiment.primary_metric else None
        return await asyncio.to_thread(
            compare, found, snapshots, installed, primary=primary, everything=all
        )

    @call
    async def diff(self, a: str, b: str, path: str | None = None) -> dict[str, str]:
        """{"text": a unified diff of the code of two runs}, of one path if given."""
        before = await snapshot_of(self._context, await self._context.resolve(a))
        after = await snapshot_of(self._context, await self._context.resolve(b))
        for manifest in (before, after):
            await retrieve_contents(self._store, self._context.fleet, manifest)
        return {
            "text": await asyncio.to_thread(
                unified, before, after, lambda sha: self._store.blob_path(sha).read_bytes(), path
            )
        }
