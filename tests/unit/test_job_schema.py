"""The JSON schema of job files is current and names what the reader knows."""

from __future__ import annotations

import json
from pathlib import Path

from workbench.runs.job_fields import JOB, Field
from workbench.runs.job_schema import job_schema

DOCS = Path(__file__).parents[2] / "docs"


def test_the_written_schema_is_current() -> None:
    """AZ-208: editors complete the YAML by its schema."""
    written = json.loads((DOCS / "job.schema.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(job_schema())), "run: python docs/make_job_schema.py"


def test_every_field_is_in_the_schema_and_described() -> None:
    def check(about: Field, schema: dict[str, object]) -> None:
        assert schema["description"]
        properties = schema.get("properties")
        if about.fields:
            assert isinstance(properties, dict)
            assert set(properties) == set(about.fields)
            assert not set(about.fields) & set(about.not_yet)
            for name, field in about.fields.items():
                check(field, properties[name])

    check(JOB, job_schema())
