"""Bring your own machines: runs, metrics and machines over SSH, in a terminal.

Importing this package costs nothing: each name of the SDK is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module

from workbench.version import __version__

TYPE_CHECKING = False  # what type checkers take for true; typing itself would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any

    from workbench.errors import RunFailed, WaitTimeout, WorkbenchError
    from workbench.remote.calls import (
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
    from workbench.remote.tracking import Run, TrackingWarning
    from workbench.workspace.facade import Workspace
    from workbench.workspace.run_handle import RunHandle

# name -> the module that has it
_HOMES = {
    "Run": "workbench.remote.tracking",
    "RunFailed": "workbench.errors",
    "RunHandle": "workbench.workspace.run_handle",
    "TrackingWarning": "workbench.remote.tracking",
    "WaitTimeout": "workbench.errors",
    "WorkbenchError": "workbench.errors",
    "Workspace": "workbench.workspace.facade",
    "add_properties": "workbench.remote.calls",
    "log": "workbench.remote.calls",
    "log_list": "workbench.remote.calls",
    "log_param": "workbench.remote.calls",
    "log_params": "workbench.remote.calls",
    "log_row": "workbench.remote.calls",
    "log_table": "workbench.remote.calls",
    "tag": "workbench.remote.calls",
    "upload_file": "workbench.remote.calls",
}

__all__ = [
    "Run",
    "RunFailed",
    "RunHandle",
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
