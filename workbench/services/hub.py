"""The hub: opens workspaces on demand, owns their parts, closes them in order."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.compute.fleet import Fleet
from workbench.compute.monitor import Monitor
from workbench.compute.samples import State
from workbench.entities.event import Event
from workbench.entities.target import Target, TargetKind, TargetState
from workbench.errors import WorkbenchError
from workbench.home import Home, private_folder
from workbench.runs.activity import close_forgotten
from workbench.runs.collector import Collector
from workbench.runs.conductor import Conductor
from workbench.runs.file_logs import FileLogs
from workbench.runs.placer import Placer
from workbench.runs.sender import Sender
from workbench.services.alerting import Alerting
from workbench.services.alerts import AlertService
from workbench.services.bus import Bus, News
from workbench.services.comparisons import ComparisonService
from workbench.services.compute import ComputeService
from workbench.services.context import BusWatcher, Context
from workbench.services.cordon_notes import CordonNotes
from workbench.services.cordons import CordonService
from workbench.services.deliveries import Deliveries
from workbench.services.doctoring import DoctorService
from workbench.services.experiments import ExperimentService
from workbench.services.forwards import ForwardService
from workbench.services.history import ActivityService, EventService
from workbench.services.lease_feed import LeaseFeed
from workbench.services.log_keeping import LogKeeping
from workbench.services.log_merging import LogMerging
from workbench.services.log_printing import LogPrintService
from workbench.services.log_ranges import LogRangeService
from workbench.services.log_search import LogSearchService
from workbench.services.machine_files import MachineFileService
from workbench.services.machine_imports import MachineImportService
from workbench.services.machine_processes import MachineProcessService
from workbench.services.minute_keeper import MinuteKeeper
from workbench.services.monitor_feed import RUNS, TARGETS, MonitorFeed
from workbench.services.monitoring import MonitoringService
from workbench.services.operation import Operation, call, operations
from workbench.services.overview import OverviewService
from workbench.services.owning import own
from workbench.services.pools import PoolService
from workbench.services.powering import PowerService
from workbench.services.pruning import PruneService
from workbench.services.pulses import Pulses
from workbench.services.queue import QueueService
from workbench.services.run_bundles import RunBundleService
from workbench.services.run_children import RunChildService
from workbench.services.run_compare import RunCompareService
from workbench.services.run_files import RunFileService
from workbench.services.run_filters import RunFilterService
from workbench.services.run_imports import RunImportService
from workbench.services.run_logs import RunLogService
from workbench.services.run_metrics import RunMetricService
from workbench.services.run_snapshots import RunSnapshotService
from workbench.services.run_stacks import RunStackService
from workbench.services.run_table import RunTableService
from workbench.services.runs import RunService
from workbench.services.snapshots import UPLOAD, SnapshotService
from workbench.services.subscription_secrets import SubscriptionSecrets
from workbench.services.subscriptions import SubscriptionService
from workbench.services.terminals import RunTerminalService, TerminalService
from workbench.services.views import ViewService
from workbench.services.workspace_room import WorkspaceRoomService
from workbench.settings import Settings
from workbench.store import targets
from workbench.store.async_store import AsyncStore
from workbench.store.events import RUN_RECORDS, TARGET_CHANGED, run_of
from workbench.store.location import choose_directory
from workbench.store.ownership import Ownership
from workbench.version import __version__

log = logging.getLogger(__name__)


class OpenWorkspace:
    """One workspace that is in use: its parts and the operations on it."""

    def __init__(self, name: str, home: Home, settings: Settings, info: ServerService) -> None:
        self.bus = Bus()
        self.store = AsyncStore()
        self._loop = asyncio.get_running_loop()
        self._folder, self.notice = choose_directory(private_folder(home.workspace(name)), os.getuid())
        self._fleet = Fleet(home.known_hosts, self._state_changed, idle=settings.compute.idle)
        self._states: set[asyncio.Task[None]] = set()
        collector = Collector(self._folder / "files", self.store, self._fleet, settings.collect)
        sender = Sender(name, self.store, self._fleet)
        pulses = Pulses(BusWatcher(self.bus))
        self.conductor = Conductor(self.store, self._fleet, pulses, sender, collector)
        self.placer = Placer(self.store, self._fleet, self.conductor)
        self.monitor = Monitor(self._fleet, State)
        self._feed = MonitorFeed(self.store, self.bus, self.monitor)
        cordons = CordonNotes(self.store, self.monitor)
        self._leases = LeaseFeed(self._fleet, self.monitor, cordons.note)
        self._file_logs = FileLogs(self.store, self._fleet, BusWatcher(self.bus))
        self.logs = LogKeeping(
            self.store, self._fleet, settings.logs, self._file_logs, self.conductor.follows
        )
        self.conductor.on_drained = self.logs.ended
        self._minutes = MinuteKeeper(self.store, self.monitor, settings.compute.history_days)
        self.alerting = Alerting(
            self.store,
            settings.alerts,
            pulses,
            self.conductor.follows,
            self._fleet.alerts_off,
            self.monitor.look_after,
        )
        self.monitor.alerts = self.alerting
        hidden = SubscriptionSecrets(home.workspace(name) / "subscriptions")
        self.deliveries = Deliveries(name, self.store, self.bus, hidden)
        self._merging = LogMerging()
        context = Context(
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
        )
        self._compute = ComputeService(context)
        self._power = PowerService(context)
        self.forwards = ForwardService(context)
        self.operations = self._offered(context, hidden, info)

    def _offered(
        self, context: Context, hidden: SubscriptionSecrets, info: ServerService
    ) -> dict[str, Operation]:
        """Every operation, by noun and method."""
        return operations([
            ("runs", RunService(context)),
            ("runs", RunTableService(context)),
            ("runs", RunFilterService(context)),
            ("runs", RunChildService(context)),
            ("views", ViewService(context)),
            ("comparisons", ComparisonService(context)),
            ("runs", RunLogService(context)),
            ("runs", RunMetricService(context)),
            ("runs", RunFileService(context)),
            ("runs", RunSnapshotService(context)),
            ("runs", RunCompareService(context)),
            ("runs", LogRangeService(context)),
            ("runs", LogSearchService(context)),
            ("runs", LogPrintService(context)),
            ("snapshots", SnapshotService(context)),
            ("compute", self._compute),
            ("compute", MonitoringService(context)),
            ("compute", CordonService(context)),
            ("compute", PoolService(context)),
            ("compute", MachineProcessService(context)),
            ("queue", QueueService(context)),
            ("compute", TerminalService(context)),
            ("runs", RunTerminalService(context)),
            ("runs", RunStackService(context)),
            ("runs", RunImportService(context)),
            ("runs", RunBundleService(context)),
            ("runs", MachineImportService(context)),
            ("files", MachineFileService(context)),
            ("forwards", self.forwards),
            ("compute", PruneService(context)),
            ("compute", DoctorService(context)),
            ("compute", self._power),
            ("workspace", WorkspaceRoomService(context)),
            ("experiments", ExperimentService(context)),
            ("activities", ActivityService(context)),
            ("events", EventService(context)),
            ("alerts", AlertService(context, self.alerting)),
            ("subscriptions", SubscriptionService(context, self.deliveries, hidden)),
            ("workspace", OverviewService(context)),
            ("server", info),
        ])  # fmt: skip

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
        await close_forgotten(self.store)
        await self._power.open()
        await self.alerting.open()
        await self.deliveries.open()
        await self._feed.start()
        self._minutes.start()
        self._leases.start()
        self.logs.start()
        await self.conductor.resume_all()
        self.placer.start()
        await self.forwards.open()

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
        await self._compute.close()
        await self._power.close()
        await self._feed.close()
        await self._leases.close()
        await self._merging.close()
        await self._file_logs.close()
        await self.logs.close()
        await self.monitor.close()
        await self._minutes.close()
        await self.placer.close()
        await self.conductor.close()
        await self.alerting.close()
        await self.deliveries.close()
        await self._fleet.close()
        await asyncio.gather(*self._states, return_exceptions=True)
        await self.store.close()


class ServerService:
    """The server itself, reachable from every workspace."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    @call
    async def info(self) -> dict[str, Any]:
        """Version, process, since when, and what it is busy with."""
        return self._hub.facts()

    @call
    async def stop(self) -> dict[str, Any]:
        """End the server; runs go on, the next client starts it again."""
        self._hub.stop()
        return {}


class Hub:
    """All workspaces of one home, which it owns while it is started.

    stop: what ends the process that holds the hub. socket: where that process answers, None when it does not.
    """

    def __init__(
        self, home: Home, settings: Settings, stop: Callable[[], None], socket: Path | None = None
    ) -> None:
        self._home = home
        self._socket = socket
        self._ownership: Ownership | None = None
        self._settings = settings
        self._workspaces: dict[str, OpenWorkspace] = {}
        self._opening = asyncio.Lock()
        self._started = datetime.now(UTC)
        self.stop = stop

    @property
    def busy(self) -> bool:
        """Whether runs are followed, somebody is being told or let through: no time to end by itself."""
        return any(
            workspace.conductor.active or workspace.deliveries.busy or workspace.forwards.active
            for workspace in self._workspaces.values()
        )

    @property
    def owns(self) -> bool:
        """Whether the home is still this hub's; not when its folder was removed underneath."""
        return self._ownership is not None and self._ownership.holds()

    def facts(self) -> dict[str, Any]:
        """What `wb server status` shows."""
        return {
            "version": __version__,
            "pid": os.getpid(),
            "started": self._started,
            "home": str(self._home.root),
            "socket": None if self._socket is None else str(self._socket),
            "workspaces": sorted(self._workspaces),
            "notices": [workspace.notice for workspace in self._workspaces.values() if workspace.notice],
            "active_runs": sum(workspace.conductor.active for workspace in self._workspaces.values()),
        }

    async def start(self) -> None:
        """Own the home and open every workspace of it, so that active runs are followed from the start.

        Raises ServerError when another process owns it.
        """
        self._ownership = await own(self._home, self._socket)
        root = self._home.root / "workspaces"
        for folder in sorted(root.iterdir()) if root.is_dir() else []:
            try:
                await self.workspace(folder.name)
            except WorkbenchError as problem:  # its users are told when they ask for it (law 5)
                log.warning("workspace %s does not open: %s", folder.name, problem.message)

    async def workspace(self, name: str) -> OpenWorkspace:
        """The workspace of that name, opened on first use; raises UsageError, StoreError."""
        found = self._workspaces.get(name)
        if found is not None:  # whoever uses one that is open waits for no other that is being opened
            return found
        async with self._opening:
            if name not in self._workspaces:
                workspace = OpenWorkspace(name, self._home, self._settings, ServerService(self))
                try:
                    await workspace.open()
                except BaseException:
                    await workspace.close()
                    raise
                self._workspaces[name] = workspace
            return self._workspaces[name]

    async def close(self) -> None:
        """Close every workspace and let go of the home."""
        workspaces, self._workspaces = list(self._workspaces.values()), {}
        try:
            closing = (workspace.close() for workspace in workspaces)
            ends = await asyncio.gather(*closing, return_exceptions=True)
            problems = [end for end in ends if isinstance(end, BaseException)]
            if problems:
                raise problems[0]
        finally:
            if self._ownership is not None:
                self._ownership.release()
                self._ownership = None
