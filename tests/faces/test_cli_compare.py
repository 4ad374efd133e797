"""`wb run compare` and `diff`: what differs between runs, in columns and below them."""

import json
from pathlib import Path

from tests.faces.conftest import Wb
from tests.faces.fixed_runs import make_run
from tests.faces.scripted import RUNS, TTY, World
from tests.png_making import gradient
from workbench.errors import NotFound

COMPARED = {
    "runs": [RUNS[0], RUNS[2]],
    "params": {"lr": ["3e-4", None]},
    "metrics": {"loss": {"values": [0.0412, 0.0398], "best": 1, "goal": "minimize"}},
    "facts": {"target": ["gpu1", "lab-7"]},
    "code": [{"path": "train.py", "changes": [None, "modified"]}],
}


def test_compare_shows_what_differs(wb: Wb) -> None:
    world = World(runs__compare=COMPARED)
    assert wb("run", "compare", "a", "b", world=world, terminal=TTY).out.splitlines() == [
        "            calm-otter-42  vivid-lark-40",
        "status          ● running    ✔ completed",
        "params",
        "  lr                 3e-4              -",
        "metrics",
        "  loss ↓           0.0412       ★ 0.0398",
        "facts",
        "  target             gpu1          lab-7",
        "code",
        "  train.py              -       modified",
    ]
    assert wb("run", "compare", "a", "b", world=world).out == (
        "param\tlr\t3e-4\t\nmetric\tloss\t0.0412\t0.0398\nstar\tloss\t\t*\n"
        "fact\ttarget\tgpu1\tlab-7\ncode\ttrain.py\t\tmodified\n"
    )
    assert wb("run", "compare", "a", "b", "-o", "csv", world=world).out.startswith(
        "kind,name,calm-otter-42,vivid-lark-40"
    )
    assert json.loads(wb("run", "compare", "a", "b", "-o", "json", world=world).out) == COMPARED
    assert wb("run", "compare", "a", "--save", "x", world=world).code == 2


def test_runs_that_do_not_differ_are_said_not_to(wb: Wb) -> None:
    same = {key: [] if key == "code" else {} for key in COMPARED if key != "runs"}
    done = wb("run", "compare", "a", "b", world=World(runs__compare={**COMPARED, **same}), terminal=TTY)
    assert "they do not differ; --all shows what is the same" in done.err


def test_a_comparison_is_saved_and_shown_again(wb: Wb) -> None:
    kept = {
        "name": "sweep",
        "runs": ["a" * 26, "b" * 26, "c" * 26],
        "gone": ["c" * 26],
        "note": "# \x1b[2JWhy",
        "created": "2026-11-23T12:00:00Z",
    }
    world = World(
        runs__compare=COMPARED,
        comparisons__save=kept,
        comparisons__get=kept,
        comparisons__list=[kept],
        comparisons__remove={},
        comparisons__describe=kept,
    )
    assert wb("run", "compare", "@1", "@2", "--save", "sweep", world=world).code == 0
    assert world.calls[-1] == ("runs.compare", {"runs": kept["runs"]})
    again = wb("run", "compare", "sweep", world=world, terminal=TTY)
    assert world.calls[-1] == ("runs.compare", {"runs": kept["runs"][:2]})
    assert "1 run of sweep no longer here" in again.err
    assert wb("run", "comparisons", world=world, terminal=TTY).out.splitlines()[1].split() == [
        "sweep",
        "3",
        "runs",
        "1",
        "Why",
    ]
    wb("run", "comparisons", "--search", "lr", world=world)
    assert world.calls[-1] == ("comparisons.list", {"text": "lr"})
    assert wb("run", "comparisons", "sweep", "--note", world=world, terminal=TTY).out == "# Why\n"
    wb("run", "comparisons", "sweep", "the", "best", "--note", world=world)
    assert world.calls[-1] == ("comparisons.describe", {"name": "sweep", "note": "the best"})
    wb("run", "comparisons", "sweep", "--remove", world=world)
    assert world.calls[-1] == ("comparisons.remove", {"name": "sweep"})
    assert wb("run", "comparisons", "--remove", world=world).code == 2


def test_compare_tells_distances_and_says_what_it_guessed(wb: Wb) -> None:
    metrics = {
        "acc": {
            "values": [0.5, 0.75],
            "deltas": [0.0, 0.25],
            "best": 1,
            "goal": "maximize",
            "guessed": True,
            "peaks": [0.5, 0.8],
        },
        "epoch": {"values": [3, 4], "deltas": [0, 1]},
    }
    world = World(runs__compare={**COMPARED, "metrics": metrics, "tags": {"a|b": ["1", None]}})
    shown = wb("run", "compare", "a", "b", world=world, terminal=TTY)
    assert "  acc ↑?             0.50  ★ 0.75    +0.25" in shown.out.splitlines()
    assert "  epoch                 3       4       +1" in shown.out.splitlines()
    assert ["best", "0.5", "0.8"] in [line.split() for line in shown.out.splitlines()]
    plain = wb("run", "compare", "a", "b", world=world).out.splitlines()
    assert plain[1:7] == [
        "metric\tacc\t0.5\t0.75",
        "delta\tacc\t0.0\t0.25",
        "best\tacc\t0.5\t0.8",
        "star\tacc\t\t*",
        "metric\tepoch\t3\t4",
        "delta\tepoch\t0\t1",
    ]
    assert "guessed from the metric's name" in shown.err
    document = wb("run", "compare", "a", "b", "-o", "markdown", world=world).out
    assert "| acc ↑? | 0.50 | ★ 0.75 +0.25 |" in document
    assert "| best acc | 0.5 | 0.8 |" in document
    assert "| a\\|b | 1 | - |" in document


def test_changed_files_are_listed_with_their_lines(wb: Wb) -> None:
    found = [
        {"path": "t.py\x1b[2J", "change": "modified", "added": 3, "removed": 1},
        {"path": "w.bin", "change": "added"},
    ]
    world = World(runs__changed_files=found)
    assert wb("run", "diff", "a", "b", "--stat", world=world, terminal=TTY).out.splitlines() == [
        "CHANGE     +   -  PATH",
        "modified  +3  -1  t.py",
        "added      -   -  w.bin",
    ]
    assert wb("run", "diff", "a", "--stat", world=world).code == 2


def test_compare_names_some_of_many_packages_last(wb: Wb) -> None:
    """AZ-90 in part: two environments may differ in hundreds; nothing else is buried below them."""
    packages = {f"package-{number:03}": [None, f"1.{number}"] for number in range(100)}
    world = World(runs__compare={**COMPARED, "packages": packages})
    shown = wb("run", "compare", "a", "b", world=world, terminal=TTY).out.splitlines()
    assert shown[-1] == "  80 more"
    assert shown.index("code") < shown.index("packages")
    assert shown[-2].split() == ["package-019", "-", "1.19"]
    every = wb("run", "compare", "--all", "a", "b", world=world, terminal=TTY).out.splitlines()
    assert every[-1].split() == ["package-099", "-", "1.99"]
    assert wb("run", "compare", "a", "b", world=world).out.count("\npackage\t") == 100


def test_a_star_needs_a_rival(wb: Wb) -> None:
    metrics = {"loss": {"values": [0.5, None], "best": 0, "goal": "minimize"}}
    world = World(runs__compare={**COMPARED, "metrics": metrics})
    assert "★" not in wb("run", "compare", "a", "b", world=world, terminal=TTY).out


def test_what_a_column_would_cut_is_compared_below_the_table(wb: Wb) -> None:
    facts = {"command": ["python train.py --lr 0.1", "python train.py --lr 0.2"]}
    two = World(runs__compare={**COMPARED, "facts": facts})
    assert "\n  command  " in wb("run", "compare", "a", "b", world=two, terminal=TTY).out
    three = {
        "runs": [*RUNS[:3]],
        "params": {},
        "metrics": {},
        "facts": {"command": [f"python train.py --lr 0.{n}" for n in range(3)]},
        "code": [],
    }
    out = wb("run", "compare", "a", "b", "c", world=World(runs__compare=three), terminal=TTY).out
    assert "\n\ncommand\n" in out
    assert "…" not in out


def test_long_values_are_compared_below_the_table(wb: Wb) -> None:
    """A command line would stretch every column; runs that are equally good are marked alike."""
    facts = {"command": ["python train.py --epochs 8 --lr 0.1", "python train.py"]}
    metrics = {"loss": {"values": [0.5, 0.5], "best": 0, "goal": "minimize"}}
    world = World(runs__compare={**COMPARED, "facts": facts, "metrics": metrics, "params": {}, "code": []})
    assert wb("run", "compare", "a", "b", world=world, terminal=TTY).out.splitlines() == [
        "          calm-otter-42  vivid-lark-40",
        "status        ● running    ✔ completed",
        "metrics",
        "  loss ↓          ★ 0.5          ★ 0.5",
        "",
        "command",
        "  calm-otter-42  python train.py --epochs 8 --lr 0.1",
        "  vivid-lark-40  python train.py",
    ]


def test_many_runs_are_compared_below_each_other(wb: Wb) -> None:
    runs = [make_run(n, f"calm-otter-{n}") for n in range(20)]
    world = World(
        runs__compare={
            **COMPARED,
            "runs": runs,
            "params": {"lr": [str(n) for n in range(20)]},
            "metrics": {},
            "facts": {},
            "code": [],
        }
    )
    out = wb("run", "compare", "a", "b", world=world, terminal=TTY).out
    assert all(f"-{n}" in out for n in range(20))
    assert all(len(line) <= 80 for line in out.splitlines())


def test_diff_is_text(wb: Wb) -> None:
    text = "--- a/t.py\n+++ b/t.py\n@@ -1 +1 @@\n-x\n+y\x1b[2J\n"
    world = World(runs__diff={"text": text})
    assert wb("run", "diff", "a", "b", world=world).out == text
    shown = wb("run", "diff", "a", "b", "t.py", world=world, terminal=TTY._replace(colour=True)).out
    assert "\x1b[32m+y\x1b[0m" in shown
    assert world.calls[-1][1] == {"a": "a", "b": "b", "path": "t.py"}
    assert (
        wb("run", "diff", "a", "b", world=World(runs__diff={"text": ""}), terminal=TTY).err
        == "both ran the same code\n"
    )


def test_a_report_has_what_was_logged_and_its_pictures_where_they_can_be_shown(
    wb: Wb, tmp_path: Path
) -> None:
    logged = [
        {"name": "phase", "kind": "text", "count": 2},
        {"name": "sample", "kind": "image", "count": 1, "path": "outputs/a.png"},
    ]

    def world() -> World:
        return World(
            comparisons__get=NotFound("no such comparison"),
            runs__logged=logged,
            runs__texts={"phase": [[9, "cool down"]]},
            runs__files=[],
            runs__download=[gradient(4, 3)],
        )

    place = tmp_path / "one.html"
    assert wb("run", "report", "@1", "--to", str(place), world=world()).out.split() == [str(place)]
    assert 'src="data:image/png;base64,' in place.read_text()
    assert "cool down" in place.read_text()
    asked = world()
    said = wb("run", "report", "@1", "--to", "-", world=asked).out
    assert "| phase | cool down |" in said
    assert f"wb run download {RUNS[0]['id']} outputs/a.png" in said
    assert "runs.download" not in [name for name, _ in asked.calls]
    asked = world()
    assert "cool down" not in wb("run", "report", "@1", "--to", "-", "--no-values", world=asked).out
    assert "runs.logged" not in [name for name, _ in asked.calls]
