"""`from azureml.core import Run` inside a run, without and beside an installed azureml."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.machines.inside import RUN, InsideRun, interpreters
from tests.record_files import read_run

SCRIPT = """
import sys
from azureml.core import Run
from azureml.core.run import Run as Again, _OfflineRun
from azureml.core import Dataset, Workspace
from azureml.core.model import Model
import azureml.core

run = Run.get_context()
assert Again is Run and not isinstance(run, _OfflineRun)
run.log("accuracy", 0.5)
run.log("loss", 0.25, step=3)
run.log_list("list", [1, 2])
run.log_row("row", x=1, y=2)
run.log_table("table", {"a": [1, 2]})
run.log_confusion_matrix("cm", {"schema_type": "confusion_matrix", "schema_version": "v1",
                                "data": {"class_labels": ["a"], "matrix": [[1]]}})
run.tag("note", "good")
run.upload_file("outputs/x.txt", sys.argv[1])
run.register_model("net", "outputs/x.txt")
with run.child_run("fold") as child:
    child.log("inner", 1)
print(run.id, run.experiment.name, run.experiment.workspace.name, run.parent, run.get_status())
print(sorted(run.get_metrics()), run.get_file_names(), run.get_details()["runId"])
print(hasattr(azureml.core, "__nothing__"))
for use in (lambda: Workspace.from_config(), lambda: Model(run, "net"), lambda: azureml.core.nothing):
    try:
        use()
    except (ImportError, AttributeError) as error:
        print(error)
print(isinstance(run, Workspace), Dataset.__name__)
"""


@pytest.fixture
def inside(tmp_path: Path) -> InsideRun:
    """A run."""
    return InsideRun(tmp_path)


@pytest.mark.parametrize("python", sorted({*[p for p in interpreters() if "/3.6." in p], sys.executable}))
def test_a_script_for_azure_logs_to_its_run(inside: InsideRun, tmp_path: Path, python: str) -> None:
    """AZ-93 to AZ-99, AZ-106: without azureml installed."""
    (tmp_path / "x.txt").write_text("x")
    out, err = inside.output(
        ["python", "-W", "ignore", "-c", SCRIPT, str(tmp_path / "x.txt")], inside.environment(python)
    )
    assert err == ""
    first, second, third, refused, model, nothing, last = out.splitlines()
    assert first == f"{RUN} default default None Running"
    assert second == f"['accuracy', 'cm', 'list', 'loss', 'row', 'table'] ['outputs/x.txt'] {RUN}"
    assert third == "False"
    assert "Install azureml-core" in refused
    assert "azureml.core.Model is not here" in model
    assert "nothing" in nothing
    assert last == "False Dataset"
    records = read_run(inside.folder)
    assert {record["k"] for record in records} >= {"metric", "row", "table", "tag", "artifact"}
    assert ("inner", 1) in [(r["n"], r["v"]) for r in records if r["k"] == "metric"]


@pytest.mark.parametrize("with_init", [True, False])
def test_a_real_one_goes_before_and_a_part_of_one_is_completed(
    inside: InsideRun, tmp_path: Path, with_init: bool
) -> None:
    """With the package's own __init__ (azureml-core) and without (a namespace)."""
    package = tmp_path / "installed" / "azureml"
    (package / "core").mkdir(parents=True)
    (package / "core" / "__init__.py").write_text("Run = 'theirs'\n")
    (package / "other.py").write_text("name = 'other'\n")
    if with_init:
        (package / "__init__.py").write_text(
            "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
        )
    environment = inside.environment(PYTHONPATH=str(package.parent))
    script = "import azureml.other; from azureml.core import Run; print(azureml.other.name, Run)"
    assert inside.output(["python", "-c", script], environment)[0] == "other theirs\n"
    shutil.rmtree(package / "core")
    assert (
        inside.output(["python", "-c", script], environment)[0]
        == "other <class 'workbench.remote.tracking.run.Run'>\n"
    )


def test_a_script_outside_of_a_run_is_offline(inside: InsideRun) -> None:
    """AZ-102, AZ-103: as in a shell beside a run."""
    environment = {n: v for n, v in inside.environment().items() if not n.startswith("WORKBENCH_")}
    script = "from azureml.core.run import Run, _OfflineRun\nrun = Run.get_context()\nrun.log('acc', 1, step=1)\nprint(isinstance(run, _OfflineRun))"
    out, _ = inside.output(["python", "-c", script], environment)
    assert out == "Attempted to log scalar metric acc:\n1\nTrue\n"
