"""The JSON schema and the page of job files are current, name what the reader knows, and agree with it."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from workbench.errors import ConfigurationError
from workbench.runs.configuration import load_job, parse_job
from workbench.runs.job_fields import JOB, Field
from workbench.runs.job_schema import job_schema

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
