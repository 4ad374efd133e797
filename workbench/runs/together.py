"""The runs below a run as one, so that sweeps and repetitions are compared as groups. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from workbench.entities.base import replace
from workbench.entities.run import MetricValue, Run
from workbench.text.numbers import counted, short

MOST_VALUES = 4
"""Different values of a param that are named."""
SPREAD = "sd"


def together(parent: Run, below: Sequence[Run]) -> Run:
    """A run with what those below it measured and were given in place of its own; itself where none is below.

    A metric's last value is the mean of theirs, its lowest and highest are those of all, its count is how
    many runs have it; "NAME sd" is the standard deviation of a sample. A param that differs names its values.
    """
    if not below:
        return parent
    names = dict.fromkeys(name for run in below for name in run.metrics)
    params = dict.fromkeys(name for run in below for name in run.params)
    metrics: dict[str, MetricValue] = {}
    for name in names:
        values = [run.metrics[name] for run in below if name in run.metrics]
        lasts = [value.last for value in values if math.isfinite(value.last)]
        lows = [value.min for value in values if value.min is not None]
        highs = [value.max for value in values if value.max is not None]
        metrics[name] = MetricValue(
            last=statistics.fmean(lasts) if lasts else math.nan,
            min=min(lows, default=None),
            max=max(highs, default=None),
            count=len(values),
        )
        if len(lasts) > 1:
            metrics[f"{name} {SPREAD}"] = MetricValue(last=statistics.stdev(lasts), count=len(lasts))
    return replace(
        parent,
        name=f"{parent.name} ({counted(len(below), 'run')})",
        metrics=metrics,
        params={name: _param([run.params.get(name) for run in below]) for name in params},
    )


def _param(values: Sequence[str | None]) -> str:
    """One value where all have it; else the few there are, or the numbers they lie between."""
    different = list(dict.fromkeys("-" if value is None else value for value in values))
    if len(different) <= MOST_VALUES:
        return ", ".join(different)
    try:
        figures = [float(value) for value in different if value != "-"]
    except ValueError:
        return f"{len(different)} values"
    return f"{short(min(figures))} to {short(max(figures))} ({len(different)} values)"
