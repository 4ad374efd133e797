"""The files a run kept, on this side: listed, fetched once, forgotten with the run."""

from __future__ import annotations

import asyncio
import logging
import shutil
from pathlib import Path

from workbench.compute.fleet import Fleet
from workbench.compute.link import Link
from workbench.entities.run import Run, RunFile, RunState
from workbench.errors import WorkbenchError
from workbench.runs.activity import activity
from workbench.runs.collect import choose, fetch, readable_files
from workbench.settings import CollectSettings
from workbench.store.async_store import AsyncStore
from workbench.store.runs import files, kept_runs, run_rows
from workbench.store.sqlite.events import run_subject
from workbench.text.numbers import counted

log = logging.getLogger(__name__)


class Collector:
    """Fetches outputs/ and logs/ of one workspace's runs into a folder of its own (AZ-86)."""

    def __init__(self, folder: Path, store: AsyncStore, fleet: Fleet, settings: CollectSettings) -> None:
        self._folder = folder
        self._store = store
        self._fleet = fleet
        self._settings = settings

    def path(self, run_id: str, path: str) -> Path:
        """Where a collected file lies; path is one that `collect.safe_path` let through."""
        return self._folder / run_id / path

    async def list(self, link: Link, run_id: str) -> list[RunFile]:
        """The run's files as its machine has them now, also written to the store."""
        listed = readable_files((await link.call("files", {"run": run_id})).get("files"))
        known = {file.path: file for file in await self._store.read(files.every, run_id)}
        merged = []
        for file in listed:
            old = known.get(file.path)
            same = old is not None and (old.size, old.modified) == (file.size, file.modified)
            merged.append(old if same and old is not None else file)
        await self._store.write(kept_runs.put_files, run_id, merged)
        return merged

    async def collect(self, run: Run, prefix: str = "") -> None:
        """Fetch the run's small files below prefix, unless its configuration says that they stay (AZ-119).

        Never raises what a machine or disk does: whoever wants a file that is not here asks for it again.
        """
        if not run.collect_outputs:
            return
        try:
            link = await self._fleet.link(run.target)
            wanted = [
                file
                for file in choose(await self.list(link, run.id), self._settings, prefix)
                if not (file.collected and self.path(run.id, file.path).exists())
            ]
            if not wanted:
                return
            subject = run_subject(run.experiment, run.id)
            async with activity(self._store, "collect", subject, "collecting files") as progress:
                for count, file in enumerate(wanted):
                    await progress.report(file.path, count, len(wanted))
                    digest = await fetch(link, run.id, file.path, self.path(run.id, file.path))
                    await self._store.write(files.mark_collected, run.id, file.path, digest)
                await progress.report(counted(len(wanted), "file"), len(wanted), len(wanted))
        except WorkbenchError as problem:
            log.warning("files of run %s are not here yet: %s", run.id, problem.message)

    async def collect_logs(self, run_id: str) -> None:
        """Fetch logs/ again and again while the run goes on; to be cancelled when it is over."""
        while True:
            await asyncio.sleep(self._settings.logs_every)
            run = await self._store.read(run_rows.get, run_id)
            if run.status is RunState.RUNNING:
                await self.collect(run, "logs/")

    async def forget(self, run_id: str) -> None:
        """Remove what was collected of a run."""
        folder = self._folder / run_id
        await asyncio.to_thread(shutil.rmtree, folder, True)
