"""ScriptRunConfig's words make ordinary run configurations; configurations are loaded and saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import DataInput, DataOutput, Distribution, RunConfiguration, ScriptRunConfig
from workbench.errors import ConfigurationError, NotFound, UsageError


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "train.py").write_text("")
    (folder / "data.csv").write_text("a\n1\n")
    return folder


def test_a_script_with_its_arguments(code: Path) -> None:
    """AZ-127, AZ-128."""
    made = ScriptRunConfig(
        code, "train.py", ["--lr", 0.1, "--data", code / "data.csv", "--to", DataOutput(name="made")],
        compute_target="gpu1", environment="sklearn:3", experiment="e",
    )  # fmt: skip
    assert made.command == [
        "python", "train.py", "--lr", "0.1", "--data", "${{inputs.data}}", "--to", "${{outputs.data_2}}",
    ]  # fmt: skip
    assert made.data_inputs == {"data": DataInput(type="uri_file", path=str(code / "data.csv"))}
    assert made.outputs == {"data_2": DataOutput(name="made")}
    assert (made.code, made.target, made.environment, made.experiment) == (
        str(code),
        "gpu1",
        "sklearn:3",
        "e",
    )


def test_a_command_in_words_or_as_a_line(code: Path) -> None:
    assert ScriptRunConfig(code, command=["Rscript", "fit.R"]).command == ["Rscript", "fit.R"]
    line = "python a.py && python b.py"
    assert ScriptRunConfig(code, command=line).command == line
    several = ScriptRunConfig(code, "train.py", distributed_job_config=Distribution(processes=2))
    assert several.distribution == Distribution(processes=2)


@pytest.mark.parametrize(
    "said",
    [
        {}, {"script": "train.py", "command": "x"}, {"command": "x", "arguments": [1]},
        {"script": "train.py", "process_count_per_node": 2}, {"script": "train.py", "nonsense": 1},
        {"script": "train.py", "arguments": ["${{inputs.x}}"]},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(code: Path, said: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        ScriptRunConfig(code, **said)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        ScriptRunConfig(code, "nothing.py")


def test_a_configuration_is_saved_and_loaded(
    code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AZ-126: as a job file, and from a saved .runconfig by its name."""
    made = RunConfiguration(command="python train.py", code=str(code), tags={"a": None}, gpus=1)
    again = RunConfiguration.load(made.save(tmp_path / "job.yml"))
    assert again == made
    assert RunConfiguration.load(tmp_path / "job.yml", sets=["resources.gpus=2"]).gpus == 2
    (code / ".azureml").mkdir()
    (code / ".azureml" / "fit.runconfig").write_text("script: train.py\narguments: [--lr, '1']\n")
    for words in ({"path": code, "name": "fit"}, {"path": str(code / "below"), "name": "fit"}):
        assert RunConfiguration.load(**words).command == "python train.py --lr 1"
    assert RunConfiguration.load(code, "fit", ["resources.gpus=2"]).gpus == 2
    with pytest.raises(NotFound, match=r"no \.azureml/fit\.runconfig"):
        RunConfiguration.load(path=tmp_path, name="fit")
    monkeypatch.chdir(code)
    assert RunConfiguration.load("fit").command == "python train.py --lr 1"
    with pytest.raises(NotFound):
        RunConfiguration.load("nothing")
    (tmp_path / "job.yml").write_text("command: [")
    with pytest.raises(ConfigurationError):
        RunConfiguration.load(tmp_path / "job.yml")
