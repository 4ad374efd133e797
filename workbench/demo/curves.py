"""The demo's picture: how the metric went in every run, over each other."""

from __future__ import annotations

from typing import Any

from workbench.text.curves import from_bucket
from workbench.text.plot import Frame, Series, plot
from workbench.text.style import Look
from workbench.workspace import Workspace

LINES = 18
LEAST = 60
"""Cells below which there is no picture."""


def curves(
    workspace: Workspace, comparison: dict[str, Any], metric: str, params: list[str], look: Look
) -> list[str]:
    """Lines of the picture; none where lines could not be told from each other, or where it is too narrow."""
    if look.width < LEAST or not (look.colour or look.ascii_only):
        return []
    series = []
    for index, run in enumerate(comparison["runs"]):
        label = " ".join(f"{name} {comparison['params'][name][index]}" for name in params)
        buckets = workspace.call("runs", "envelope", run=run["id"], name=metric, buckets=look.width * 2)
        series.append(Series(label, [from_bucket(bucket) for bucket in buckets]))
    frame = Frame(look.width - 4, LINES, title=metric, colour=look.colour, ascii_only=look.ascii_only)
    return [*plot(series, frame), ""]
