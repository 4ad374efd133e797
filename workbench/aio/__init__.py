"""The SDK for who has an event loop: `workbench`'s classes, with `await` before what takes long.

`workbench/sdk/` is this package without its waits, written by docs/make_sdk.py: one body, two faces.
Importing it costs nothing: each class is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from workbench.aio.compute_target import ComputeTarget
    from workbench.aio.dataset import Dataset
    from workbench.aio.datastore import Datastore
    from workbench.aio.environment import Environment
    from workbench.aio.experiment import Experiment
    from workbench.aio.file_dataset import FileDataset
    from workbench.aio.keyvault import Keyvault
    from workbench.aio.model import Model
    from workbench.aio.run_handle import RunHandle
    from workbench.aio.tabular_dataset import TabularDataset
    from workbench.aio.workspace import Workspace

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
