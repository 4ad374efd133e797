"""How runs differ: params, metrics, facts and code."""

from __future__ import annotations

import asyncio
import sqlite3

from workbench.entities.run import Run
from workbench.entities.snapshot import Manifest
from workbench.errors import UsageError
from workbench.runs.compare import Comparison, Side, compare, judges
from workbench.runs.retrieval import retrieve_contents
from workbench.runs.together import together
from workbench.services.context import Context
from workbench.services.imported_state import machine_there
from workbench.services.operation import call
from workbench.services.run_snapshots import snapshot_if_any, snapshot_of
from workbench.snapshots.diff import ChangedFile, changed_files, unified
from workbench.store.fleet import targets
from workbench.store.runs import children as child_rows
from workbench.store.runs import environments, kept_runs
from workbench.store.workspace import experiments

MAX_COMPARED = 20


class RunCompareService:
    """Runs side by side."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def compare(self, runs: list[str], all: bool = False, children: bool = False) -> Comparison:
        """2 to 20 runs side by side, held against the first: only what differs, unless all is asked for.

        children: a run that has runs below it stands for these: means, spreads, and what they were given.
        """
        if not 2 <= len(runs) <= MAX_COMPARED:
            raise UsageError(f"compare takes 2 to {MAX_COMPARED} runs, not {len(runs)}")
        found = [await self._context.resolve(reference) for reference in runs]
        sides = []
        for run in found:
            side = await self._store.read(_side, run, children)
            told = await asyncio.to_thread(machine_there, self._context.folder, run.id)
            if told is not None:  # a machine of the same name here is another one
                side = side._replace(machine=told)
            sides.append(side._replace(manifest=await snapshot_if_any(self._store, run)))
        names = dict.fromkeys(run.experiment for run in found)
        judging = [await self._store.read(experiments.get, name) for name in names]
        return await asyncio.to_thread(
            compare, sides, judged=judges(judging), primary=judging[0].primary_metric, everything=all
        )

    @call
    async def changed_files(self, a: str, b: str) -> list[ChangedFile]:
        """The files whose code is not the same in two runs, with the lines that b added and removed."""
        before, after = await self._both(a, b)
        return await asyncio.to_thread(changed_files, before, after, self._content)

    @call
    async def diff(self, a: str, b: str, path: str | None = None) -> dict[str, str]:
        """{"text": a unified diff of the code of two runs}, of one path if given."""
        before, after = await self._both(a, b)
        return {"text": await asyncio.to_thread(unified, before, after, self._content, path)}

    async def _both(self, a: str, b: str) -> tuple[Manifest, Manifest]:
        """Two runs' snapshots, with their contents here; raises NotFound, Unreachable."""
        before = await snapshot_of(self._context, await self._context.resolve(a))
        after = await snapshot_of(self._context, await self._context.resolve(b))
        for manifest in (before, after):
            await retrieve_contents(self._store, self._context.fleet, manifest)
        return before, after

    def _content(self, sha256: str) -> bytes:
        return self._store.blob_path(sha256).read_bytes()


def _side(connection: sqlite3.Connection, run: Run, children: bool) -> Side:
    """What the store knows of a run that is compared; its machine may be gone."""
    return Side(
        together(run, child_rows.rows(connection, run.id, recursive=True)) if children else run,
        installed=environments.distributions(connection, run.id),
        configuration=kept_runs.configuration(connection, run.id),
        patch=kept_runs.diff_text(connection, run.id),
        machine=targets.facts(connection, run.target),
    )
