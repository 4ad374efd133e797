"""What the services of one workspace share."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from workbench.compute.fleet import Fleet
from workbench.compute.link import Link
from workbench.compute.monitor import Monitor
from workbench.data.opened import OpenDatastores
from workbench.entities.base import replace
from workbench.entities.run import Run
from workbench.errors import Conflict, NeedsSignIn
from workbench.home import Home
from workbench.runs.collector import Collector
from workbench.runs.conductor import Conductor
from workbench.runs.data.run_inputs import RunInputs
from workbench.runs.file_logs import FileLogs
from workbench.runs.follower import Watcher
from workbench.runs.placer import Placer
from workbench.runs.run_environments import RunEnvironments
from workbench.services.bus import Bus, News
from workbench.services.cordon_notes import CordonNotes
from workbench.services.environment_making import EnvironmentMaker
from workbench.services.imported_state import came_in_a_bundle
from workbench.settings import Settings
from workbench.store.async_store import AsyncStore
from workbench.store.runs import references, run_rows
from workbench.store.workspace.secret_store import SecretStore

if TYPE_CHECKING:
    from workbench.services.log_merging import LogMerging


class Context(NamedTuple):
    """One workspace's working parts; all are owned and closed by the hub."""

    name: str
    home: Home
    folder: Path
    """Where the workspace's store is: its place in home, or elsewhere when that is on a network."""
    settings: Settings
    store: AsyncStore
    fleet: Fleet
    bus: Bus
    conductor: Conductor
    collector: Collector
    monitor: Monitor
    placer: Placer
    cordons: CordonNotes
    file_logs: FileLogs
    merging: LogMerging
    secrets: SecretStore
    datastores: OpenDatastores
    environments: EnvironmentMaker
    builds: RunEnvironments
    inputs: RunInputs

    async def link(self, target: str) -> Link:
        """The link to a machine a user waits for; raises Unreachable and its kinds, NotFound."""
        try:
            return await self.fleet.link(target, retry_now=True)
        except NeedsSignIn as problem:
            problem.hint = f"sign in with: wb compute login {target}"
            raise

    async def resolve(self, reference: str, experiment: str | None = None) -> Run:
        """The run a reference means; raises NotFound, Ambiguous."""
        run_id = await self.store.read(references.resolve, reference, experiment)
        return self.fresh(await self.store.read(run_rows.get, run_id))

    async def place(self, reference: str) -> Run:
        """The run in whose folder a run is, and whose output has its: itself, or the one that made it."""
        found = await self.resolve(reference)
        if found.inside is None:
            return found
        return self.fresh(await self.store.read(run_rows.get, found.inside))

    async def submitted(self, reference: str) -> Run:
        """The run a reference means; raises Conflict for one that only its maker can end or change."""
        found = await self.resolve(reference)
        if found.inside is not None:
            root = await self.store.read(run_rows.get, found.inside)
            raise Conflict(
                f"{found.name} was made by {root.name}, in its own process", f"ask for {root.name} itself"
            )
        return found

    async def brought(self, run: Run) -> bool:
        """Whether a run came in a bundle: no machine is to be asked for it, whatever it is called."""
        return await asyncio.to_thread(came_in_a_bundle, self.folder, run.id)

    def fresh(self, run: Run) -> Run:
        """The row with the last word of its machine: a run that says nothing is still watched over."""
        heard = self.heard(run.id, run.as_of)
        return run if heard == run.as_of else replace(run, as_of=heard)

    def heard(self, run_id: str, as_of: datetime | None) -> datetime | None:
        """When a run's machine was last heard: what its row says, or later while it is followed."""
        heard = self.conductor.heard(run_id)
        return as_of if heard is None or (as_of is not None and as_of > heard) else heard


class BusWatcher(Watcher):
    """Tells the bus what the follower brings: subject `runs/<id>`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def stream(self, run: str) -> None:
        """Output arrived."""
        self._bus.tell(f"runs/{run}", News.STREAM)

    def records(self, run: str) -> None:
        """Records arrived."""
        self._bus.tell(f"runs/{run}", News.RECORDS)

    def changed(self, run: str) -> None:
        """The row changed."""
        self._bus.tell(f"runs/{run}", News.ROW)
