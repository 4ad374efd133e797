"""Child runs of a real run on a real machine, seen from this side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from workbench import Workspace
from workbench.errors import Conflict
from workbench.home import find_home

SCRIPT = """
from workbench import Run

run = Run.get_context()
for fold in range(3):
    with run.child_run(f"fold {fold}") as child:
        child.tag("fold", fold)
        for step in range(5):
            child.log("loss", 1 / (step + 1 + fold))
        open("model.txt", "w").write(f"weights of {fold}")
        child.upload_file("model.txt", "model.txt")
try:
    with run.child_run("the bad one"):
        raise RuntimeError("diverged")
except RuntimeError:
    pass
print("all folds done")
"""


@pytest.fixture
def workspace(wb: Wb, server: SshServer, tmp_path: Path):
    attach(wb, server)
    with Workspace.open("default", embedded=False, home=find_home(wb.environ)) as opened:
        yield opened


def test_a_sweep_in_one_script_and_a_child_submitted_below_it(
    workspace: Workspace, wb: Wb, tmp_path: Path
) -> None:
    """AZ-81, AZ-82, AZ-83, AZ-84."""
    code = tmp_path / "project"
    code.mkdir()
    (code / "sweep.py").write_text(SCRIPT)
    parent = workspace.submit(
        workspace.configure(command=["python", "sweep.py"], code=str(code), experiment="sweeps")
    )
    parent.wait_for_completion()
    made = parent.get_children()
    assert [(child.name, child.status) for child in made] == [
        ("fold 0", "Completed"), ("fold 1", "Completed"), ("fold 2", "Completed"), ("the bad one", "Failed"),
    ]  # fmt: skip
    assert parent.status == "Completed"
    best = made[0]
    assert best.get_metrics()["loss"] == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    assert [child.id for child in parent.get_children(tags={"fold": "1"})] == [made[1].id]
    assert best.parent is not None
    assert best.parent.id == parent.id
    [kept] = best.get_file_names()
    assert best.download_file(kept, tmp_path / "got").read_text() == "weights of 0"
    assert wb("logs", best.id).strip() == "all folds done"
    with pytest.raises(Conflict, match="made by"):
        best.cancel()

    below = made[0].submit_child(workspace.configure(command="echo below", experiment="sweeps"))
    below.wait_for_completion()
    tree = json.loads(wb("run", "children", parent.id, "-o", "json"))
    assert [run["id"] for run in tree] == [made[0].id, below.id, *(child.id for child in made[1:])]
    wb("submit", "--parent", parent.id, "--wait", "--", "true")
    side_by_side = json.loads(wb("run", "compare", parent.id, "--children", "--all", "-o", "json"))
    assert [run["name"] for run in side_by_side["runs"]][:3] == ["fold 0", "fold 1", "fold 2"]
    groups = json.loads(wb("run", "compare", parent.id, made[0].id, "--children", "--all", "-o", "json"))
    assert groups["metrics"]["loss"]["values"] == [pytest.approx((1 / 5 + 1 / 6 + 1 / 7) / 3), None]
    listed = json.loads(wb("ps", "-o", "json"))
    assert [run["id"] for run in listed] == [parent.id]
    assert listed[0]["children"]["count"] == 6
    assert listed[0]["children"]["failed"] == 1
    found = json.loads(wb("ps", "loss<0.25 fold=0", "-o", "json"))
    assert [run["id"] for run in found] == [best.id]
    assert len(json.loads(wb("ps", "--children", "-o", "json"))) == 7
