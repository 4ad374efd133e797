"""Estimators: run configurations by the words of a framework (AZ-143 to AZ-147)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from workbench.entities.configuration import DataInput, DataOutput, Distribution, RunConfiguration
from workbench.environments import reference
from workbench.errors import NotFound, UsageError
from workbench.runs.configuration import load_job
from workbench.runs.estimators import Estimator, PyTorch, SKLearn, TensorFlow
from workbench.runs.job_writing import to_job_yaml


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "train.py").write_text("")
    (folder / "requirements.txt").write_text("numpy\n")
    (folder / "conda.yml").write_text("dependencies: [python]\n")
    (tmp_path / "points.csv").write_text("1\n")
    return folder


class Digits:
    """As a dataset of the SDK says that it is data."""

    def as_input(self) -> DataInput:
        return DataInput(path="data:digits:3", asset="data:digits:3")


def definition(job: RunConfiguration) -> Any:
    return reference.read(str(job.environment)).definition


def test_an_estimator_is_a_run_configuration(project: Path) -> None:
    """AZ-143."""
    job = Estimator(
        project,
        entry_script="train.py",
        script_params={"--lr": 3e-4, "--verbose": "", "--layers": [3, 4], "positional": "a b"},
        compute_target="gpu1",
        process_count_per_node=2,
        distributed_training="mpi",
        use_gpu=True,
        environment_variables={"A": "1"},
        max_run_duration_seconds=60.0,
        experiment="exp",
    )
    assert job.command == [
        *("python", "train.py", "--lr", "0.0003", "--verbose", "--layers", "3", "4", "positional", "a b")
    ]
    assert (job.code, job.target, job.experiment) == (str(project), "gpu1", "exp")
    assert (job.gpus, job.timeout, job.environment) == (2, 60.0, None)
    assert job.distribution == Distribution(type="mpi", processes=2)
    assert Estimator(project, entry_script="train.py").gpus == 0, "use_gpu is off by default"


def test_data_as_values_becomes_paths(project: Path, tmp_path: Path) -> None:
    """AZ-144: '' is a bare flag; data of any kind is named by what the machine replaces."""
    job = Estimator(
        project,
        entry_script="train.py",
        script_params={
            "--digits": Digits(),
            "--points-file": tmp_path / "points.csv",
            "--again": Digits(),
            "--raw": DataInput(path="s3://b/raw", mode="download"),
            "--model": DataOutput(name="made"),
            "--debug": "",
        },
        inputs={"side": "azureml:side@latest"},
    )
    assert job.data_inputs == {
        "side": DataInput(path="azureml:side@latest"),
        "digits": DataInput(path="data:digits:3", asset="data:digits:3"),
        "points_file": DataInput(type="uri_file", path=str(tmp_path / "points.csv")),
        "raw": DataInput(path="s3://b/raw", mode="download"),
    }
    assert job.outputs == {"model": DataOutput(name="made")}
    assert job.command[2:] == [
        *("--digits", "${{inputs.digits}}", "--points-file", "${{inputs.points_file}}"),
        *("--again", "${{inputs.digits}}", "--raw", "${{inputs.raw}}"),
        *("--model", "${{outputs.model}}", "--debug"),
    ]


def test_it_can_be_written_as_a_job_file(project: Path, tmp_path: Path) -> None:
    job = PyTorch(project, entry_script="train.py", process_count_per_node=2, use_gpu=True)
    file = tmp_path / "job.yml"
    file.write_text(to_job_yaml(job))
    again = load_job(file)
    assert again.command == "python train.py"
    assert (again.distribution, again.environment, again.gpus) == (job.distribution, "pytorch", 2)


@pytest.mark.parametrize(
    ("made", "environment"),
    [
        (PyTorch, "pytorch"),
        (SKLearn, "sklearn"),
        (Estimator, None),
    ],
)
def test_a_framework_brings_its_packages(project: Path, made: Any, environment: str | None) -> None:
    assert made(project, entry_script="train.py").environment == environment


def test_packages_that_are_said_come_with_the_frameworks_own(project: Path) -> None:
    job = PyTorch(project, entry_script="train.py", framework_version="2.4.0", pip_packages=["timm"])
    assert definition(job) == {"conda": {"dependencies": ["python", {"pip": ["torch==2.4.0", "timm"]}]}}
    job = TensorFlow(project, entry_script="train.py")
    assert definition(job) == {"conda": {"dependencies": ["python", {"pip": ["tensorflow"]}]}}
    job = Estimator(project, entry_script="train.py", conda_packages=["python=3.10", "scipy"])
    assert definition(job) == {"conda": {"dependencies": ["python=3.10", "scipy"]}}
    job = Estimator(project, entry_script="train.py", custom_docker_image="a/b:1")
    assert job.environment == "image:a/b:1"
    job = Estimator(project, entry_script="train.py", pip_requirements_file="requirements.txt")
    assert definition(job) == {"requirements": str(project / "requirements.txt")}


@pytest.mark.parametrize(
    "said",
    [
        {"environment": "mine:3"},
        {"environment": "conda.yml"},
        {"conda_dependencies_file": "conda.yml"},
        {"pip_requirements_file": "requirements.txt"},
        {"custom_docker_image": "a/b:1"},
    ],
)
def test_an_environment_by_hand_turns_the_frameworks_off_with_a_warning(
    project: Path, said: dict[str, Any]
) -> None:
    """AZ-146."""
    with pytest.warns(UserWarning, match="torch does not come by itself") as caught:
        job = PyTorch(project, entry_script="train.py", **said)
    assert caught[0].filename == __file__
    assert "torch" not in str(job.environment)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Estimator(project, entry_script="train.py", **said)


def test_what_connects_the_processes_of_each_framework(project: Path) -> None:
    """AZ-145."""

    def of(made: Any, **options: Any) -> Distribution | None:
        found: Distribution | None = made(project, entry_script="train.py", **options).distribution
        return found

    assert of(PyTorch) is None
    assert of(PyTorch, process_count_per_node=2) == Distribution(type="pytorch", processes=2)
    for word, kind in (("Gloo", "pytorch"), ("nccl", "pytorch"), ("Mpi", "mpi")):
        found = of(PyTorch, process_count_per_node=2, distributed_training=word)
        assert found == Distribution(type=kind, processes=2)
    found = of(TensorFlow, worker_count=3, parameter_server_count=1)
    assert found == Distribution(type="tensorflow", processes=4, parameter_servers=1)
    assert of(TensorFlow, process_count_per_node=2, distributed_training="mpi") == Distribution(
        type="mpi", processes=2
    )
    with pytest.raises(UsageError, match="one process"):
        of(SKLearn, process_count_per_node=2)
    with pytest.raises(UsageError, match="no training by 'parameter_server'"):
        of(PyTorch, process_count_per_node=2, distributed_training="parameter_server")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"node_count": 2}, "one machine"),
        ({"process_count_per_node": 0}, "process_count_per_node"),
        ({"process_count_per_node": 2}, "need distributed_training"),
        ({"environment": "a", "pip_packages": ["b"]}, "exclude each other"),
        ({"environment": "a", "custom_docker_image": "b"}, "exclude each other"),
        ({"custom_docker_image": "a", "use_docker": False}, "exclude each other"),
        ({"framework_version": "1"}, "belongs to a framework"),
        ({"experiment": "-bad"}, "no name of an experiment"),
        ({"script_params": {"--a": "${{inputs.b}}"}}, "holds an expression"),
        ({"inputs": {"1a": "/b"}}, "no name for data"),
        ({"inputs": {"a": 3}}, "int is no data"),
        ({"environment": "two words"}, "is no name"),
        ({"colour": "red"}, "has no colour"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(project: Path, said: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Estimator(project, entry_script="train.py", **said)


@pytest.mark.parametrize(
    "said",
    [
        {"entry_script": "none.py"},
        {"entry_script": "train.py", "pip_requirements_file": "none.txt"},
        {"entry_script": "train.py", "environment": "./none/"},
        {"entry_script": "train.py", "inputs": {"a": Path("/no/such/place")}},
    ],
)
def test_files_that_are_not_there(project: Path, said: dict[str, Any]) -> None:
    with pytest.raises(NotFound, match="there is no"):
        Estimator(project, **said)
