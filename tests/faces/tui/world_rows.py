"""The rows and experiments of the fixed world."""

from __future__ import annotations

import math
from typing import Any

from tests.faces.fixed_runs import ago, make_experiment, make_run, one_of_five


def row(number: int, name: str, **fields: Any) -> dict[str, Any]:
    """A row of `runs.table`."""
    return make_run(number, name, **({"sparkline": []} | fields))


def falling(low: float, high: float = 2.3, count: int = 24, wobble: float = 0.05) -> list[float]:
    """A loss curve."""
    return [
        low + (high - low) * math.exp(-5 * at / count) * (1 + wobble * math.sin(at * 2.3))
        for at in range(count)
    ]


def mnist(last: float, best: float | None = None, **more: Any) -> dict[str, Any]:
    """What a run of mnist has measured."""
    return {
        "metric": "loss",
        "last": last,
        "best": best if best is not None else last,
        "last_step": 990,
        "sparkline": falling(last),
        **more,
    }


ROWS = [
    one_of_five(42, **mnist(0.0412)),
    one_of_five(41, sparkline=[], as_of=ago(seconds=2), params={"lr": "1e-2"}),
    one_of_five(40, **mnist(0.0398)),
    one_of_five(39, sparkline=[], params={"lr": "1e-1"}),
    one_of_five(38, params={"lr": "3e-3"}, **mnist(0.31)),
    row(
        37,
        "warm-finch-37",
        experiment="imagenet",
        target="dgx-02",
        status="Running",
        created=ago(hours=9),
        started=ago(hours=8.9),
        gpus=["0", "1", "4", "5"],
        as_of=ago(minutes=3),
        metric="acc",
        last=0.7412,
        best=0.7431,
        last_step=90000,
        sparkline=[1 - v / 2.4 for v in falling(0.6)],
        params={"lr": "0.1", "arch": "resnet50"},
    ),
    row(
        36,
        "shy-crane-36",
        experiment="imagenet",
        target="dgx-02",
        created=ago(days=2),
        started=ago(days=2),
        ended=ago(days=1, hours=3),
        exit_code=0,
        metric="acc",
        last=0.7558,
        best=0.7561,
        last_step=120000,
        sparkline=[1 - v / 2.4 for v in falling(0.58)],
        params={"lr": "0.05", "arch": "resnet50"},
    ),
    row(
        35,
        "old-wren-35",
        experiment="imagenet",
        target="dgx-02",
        status="Failed",
        created=ago(days=4),
        started=ago(days=4),
        ended=ago(days=3, hours=23),
        exit_code=137,
        signal=9,
        cause="memory",
        message="out of memory: the machine's kernel ended python (41.2 GB)",
        params={"lr": "0.4", "arch": "vit-b"},
    ),
]

EXPERIMENTS = [
    make_experiment(1, "mnist", runs=5),
    make_experiment(2, "imagenet", primary_metric="acc", goal="maximize", primary_set=True, runs=3),
]
