"""What stands on the x axis of a metric's curve: its steps, time, or another metric. Pure."""

from __future__ import annotations

from workbench.text.axis import Kind
from workbench.text.sanitize import clean_name

LONGEST = 200
"""Characters of a name."""
STEP, RELATIVE, TIME, METRIC = "step", "relative", "time", "metric:"
"""The x axes: steps, seconds since the run started, seconds since 1970, or METRIC and a metric's name."""


def kind_of(x: str) -> Kind:
    """What an x axis counts."""
    kinds: dict[str, Kind] = {STEP: "count", RELATIVE: "duration", TIME: "moment"}
    return kinds.get(x, "number")


def label_of(x: str) -> str:
    """What an x axis is called in a picture."""
    names = {RELATIVE: "since start", TIME: "time"}
    return names.get(x, clean_name(x.removeprefix(METRIC), LONGEST))
