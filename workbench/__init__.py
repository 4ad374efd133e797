"""Bring your own machines: runs, metrics and machines over SSH, in a terminal.

Importing this package costs nothing: each name of the SDK is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module

from workbench.version import __version__

TYPE_CHECKING = False  # what type checkers take for true; typing itself would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any

    from workbench.entities.configuration import DataInput, DataOutput, Distribution
    from workbench.errors import Conflict, NotFound, Refused, RunFailed, WaitTimeout, WorkbenchError
    from workbench.remote.tracking.calls import (
        add_properties,
        log,
        log_list,
        log_param,
        log_params,
        log_row,
        log_table,
        tag,
        upload_file,
    )
    from workbench.remote.tracking.run import Run, TrackingWarning
    from workbench.runs.estimators import Estimator, PyTorch, SKLearn, TensorFlow
    from workbench.runs.script_run import ScriptRunConfig
    from workbench.sdk.compute_target import ComputeTarget
    from workbench.sdk.dataset import Dataset
    from workbench.sdk.datastore import Datastore
    from workbench.sdk.environment import Environment
    from workbench.sdk.experiment import Experiment
    from workbench.sdk.file_dataset import FileDataset
    from workbench.sdk.keyvault import Keyvault
    from workbench.sdk.model import Model
    from workbench.sdk.run_handle import RunHandle
    from workbench.sdk.tabular_dataset import TabularDataset
    from workbench.sdk.workspace import Workspace
    from workbench.workspace.run_configuration import RunConfiguration

# name -> the module that has it
_HOMES = {
    "ComputeTarget": "workbench.sdk.compute_target",
    "Conflict": "workbench.errors",
    "DataInput": "workbench.entities.configuration",
    "DataOutput": "workbench.entities.configuration",
    "Dataset": "workbench.sdk.dataset",
    "Datastore": "workbench.sdk.datastore",
    "Distribution": "workbench.entities.configuration",
    "Environment": "workbench.sdk.environment",
    "Estimator": "workbench.runs.estimators",
    "Experiment": "workbench.sdk.experiment",
    "FileDataset": "workbench.sdk.file_dataset",
    "Keyvault": "workbench.sdk.keyvault",
    "Model": "workbench.sdk.model",
    "NotFound": "workbench.errors",
    "PyTorch": "workbench.runs.estimators",
    "Refused": "workbench.errors",
    "Run": "workbench.remote.tracking.run",
    "RunConfiguration": "workbench.workspace.run_configuration",
    "RunFailed": "workbench.errors",
    "RunHandle": "workbench.sdk.run_handle",
    "SKLearn": "workbench.runs.estimators",
    "ScriptRunConfig": "workbench.runs.script_run",
    "TabularDataset": "workbench.sdk.tabular_dataset",
    "TensorFlow": "workbench.runs.estimators",
    "TrackingWarning": "workbench.remote.tracking.run",
    "WaitTimeout": "workbench.errors",
    "WorkbenchError": "workbench.errors",
    "Workspace": "workbench.sdk.workspace",
    "add_properties": "workbench.remote.tracking.calls",
    "log": "workbench.remote.tracking.calls",
    "log_list": "workbench.remote.tracking.calls",
    "log_param": "workbench.remote.tracking.calls",
    "log_params": "workbench.remote.tracking.calls",
    "log_row": "workbench.remote.tracking.calls",
    "log_table": "workbench.remote.tracking.calls",
    "tag": "workbench.remote.tracking.calls",
    "upload_file": "workbench.remote.tracking.calls",
}

__all__ = [
    "ComputeTarget",
    "Conflict",
    "DataInput",
    "DataOutput",
    "Dataset",
    "Datastore",
    "Distribution",
    "Environment",
    "Estimator",
    "Experiment",
    "FileDataset",
    "Keyvault",
    "Model",
    "NotFound",
    "PyTorch",
    "Refused",
    "Run",
    "RunConfiguration",
    "RunFailed",
    "RunHandle",
    "SKLearn",
    "ScriptRunConfig",
    "TabularDataset",
    "TensorFlow",
    "TrackingWarning",
    "WaitTimeout",
    "WorkbenchError",
    "Workspace",
    "__version__",
    "add_properties",
    "log",
    "log_list",
    "log_param",
    "log_params",
    "log_row",
    "log_table",
    "tag",
    "upload_file",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
