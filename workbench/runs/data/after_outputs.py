"""What becomes of named outputs when a run is over: sent to their datastore, registered as new versions.

What is to be done stands in the store before the run starts, so a server that ends in between does not lose
it: the next one goes on (`resume`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.compute.fleet import Fleet
from workbench.entities.base import replace
from workbench.entities.configuration import RunConfiguration
from workbench.entities.dataset import DatasetVersion, DataSource, Fingerprint
from workbench.entities.datastore import Datastore
from workbench.entities.run import Run, RunState
from workbench.entities.run_data import RunData
from workbench.errors import NotFound, RemoteError, StoreError, StoreFull, Unreachable, WorkbenchError
from workbench.remote.forms import protocol
from workbench.runs.activity import Progress, activity
from workbench.runs.data.machine_origin import MachineOrigin
from workbench.runs.data.sent_files import forget_run, sweep
from workbench.store.async_store import AsyncStore
from workbench.store.registry import datasets, datastores
from workbench.store.runs import kept_runs, run_data, run_entries, run_rows
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import RUN_CHANGED, run_subject
from workbench.text.data_path import read_data_path
from workbench.text.numbers import whole_amount

RETRY_SECONDS = 5.0
FULL_SECONDS = 60.0
"""Where a disk is full all of a file is sent again: not every few seconds."""
log = logging.getLogger(__name__)

Upload = Callable[[str, MachineOrigin, Datastore, str, Progress], Awaitable[None]]
"""Writes the files of an origin, which a run made, below a path of a datastore."""


async def no_upload(
    run: str, origin: MachineOrigin, datastore: Datastore, path: str, progress: Progress
) -> None:
    """Where no datastore can be written to."""
    raise WorkbenchError(f"the datastore {datastore.name} ({datastore.kind.value}) cannot be written to here")


class AfterOutputs:
    """Settles the named outputs of one workspace's runs. notes: where is kept how far each upload came."""

    def __init__(self, store: AsyncStore, fleet: Fleet, notes: Path, upload: Upload = no_upload) -> None:
        self._store = store
        self._fleet = fleet
        self._notes = notes
        self._upload = upload
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def resume(self) -> None:
        """Take up what an earlier server left: runs that are over with outputs that wait."""
        waiting = await self._store.read(run_data.waiting)
        await asyncio.to_thread(sweep, self._notes, waiting)
        for run_id in waiting:
            run = await self._store.read(run_rows.get, run_id)
            self._tasks[run_id] = asyncio.create_task(self.settle(run), name=f"outputs of {run_id}")

    async def close(self) -> None:
        """End every task; the next server goes on."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def settle(self, run: Run) -> None:
        """Do what is left to do for a run that is over; waits for its machine for as long as it takes.

        What fails is kept with the output and as a warning of the run: the run itself is over and whole.
        """
        while True:
            try:
                await self._settle(run)
                return
            except (Unreachable, StoreError) as problem:
                log.info("outputs of run %s wait: %s", run.id, problem.message)
                await asyncio.sleep(FULL_SECONDS if isinstance(problem, StoreFull) else RETRY_SECONDS)
            except NotFound as problem:  # the run was removed, or its machine was detached
                log.warning("outputs of run %s: %s", run.id, problem.message)
                await asyncio.to_thread(forget_run, self._notes, run.id)
                return

    async def _settle(self, run: Run) -> None:
        rows = [row for row in await self._store.read(run_data.of_run, run.id) if row.state == "waiting"]
        if not rows:
            return
        if run.status is not RunState.COMPLETED:
            ended = [replace(row, state="failed", problem=f"the run is {run.status.value}") for row in rows]
            await self._store.write(run_data.put, run.id, ended)
            return
        configuration = await self._store.read(kept_runs.configuration, run.id)
        subject = run_subject(run.experiment, run.id)
        async with activity(self._store, "outputs", subject, f"outputs of {run.name}") as progress:
            for row in rows:
                try:
                    await self._one(run, row, configuration, progress)
                except (Unreachable, StoreError) as problem:
                    await self._waits(run, row, problem)
                    raise
                except WorkbenchError as problem:
                    log.warning("output %s of run %s: %s", row.name, run.id, problem.message)
                    await self._store.write(
                        _failed, run, replace(row, state="failed", problem=problem.message)
                    )

    async def _waits(self, run: Run, row: RunData, problem: WorkbenchError) -> None:
        """Tell with the output why it is not sent yet; it goes on by itself."""
        if row.problem == problem.message:
            return
        try:
            await self._store.write(run_data.put, run.id, [replace(row, problem=problem.message)])
        except StoreError as again:  # it is this side's disk that is full: there is no place to tell it
            log.info("outputs of run %s: %s", run.id, again.message)

    async def _one(self, run: Run, row: RunData, configuration: RunConfiguration, progress: Progress) -> None:
        link = await self._fleet.link(run.target)
        path = row.location or ""
        await progress.report(f"looking at {row.name}")
        async with link.stream("fingerprint", {"path": path}) as stream:
            async for message in stream:
                if isinstance(message, dict) and isinstance(message.get("files"), int):
                    await progress.report(f"looking at {row.name}: {message['files']} files")
            seen: dict[str, Any] = await stream.result()
        if not seen.get("files"):
            raise WorkbenchError(f"nothing was written to the output {row.name}")
        whole = str(seen.get("path") or path)
        found = read_fingerprint(seen, run.target)
        source = DataSource(target=run.target, paths=[whole])
        output = configuration.outputs.get(row.name)
        if row.mechanism == "upload" and output is not None and output.path is not None:
            source = await self._sent(run, row, output.path, whole, progress)
        done = replace(
            row, state="ready", problem=None, hash=found.hash, files=found.files, bytes=found.bytes
        )
        if row.registers is None:
            await self._store.write(run_data.put, run.id, [done])
            return
        version = DatasetVersion(
            name=row.registers,
            version=0,
            source=source,
            locations={run.target: whole},
            fingerprint=found,
            run=run.id,
            created=datetime.now(UTC),
            created_by=run.submitted_by,
        )
        await self._store.write(_registered, run, done, version)

    async def _sent(self, run: Run, row: RunData, path: str, whole: str, progress: Progress) -> DataSource:
        """Send an output to its datastore; where it is then."""
        place = read_data_path(path)
        store = await self._store.read(datastores.get, place.datastore)
        below = place.path.strip("/") or f"{run.id}/{row.name}"
        into = below.rpartition("/")[0] if row.type == "uri_file" else below  # it is called so there already
        await self._upload(run.id, MachineOrigin(self._fleet, run.target, [whole]), store, into, progress)
        return DataSource(datastore=store.name, paths=[below])


def read_fingerprint(seen: dict[str, Any], target: str) -> Fingerprint:
    """What a machine found at a path; raises RemoteError for what makes no sense."""
    identity, files, size = seen.get("hash"), whole_amount(seen.get("files")), whole_amount(seen.get("bytes"))
    if not isinstance(identity, str) or not protocol.SHA256.match(identity) or files is None or size is None:
        raise RemoteError("the machine told of its files what makes no sense")
    return Fingerprint(hash=identity, files=files, bytes=size, made_on=target, made=datetime.now(UTC))


def _registered(change: Transaction, run: Run, row: RunData, version: DatasetVersion) -> DatasetVersion:
    """Both at once: a server that is killed has made no version twice."""
    made = datasets.register(change, version, True)
    run_data.put(change, run.id, [replace(row, asset=f"data:{made.reference}")])
    return made


def _failed(change: Transaction, run: Run, row: RunData) -> None:
    run_data.put(change, run.id, [row])
    number = run_rows.number(change.connection, run.id)
    run_entries.warn(change, number, [f"output {row.name}: {row.problem}"])
    change.event(RUN_CHANGED, run_subject(run.experiment, run.id), {"outputs": row.name})
