"""The JSON schema and the page of job files are current, name what the reader knows, and agree with it."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings

from tests.unit.test_job_data import CLOUD
from tests.unit.test_job_round_trip import CONFIGURATIONS
from tests.unit.test_job_yaml import WHOLE
from workbench.entities.configuration import RunConfiguration
from workbench.errors import ConfigurationError
from workbench.runs.configuration import load_job, parse_job
from workbench.runs.job_fields import JOB, Field
from workbench.runs.job_schema import job_schema
from workbench.runs.job_writing import to_job_yaml

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_job_schema", DOCS / "make_job_schema.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_written_schema_is_current(script: ModuleType) -> None:
    written = (DOCS / "job.schema.json").read_text(encoding="utf-8")
    assert written == script.schema_text(), "run: python docs/make_job_schema.py"
    assert json.loads(written) == job_schema()


def test_the_page_is_current(script: ModuleType) -> None:
    page = (DOCS / "jobs.md").read_text(encoding="utf-8")
    assert page == script.page_text(page), "run: python docs/make_job_schema.py"
    assert "| `workbench.setup` |" in page


def test_the_examples_of_the_docs_are_valid() -> None:
    page = (DOCS / "jobs.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.S)
    assert blocks
    for block in blocks:
        assert parse_job(block, "docs/jobs.md").command
    for example in (DOCS / "examples").glob("*/job.yml"):
        job = load_job(example)
        assert job.code == str(example.parent.resolve())
        assert "${{" not in str(job.command)


def test_every_field_is_in_the_schema_and_described() -> None:
    def check(about: Field, schema: dict[str, Any]) -> None:
        assert schema["description"]
        if about.fields:
            assert set(schema["properties"]) == set(about.fields)
            assert not set(about.fields) & set(about.not_yet)
            for name, field in about.fields.items():
                check(field, schema["properties"][name])

    check(JOB, job_schema())


def test_what_the_table_refuses_is_refused_by_the_reader() -> None:
    def check(about: Field, path: list[str]) -> None:
        for name in about.not_yet:
            text = "command: x\n"
            for depth, part in enumerate([*path, name]):
                text += "  " * depth + f"{json.dumps(part)}:\n"
            with pytest.raises(ConfigurationError) as caught:
                parse_job(text, "job.yml")
            assert [p["message"] for p in caught.value.data["problems"]] == [about.not_yet[name]]
        for name, field in about.fields.items():
            check(field, [*path, name])

    check(JOB, [])


VALID = [
    "command: x",
    "command: x\ninputs: {a: 1, b: text, c: true, d: {type: integer, default: 3, min: 1}}",
    "command: x\ninputs: {a: {type: uri_file, path: 'https://example.org/a'}, b: {path: /a, mode: direct}}",
    "command: x\noutputs: {a: , b: {type: mltable, mode: upload, name: made, path: 's3://b/x'}}",
    "command: x\nenvironment: sklearn@latest",
    "command: x\nenvironment: {image: 'a/b:1', conda_file: {dependencies: [python]}}",
    "command: x\nenvironment: {build: {path: docker, dockerfile_path: D}, os_type: linux}",
    "command: x\nenvironment: {project: p, groups: [dev], python: 3.11}",
    "command: x\nenvironment: {name: a, version: 3}",
    "command: x\ndistribution: {type: mpi, process_count_per_instance: 3}",
    "command: x\ndistribution: {type: tensorflow, worker_count: 2, parameter_server_count: 1}",
    "command: x\nresources: {shm_size: 2g, docker_args: [--a, 'b c'], cpus: 4, gpus: 0}\nenvironment: {image: a}",
    "command: x\nservices: {a: {type: ssh}, b: {job_service_type: tensor_board, log_dir: logs}}",
    "command: x\nworkbench: {setup: a, secrets: [KEY], retry: {count: 2, on: [reboot]}, ingest: off}",
    "command: x\nlimits: {timeout: 1e3}\ntags: {a: , b: 1.10}\nenvironment_variables: {A: 1}",
]
INVALID = [
    "display_name: x",
    "command: ''",
    "command: [a]",
    "command: x\ncomand: y",
    "command: x\ninputs: {a: [1]}",
    "command: x\ninputs: {1a: 1}",
    "command: x\ninputs: {a: {type: integer}}",
    "command: x\ninputs: {a: {type: uri_file}}",
    "command: x\ninputs: {a: {path: /a, mode: upload}}",
    "command: x\ninputs: {a: {path: /a, default: 3}}",
    "command: x\noutputs: {a: {type: integer}}",
    "command: x\noutputs: {a: text}",
    "command: x\noutputs: {a: {mode: download}}",
    "command: x\nenvironment: [a]",
    "command: x\nenvironment: {}",
    "command: x\nenvironment: {description: a}",
    "command: x\nenvironment: {image: a, requirements: b}",
    "command: x\nenvironment: {project: a, conda_file: b}",
    "command: x\nenvironment: {image: a, groups: [dev]}",
    "command: x\nenvironment: {imag: a}",
    "command: x\nenvironment: {build: a}",
    "command: x\nenvironment: {image: a, os_type: windows}",
    "command: x\ndistribution: pytorch",
    "command: x\ndistribution: {process_count_per_instance: 3}",
    "command: x\ndistribution: {type: pytorch, worker_count: 3}",
    "command: x\ndistribution: {type: mpi, process_count_per_instance: 0}",
    "command: x\nresources: {shm_size: big}",
    "command: x\nresources: {gpus: -1}",
    "command: x\nresources: {cpus: 0}",
    "command: x\nresources: {instance_count: 2}",
    "command: x\nservices: {a: {type: vs_code}}",
    "command: x\nservices: {a: {}}",
    "command: x\nlimits: {timeout: 0}",
    "command: x\nworkbench: {secrets: KEY}",
    "command: x\nworkbench: {retry: {count: -1}}",
    "type: sweep\ncommand: x",
]


def as_editors_read(text: str) -> Any:
    """The file as a YAML 1.2 editor hands it to its schema checker: 1e3 is a number there, off is text."""
    found = yaml.load(text, Loader=_Core)
    return json.loads(json.dumps(found))


class _Core(yaml.SafeLoader):
    """YAML 1.2's core rules for plain scalars."""


_Core.yaml_implicit_resolvers = {}
for tag, form in (
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|"),
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE"),
    ("tag:yaml.org,2002:int", r"[-+]?[0-9]+"),
    ("tag:yaml.org,2002:float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
):
    _Core.add_implicit_resolver(tag, re.compile(f"^(?:{form})$"), None)


@pytest.fixture(scope="module")
def checker() -> Any:
    jsonschema.Draft202012Validator.check_schema(job_schema())
    return jsonschema.Draft202012Validator(job_schema())


@pytest.mark.parametrize("text", VALID)
def test_what_the_reader_takes_the_schema_takes(checker: Any, text: str) -> None:
    assert parse_job(text, "job.yml").command
    assert [error.message for error in checker.iter_errors(as_editors_read(text))] == []


@pytest.mark.parametrize("text", INVALID)
def test_what_the_schema_refuses_the_reader_refuses(checker: Any, text: str) -> None:
    assert not checker.is_valid(as_editors_read(text))
    with pytest.raises(ConfigurationError):
        parse_job(text, "job.yml")


def test_the_examples_fit_the_schema(checker: Any) -> None:
    page = (DOCS / "jobs.md").read_text(encoding="utf-8")
    texts = re.findall(r"```yaml\n(.*?)```", page, re.S)
    texts += [file.read_text("utf-8") for file in (DOCS / "examples").glob("*/*.yml")]
    for text in [*texts, CLOUD, WHOLE]:
        assert [error.message for error in checker.iter_errors(as_editors_read(text))] == []


@settings(max_examples=60)
@given(CONFIGURATIONS)
def test_what_is_written_fits_the_schema(checker: Any, job: RunConfiguration) -> None:
    """Every configuration as a file, as a rerun and a dry run write it."""
    errors = [error.message for error in checker.iter_errors(as_editors_read(to_job_yaml(job)))]
    assert errors == []
