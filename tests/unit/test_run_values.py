"""Pure values of the runs room: specs, statuses, comparisons, which files may be fetched."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workbench.entities.base import from_wire, to_wire
from workbench.entities.configuration import RunConfiguration
from workbench.entities.experiment import Goal
from workbench.entities.run import GitFacts, MetricValue, Run, RunFile, RunState
from workbench.entities.snapshot import Entry, Manifest
from workbench.entities.target import Target, TargetKind, TargetSettings
from workbench.errors import RemoteError
from workbench.runs.collect import choose, readable_files, safe_path
from workbench.runs.compare import Judge, Side, compare
from workbench.runs.spec import make_spec, run_from_spec
from workbench.runs.status import read_status
from workbench.settings import CollectSettings

NOW = datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=UTC)
ID = "01M84463QWAFX9FSQ1YNP1MZY0"


def make_run(**changes):
    return Run(
        **{"id": ID, "name": "calm-otter-1", "experiment": "e", "target": "gpu1", "created": NOW, **changes}
    )


def test_a_spec_rebuilds_the_row_it_was_made_from():
    """Law 10: the laptop can be lost."""
    configuration = RunConfiguration(
        command=["python", "train.py", "--lr", "3e-4"],
        experiment="e",
        tags={"a": None},
        timeout=5.0,
        gpus=2,
        inputs={"x": 1},
    )
    run = make_run(
        command="python train.py --lr 3e-4", params={"lr": "3e-4"}, tags={"a": None}, snapshot="f" * 64,
        git=GitFacts(commit="abc", dirty=True), submitted_by="ann@laptop", properties={"p": "1"},
    )  # fmt: skip
    target = Target(
        name="gpu1", kind=TargetKind.SSH, created=NOW, settings=TargetSettings(setup=["module load cuda"])
    )
    spec = make_spec(run, configuration, target, "default")
    assert run_from_spec(spec, "gpu1") == (run, configuration)
    assert spec["setup"] == ["module load cuda"]
    assert spec["gpus"] == 2


@pytest.mark.parametrize(
    "damage", [{"configuration": {}}, {"created": "x"}, {"run": "../../etc"}, {"tags": 5}]
)
def test_a_damaged_spec_is_an_error_in_words(damage):
    target = Target(name="gpu1", kind=TargetKind.SSH, created=NOW)
    spec = make_spec(make_run(), RunConfiguration(command="true"), target, "default")
    with pytest.raises(RemoteError):
        run_from_spec({**spec, **damage}, "gpu1")


def test_secrets_are_in_no_spec():
    configuration = RunConfiguration(command="true", secrets=["TOKEN"])
    spec = make_spec(make_run(), configuration, Target(name="t", kind=TargetKind.SSH, created=NOW), "default")
    assert set(spec) >= {"configuration"}
    assert "secrets" not in spec


def test_a_hostile_status_is_read_as_far_as_it_makes_sense():
    status = read_status({
        "transitions": [
            {"seq": 2, "state": "Running", "time": 5.0},
            {"seq": 1, "state": "NotStarted", "time": 1.0},
            {"seq": 3, "state": "Exploded", "time": 6.0},
            {"seq": "x", "state": "Failed", "time": 6.0}, 17, None, {"seq": 4, "state": "Failed", "time": 1e300},
        ],
        "gpus": ["GPU-1", 7], "note": "\x1b[2Jqueued", "resources": {"cpu_seconds": "x", "peak_memory": 12},
    })  # fmt: skip
    assert [transition.state for transition in status.transitions] == [RunState.NOT_STARTED, RunState.RUNNING]
    assert "\x1b" not in (status.note or "")
    assert status.resources is not None
    assert status.resources.cpu_seconds is None
    assert status.resources.peak_memory == 12
    assert read_status({}).transitions == []
    assert read_status({"transitions": 5, "gpus": "no", "note": 1}).gpus == []


@pytest.mark.parametrize(("path", "safe"), [
    ("outputs/model.bin", True), ("logs/a/b.txt", True), ("outputs/ü ß.txt", True), ("outputs", False),
    ("../outputs/x", False), ("outputs/../../x", False), ("/outputs/x", False), ("code/train.py", False),
    ("outputs//x", False), ("outputs/./x", False), ("outputs/a\0b", False), ("outputs/\x1b[31mx", False),
    ("outputs/" + "x" * 5000, False), ("", False),
])  # fmt: skip
def test_only_paths_below_outputs_and_logs_are_fetched(path, safe):
    assert safe_path(path) is safe


def test_one_sick_entry_of_a_listing_hides_no_other():
    listing = [{"path": "outputs/a", "size": 1, "modified": 2.0}, 5, {"path": "outputs/b"}, {"path": "../x", "size": 1,
               "modified": 1.0}, {"path": "outputs/c", "size": 1, "modified": float("inf")}]  # fmt: skip
    assert [file.path for file in readable_files(listing)] == ["outputs/a"]
    assert readable_files(None) == []


def test_small_files_are_chosen_within_the_limits():
    """AZ-86"""
    files = [RunFile(path=f"outputs/{size}", size=size) for size in (1, 50, 60, 101)] + [
        RunFile(path="logs/x", size=2)
    ]
    chosen = choose(files, CollectSettings(max_file=100, max_run=60))
    assert [file.path for file in chosen] == ["outputs/1", "logs/x", "outputs/50"]
    assert [file.path for file in choose(files, CollectSettings(), "logs/")] == ["logs/x"]


def test_a_comparison_shows_only_what_differs_and_names_the_best():
    runs = [
        make_run(params={"lr": "1", "n": "2"}, metrics={"loss": MetricValue(last=0.5, min=0.1, max=1.0)}),
        make_run(params={"lr": "3", "n": "2"}, metrics={"loss": MetricValue(last=0.3, min=0.2, max=1.0)}),
        make_run(params={"n": "2"}, metrics={"loss": MetricValue(last=float("nan"))}, target="lab"),
    ]
    sides = [Side(run) for run in runs]
    found = compare(sides, judged={"loss": Judge(Goal.MINIMIZE, False)}, primary="loss")
    assert found.params == {"lr": ["1", "3", None]}
    assert found.facts == {"target": ["gpu1", "gpu1", "lab"]}
    assert found.best == 1
    assert found.metrics["loss"].best == 1
    assert to_wire(found)["metrics"]["loss"]["values"] == [0.5, 0.3, "nan"]
    assert found.metrics["loss"].peaks == [0.1, 0.2, None]
    assert found.metrics["loss"].deltas[:2] == [0.0, 0.3 - 0.5]
    assert "n" in compare(sides, everything=True).params


def test_no_run_is_called_the_best_by_a_goal_that_nobody_knows():
    runs = [
        make_run(metrics={name: MetricValue(last=value) for name in ("epoch", "acc")}) for value in (1, 2)
    ]
    found = compare([Side(run) for run in runs]).metrics
    assert (found["epoch"].best, found["epoch"].goal, found["epoch"].deltas) == (None, None, [0, 1])
    assert (found["acc"].best, found["acc"].goal, found["acc"].guessed) == (1, Goal.MAXIMIZE, True)
    same = [make_run(metrics={"epoch": MetricValue(last=float("nan"))})] * 2
    assert not compare([Side(run) for run in same]).metrics
    assert "epoch" in compare([Side(run) for run in same], everything=True).metrics


def test_what_a_run_was_asked_to_be_and_ran_on_is_compared():
    patch = "diff --git a/t.py b/t.py\n--- a/t.py\n+++ b/t.py\n@@ -1,2 +1 @@\n-x\n--- y\n+z\n"
    facts = {
        "hostname": "gpu1",
        "cpus": 8,
        "gpus": [{"uuid": "GPU-1", "name": "A100"}, {"uuid": "GPU-2", "name": "H100"}],
    }
    git = GitFacts(commit="c" * 40, dirty=True)
    sides = [
        Side(
            make_run(gpus=["GPU-2"], git=git),
            configuration=RunConfiguration(
                command="x", inputs={"data": "data:3"}, environment_variables={"A": "1"}
            ),
            machine=facts,
            patch=patch,
        ),
        Side(
            make_run(git=git),
            configuration=RunConfiguration(command="x"),
            machine={"cpus": "?", "gpus": ["x"]},
        ),
    ]
    found = compare(sides).facts
    assert found["GPU models"] == ["1 x H100", None]
    assert found["env A"] == ["1", None]
    assert found["input data"] == ["data:3", None]
    assert found["git patch"][0].startswith("1 file +1 -2 (")
    assert "git commit" not in found


def test_the_code_of_compared_runs_is_held_against_the_first():
    def manifest(**files):
        return Manifest(entries=tuple(Entry(path=name, sha256=sha) for name, sha in files.items()))

    trees = [manifest(a="1", b="2"), manifest(a="1", b="3", c="4"), None, manifest(a="1")]
    changes = compare([Side(make_run(), tree) for tree in trees]).code
    assert {change.path: change.changes for change in changes} == {
        "b": [None, "modified", None, "removed"],
        "c": [None, "added", None, None],
    }


def test_entities_survive_json_with_numbers_it_cannot_carry():
    run = make_run(metrics={"loss": MetricValue(last=float("inf"), count=3)}, tags={"bare": None})
    wire = to_wire(run)
    assert wire["metrics"]["loss"]["last"] == "inf"
    assert wire["tags"] == {"bare": None}
    assert "ended" not in wire
    assert from_wire(Run, wire) == run
