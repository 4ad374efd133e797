"""wb run metrics: several metrics of several runs, as points and as pictures, on a terminal and in files."""

from __future__ import annotations

import csv
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.faces.conftest import Wb
from tests.faces.fixed_runs import ago
from tests.faces.scripted import RUNS, TTY, World
from workbench.errors import NotFound

COLUMNS = {"steps": [0, 1], "times": [1_795_435_200_000_000, 1_795_435_201_000_000], "values": [1.5, "inf"]}
SERIES = [
    {"name": name, "rank": 0, "attempt": 1, "count": 50, "first_step": 0, "last_step": 49, "last": 7.0}
    for name in ("loss", "acc")
]
ENVELOPE = [
    {"first_step": n, "last_step": n, "min": 1.0, "max": 2.0, "last": "nan" if n == 9 else 1.5, "count": 1}
    for n in range(50)
]


def drawn_world() -> World:
    return World(runs__metrics=SERIES, runs__envelope=ENVELOPE)


def test_points_of_several_metrics_and_runs_are_one_list(wb: Wb, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    world = World(runs__points=COLUMNS)
    done = wb(
        "run",
        "metrics",
        "@1",
        "loss",
        "acc",
        "--with",
        "brisk-heron-41",
        "--plot",
        "--to",
        str(path),
        world=world,
    )
    assert done == (0, "", "")
    rows = list(csv.reader(path.read_text().splitlines()))
    assert rows[0] == ["run", "name", "step", "time", "value"]
    assert rows[2] == [RUNS[0]["name"], "loss", "1", "2026-11-23T12:00:01Z", "inf"]
    assert len(rows) == 1 + 2 * 2 * 2


def test_a_spike_is_seen_in_a_trend_and_numbers_in_names_count(wb: Wb) -> None:
    flat = {"first_step": 0, "last_step": 9, "min": 1.0, "max": 1.0, "last": 1.0, "count": 10}
    buckets = [flat | {"first_step": 10 * n, "last_step": 10 * n + 9} for n in range(32)]
    buckets[16] |= {"max": 50.0}
    series = [SERIES[0] | {"name": f"head{n}"} for n in (1, 10, 2)]
    world = World(runs__metrics=series, runs__envelope=buckets)
    done = wb("run", "metrics", "@1", world=world, terminal=TTY)
    rows = [line.split() for line in done.out.splitlines()[1:4]]
    assert [row[0] for row in rows] == ["head1", "head2", "head10"]
    assert rows[0][-1] == "⣀⣀⣀⣀⣀⣀⣀⣀⣇⣀⣀⣀⣀⣀⣀⣀"


def test_a_run_without_the_metric_has_no_rows_and_a_name_of_no_run_is_an_error(wb: Wb) -> None:
    def missing(**_: object) -> dict[str, object]:
        raise NotFound("no metric 'x' in this run", "wb run metrics ID shows them")

    done = wb("run", "metrics", "@1", "x", "--with", "brisk-heron-41", world=World(runs__points=missing))
    assert (done.code, done.out) == (3, "")


def test_a_picture_of_several_runs_names_them(wb: Wb) -> None:
    out = wb(
        "run", "metrics", "@1", "loss", "--with", "vivid-lark-40", "--plot", world=drawn_world(), terminal=TTY
    ).out
    assert out.splitlines()[0].count("━━") == 2
    assert RUNS[0]["name"] in out.splitlines()[0]
    assert "loss" not in out.splitlines()[0]
    assert "×" in out, "nan has its sign"


@pytest.mark.parametrize("plot", [["--plot"], []])
def test_a_file_of_svg_is_a_picture_whether_plot_is_said_or_not(
    wb: Wb, tmp_path: Path, plot: list[str]
) -> None:
    path = tmp_path / "loss.svg"
    words = ["run", "metrics", "@1", "loss", "acc", *plot, "--smooth", "0.9", "--to", str(path)]
    assert wb(*words, world=drawn_world()) == (0, "", "")
    root = ElementTree.parse(path).getroot()
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"loss, acc", "loss 1.5", "acc 1.5", "step"} <= set(texts)


def test_what_cannot_be_one_file_is_refused_in_words(wb: Wb, tmp_path: Path) -> None:
    several = wb("run", "metrics", "@1", "--to", str(tmp_path / "a.svg"), world=drawn_world())
    assert (several.code, "a file holds one picture" in several.err) == (2, True)
    data = wb(
        "run", "metrics", "@1", "loss", "-o", "csv", "--to", str(tmp_path / "a.svg"), world=drawn_world()
    )
    assert (data.code, "no other format" in data.err) == (2, True)
    named = wb("run", "metrics", "@1", "--with", "brisk-heron-41", world=drawn_world())
    assert (named.code, "name the metric" in named.err) == (2, True)


@pytest.mark.parametrize(("said", "asked"), [("time", "time"), ("relative", "time"), ("acc", "metric:acc")])
def test_the_x_axis_of_a_picture(wb: Wb, said: str, asked: str) -> None:
    world = World(
        runs__metrics=SERIES,
        runs__envelope=[{**bucket, "first_x": 1e9, "last_x": 1e9} for bucket in ENVELOPE],
        runs__get={**RUNS[0], "started": ago(minutes=4)},
    )
    out = wb("run", "metrics", "@1", "loss", "--plot", "--x", said, world=world, terminal=TTY).out
    assert {"time": "time", "relative": "since start"}.get(said, said) in out
    assert [arguments["x"] for operation, arguments in world.calls if operation == "runs.envelope"] == [asked]


ROWS = [
    {
        "id": f"R{n}",
        "name": f"run-{n}",
        "params": {"lr": f"1e-{n}", "act": "relu" if n % 2 else "gelu"},
        "metrics": {"loss": n / 10},
    }
    for n in range(1, 5)
]


def test_runs_are_drawn_as_dots(wb: Wb, tmp_path: Path) -> None:
    world = World(runs__table={"rows": ROWS, "total": 4, "sequence": 1})
    out = wb(
        "run", "plot", "--x", "lr", "--y", "loss", "--log-x", "status=completed", world=world, terminal=TTY
    ).out
    assert out.startswith("loss\n")
    assert out.count("●") == 4
    assert world.calls[-1][1]["filter"] == "status=completed"
    assert (
        wb("run", "plot", "--x", "act", "--y", "loss", world=world).out.splitlines()[0]
        == "R1\trun-1\trelu\t0.1"
    )
    path = tmp_path / "runs.svg"
    assert wb("run", "plot", "--x", "act", "--y", "loss", "--to", str(path), world=world).code == 0
    titles = [
        title.text for title in ElementTree.parse(path).getroot().iter("{http://www.w3.org/2000/svg}title")
    ]
    assert titles[1:] == ["run-1", "run-2", "run-3", "run-4"]
    none = wb("run", "plot", "--x", "wd", "--y", "loss", world=world)
    assert (none.code, "no run has both wd and loss" in none.err) == (3, True)
    texts = wb("run", "plot", "--x", "act", "--y", "loss", "--log-x", world=world)
    assert (texts.code, "it has no logarithm" in texts.err) == (2, True)
