"""`wb run metrics`: a row a series, points, drawings."""

import json

from tests.faces.conftest import Wb
from tests.faces.scripted import TTY, World

SERIES = [
    {
        "name": "loss",
        "rank": 0,
        "count": 1000,
        "first_step": 0,
        "last_step": 999,
        "last": 0.04,
        "min": 0.04,
        "max": 2.3,
        "nan_count": 0,
    },
    {
        "name": "acc",
        "rank": 0,
        "count": 12000,
        "first_step": 0,
        "last_step": 999,
        "last": "nan",
        "nan_count": 3,
    },
]


ENVELOPE = [
    {"first_step": n, "last_step": n, "min": n / 9, "max": n / 5, "last": n / 7, "count": 1}
    for n in range(50)
]


def test_metrics_one_row_a_series(wb: Wb) -> None:
    world = World(runs__metrics=SERIES)
    assert (
        wb("run", "metrics", "@1", world=world).out.splitlines()[0]
        == "loss\t0\t1000\t0\t999\t0.04\t0.04\t2.3\t0"
    )
    assert wb("run", "metrics", "@1", world=world, terminal=TTY).out.splitlines() == [
        "METRIC  LAST   MIN  MAX  POINTS  STEPS  NAN",
        "acc      nan     -    -     12k  0-999    3",
        "loss    0.04  0.04  2.3    1000  0-999    0",
    ]


def test_attempts_of_a_series_are_told_apart(wb: Wb) -> None:
    """A resumed run goes on in series of its own; how it went is shown once, over all of them."""
    series = [{**SERIES[0], "attempt": attempt, "first_step": 500 * attempt} for attempt in (1, 2)]
    world = World(runs__metrics=series, runs__envelope=ENVELOPE)
    header, first, second = wb("run", "metrics", "@1", world=world, terminal=TTY).out.splitlines()
    assert header.split()[:2] == ["METRIC", "ATTEMPT"]
    assert (first.split()[1], second.split()[1]) == ("1", "2")
    assert (len(first.split()), len(second.split())) == (7, 8)


def test_points_of_one_metric(wb: Wb) -> None:
    points = [
        {"step": 0, "time": "2026-11-23T12:00:00Z", "value": 1.5},
        {"step": 1, "time": "2026-11-23T12:00:01Z", "value": "inf"},
    ]
    columns = {
        "steps": [0, 1],
        "times": [1_795_435_200_000_000, 1_795_435_201_000_000],
        "values": [1.5, "inf"],
    }
    world = World(runs__points=columns)
    assert wb("run", "metrics", "@1", "loss", world=world).out == (
        "0\t2026-11-23T12:00:00Z\t1.5\n1\t2026-11-23T12:00:01Z\tinf\n"
    )
    assert json.loads(wb("run", "metrics", "@1", "loss", "-o", "json", world=world).out) == points


def test_metrics_are_drawn(wb: Wb) -> None:
    world = World(runs__metrics=SERIES, runs__envelope=ENVELOPE)
    one = wb("run", "metrics", "@1", "loss", "acc", "--plot", world=world, terminal=TTY).out
    assert one.startswith("━━ loss 7   ━━ acc 7\n")
    assert len(one.splitlines()) == 20
    each = wb("run", "metrics", "@1", "--plot", world=world, terminal=TTY).out
    assert each.count("step") == 2
    done = wb("run", "metrics", "@1", "los", "--plot", world=world)
    assert done.code == 3
    assert "it has loss, acc" in done.err
