"""The SDK's classes, which `import workbench` offers: written by docs/make_sdk.py from `workbench.aio`.

Importing this costs nothing: each class is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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

__all__ = [
    "ComputeTarget",
    "Dataset",
    "Datastore",
    "Environment",
    "Experiment",
    "FileDataset",
    "Keyvault",
    "Model",
    "RunHandle",
    "TabularDataset",
    "Workspace",
]

_HOMES = {
    "ComputeTarget": "compute_target",
    "Dataset": "dataset",
    "Datastore": "datastore",
    "Environment": "environment",
    "Experiment": "experiment",
    "FileDataset": "file_dataset",
    "Keyvault": "keyvault",
    "Model": "model",
    "RunHandle": "run_handle",
    "TabularDataset": "tabular_dataset",
    "Workspace": "workspace",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
