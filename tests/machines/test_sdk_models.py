"""Environments and models from a script, on a real machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from workbench import Environment, Experiment, Model, RunConfiguration, ScriptRunConfig, Workspace
from workbench.errors import Conflict, NotFound, Refused, UsageError
from workbench.home import find_home
from workbench.workspace import model_paths

TRAINER = """
import os, sys
from workbench import Run

run = Run.get_context()
run.log("acc", float(sys.argv[1]))
os.makedirs("outputs/net", exist_ok=True)
open("outputs/net/w.bin", "wb").write(sys.argv[1].encode())
open("outputs/net/notes.txt", "w").write("notes")
"""


@pytest.fixture
def workspace(wb: Wb, server: SshServer) -> Iterator[Workspace]:
    attach(wb, server)
    with Workspace.open("default", embedded=False, home=find_home(wb.environ)) as opened:
        yield opened


def registered(workspace: Workspace, folder: Path, accuracy: str) -> Model:
    """The model of a run that reached an accuracy. Its code lies apart from the machine's home, which changes."""
    code = folder / "code"
    code.mkdir(exist_ok=True)
    (code / "train.py").write_text(TRAINER)
    run = workspace.submit(workspace.configure(command=["python", "train.py", accuracy], code=str(code)))
    run.wait_for_completion()
    data = [("training data", "digits:1")]
    return run.register_model("net", "outputs/net", tags={"acc": accuracy}, datasets=data)


def test_models_are_registered_promoted_and_rolled_back(workspace: Workspace, tmp_path: Path) -> None:
    """AZ-89, AZ-164, AZ-165, AZ-169, AZ-170, AZ-171."""
    weak, good, worse = (registered(workspace, tmp_path, accuracy) for accuracy in ("0.8", "0.9", "0.7"))
    assert [model.id for model in (weak, good, worse)] == ["net:1", "net:2", "net:3"]
    assert good.details["metrics"] == {"acc": 0.9}
    assert good.details["datasets"] == [{"relation": "training data", "name": "digits", "version": 1}]
    assert good.run.get_metrics() == {"acc": 0.9}

    Model.configure(workspace, "net", gate=["acc >= champion.acc - 0.002"], protect=["champion"])
    weak.promote(why="the first")
    assert good.judge()["passed"] is True
    move = good.promote(why="better")
    assert (move["version"], move["previous"], move["why"]) == (2, 1, "better")
    assert "champion" in good.aliases
    with pytest.raises(Refused) as caught:
        worse.promote(why="hope")
    assert "acc" in str(caught.value.data)
    with pytest.raises(Refused):
        worse.set_alias("champion")
    worse.set_alias("candidate")
    assert Model.rollback(workspace, "net", why="wrong data")["version"] == 1
    assert Model.get(workspace, "net", alias="champion").version == 1
    moves = [move["action"] for move in Model.history(workspace, "net", "champion")]
    assert moves == ["rollback", "promote", "promote"]
    with pytest.raises(Refused):
        weak.delete()
    good.delete()
    assert [model.id for model in Model.list(workspace, "net")] == ["net:3", "net:1"]
    assert [model.id for model in Model.list(workspace, tags={"acc": "0.7"})] == ["net:3"]
    assert set(workspace.models) == {"net"}


def test_a_model_is_described_and_fetched(workspace: Workspace, tmp_path: Path) -> None:
    """AZ-165, AZ-166, AZ-168, AZ-170, AZ-172."""
    model = registered(workspace, tmp_path, "0.7")
    saved = model.download(tmp_path / "here", child_paths=["w.bin"])
    assert [path.read_text() for path in saved] == ["0.7"]
    with pytest.raises(Refused):
        model.download(tmp_path / "here")
    assert len(model.download(tmp_path / "here", exist_ok=True)) == 2
    model.add_properties({"licence": "MIT"})
    with pytest.raises(Conflict):
        model.add_properties({"licence": "other"})
    model.add_tags({"reviewed": None})
    model.remove_tags("acc")
    model.update(description="**worse**")
    assert (model.tags, model.properties) == ({"reviewed": None}, {"licence": "MIT"})
    with pytest.raises(UsageError):
        Model.register(workspace, tmp_path / "code" / "train.py", "file", model_framework_version="2")
    assert Model.register(workspace, tmp_path / "code" / "train.py", "file").details["one_file"] is True
    with pytest.raises(NotFound):
        Model.get(workspace, "net", 9)


def test_environments_are_made_labelled_cloned_and_saved(workspace: Workspace, tmp_path: Path) -> None:
    """AZ-132, AZ-133, AZ-138, AZ-139."""
    file = tmp_path / "requirements.txt"
    file.write_text("")

    def made(mode: str) -> Environment:
        environment = Environment.from_pip_requirements("tools", file)
        environment.environment_variables["MODE"] = mode
        return environment

    with pytest.raises(UsageError, match="has no version yet"):
        made("quiet").set_label(workspace, "stable")
    first = made("quiet").register(workspace, tags={"a": None})
    assert str(first) == "tools:1"
    assert str(made("quiet").register(workspace)) == "tools:1", "the same definition is the same version"
    assert str(made("loud").register(workspace)) == "tools:2"
    first.set_label(workspace, "stable")
    assert Environment.get(workspace, "tools", label="stable").version == 1
    assert Environment.get(workspace, "tools").environment_variables == {"MODE": "loud"}
    assert str(first.clone(workspace, "mine")) == "mine:1"
    assert set(workspace.environments) == {"tools", "mine"}
    first.save_to_directory(workspace, tmp_path / "saved")
    assert str(Environment.load_from_directory(workspace, tmp_path / "saved")) == "tools:1"
    with pytest.raises(NotFound):
        Environment.get(workspace, "nothing")
    existing = Environment.from_existing_python("py", "/usr/bin/python3").register(workspace)
    run = workspace.submit(workspace.configure(command="true", environment=str(existing)))
    assert run.wait_for_completion()["environment"] == "py:1"


def test_an_environment_is_registered_with_the_run_that_is_the_first_to_want_it(
    workspace: Workspace, tmp_path: Path
) -> None:
    """AZ-137: what every script for the cloud does, from_pip_requirements and submit."""
    (tmp_path / "needs").write_text("")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_text("import os; print(os.environ['MODE'])")
    tools = Environment.from_pip_requirements(name="tools", file_path=tmp_path / "needs")
    tools.environment_variables = {"MODE": "quiet"}
    machine = next(iter(workspace.compute_targets.values()))
    asked = ScriptRunConfig(tmp_path / "code", "train.py", environment=tools, compute_target=machine)
    run = Experiment(workspace=workspace, name="first").submit(config=asked, tags={"try": "1"})
    assert run.wait_for_completion()["environment"] == "tools:1"
    assert tools.register(workspace).version == 1, "it is the same definition"
    assert run.get_tags() == {"try": "1"}
    again = RunConfiguration(command="true", environment=str(tools), target=machine.name)
    assert workspace.submit(again).wait_for_completion()["environment"] == "tools:1"


def test_where_a_scoring_script_finds_a_model(tmp_path: Path) -> None:
    """AZ-173."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "a").touch()
    (tmp_path / "net" / "b").touch()
    assert model_paths.find("net", folder=tmp_path, environ={}) == tmp_path / "net"
    for number in ("2", "10"):
        (tmp_path / "azureml-models" / "net" / number).mkdir(parents=True)
        (tmp_path / "azureml-models" / "net" / number / "w.bin").touch()
    cached = tmp_path / "azureml-models" / "net"
    assert model_paths.find("net", folder=tmp_path, environ={}) == cached / "10" / "w.bin"
    assert model_paths.find("net", 2, folder=tmp_path, environ={}) == cached / "2" / "w.bin"
    with pytest.raises(NotFound):
        model_paths.find("net", 3, folder=tmp_path, environ={})
    (tmp_path / "given" / "other").mkdir(parents=True)
    environ = {"AZUREML_MODEL_DIR": str(tmp_path / "given")}
    assert model_paths.find("other", folder=tmp_path, environ=environ) == tmp_path / "given" / "other"
    with pytest.raises(UsageError):
        model_paths.find("../net", folder=tmp_path, environ={})
