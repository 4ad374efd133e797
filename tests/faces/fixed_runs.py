"""What both faces' worlds tell of: a moment at which time stands still, and five runs of one experiment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 11, 23, 12, 4, 30, tzinfo=UTC)


def ago(**spans: float) -> str:
    """RFC 3339 of a moment before NOW."""
    return (NOW - timedelta(**spans)).isoformat().replace("+00:00", "Z")


def make_run(number: int, name: str, **fields: Any) -> dict[str, Any]:
    """A run's JSON with what every run has."""
    return {
        "id": f"01JD{number:022d}",
        "name": name,
        "experiment": "mnist",
        "target": "gpu1",
        "status": "Completed",
        "created": ago(hours=1),
        "attempt": 1,
        "tags": {},
        "properties": {},
        "params": {},
        "metrics": {},
        "gpus": [],
        "warnings": 0,
        "archived": False,
        **fields,
    }


FIVE: dict[int, dict[str, Any]] = {
    42: {
        "name": "calm-otter-42",
        "status": "Running",
        "created": ago(minutes=4.5),
        "started": ago(minutes=4.2),
        "gpus": ["2", "3"],
        "as_of": ago(seconds=1),
        "params": {"lr": "3e-4"},
    },
    41: {
        "name": "brisk-heron-41",
        "status": "Queued",
        "created": ago(minutes=6),
        "message": "2 GPUs wanted, 0 free, held by calm-otter-42 (ann)",
    },
    40: {
        "name": "vivid-lark-40",
        "target": "lab-7",
        "started": ago(minutes=59),
        "ended": ago(minutes=37),
        "exit_code": 0,
        "params": {"lr": "1e-3"},
    },
    39: {
        "name": "dull-ibis-39",
        "target": "lab-7",
        "status": "Failed",
        "created": ago(hours=2),
        "started": ago(hours=2),
        "ended": ago(hours=1, minutes=59, seconds=29),
        "exit_code": 1,
        "cause": "exit",
        "message": "CUDA out of memory",
    },
    38: {
        "name": "快乐-panda-38",
        "status": "Canceled",
        "created": ago(days=3),
        "started": ago(days=3),
        "ended": ago(days=2, hours=21),
    },
}
"""What every list tells of them, by their numbers."""


def one_of_five(number: int, **more: Any) -> dict[str, Any]:
    """One of them, with what its list tells besides."""
    return make_run(number, **(FIVE[number] | more))


def make_experiment(number: int, name: str, **fields: Any) -> dict[str, Any]:
    """An experiment's JSON."""
    return {
        "id": f"e{number}",
        "name": name,
        "created": ago(days=9),
        "tags": {},
        "primary_metric": "loss",
        "goal": "minimize",
        "primary_set": False,
        "archived": False,
        **fields,
    }
