"""Child runs as a script makes them: ids of their own, files of their own, nothing asked of anybody."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
from pathlib import Path

import pytest

from tests.tracking_run import RUN, run  # noqa: F401 - a fixture
from workbench.remote.forms import protocol
from workbench.remote.runs import records
from workbench.remote.tracking.child_runs import ChildRun
from workbench.remote.tracking.complaints import TrackingWarning
from workbench.remote.tracking.offline import OfflineRun
from workbench.remote.tracking.run import Run


def files(found: Run) -> list[list[dict]]:
    """The records of each file in the run's folder that belongs to a child."""
    read = []
    for path in sorted((Path(found.directory) / "records").glob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        if "child" in lines[0]:
            read.append(lines)
    return read


def test_a_child_has_an_id_a_parent_and_records_of_its_own(run):  # noqa: F811
    """AZ-81, AZ-84: as a context manager it completes itself."""
    with run.child_run("fold 1") as child:
        child.log("loss", 0.5)
        child.tag("fold", 1)
        with child.child_run() as grandchild:
            grandchild.log("loss", 0.25)
    assert protocol.valid_run_id(child.id)
    assert (child.parent, child.name, child.get_tags(), child.get_metrics()) == (
        run, "fold 1", {"fold": "1"}, {"loss": 0.5},
    )  # fmt: skip
    assert grandchild.parent is child
    assert run.get_metrics() == {}
    told = {lines[0]["child"]["id"]: lines for lines in files(run)}
    assert told[child.id][0]["run"] == RUN
    assert told[child.id][0]["child"] == {"id": child.id, "name": "fold 1"}
    assert told[grandchild.id][0]["child"] == {"id": grandchild.id, "parent": child.id}
    assert [r["v"] for r in told[child.id] if r["k"] == "status"] == ["Running", "Completed"]


def test_a_child_that_raises_failed_and_its_parent_did_not(run):  # noqa: F811
    """AZ-83."""
    with pytest.raises(RuntimeError), run.child_run() as child:
        raise RuntimeError("no convergence")
    [lines] = files(run)
    assert lines[-1]["v"] == "Failed"
    assert "no convergence" in lines[-1]["message"]
    assert [found.status for found in run.get_children()] == ["Failed"]
    assert child.id == run.get_children(status="Failed")[0].id


def test_many_children_are_made_in_one_call_and_found_by_what_they_are(run):  # noqa: F811
    """AZ-81, AZ-84."""
    made = run.create_children(count=3, name="trial")
    assert [child.name for child in made] == ["trial 1", "trial 2", "trial 3"]
    tagged = run.create_children(tag_key="lr", tag_values=[0.1, 0.01])
    made[0].add_properties({"seed": 7})
    made[0].complete()
    below = made[1].child_run("inner")
    assert [child.id for child in run.get_children()] == [child.id for child in [*made, *tagged]]
    assert [child.id for child in run.get_children(tags={"lr": 0.01})] == [tagged[1].id]
    assert [child.id for child in run.get_children(tags="lr")] == [child.id for child in tagged]
    assert [child.id for child in run.get_children(properties={"seed": 7}, status="Completed")] == [
        made[0].id
    ]
    assert run.get_children(type="script") == []
    assert below.id in [child.id for child in run.get_children(recursive=True)]
    assert [child.id for child in made[1].get_children()] == [below.id]


@pytest.mark.parametrize(
    "asked", [{}, {"count": 2, "tag_key": "lr", "tag_values": [1]}, {"tag_values": [1]}, {"count": -1}]
)
def test_a_wrong_call_makes_no_child_and_raises_nothing(run, asked):  # noqa: F811
    with pytest.warns(TrackingWarning):
        assert run.create_children(**asked) == []
    assert files(run) == []


def test_files_of_a_child_lie_in_a_folder_of_its_own(run, tmp_path):  # noqa: F811
    (tmp_path / "model.bin").write_bytes(b"weights")
    for name in ("a", "b"):
        with run.child_run(name) as child:
            child.upload_file("model.bin", str(tmp_path / "model.bin"))
            assert (tmp_path / f"outputs/children/{child.id}/model.bin").read_bytes() == b"weights"
    assert [r["path"] for lines in files(run) for r in lines if r["k"] == "artifact"]


def test_more_children_than_files_that_may_be_open(run):  # noqa: F811
    """Each record lands in its child's one file, however often that rests meanwhile."""
    made = run.create_children(count=records.MOST_AWAKE * 2)
    before = len(os.listdir("/proc/self/fd"))
    for step in range(3):
        for child in made:
            child.log("loss", float(step))
    assert len(os.listdir("/proc/self/fd")) <= before + 2
    found = files(run)
    assert len(found) == len(made)
    assert all([r["v"] for r in lines if r["k"] == "metric"] == [0.0, 1.0, 2.0] for lines in found)


def test_a_child_goes_on_in_another_process(run):  # noqa: F811
    child = run.child_run("fold 1")
    worker = multiprocessing.get_context("fork").Process(target=child.log, args=("loss", 1.5))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    first, second = sorted(files(run), key=len, reverse=True)
    assert first[0]["child"] == second[0]["child"]
    again = pickle.loads(pickle.dumps(child))
    assert isinstance(again, ChildRun)
    assert (again.id, again.name, again.parent) == (child.id, child.name, run)


def test_outside_a_run_children_are_there_too(capsys):
    """AZ-102."""
    with OfflineRun().child_run("fold 1") as child:
        child.log("loss", 0.5)
        assert child.get_metrics() == {"loss": 0.5}
    assert child.name == "fold 1"
