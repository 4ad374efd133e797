"""The table of services: which classes answer for which noun."""

from __future__ import annotations

from collections.abc import Callable

from workbench.services.comparisons import ComparisonService
from workbench.services.context import Context
from workbench.services.cordons import CordonService
from workbench.services.dataset_bringing import DatasetBringingService
from workbench.services.dataset_files import DatasetFileService
from workbench.services.dataset_queries import DatasetQueryService
from workbench.services.datasets import DatasetService
from workbench.services.datastore_files import DatastoreFileService
from workbench.services.datastores import DatastoreService
from workbench.services.doctoring import DoctorService
from workbench.services.environment_builds import EnvironmentBuildService
from workbench.services.environments import EnvironmentService
from workbench.services.experiments import ExperimentService
from workbench.services.history import ActivityService, EventService
from workbench.services.hosted_names import HostedNameService
from workbench.services.log_printing import LogPrintService
from workbench.services.log_ranges import LogRangeService
from workbench.services.log_search import LogSearchService
from workbench.services.machine_files import MachineFileService
from workbench.services.machine_imports import MachineImportService
from workbench.services.machine_processes import MachineProcessService
from workbench.services.model_evaluations import ModelEvaluationService
from workbench.services.model_promotion import ModelPromotionService
from workbench.services.monitoring import MonitoringService
from workbench.services.operation import Operation, operations
from workbench.services.overview import OverviewService
from workbench.services.pools import PoolService
from workbench.services.pruning import PruneService
from workbench.services.queue import QueueService
from workbench.services.run_bundles import RunBundleService
from workbench.services.run_children import RunChildService
from workbench.services.run_compare import RunCompareService
from workbench.services.run_data import LineageService, RunDataService
from workbench.services.run_environments import RunEnvironmentService
from workbench.services.run_files import RunFileService
from workbench.services.run_filters import RunFilterService
from workbench.services.run_imports import RunImportService
from workbench.services.run_logs import RunLogService
from workbench.services.run_metrics import RunMetricService
from workbench.services.run_snapshots import RunSnapshotService
from workbench.services.run_stacks import RunStackService
from workbench.services.run_table import RunTableService
from workbench.services.runs import RunService
from workbench.services.secrets import SecretService
from workbench.services.snapshots import SnapshotService
from workbench.services.terminals import RunTerminalService, TerminalService
from workbench.services.views import ViewService
from workbench.services.workspace_room import WorkspaceRoomService

SERVICES: tuple[tuple[str, Callable[[Context], object]], ...] = (
    ("runs", RunService),
    ("runs", RunTableService),
    ("runs", RunFilterService),
    ("runs", RunChildService),
    ("views", ViewService),
    ("comparisons", ComparisonService),
    ("runs", RunLogService),
    ("runs", RunMetricService),
    ("runs", RunFileService),
    ("runs", RunSnapshotService),
    ("runs", RunCompareService),
    ("runs", LogRangeService),
    ("runs", LogSearchService),
    ("runs", LogPrintService),
    ("snapshots", SnapshotService),
    ("compute", MonitoringService),
    ("compute", CordonService),
    ("compute", PoolService),
    ("compute", MachineProcessService),
    ("queue", QueueService),
    ("compute", TerminalService),
    ("runs", RunTerminalService),
    ("runs", RunStackService),
    ("runs", RunDataService),
    ("datasets", LineageService),
    ("runs", RunImportService),
    ("runs", RunBundleService),
    ("runs", MachineImportService),
    ("files", MachineFileService),
    ("compute", PruneService),
    ("compute", DoctorService),
    ("workspace", WorkspaceRoomService),
    ("models", ModelPromotionService),
    ("models", ModelEvaluationService),
    ("experiments", ExperimentService),
    ("environments", EnvironmentService),
    ("runs", RunEnvironmentService),
    ("environment_builds", EnvironmentBuildService),
    ("workspace", HostedNameService),
    ("activities", ActivityService),
    ("events", EventService),
    ("workspace", OverviewService),
    ("secrets", SecretService),
    ("datastores", DatastoreService),
    ("datastores", DatastoreFileService),
    ("datasets", DatasetFileService),
    ("datasets", DatasetBringingService),
    ("datasets", DatasetQueryService),
    ("datasets", DatasetService),
)
"""Noun and class of all that need no more than what the services of a workspace share."""


def offered(context: Context, *more: tuple[str, object]) -> dict[str, Operation]:
    """Every operation by noun and method: those of SERVICES, and of what was made with more by its noun."""
    return operations([*((noun, service(context)) for noun, service in SERVICES), *more])
