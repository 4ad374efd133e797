"""What can be told of every run by name: what it was given and what came of it. Pure.

An axis is called param:NAME, tag:NAME, metric:NAME, min:NAME, max:NAME or best:NAME; a name alone is that of
a param or of a metric, whichever a run has, or target, experiment or status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.text.sanitize import clean_name

KINDS = ("param:", "tag:", "metric:", "min:", "max:", "best:")
ATTRIBUTES = ("target", "experiment", "status")
LONGEST = 60
"""Characters of a name, or of a text that has a place on an axis."""


def columns(*axes: str) -> list[str]:
    """What `runs.table` is asked for, so that the axes can be told of every run."""
    found: list[str] = []
    for axis in axes:
        found += [axis] if axis.startswith(KINDS) else [f"param:{axis}", f"metric:{axis}"]
    return list(dict.fromkeys(found))


def label(axis: str) -> str:
    """An axis as it is called in a picture."""
    kind, colon, name = axis.partition(":")
    if colon and f"{kind}:" in KINDS:
        return clean_name(f"{kind} {name}" if kind in ("min", "max", "best") else name, LONGEST)
    return clean_name(axis, LONGEST)


def value(run: Mapping[str, Any], axis: str, *, given: bool) -> Any:
    """What a run has on an axis, None where it has nothing; given: of a name alone the param first."""
    kind, colon, name = axis.partition(":")
    if not colon or f"{kind}:" not in KINDS:
        of_param, of_metric = (run.get("params") or {}).get(axis), (run.get("metrics") or {}).get(axis)
        first, second = (of_param, of_metric) if given else (of_metric, of_param)
        found = second if first is None else first
        return run.get(axis) if found is None and axis in ATTRIBUTES else found
    where = {"param": "params", "tag": "tags", "metric": "metrics"}.get(kind)
    return (run.get("figures") or {}).get(axis) if where is None else (run.get(where) or {}).get(name)
