"""`.runconfig` files of the first SDK: read as a job, every mistake with its line (AZ-126 to AZ-131, AZ-145)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from workbench.entities.configuration import DataInput, DataOutput, Distribution
from workbench.environments import reference
from workbench.errors import ConfigurationError, NotFound
from workbench.runs.configuration import Options, load_job, load_runconfig
from workbench.runs.runconfig import find_runconfig, project_of
from workbench.workspace.configuring import configure, configure_saved, job_text

SAVED = Path(__file__).parents[1] / "data" / "runconfigs"
"""A project with a configuration as the SDK's own `save` lays one out."""


def load(folder: Path, text: str, **options: Any) -> Any:
    file = folder / ".azureml" / "a.runconfig"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return load_runconfig(file, **options)


def problems(folder: Path, text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text)
    return [(p.get("line", 0), p["field"], p["message"]) for p in caught.value.data["problems"]]


def test_a_saved_configuration_is_chosen_by_name_and_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AZ-126, AZ-127: what the SDK writes by itself and means nothing here is no mistake."""
    project = tmp_path / "project"
    shutil.copytree(SAVED, project)
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    job = configure_saved("sklearn", None, None, [], {"experiment": "exp"})
    assert job.code == str(project)
    assert (job.experiment, job.target, job.timeout) == ("exp", "gpu1", 3600.0)
    assert job.command == "python train.py --data \"${{inputs.digits}}\" --lr 3e-4 --name 'a b'"
    assert job.data_inputs == {
        "digits": DataInput(path="azureml://datastores/workspaceblobstore/paths/digits/v1", mode="ro_mount")
    }
    assert job.distribution == Distribution(type="pytorch", processes=2)
    assert job.environment_variables == {"OMP_NUM_THREADS": "2", "A": "1"}
    definition = reference.read(str(job.environment)).definition
    assert definition is not None
    assert definition["conda"]["dependencies"] == ["python=3.8.13", {"pip": ["scikit-learn==1.0"]}]
    assert "image" not in definition, "docker is off, so its image means nothing"
    assert (job.shm_size, job.docker_args, job.collect_outputs, job.snapshot_code) == (None, [], True, True)


def test_a_script_and_arguments_of_the_command_line_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAVED)
    options = {"target": "local", "tags": ["a=b"]}
    job = configure_saved("sklearn", "other.py", ["--x", "1 2"], ["distribution.type=mpi"], options)
    assert job.command == "python other.py --x '1 2'"
    assert (job.target, job.tags) == ("local", {"a": "b"})
    assert job.distribution == Distribution(type="mpi", processes=2)


def test_it_becomes_a_job_file_that_reads_the_same(tmp_path: Path) -> None:
    job = configure(SAVED / ".azureml" / "sklearn.runconfig", None, [], {})
    text = job_text(job, SAVED)
    assert "code: .\n" in text
    file = tmp_path / "job.yml"
    file.write_text(text.replace("code: .", f"code: {SAVED}"))
    assert load_job(file) == job


def test_a_name_that_is_nowhere(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"\.azureml/none\.runconfig") as caught:
        find_runconfig("none", tmp_path)
    assert str(tmp_path) in caught.value.message
    beside = tmp_path / "x.runconfig"
    assert find_runconfig(str(beside), tmp_path) == beside
    assert project_of(beside) == tmp_path.resolve()
    assert project_of(tmp_path / ".azureml" / "x.runconfig") == tmp_path.resolve()


def test_script_and_command_exclude_each_other(tmp_path: Path) -> None:
    """AZ-128."""
    assert problems(tmp_path, "script: a.py\ncommand: python b.py\n") == [
        (2, "command", "script and command exclude each other")
    ]
    assert load(tmp_path, "command: python b.py $X\n").command == "python b.py $X"
    assert load(tmp_path, "command: [python, b.py, a b]\n").command == "python b.py 'a b'"
    assert problems(tmp_path, "target: local\n") == [(1, "script", "is missing: say what to run")]


@pytest.mark.parametrize("spelling", ["snake", "camel"])
def test_an_interpreter_that_is_there(tmp_path: Path, spelling: str) -> None:
    """AZ-129: with userManagedDependencies the interpreter is used as it is."""
    managed, path = (
        ("user_managed_dependencies", "interpreter_path")
        if spelling == "snake"
        else ("userManagedDependencies", "interpreterPath")
    )
    text = f"script: a.py\nenvironment:\n  python:\n    {managed}: true\n    {path}: "
    assert load(tmp_path, text + "/opt/py/bin/python\n").environment == "/opt/py/bin/python"
    assert load(tmp_path, text + "python\n").environment is None, "the target's own"


def test_the_target_is_local_when_none_is_named(tmp_path: Path) -> None:
    """AZ-127."""
    assert load(tmp_path, "script: a.py\n").target == "local"


def test_a_container(tmp_path: Path) -> None:
    """AZ-131."""
    text = (
        "script: a.py\nenvironment:\n  python: {condaDependenciesFile: c.yml}\n"
        "  docker: {enabled: true, baseImage: 'a/b:1', arguments: [--ipc, host], baseImageRegistry: {address: r.example}}\n"
    )
    (tmp_path / "c.yml").write_text("dependencies: [python]\n")
    job = load(tmp_path, text)
    definition = reference.read(job.environment).definition
    assert definition == {"image": "r.example/a/b:1", "conda_file": str(tmp_path / "c.yml")}
    assert (job.shm_size, job.docker_args) == (2 << 30, ["--ipc", "host"])


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("communicator: Gloo\npytorch: {processCount: 3}", Distribution(type="pytorch", processes=3)),
        ("communicator: OpenMpi\nmpi: {process_count_per_node: 4}", Distribution(type="mpi", processes=4)),
        ("communicator: IntelMpi", Distribution(type="mpi", processes=1)),
        (
            "communicator: ParameterServer\ntensorflow: {workerCount: 2, parameterServerCount: 1}",
            Distribution(type="tensorflow", processes=3, parameter_servers=1),
        ),
        ("communicator: None\nmpi: {processCountPerNode: 4}", None),
    ],
)
def test_what_connects_several_processes(tmp_path: Path, lines: str, found: Distribution | None) -> None:
    """AZ-127, AZ-145."""
    assert load(tmp_path, f"script: a.py\n{lines}\n").distribution == found


def test_datasets_in_and_out(tmp_path: Path) -> None:
    """AZ-57 to AZ-59."""
    job = load(
        tmp_path,
        "script: a.py\n"
        "arguments: [--in, 'DatasetConsumptionConfig:train', --out, 'DatasetOutputConfig:made',"
        " '--old=$AZUREML_DATAREFERENCE_old/x', --up, $AZUREML_DATAREFERENCE_up]\n"
        "data:\n"
        "  train: {dataLocation: {dataset: {id: 1-2, name: digits, version: 3}}, mechanism: Download}\n"
        "  place: {dataLocation: {dataPath: {datastoreName: store, relativePath: a/b}}, mechanism: mount}\n"
        "outputData:\n"
        "  made:\n"
        "    outputLocation: {dataPath: {datastoreName: store, relativePath: out}}\n"
        "    mechanism: upload\n"
        "    additionalOptions: {registrationOptions: {name: made-digits}}\n"
        "dataReferences:\n"
        "  old: {dataStoreName: store, pathOnDataStore: c, mode: download}\n"
        "  up: {dataStoreName: store, pathOnDataStore: d, mode: upload}\n",
    )
    assert job.data_inputs == {
        "train": DataInput(path="azureml:digits:3", mode="download"),
        "place": DataInput(path="azureml://datastores/store/paths/a/b"),
        "old": DataInput(path="azureml://datastores/store/paths/c", mode="download"),
    }
    assert job.outputs == {
        "made": DataOutput(path="azureml://datastores/store/paths/out", mode="upload", name="made-digits"),
        "up": DataOutput(path="azureml://datastores/store/paths/d", mode="upload"),
    }
    assert job.command == (
        'python a.py --in "${{inputs.train}}" --out "${{outputs.made}}" '
        '--old="${{inputs.old}}"/x --up "${{outputs.up}}"'
    )


def test_everything_wrong_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "script: a.py\n"
        "framework: PySpark\n"  # 2
        "communicator: Smoke\n"  # 3
        "nodeCount: 4\n"  # 4
        "argumants: [x]\n"  # 5
        "maxRunDurationSeconds: soon\n"  # 6
        "environment:\n"
        "  python: {baseCondaEnvironment: old}\n"  # 8
        "  docker: {baseDockerfile: 'FROM a', enabled: true, baseImageRegistry: {password: p}}\n"  # 9
        "history: {directoriesToWatch: [logs, elsewhere]}\n"  # 10
        "data: {a: {dataLocation: {dataset: {id: only}}}}\n"  # 11
        "credentialPassthrough: true\n"  # 12
        "applicationEndpoints: {a: {type: Jupyter}}\n",  # 13
    )
    assert sorted((line, field) for line, field, _ in found) == [
        (2, "framework"),
        (3, "communicator"),
        (4, "resources.instance_count"),
        (5, "argumants"),
        (6, "limits.timeout"),
        (8, "environment.python.base_conda_environment"),
        (9, "environment.docker.base_dockerfile"),
        (9, "environment.docker.base_image_registry.password"),
        (10, "history.directories_to_watch"),
        (11, "data.a"),
        (12, "credentialPassthrough"),
        (13, "applicationEndpoints"),
    ]
    assert "did you mean arguments?" in next(words for line, _, words in found if line == 5)
    assert not any(words == "p" for _, _, words in found)


@pytest.mark.parametrize(
    "text", ["", "just text", "- a", "a: [1", "script: [a]", "environment: 3\nscript: a.py"]
)
def test_what_is_no_configuration_is_refused_in_words(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


def test_options_of_submit_apply(tmp_path: Path) -> None:
    job = load(tmp_path, "script: a.py\n", options=Options(environment="sklearn", gpus=1))
    assert (job.environment, job.gpus) == ("sklearn", 1)
