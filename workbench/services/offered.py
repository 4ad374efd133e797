"""The table of services: which classes answer for which noun."""

from __future__ import annotations

from workbench.services.context import Context
from workbench.services.later import Later
from workbench.services.operation_table import OperationTable

SERVICES: tuple[tuple[str, str], ...] = (
    ("runs", "runs:RunService"),
    ("runs", "run_table:RunTableService"),
    ("runs", "run_filters:RunFilterService"),
    ("runs", "run_children:RunChildService"),
    ("runs", "run_logs:RunLogService"),
    ("runs", "run_metrics:RunMetricService"),
    ("runs", "run_files:RunFileService"),
    ("runs", "run_snapshots:RunSnapshotService"),
    ("runs", "log_ranges:LogRangeService"),
    ("runs", "log_printing:LogPrintService"),
    ("runs", "terminals:RunTerminalService"),
    ("runs", "run_stacks:RunStackService"),
    ("runs", "run_data:RunDataService"),
    ("runs", "run_environments:RunEnvironmentService"),
    ("runs", "run_compare:RunCompareService"),
    ("runs", "log_search:LogSearchService"),
    ("runs", "run_imports:RunImportService"),
    ("runs", "run_bundles:RunBundleService"),
    ("runs", "machine_imports:MachineImportService"),
    ("views", "views:ViewService"),
    ("comparisons", "comparisons:ComparisonService"),
    ("snapshots", "snapshots:SnapshotService"),
    ("compute", "monitoring:MonitoringService"),
    ("compute", "cordons:CordonService"),
    ("compute", "pools:PoolService"),
    ("compute", "machine_processes:MachineProcessService"),
    ("compute", "terminals:TerminalService"),
    ("compute", "pruning:PruneService"),
    ("compute", "doctoring:DoctorService"),
    ("queue", "queue:QueueService"),
    ("datasets", "datasets:DatasetService"),
    ("datasets", "run_data:LineageService"),
    ("datasets", "dataset_files:DatasetFileService"),
    ("datasets", "dataset_bringing:DatasetBringingService"),
    ("datasets", "dataset_queries:DatasetQueryService"),
    ("files", "machine_files:MachineFileService"),
    ("workspace", "workspace_room:WorkspaceRoomService"),
    ("workspace", "hosted_names:HostedNameService"),
    ("workspace", "overview:OverviewService"),
    ("models", "model_promotion:ModelPromotionService"),
    ("models", "model_evaluations:ModelEvaluationService"),
    ("experiments", "experiments:ExperimentService"),
    ("environments", "environments:EnvironmentService"),
    ("environment_builds", "environment_builds:EnvironmentBuildService"),
    ("activities", "history:ActivityService"),
    ("events", "history:EventService"),
    ("secrets", "secrets:SecretService"),
    ("datastores", "datastores:DatastoreService"),
    ("datastores", "datastore_files:DatastoreFileService"),
)
"""Noun, and module and class, of all that need no more than what the services of a workspace share.

They are loaded in this order when something of their noun is asked for: what is asked often comes first.
"""


def offered(context: Context, *more: tuple[str, object]) -> OperationTable:
    """Every operation by noun and method: those of SERVICES, and of what was made with more by its noun."""
    later = [(noun, Later[object](where, context)) for noun, where in SERVICES]
    return OperationTable([*more, *later])
