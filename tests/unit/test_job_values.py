"""Values in a job file: literals, declared inputs, and expressions that are replaced."""

from __future__ import annotations

import pytest

from tests.unit.job_problems import only_problem
from workbench.runs.configuration import parse_job


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("command: x ${{inputs.rat}}\ninputs: {rate: 1}", "did you mean rate?"),
        ("command: x ${{outputs.model}}", "there is no output model"),
        ("command: x ${{outputs.mode}}\noutputs: {model: }", "did you mean model?"),
        ("command: x ${{search_space.lr}}", "sweep"),
        ("command: x ${{ 1 + 1 }}", "unknown expression"),
        ("command: x ${{inputs.lr", "never closed"),
        ("command: x\nenvironment_variables: {A: '${{inputs.a}}'}", "in command only"),
    ],
)
def test_unknown_expressions_are_errors_before_anything_is_sent(text: str, part: str) -> None:
    assert part in only_problem(text)["message"]


def test_replacement_is_textual_and_looks_at_its_own_text_only_once() -> None:
    job = parse_job("command: a ${{inputs.x}}\ninputs: {x: '${{inputs.y}} $(b)', y: 1}\n", "job.yml")
    assert job.command == "a ${{inputs.y}} $(b)"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("3e-4", 0.0003),
        ("1E5", 100000.0),
        (".5", 0.5),
        ("-7", -7),
        ("007", 7),
        ("yes", "yes"),
        ("on", "on"),
        ("True", True),
        ("1:30", "1:30"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("9" * 30, "9" * 30),
        ("'3e-4'", "3e-4"),
        ("NO", "NO"),
    ],
)
def test_literals_are_what_they_look_like_and_not_what_yaml_1_1_says(written: str, value: object) -> None:
    job = parse_job(f"command: x ${{{{inputs.v}}}}\ninputs: {{v: {written}}}\n", "job.yml")
    assert job.inputs["v"] == value
    assert type(job.inputs["v"]) is type(value)
    assert job.command == "x " + written.strip("'")


@pytest.mark.parametrize(
    ("declared", "part"),
    [
        ("{type: integer, default: 1.5}", "integer"),
        ("{type: number, default: much}", "number"),
        ("{type: boolean, default: 3}", "boolean"),
        ("{type: number}", "default"),
        ("{type: number, default: 5, max: 3}", "max 3"),
        ("{type: string, default: c, enum: [a, b]}", "a, b"),
        ("{type: tensor, default: 5}", "string, integer"),
        ("{type: number, default: 5, color: red}", "unknown field"),
    ],
)
def test_declared_inputs_are_checked(declared: str, part: str) -> None:
    problem = only_problem(f"command: x\ninputs:\n  v: {declared}\n")
    assert problem["line"] == 3
    assert part in problem["message"]


def test_declared_types_decide() -> None:
    job = parse_job(
        "command: x ${{inputs.a}} ${{inputs.b}} ${{inputs.c}}\n"
        "inputs:\n"
        "  a: {type: string, default: 3e-4}\n"
        "  b: {type: boolean, default: yes}\n"
        "  c: {type: number, default: 3}\n",
        "job.yml",
    )
    assert job.inputs == {"a": "3e-4", "b": True, "c": 3.0}
    assert job.command == "x 3e-4 yes 3"
