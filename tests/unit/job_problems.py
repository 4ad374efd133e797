"""What is wrong with a job file."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.errors import ConfigurationError
from workbench.runs.configuration import parse_job


def problems_of(text: str, sets: list[str] | None = None) -> list[dict[str, Any]]:
    with pytest.raises(ConfigurationError) as caught:
        parse_job(text, "job.yml", sets or [])
    problems: list[dict[str, Any]] = caught.value.data["problems"]
    assert problems
    assert "\n" not in caught.value.message
    return problems


def only_problem(text: str) -> dict[str, Any]:
    problems = problems_of(text)
    assert len(problems) == 1, problems
    return problems[0]
