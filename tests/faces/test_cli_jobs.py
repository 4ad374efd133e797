"""wb submit of saved configurations, data and several processes; job files written; wb schema."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.faces.conftest import Wb
from tests.faces.scripted import TTY, World

SAVED = Path(__file__).parents[1] / "data" / "runconfigs"


def test_a_saved_configuration_is_submitted_by_its_name(
    wb: Wb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AZ-126: submit -c NAME -e EXPERIMENT SCRIPT."""
    project = tmp_path / "project"
    shutil.copytree(SAVED, project)
    (project / "other.py").write_text("")
    monkeypatch.chdir(project)
    words = ("submit", "-c", "sklearn", "-e", "exp", "other.py", "--env", "/opt/py", "--", "--lr", "1 2")
    world = World()
    assert wb(*words, world=world).code == 0
    (submitted,) = world.submitted
    assert submitted["configuration"]["command"] == "python other.py --lr '1 2'"
    assert submitted["configuration"]["experiment"] == "exp"
    done = wb("submit", "-c", "sklearn", "a.py", "b.py")
    assert (done.code, "'b.py' follows a script" in done.err) == (2, True)
    missing = wb("submit", "-c", "none")
    assert missing.code == 3
    assert ".azureml/none.runconfig" in missing.err


def test_a_job_file_is_written_and_nothing_sent(
    wb: Wb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    shutil.copytree(SAVED, project)
    monkeypatch.chdir(project)
    world = World()
    told = wb("submit", "-c", "sklearn", "--to", "job.yml", world=world, terminal=TTY)
    assert (told.code, told.out, world.submitted) == (0, "", [])
    assert "wb submit job.yml runs it" in told.err
    written = yaml.safe_load(Path("job.yml").read_text())
    assert (written["code"], written["distribution"]["type"]) == (".", "pytorch")
    again = wb("submit", "-c", "sklearn", "--to", "job.yml")
    assert (again.code, "is there already" in again.err) == (2, True), "a file of the user's stays"


def test_data_outputs_and_processes_on_the_command_line(wb: Wb, code: Path) -> None:
    (code / "points.csv").write_text("1,2\n")
    done = wb(
        *(
            "submit",
            "--dry-run",
            "-o",
            "json",
            "--input",
            f"d={code}/points.csv",
            "--input",
            "n=data:digits:3",
        ),
        *("--output", "model", "--output", "made=data:made", "--distribution", "pytorch:2"),
        *("--", "python", "t.py", "${{inputs.d}}", "${{outputs.model}}"),
    )
    assert done.code == 0, done.err
    asked = json.loads(done.out)["configuration"]
    assert asked["data_inputs"]["d"] == {"type": "uri_file", "path": f"{code}/points.csv", "mode": "ro_mount"}
    assert asked["data_inputs"]["n"]["path"] == "data:digits:3"
    assert asked["outputs"]["made"]["name"] == "made"
    assert asked["distribution"] == {"type": "pytorch", "processes": 2, "parameter_servers": 0}
    assert asked["command"][-2:] == ["${{inputs.d}}", "${{outputs.model}}"]
    told = wb(
        *("submit", "--dry-run", "--input", f"d={code}/points.csv", "--output", "model"),
        *("--distribution", "mpi:3", "--", "x"),
        terminal=TTY,
    )
    assert "points.csv (uri_file, ro_mount)" in told.out
    assert "model: outputs/ (uri_folder, rw_mount)" in told.out
    assert "3, as mpi knows them" in told.out


@pytest.mark.parametrize("name", ["job", "settings"])
def test_the_schemas_are_printed_and_written(wb: Wb, tmp_path: Path, name: str) -> None:
    done = wb("schema", name)
    assert (done.code, done.err) == (0, "")
    jsonschema.Draft202012Validator.check_schema(json.loads(done.out))
    file = tmp_path / "schema.json"
    written = wb("schema", name, "--to", str(file), terminal=TTY)
    assert (written.code, written.out) == (0, "")
    assert file.read_text() == done.out
    assert str(file) in written.err, "how an editor is told of it"
    assert wb("schema", "nothing").code == 2
