"""A machine's view as plain JSON values, at the speed that hundreds of machines a second need. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.entities.machine_view import MachineView
from workbench.entities.sample import MachineSample


def plain_view(view: MachineView) -> dict[str, Any]:
    """What `to_wire` gives of a view; it shares nothing with it."""
    value: dict[str, Any] = msgspec.to_builtins(view, str_keys=True)
    sample = value.pop("sample", None)
    value = _without_absent(value)
    if sample is not None:
        value["sample"] = sample
        _complete(sample)
        _complete_processes(sample.setdefault("processes", []))
    return value


def plain_processes(sample: MachineSample) -> list[dict[str, Any]]:
    """What `to_wire` gives of a sample's processes."""
    value: list[dict[str, Any]] = msgspec.to_builtins(sample.processes)
    _complete_processes(value)
    return value


def _complete(sample: dict[str, Any]) -> None:
    """Add what msgspec left out of a sample although it is there: empty lists, and False."""
    host = sample.setdefault("host", {})
    sample.setdefault("driver", {})
    sample.setdefault("gpus", [])
    for disk in host.setdefault("disks", []):
        disk.setdefault("roles", [])


def _complete_processes(processes: list[dict[str, Any]]) -> None:
    for process in processes:
        process.setdefault("gpus", [])
        process.setdefault("mine", False)


def _without_absent(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_absent(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_absent(item) for item in value]
    return value
