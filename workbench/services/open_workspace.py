"""A workspace that is in use: its parts, what happens between them, and closing them in order."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from workbench.compute.fleet import Fleet
from workbench.compute.monitor import Monitor
from workbench.compute.samples import State
from workbench.data.opened import NOTES, OpenDatastores
from workbench.data.reading import DatasetFiles
from workbench.data.sameness import changed_since
from workbench.entities.event import Event
from workbench.entities.target import Target, TargetKind, TargetState
from workbench.environments.provision import Provisioner
from workbench.home import Home, private_folder
from workbench.runs.activity import close_forgotten
from workbench.runs.collector import Collector
from workbench.runs.conductor import Conductor
from workbench.runs.data.after_outputs import AfterOutputs
from workbench.runs.data.run_inputs import RunInputs
from workbench.runs.data.store_origin import store_opener
from workbench.runs.data.store_upload import store_upload
from workbench.runs.file_logs import FileLogs
from workbench.runs.placer import Placer
from workbench.runs.run_environments import RunEnvironments
from workbench.runs.sender import Sender
from workbench.services.alerting import Alerting
from workbench.services.alerts import AlertService
from workbench.services.asked_models import AskedModels
from workbench.services.bus import Bus, News
from workbench.services.compute import ComputeService
from workbench.services.context import BusWatcher, Context
from workbench.services.cordon_notes import CordonNotes
from workbench.services.deliveries import Deliveries
from workbench.services.environment_making import EnvironmentMaker
from workbench.services.forwards import ForwardService
from workbench.services.later import Later
from workbench.services.lease_feed import LeaseFeed
from workbench.services.log_keeping import LogKeeping
from workbench.services.log_merging import LogMerging
from workbench.services.minute_keeper import MinuteKeeper
from workbench.services.monitor_feed import RUNS, TARGETS, MonitorFeed
from workbench.services.offered import offered
from workbench.services.operation_table import OperationTable
from workbench.services.powering import PowerService
from workbench.services.pulses import Pulses
from workbench.services.secrets import open_secrets, reading
from workbench.services.server import ServerService
from workbench.services.snapshots import UPLOAD
from workbench.services.subscription_secrets import SubscriptionSecrets
from workbench.services.subscriptions import SubscriptionService
from workbench.services.workspaces import Workspaces, WorkspaceService
from workbench.settings import Settings
from workbench.store.async_store import AsyncStore
from workbench.store.fleet import targets
from workbench.store.registry import datasets, datastores
from workbench.store.sqlite.events import RUN_RECORDS, TARGET_CHANGED, run_of
from workbench.store.sqlite.location import choose_directory
from workbench.store.workspace import workspace_facts
from workbench.store.workspace.secret_store import SecretStore

if TYPE_CHECKING:
    from workbench.services.dataset_tables import DatasetTableService
    from workbench.services.models import ModelService


class OpenWorkspace:
    """One workspace that is in use: its parts and the operations on it."""

    def __init__(
        self, name: str, home: Home, settings: Settings, info: ServerService, all_: Workspaces
    ) -> None:
        self.bus = Bus()
        self.store = AsyncStore()
        self._loop = asyncio.get_running_loop()
        self._states: set[asyncio.Task[None]] = set()
        self._folder, self.notice = choose_directory(private_folder(home.workspace(name)), os.getuid())
        self._fleet = Fleet(home.known_hosts, self._state_changed, idle=settings.compute.idle)
        secrets = open_secrets(name, home, settings.secrets)
        most = settings.data.query_bytes
        self._datastores = OpenDatastores(self.store, self._fleet, secrets, self._folder, most)
        provisioner = Provisioner(home.cache / "environments", os.environ)
        self._builds = RunEnvironments(self.store, self._fleet, provisioner, reading(secrets))
        collector = Collector(self._folder / "files", self.store, self._fleet, settings.collect)
        pulses = Pulses(BusWatcher(self.bus))
        self.conductor = self._conducting(name, settings, secrets, collector, pulses)
        self.placer = Placer(self.store, self._fleet, self.conductor)
        self.monitor = Monitor(self._fleet, State)
        cordons = CordonNotes(self.store, self.monitor)
        self._look_after(settings, pulses, cordons)
        self._merging = LogMerging()
        self.context = Context(
            name,
            home,
            self._folder,
            settings,
            self.store,
            self._fleet,
            self.bus,
            self.conductor,
            collector,
            self.monitor,
            self.placer,
            cordons,
            self._file_logs,
            self._merging,
            secrets,
            self._datastores,
            EnvironmentMaker(self.store, secrets),
            self._builds,
            self._inputs,
        )
        hidden = SubscriptionSecrets(home.workspace(name) / "subscriptions")
        self.deliveries = Deliveries(name, self.store, self.bus, hidden)
        self.operations = self._offer(self.context, hidden, info, all_)

    def _conducting(
        self, name: str, settings: Settings, secrets: SecretStore, collector: Collector, pulses: Pulses
    ) -> Conductor:
        """What sends runs and follows them, and what they read and write."""
        opener = store_opener(self._datastores)
        since = partial(changed_since, DatasetFiles(self._datastores))
        self._inputs = RunInputs(self.store, self._fleet, self._folder, settings.data.changed, opener, since)
        sender = Sender(name, self.store, self._fleet, reading(secrets), self._inputs, self._builds)
        notes = self._folder / NOTES
        upload = store_upload(self._datastores, notes)
        self._outputs = AfterOutputs(self.store, self._fleet, notes, upload)
        conductor = Conductor(self.store, self._fleet, pulses, sender, collector)
        conductor.on_drained = self._drained
        conductor.settle_outputs = self._outputs.settle
        return conductor

    def _look_after(self, settings: Settings, pulses: Pulses, cordons: CordonNotes) -> None:
        """What watches machines and logs by itself."""
        follows = self.conductor.follows
        self._feed = MonitorFeed(self.store, self.bus, self.monitor)
        self._leases = LeaseFeed(self._fleet, self.monitor, cordons.note)
        self._file_logs = FileLogs(self.store, self._fleet, BusWatcher(self.bus))
        self.logs = LogKeeping(self.store, self._fleet, settings.logs, self._file_logs, follows)
        self._minutes = MinuteKeeper(self.store, self.monitor, settings.compute.history_days)
        off, watch = self._fleet.alerts_off, self.monitor.look_after
        self.alerting = Alerting(self.store, settings.alerts, pulses, follows, off, watch)
        self.monitor.alerts = self.alerting

    def _offer(
        self, context: Context, hidden: SubscriptionSecrets, info: ServerService, all_: Workspaces
    ) -> OperationTable:
        """Every operation, by noun and method; those services that are opened and closed are kept."""
        self._compute = ComputeService(context)
        models: Later[ModelService] = Later("models:ModelService", context)
        self._asked = AskedModels(self.store, models)
        self._power = PowerService(context)
        self._tables: Later[DatasetTableService] = Later("dataset_tables:DatasetTableService", context)
        self.forwards = ForwardService(context)
        return offered(
            context,
            ("compute", self._compute),
            ("compute", self._power),
            ("forwards", self.forwards),
            ("models", models),
            ("datasets", self._tables),
            ("alerts", AlertService(context, self.alerting)),
            ("subscriptions", SubscriptionService(context, self.deliveries, hidden)),
            ("workspace", WorkspaceService(context, all_)),
            ("server", info),
        )

    async def open(self) -> None:
        """Open the store, take up active runs; raises StoreError, StoreTooNew."""
        store = await self.store.open(self._folder)
        for leftover in self._folder.glob(f"{UPLOAD}*"):
            leftover.unlink(missing_ok=True)
        await asyncio.to_thread(store.spool.forget_merged)
        store.on_events = self._events
        attached = await self.store.read(targets.every)
        if not any(target.name == "local" for target in attached):
            local = Target(name="local", kind=TargetKind.LOCAL, created=datetime.now(UTC))
            await self.store.write(targets.put, local)
            attached.append(local)
        for target in attached:
            self._fleet.configure(target)
        await self.store.write(datastores.bear, datetime.now(UTC))
        await self.store.write(workspace_facts.begin, self.context.name)
        await close_forgotten(self.store)
        await self._power.open()
        await self.alerting.open()
        await self.deliveries.open()
        await self._feed.start()
        self._minutes.start()
        self._leases.start()
        self.logs.start()
        self._asked.start()
        await self.conductor.resume_all()
        await self._outputs.resume()
        self.placer.start()
        await self.forwards.open()
        if await self.store.read(datasets.unfinished_profiles):
            await self._tables.get().open()

    def _drained(self, run_id: str) -> None:
        self.logs.ended(run_id)
        self._asked.look()

    def _events(self, events: list[Event]) -> None:
        """Called on the store's thread after a commit."""
        self._loop.call_soon_threadsafe(self._tell, events)

    def _tell(self, events: list[Event]) -> None:
        self.bus.tell("events", News.EVENTS)
        for event in events:
            if event.kind == TARGET_CHANGED and event.data.get("removed"):
                self.alerting.detached(event.subject.partition("/")[2])
            run = run_of(event.subject)
            if run is not None and event.kind != RUN_RECORDS:
                self.bus.tell(f"runs/{run}", News.ROW)
                self.bus.tell(RUNS, News.ROW)
            elif event.kind == TARGET_CHANGED:
                self.bus.tell(TARGETS, News.ROW)

    def _state_changed(self, name: str, state: TargetState, problem: str | None) -> None:
        self.monitor.state_changed(name)
        task = self._loop.create_task(self._compute.note_state(name, state, problem))
        self._states.add(task)
        task.add_done_callback(self._states.discard)

    async def close(self) -> None:
        """Let go of everything; runs go on where they are."""
        await self.forwards.close()
        if self._tables.made is not None:
            await self._tables.made.close()
        await self._compute.close()
        await self._power.close()
        await self._feed.close()
        await self._leases.close()
        await self._merging.close()
        await self._file_logs.close()
        await self._asked.close()
        await self.logs.close()
        await self.monitor.close()
        await self._minutes.close()
        await self.placer.close()
        await self.conductor.close()
        await self._outputs.close()
        await self._builds.close()
        await self.alerting.close()
        await self.deliveries.close()
        await self._datastores.close()
        await self._fleet.close()
        await asyncio.gather(*self._states, return_exceptions=True)
        await self.store.close()
