"""Data, outputs, environments and processes of a job file, in each form that the format has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.entities.configuration import DataInput, DataOutput, Distribution
from workbench.environments import reference
from workbench.errors import ConfigurationError
from workbench.runs.configuration import Options, configuration_from_command, load_job, parse_job
from workbench.runs.job_writing import to_job_yaml

CLOUD = """\
$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
code: src
command: >-
  python train.py --iris ${{inputs.iris}} --model ${{inputs.base}} --lr ${{inputs.lr}}
  --out ${{outputs.model}}
inputs:
  iris:
    type: uri_file
    path: https://azuremlexamples.blob.core.windows.net/datasets/iris.csv
    mode: download
  base:
    type: mlflow_model
    path: azureml:churn:3
  table:
    type: mltable
    path: azureml://datastores/workspaceblobstore/paths/tables/a
    mode: eval_mount
  lr: 0.1
outputs:
  model:
  report:
    type: uri_file
    mode: upload
environment: azureml://registries/azureml/environments/sklearn-1.5/labels/latest
compute: azureml:cpu-cluster
resources:
  instance_count: 1
  shm_size: 2g
  docker_args: --ulimit memlock=-1 -e 'A B'
distribution:
  type: pytorch
  process_count_per_instance: 2
services:
  board: {type: tensor_board, log_dir: outputs/tb}
  lab: {job_service_type: jupyter_lab, nodes: all}
"""


def problems_of(text: str, **options: Any) -> list[tuple[int, str, str]]:
    with pytest.raises(ConfigurationError) as caught:
        parse_job(text, "job.yml", **options)
    return [(p.get("line", 0), p["field"], p["message"]) for p in caught.value.data["problems"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("src", "data", "project", "docker"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "a.csv").write_text("1,2\n")
    (tmp_path / "requirements.txt").write_text("numpy\n")
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.11]\n")
    (tmp_path / "12").mkdir()
    return tmp_path


def load(folder: Path, text: str, **options: Any) -> Any:
    file = folder / "job.yml"
    file.write_text(text)
    return load_job(file, **options)


def test_a_file_written_for_the_cloud_is_read_whole(folder: Path) -> None:
    """AZ-57, AZ-131, AZ-148: every part of it is there under our words."""
    job = load(folder, CLOUD)
    assert job.data_inputs == {
        "iris": DataInput(
            type="uri_file",
            path="https://azuremlexamples.blob.core.windows.net/datasets/iris.csv",
            mode="download",
        ),
        "base": DataInput(type="mlflow_model", path="azureml:churn:3"),
        "table": DataInput(type="mltable", path="azureml://datastores/workspaceblobstore/paths/tables/a"),
    }
    assert job.inputs == {"lr": 0.1}
    assert job.outputs == {"model": DataOutput(), "report": DataOutput(type="uri_file", mode="upload")}
    assert job.environment == "azureml://registries/azureml/environments/sklearn-1.5/labels/latest"
    assert (job.target, job.shm_size) == ("cpu-cluster", 2 << 30)
    assert job.docker_args == ["--ulimit", "memlock=-1", "-e", "A B"]
    assert job.distribution == Distribution(type="pytorch", processes=2)
    assert job.services == {"board": "tensorboard", "lab": "jupyter"}
    assert "--lr 0.1" in job.command
    assert "--iris ${{inputs.iris}}" in job.command, "the machine knows where it lies"
    assert "${{outputs.model}}" in job.command
    assert parse_job(to_job_yaml(job), "written") == job


@pytest.mark.parametrize("kind", ["uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model"])
@pytest.mark.parametrize("mode", ["ro_mount", "download", "direct"])
def test_every_type_and_mode_of_an_input(folder: Path, kind: str, mode: str) -> None:
    """AZ-59."""
    job = load(folder, f"command: x\ninputs:\n  d: {{type: {kind}, path: data, mode: {mode}}}\n")
    assert job.data_inputs["d"] == DataInput(type=kind, path=str(folder / "data"), mode=mode)


@pytest.mark.parametrize("kind", ["uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model"])
@pytest.mark.parametrize("mode", ["rw_mount", "upload", "direct"])
def test_every_type_and_mode_of_an_output(kind: str, mode: str) -> None:
    text = f"command: x\noutputs:\n  d: {{type: {kind}, path: /scratch/d, mode: {mode}, name: made}}\n"
    assert parse_job(text, "job.yml").outputs["d"] == DataOutput(
        type=kind, path="/scratch/d", mode=mode, name="made"
    )


@pytest.mark.parametrize(("mode", "comes"), [("eval_mount", "ro_mount"), ("eval_download", "download")])
def test_an_mltable_that_is_to_be_evaluated_comes_as_its_folder(mode: str, comes: str) -> None:
    job = parse_job(f"command: x\ninputs: {{t: {{type: mltable, path: /t, mode: {mode}}}}}\n", "job.yml")
    assert job.data_inputs["t"].mode == comes


@pytest.mark.parametrize(
    ("written", "kind", "path"),
    [
        ("data/a.csv", "uri_file", "data/a.csv"),
        ("./data", "uri_folder", "data"),
        ("https://example.org/a.csv?x=1", "uri_file", None),
        ("https://example.org/folder/", "uri_folder", None),
        ("'s3://bucket/a.parquet'", "uri_file", None),
        ("azureml:digits@latest", "uri_folder", None),
        ("data:digits:3", "uri_folder", None),
    ],
)
def test_a_bare_text_that_is_an_address_or_a_path_is_data(
    folder: Path, written: str, kind: str, path: str | None
) -> None:
    job = load(folder, f"command: x ${{{{inputs.d}}}}\ninputs:\n  d: {written}\n")
    found = str(folder / path) if path else written.strip("'")
    assert job.data_inputs["d"] == DataInput(type=kind, path=found)
    assert job.inputs == {}
    assert job.template is None


@pytest.mark.parametrize("written", ["'data'", "12", "{type: string, default: data}", "nothing-here", "true"])
def test_what_is_quoted_or_typed_or_a_number_is_a_value(folder: Path, written: str) -> None:
    """A folder called 12 lies beside the file, and a number is a number."""
    job = load(folder, f"command: x\ninputs: {{d: {written}}}\n")
    assert job.data_inputs == {}
    assert list(job.inputs) == ["d"]


def test_a_path_is_looked_for_where_it_was_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the file beside it, of an option in the current directory; what is not here is the machine's."""
    elsewhere = folder / "src"
    (elsewhere / "b.csv").write_text("")
    monkeypatch.chdir(elsewhere)
    text = "command: x\ninputs: {a: data/a.csv, m: {path: /no/such/place/on/this/side}, g: {path: 'gpu1:/data'}}\n"
    job = load(folder, text, options=Options(inputs=("b=b.csv",)))
    assert {name: data.path for name, data in job.data_inputs.items()} == {
        "a": str(folder / "data" / "a.csv"),
        "m": "/no/such/place/on/this/side",
        "g": "gpu1:/data",
        "b": str(elsewhere / "b.csv"),
    }
    with pytest.raises(ConfigurationError, match="there is no file or folder"):
        load(folder, "command: x\ninputs: {a: {type: uri_file, path: data/none.csv}}\n")


@pytest.mark.parametrize(
    ("line", "field", "says"),
    [
        ("inputs: {d: {type: uri_file, path: data}}", "inputs.d.path", "is a folder: its type is uri_folder"),
        ("inputs: {d: {type: uri_folder, path: data/a.csv}}", "inputs.d.path", "is a file"),
        ("inputs: {d: {type: uri_fille, path: data}}", "inputs.d.type", "uri_file"),
        ("inputs: {d: {path: data, mode: upload}}", "inputs.d.mode", "is for an output"),
        ("inputs: {d: {path: data, mode: eval_mount}}", "inputs.d.mode", "is for an mltable"),
        ("inputs: {d: {path: data, mod: direct}}", "inputs.d.mod", "unknown field"),
        ("inputs: {d: {type: uri_folder}}", "inputs.d", "has no path"),
        ("inputs: {d: {type: [integer], default: 3}}", "inputs.d.type", "must be one of"),
        ("outputs: {d: {mode: download}}", "outputs.d.mode", "for an output"),
        ("outputs: {d: {path: here}}", "outputs.d.path", "absolute path on the machine"),
        ("outputs: {d: ./x}", "outputs.d", "must be empty, or a mapping"),
        ("outputs: {1d: }", "outputs.1d", "is no name"),
        ("distribution: pytorch", "distribution", "must be a mapping"),
        ("distribution: {process_count_per_instance: 2}", "distribution.type", "must be one of"),
        (
            "distribution: {type: mpi, process_count_per_instance: 0}",
            "distribution.process_count_per_instance",
            "1",
        ),
        ("distribution: {type: mpi, worker_count: 2}", "distribution.worker_count", "unknown field for mpi"),
        ("resources: {shm_size: big}", "resources.shm_size", "such as 2g"),
        ("resources: {docker_args: '--x'}", "resources.docker_args", "names none"),
        ("resources: {cpus: 0}", "resources.cpus", "1 or more"),
        ("services: {a: {type: custom}}", "services.a.type", "wb run forward"),
        ("environment: {requirements: none.txt}", "environment.requirements", "there is no file or folder"),
        ("environment: {project: requirements.txt}", "environment.project", "is no folder"),
        ("environment: {conda_file: conda.yml, requirements: requirements.txt}", "environment", "exclude"),
        ("environment: {name: a, requirements: requirements.txt, version: 3}", "environment", "leave it out"),
        (
            "environment: {requirements: requirements.txt, python: /usr/bin/python3}",
            "environment",
            "such as 3.11",
        ),
        ("environment: {python: '3.11'}", "environment.python", "absolute path"),
        (
            "environment: {build: {path: docker, dockerfile_path: ../x}}",
            "environment.build.dockerfile_path",
            "inside",
        ),
        ("environment: {build: docker}", "environment.build", "{path: DIR}"),
        ("environment: {image: 'a b'}", "environment.image", "no name of an image"),
        ("environment: {imag: a}", "environment.imag", "unknown field"),
        ("environment: {groups: dev, requirements: requirements.txt}", "environment", "belong to a project"),
        ("environment: none.txt", "environment", "there is no file or folder"),
        ("environment: 'inline:{}'", "environment", "as a mapping"),
    ],
)
def test_what_cannot_be_is_named_with_its_line(folder: Path, line: str, field: str, says: str) -> None:
    (folder / "job.yml").write_text(f"command: x\n{line}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_job(folder / "job.yml")
    problems = caught.value.data["problems"]
    assert [(p["line"], p["field"]) for p in problems] == [(2, field)], problems
    assert says in problems[0]["message"]


def test_all_problems_of_data_at_once() -> None:
    problems = problems_of(
        "command: x ${{outputs.nosuch}}\n"
        "inputs:\n"
        "  a: {type: uri_file, path: /a, mode: rw_mount}\n"
        "  b: {type: nothing, path: /b}\n"
        "outputs:\n"
        "  c: {mode: ro_mount, what: 1}\n"
        "environment: {build: {}}\n"
        "distribution: {type: mpi, count: 2}\n"
    )
    assert [(line, field) for line, field, _ in problems] == [
        (1, "command"),
        (3, "inputs.a.mode"),
        (4, "inputs.b.type"),
        (6, "outputs.c.mode"),
        (6, "outputs.c.what"),
        (7, "environment.build"),
        (8, "distribution.count"),
    ]


def test_a_value_cannot_smuggle_a_name_of_data_to_the_machine() -> None:
    """What is put into a command is not looked at again, also not by who replaces the rest there."""
    problems = problems_of(
        "command: x ${{inputs.v}} ${{inputs.d}}\ninputs: {v: '${{inputs.d}}', d: {path: /data}}\n"
    )
    assert [(line, field) for line, field, _ in problems] == [(2, "inputs.v")]


@pytest.mark.parametrize(
    ("written", "stands_for"),
    [
        ("sklearn", "sklearn"),
        ("sklearn:3", "sklearn:3"),
        ("azureml:AzureML-sklearn-1.5@latest", "azureml:AzureML-sklearn-1.5@latest"),
        ("azureml:mine:3", "azureml:mine:3"),
        ("{name: mine, version: 3}", "mine:3"),
        ("{name: mine}", "mine"),
        ("{python: /opt/py/bin/python}", "/opt/py/bin/python"),
        ("image:python:3.12-slim", "image:python:3.12-slim"),
    ],
)
def test_an_environment_by_its_name_stays_a_name(written: str, stands_for: str) -> None:
    """AZ-129, AZ-133."""
    job = parse_job(f"command: x\nenvironment: {written}\n", "job.yml")
    assert job.environment == stands_for
    assert parse_job(to_job_yaml(job), "written") == job


@pytest.mark.parametrize(
    ("written", "definition"),
    [
        (
            "{requirements: requirements.txt, python: '3.11'}",
            {"requirements": "@requirements.txt", "python": "3.11"},
        ),
        (
            "{project: project, groups: [dev, extra:gpu]}",
            {"project": "@project", "groups": ["dev", "extra:gpu"]},
        ),
        ("{conda_file: conda.yml, name: mine}", {"conda_file": "@conda.yml", "name": "mine"}),
        ("{image: 'a/b:1.2', conda_file: file:conda.yml}", {"image": "a/b:1.2", "conda_file": "@conda.yml"}),
        (
            "{conda_file: {dependencies: [python=3.10, {pip: [numpy==1.26]}]}}",
            {"conda": {"dependencies": ["python=3.10", {"pip": ["numpy==1.26"]}]}},
        ),
        ("{build: {path: docker}}", {"build": "@docker"}),
        (
            "{build: {path: docker, dockerfile_path: a/Dockerfile}, description: d, tags: {a: , b: 1.10}}",
            {
                "build": "@docker",
                "dockerfile_path": "a/Dockerfile",
                "description": "d",
                "tags": {"a": None, "b": "1.10"},
            },
        ),
    ],
)
def test_an_environment_that_is_written_out_is_a_definition_to_register(
    folder: Path, written: str, definition: dict[str, Any]
) -> None:
    """AZ-134."""
    job = load(folder, f"command: x\nenvironment: {written}\n")
    found = reference.read(job.environment).definition

    def here(value: Any) -> Any:
        return str(folder / value[1:]) if isinstance(value, str) and value.startswith("@") else value

    assert found == {key: here(value) for key, value in definition.items()}
    assert parse_job(to_job_yaml(job), "written") == job


def test_a_file_alone_is_an_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(folder, "command: x\nenvironment: conda.yml\n").environment == str(folder / "conda.yml")
    assert load(folder, "command: x\nenvironment: ./project\n").environment == f"{folder}/project/"
    monkeypatch.chdir(folder)
    options = Options(environment="requirements.txt")
    assert configuration_from_command("x", options).environment == str(folder / "requirements.txt")
    job = load(folder, "command: x\nenvironment: {image: a}\n", options=Options(environment="sklearn@latest"))
    assert job.environment == "sklearn@latest", "an option takes the place of a file's as a whole"


def test_options_of_data_and_processes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    options = Options(
        inputs=("d=data", "n=data:digits:3", "lr=3e-4"),
        outputs=("model", "there=/scratch/x", "set=data:made"),
        distribution="pytorch:4",
    )
    job = configuration_from_command("x ${{inputs.lr}} ${{outputs.model}}", options)
    assert job.data_inputs["d"].path == str(folder / "data")
    assert job.data_inputs["n"].path == "data:digits:3"
    assert job.inputs == {"lr": 3e-4}
    assert job.outputs == {
        "model": DataOutput(),
        "there": DataOutput(path="/scratch/x"),
        "set": DataOutput(name="made"),
    }
    assert job.distribution == Distribution(type="pytorch", processes=4)
    text = (
        "command: x\ninputs: {d: {type: uri_folder, path: /a, mode: download}}\n"
        "outputs: {o: {type: mltable, mode: upload}}\ndistribution: {type: mpi}\n"
    )
    job = load(folder, text, options=Options(inputs=("d=data",), outputs=("o",), distribution="tensorflow:2"))
    assert job.data_inputs["d"] == DataInput(path=str(folder / "data"), mode="download"), (
        "the rest of it stays"
    )
    assert job.outputs["o"] == DataOutput(type="mltable", mode="upload")
    assert job.distribution == Distribution(type="tensorflow", processes=2)
    sets = ["inputs.d.mode=direct", "outputs.o.name=made", "distribution.process_count_per_instance=3"]
    job = load(folder, text, sets=sets)
    assert (job.data_inputs["d"].mode, job.outputs["o"].name) == ("direct", "made")
    assert job.distribution == Distribution(type="mpi", processes=3)


def test_parameter_servers_are_processes_too() -> None:
    """AZ-145."""
    job = parse_job(
        "command: x\ndistribution: {type: TensorFlow, worker_count: 3, parameter_server_count: 1}\n", "j"
    )
    assert job.distribution == Distribution(type="tensorflow", processes=4, parameter_servers=1)
    assert parse_job(to_job_yaml(job), "written") == job
