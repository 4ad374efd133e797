"""A gate that has a version evaluated: on a machine, of the version's own files, on a given dataset version."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from workbench import Model, Workspace
from workbench.errors import Refused, UsageError
from workbench.home import find_home

TRAIN = """\
import json, os, sys
os.makedirs("outputs/model", exist_ok=True)
json.dump({"w": float(sys.argv[1])}, open("outputs/model/weights.json", "w"))
"""
EVALUATE = """\
import json, os, sys
from workbench import Run

model = json.load(open(os.path.join(sys.argv[1], "weights.json")))
wanted = float(open(os.path.join(sys.argv[2], "wanted.txt")).read())
Run.get_context().log("score", 1 - abs(model["w"] - wanted))
"""
JOB = """\
command: python evaluate.py ${{inputs.model}} ${{inputs.data}}
code: .
experiment_name: evaluation
display_name: how-to
inputs:
  model: {type: custom_model, path: "model:churn:1"}
  data: {type: uri_folder, path: "data:wanted:1"}
"""


def test_a_version_is_evaluated_once_and_promoted_by_what_was_measured(
    wb: Wb, server: SshServer, tmp_path: Path
) -> None:
    place = tmp_path / "project"
    (place / "data").mkdir(parents=True)
    (place / "data" / "wanted.txt").write_text("0.9")
    (place / "train.py").write_text(TRAIN)
    (place / "evaluate.py").write_text(EVALUATE)
    (place / "job.yml").write_text(JOB)
    attach(wb, server)
    wb("data", "register", "wanted", str(place / "data"))
    for name, worth in (("good", "0.9"), ("bad", "0.2")):
        wb("submit", "-e", "training", "--name", name, "-t", server.name, "--code", str(place), "--wait", "--",
           "python", "train.py", worth)  # fmt: skip
        wb("model", "register", "churn", "--run", name, "--path", "outputs/model")
    wb("submit", str(place / "job.yml"), "-t", server.name, "--wait", cwd=place)
    rule = "evaluation evaluation/how-to on data:wanted:1: score >= 0.9 and score >= champion.nothing"
    wb("model", "set", "churn", "--gate", rule.partition(" and ")[0], "--protect", "champion")
    wb("run", "rm", "how-to", "--yes")

    wb("model", "promote", "churn:1", "--to", "champion", "--dry-run", code=5)
    assert wb.json("run", "ls", "-e", "evaluation", "-n", "10") == [], "a dry run starts nothing"
    promoted = wb.run("model", "promote", "churn:1", "--to", "champion", "-o", "json")
    assert promoted.returncode == 0, promoted.stderr
    assert "score 1 >= 0.9" in promoted.stderr
    refused = wb.run("model", "promote", "churn:2", "--to", "champion")
    assert refused.returncode == 5
    assert "score 0.3 >= 0.9: no" in refused.stderr
    measured = wb.json("run", "ls", "-e", "evaluation", "-n", "10")
    assert {run["tags"]["evaluates"] for run in measured} == {"churn:1", "churn:2"}
    wb("model", "promote", "churn:2", "--to", "champion", "--evaluate", "--dry-run", code=5)
    assert len(wb.json("run", "ls", "-e", "evaluation", "-n", "10")) == 2, (
        "what was measured is not run again"
    )
    assert "became" in wb("run", "show", "good", "-o", "table")
    assert "churn:1" in wb("run", "show", "good", "-o", "table")
    assert wb.json("model", "show", "churn")["aliases"] == {"champion": 1}
    verdict = wb.json("model", "history", "churn")[0]["verdict"]
    assert verdict["lines"][0]["run"] in {run["id"] for run in measured}


def test_a_job_file_measures_both_on_the_same_data_from_a_gate_file_and_a_script(
    wb: Wb, server: SshServer, tmp_path: Path
) -> None:
    """The job file may go: what the gate took in is what runs. AZ forms name model and data."""
    place = tmp_path / "project"
    (place / "truth").mkdir(parents=True)
    (place / "truth" / "wanted.txt").write_text("0.9")
    (place / "evaluate.py").write_text(EVALUATE)
    (place / "eval.yml").write_text(
        JOB.replace("model:churn:1", "azureml:churn@latest")
        .replace("data:wanted:1", "azureml:wanted:1")
        .replace("display_name: how-to", f"compute: azureml:{server.name}")
    )
    (place / "gate.yml").write_text(
        "gate:\n- evaluation: {job: eval.yml, data: 'azureml:wanted:1'}\n"
        "  rules: [score > 0.5, score >= champion.score]\nprotect: champion\n"
    )
    attach(wb, server)
    wb("data", "register", "wanted", str(place / "truth"))
    for worth in ("0.5", "0.8", "0.6"):
        (tmp_path / "weights.json").write_text(f'{{"w": {worth}}}')
        (tmp_path / "m" / worth).mkdir(parents=True)
        (tmp_path / "weights.json").rename(tmp_path / "m" / worth / "weights.json")
        wb("model", "register", "churn", str(tmp_path / "m" / worth))
    # A mistake in the file is said with its line, and nothing is set.
    (place / "bad.yml").write_text(
        "gate:\n- evaluation: {jobs: eval.yml, data: wanted:1}\n  rules: [a > 1]\n"
    )
    refused = wb.run("model", "set", "churn", "--gate-file", str(place / "bad.yml"))
    assert (refused.returncode, "line 2: jobs means nothing here" in refused.stderr) == (2, True)
    found = wb.json("model", "set", "churn", "--gate-file", str(place / "gate.yml"))
    assert found["gate"][1] == "evaluation job:eval.yml on data:wanted:1: score >= champion.score"
    (place / "eval.yml").unlink()
    (place / "evaluate.py").write_text("broken")

    wb("model", "promote", "churn:1", "--to", "champion")
    assert len(wb.json("run", "ls", "-e", "evaluation")) == 1
    promoted = wb.run("model", "promote", "churn:2", "--to", "champion", "--evaluate")
    assert "score 0.9 >= champion.score 0.6" in promoted.stderr
    refused = wb.run("model", "promote", "churn:3", "--to", "champion", "--no-evaluate")
    assert (refused.returncode, "churn:3 was not evaluated" in refused.stderr) == (5, True)
    with Workspace.open("default", embedded=False, home=find_home(wb.environ)) as workspace:
        model = Model.get(workspace, "churn", 3)
        assert [one["metrics"] for one in model.evaluate()] == [{"score": 0.7}]
        assert model.judge()["lines"][1]["said"] == "score 0.7 >= champion.score 0.9: no"
        with pytest.raises(Refused):
            model.set_alias("champion")
        with pytest.raises(UsageError, match="needs a reason"):
            Model.rollback(workspace, "churn")
        assert Model.rollback(workspace, "churn", why="errors", approver="bob")["unjudged"]
    assert wb.json("model", "show", "churn")["aliases"] == {"champion": 1}
    assert "UNJUDGED" in wb("model", "history", "churn", "-o", "table")
