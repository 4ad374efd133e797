"""Runs below a run as one: what sweeps and repetitions are compared by."""

from __future__ import annotations

import math

from tests.store_making import make_run
from workbench.entities.run import MetricValue
from workbench.runs.together import together


def measured(number, lr, **metrics):
    values = {name: MetricValue(last=value, min=value - 1, max=value + 1) for name, value in metrics.items()}
    return make_run(number, metrics=values, params={"lr": lr, "seed": str(number), "model": "vit"})


def test_metrics_are_means_spreads_and_extremes():
    parent = make_run(1, metrics={"loss": MetricValue(last=99.0)}, params={"own": "1"})
    below = [
        measured(2, "0.1", loss=1.0, acc=0.5),
        measured(3, "0.1", loss=3.0),
        measured(4, "0.3", loss=math.nan),
    ]
    found = together(parent, below)
    assert found.name == "calm-otter-1 (3 runs)"
    assert (found.metrics["loss"].last, found.metrics["loss"].max, found.metrics["loss"].count) == (
        2.0,
        4.0,
        3,
    )
    assert found.metrics["loss sd"].last == math.sqrt(2)
    assert found.metrics["acc"].last == 0.5
    assert "acc sd" not in found.metrics
    assert found.params == {"lr": "0.1, 0.3", "seed": "2, 3, 4", "model": "vit"}


def test_many_values_of_a_param_are_told_by_their_range():
    below = [measured(number, f"{number}e-3", loss=1.0) for number in range(1, 9)]
    assert together(make_run(20), below).params["lr"] == "0.001 to 0.008 (8 values)"
    names = [make_run(number, params={"model": f"net-{number}"}) for number in range(1, 9)]
    assert together(make_run(20), names).params["model"] == "8 values"


def test_a_run_without_children_is_itself():
    alone = make_run(1, metrics={"loss": MetricValue(last=1.0)})
    assert together(alone, []) is alone
