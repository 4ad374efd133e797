"""The command job YAML: what is read, and how every mistake is named with its line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.job_problems import only_problem, problems_of
from workbench.entities.configuration import Retries
from workbench.errors import ConfigurationError, NotFound
from workbench.runs.configuration import Options, configuration_from_command, load_job, parse_job
from workbench.runs.job_writing import to_job_yaml
from workbench.runs.yaml_lines import MAX_BYTES

WHOLE = """\
$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
type: command
display_name: first try
experiment_name: mnist
description: |
  # Title
  text
command: |
  set -u
  python train.py --lr ${{inputs.lr}} --name "${{ inputs.name }}" --deep ${{inputs.deep}}
code: src
compute: azureml:gpu1
environment:
  python: /opt/py/bin/python
inputs:
  lr: 3e-4
  name: "1.10"
  deep: true
  epochs:
    type: integer
    default: 12
environment_variables:
  PRECISION: 1.10
  SWITCH: on
  EMPTY:
resources:
  gpus: 2
  priority: -3
  instance_count: 1
limits:
  timeout: 1e3
tags:
  note: yes
  bare:
workbench:
  setup: module load cuda
  secrets: [HF_TOKEN]
"""


def test_a_whole_file_is_read_as_it_is_meant() -> None:
    job = parse_job(WHOLE, "job.yml")
    assert job.command == 'set -u\npython train.py --lr 3e-4 --name "1.10" --deep true\n'
    assert "${{inputs.lr}}" in str(job.template)
    assert (job.name, job.experiment, job.description) == ("first try", "mnist", "# Title\ntext\n")
    assert (job.code, job.target, job.environment) == ("src", "gpu1", "/opt/py/bin/python")
    assert job.inputs == {"lr": 0.0003, "name": "1.10", "deep": True, "epochs": 12}
    assert [type(value) for value in job.inputs.values()] == [float, str, bool, int]
    assert job.environment_variables == {"PRECISION": "1.10", "SWITCH": "on", "EMPTY": ""}
    assert (job.gpus, job.priority, job.timeout) == (2, -3, 1000.0)
    assert job.tags == {"note": "yes", "bare": None}
    assert (job.setup, job.secrets) == (["module load cuda"], ["HF_TOKEN"])
    assert job.collect_outputs
    assert job.snapshot_code


def test_the_shortest_file() -> None:
    job = parse_job("command: python train.py\n", "job.yml")
    assert job.command == "python train.py"
    assert job.template is None
    assert (job.target, job.environment, job.code, job.gpus, job.timeout) == (None,) * 5
    assert job.experiment == "default"


def test_switches_of_the_history() -> None:
    job = parse_job(
        "command: x\nworkbench: {collect_outputs: false, snapshot_code: no, grace: 0}\n", "job.yml"
    )
    assert (job.collect_outputs, job.snapshot_code, job.grace) == (False, False, 0.0)


def test_how_often_it_is_tried_again() -> None:
    job = parse_job("command: x\nworkbench: {retry: {count: 2}}\n", "job.yml")
    assert job.retries == Retries(count=2)
    job = parse_job(
        "command: x\nworkbench:\n  retry:\n    count: 3\n    on: [reboot, lost, exit]\n", "job.yml"
    )
    assert job.retries == Retries(count=3, on=["reboot", "lost", "supervisor_lost", "guard_lost", "exit"])
    assert parse_job("command: x\nworkbench: {retry: {count: 0}}\n", "job.yml").retries is None
    said = configuration_from_command(["x"], Options(retry="4:reboot,exit")).retries
    assert said == Retries(count=4, on=["reboot", "exit"])
    assert configuration_from_command(["x"], Options(retry="1")).retries == Retries(count=1)
    job = parse_job(
        "command: x\nworkbench: {retry: {count: 2, on: [exit]}}\n", "job.yml", options=Options(retry="1")
    )
    assert job.retries == Retries(count=1), "what is said at submit replaces what the file says"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{count: 101}", "more than 100"),
        ("{count: -1}", "whole number"),
        ("{on: [reboot]}", "count is missing"),
        ("{count: 1, on: [canceled]}", "no end it knows; known are reboot, lost, exit"),
        ("{count: 1, on: reboot}", "list"),
        ("3", "mapping"),
    ],
)
def test_retries_that_cannot_be_are_named(text: str, says: str) -> None:
    assert says in only_problem(f"command: x\nworkbench: {{retry: {text}}}\n")["message"]


@pytest.mark.parametrize("text", ["- a\n- b\n", "just text\n", "[]\n"])
def test_what_is_no_mapping_is_one_mistake(text: str) -> None:
    """Nothing can be missing in what was not read."""
    assert [(p["line"], p["message"]) for p in problems_of(text)] == [(1, "must be a mapping of fields")]


def test_all_mistakes_at_once_each_with_its_line() -> None:
    problems = problems_of(
        "comand: x\n"  # 1
        "inputs:\n"
        "  a: {type: uri_file}\n"  # 3
        "  b: [1]\n"  # 4
        "resources:\n"
        "  gpus: many\n"  # 6
        "  gpuz: 1\n"  # 7
        "environment: two words\n"  # 8
        "limits: {timeout: -1}\n"  # 9
        "experiment_name: -bad\n"  # 10
        "command: run ${{inputs.c}}\n"  # 11
    )
    assert [(p["line"], p["field"]) for p in problems] == [
        (1, "comand"),
        (3, "inputs.a"),
        (4, "inputs.b"),
        (6, "resources.gpus"),
        (7, "resources.gpuz"),
        (8, "environment"),
        (9, "limits.timeout"),
        (10, "experiment_name"),
        (11, "command"),
    ]
    assert "did you mean command?" in problems[0]["message"]
    assert "did you mean gpus?" in problems[4]["message"]
    assert "NAME:VERSION" in problems[5]["message"]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("distribution: {type: ray}", "distribution.type"),
        ("outputs: {model: {type: integer}}", "outputs.model.type"),
        ("outputs: {model: {version: 3}}", "outputs.model.version"),
        ("services: {a: {type: vs_code}}", "services.a.type"),
        ("services: {a: {type: ssh, port: 22}}", "services.a.port"),
        ("identity: {type: managed}", "identity"),
        ("resources: {instance_count: 2}", "resources.instance_count"),
        ("resources: {instance_type: STANDARD_NC6}", "resources.instance_type"),
        ("environment: {image: python, inference_config: {}}", "environment.inference_config"),
        ("environment: {image: python, os_type: windows}", "environment.os_type"),
        ("inputs: {d: {path: /a, path_on_compute: /b}}", "inputs.d.path_on_compute"),
        ("inputs: {d: {path: /a, mode: rw_mount}}", "inputs.d.mode"),
        ("type: sweep", "type"),
        ("name: my-run", "name"),
        ("workbench: {mlflow: maybe}", "workbench.mlflow"),
    ],
)
def test_what_is_known_and_not_there_yet_is_refused_in_words(text: str, field: str) -> None:
    problem = only_problem(f"command: x\n{text}\n")
    assert (problem["line"], problem["field"]) == (2, field)
    assert len(problem["message"]) > 15
    assert "unknown field" not in problem["message"]


def test_duplicate_keys_name_both_lines() -> None:
    problem = only_problem("command: x\ntags:\n  a: 1\n  b: 2\n  a: 3\n")
    assert (problem["line"], problem["field"]) == (5, "a")
    assert "line 3" in problem["message"]
    assert "line 5" in problem["message"]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("command: x\ninputs:\n\tlr: 1\n", 3, "tab"),
        ("command: echo a: b\n", 1, "colon"),
        ("command: [1, 2\n", 2, ""),
        ("command: x\n---\ncommand: y\n", 2, "second document"),
        ("command: !!python/object/apply:os.system [id]\n", 1, "tag"),
        ("command: !!str x\n", 1, "tag"),
        ("command: *nowhere\n", 1, "anchor"),
        ("command: &a [*a]\n", 1, "anchor"),
        ("command: x\ntags: {a: \x01}\n", 2, "not allowed"),
    ],
)
def test_text_that_is_no_yaml_says_where(text: str, line: int, part: str) -> None:
    problem = only_problem(text)
    assert problem["line"] == line, problem
    assert part in problem["message"]


def test_bombs_are_refused_quickly() -> None:
    begun = time.monotonic()
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    assert "values" in only_problem(f"a0: &a0 [x]\n{levels}command: x\n")["message"]
    assert "deep" in only_problem("command: " + "[" * 5000 + "\n")["message"]
    assert "larger" in only_problem("command: x # " + "y" * MAX_BYTES)["message"]
    assert "values" in only_problem("tags:\n" + "".join(f"  k{n}: v\n" for n in range(6000)))["message"]
    assert time.monotonic() - begun < 60


def test_anchors_may_be_used_in_reason() -> None:
    job = parse_job("command: &c python x.py\ndescription: *c\n", "job.yml")
    assert job.description == job.command


@pytest.mark.parametrize("text", ["", "{}", "null", "command:\n", "command: '  '\n"])
def test_a_file_without_a_command_says_so(text: str) -> None:
    fields = [problem["field"] for problem in problems_of(text)]
    assert "command" in fields


def test_experiment_names() -> None:
    """AZ-64: a letter or digit first, then letters, digits, _ and -, 1 to 255 characters."""
    for name in ("a", "9", "A-b_c", "x" * 255):
        assert parse_job(f"command: x\nexperiment_name: {name}\n", "job.yml").experiment == name
    for name in ("-a", "_a", "a b", "a/b", "x" * 256, "é"):
        assert only_problem(f"command: x\nexperiment_name: {name}\n")["field"] == "experiment_name"


def test_code_is_found_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "src").mkdir()
    job = tmp_path / "jobs" / "job.yml"
    job.write_text("command: x\ncode: ../src\n")
    assert load_job(job).code == str((tmp_path / "src").resolve())
    job.write_text("command: x\ncode: ../gone\nresources: {gpus: -1}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_job(job)
    assert [problem["field"] for problem in caught.value.data["problems"]] == ["code", "resources.gpus"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load_job(tmp_path / "none.yml")
    with pytest.raises(NotFound):
        load_job(tmp_path)
    bad = tmp_path / "latin.yml"
    bad.write_bytes(b"command: x\ntags: {a: \xe9}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_job(bad)
    assert caught.value.data["problems"][0]["line"] == 2


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_a_configuration_or_a_list_of_problems(text: str) -> None:
    try:
        parse_job(text, "job.yml")
    except ConfigurationError as error:
        assert error.data["problems"]  # noqa: PT017 - either outcome is right, a crash is not


LINES = st.lists(
    st.sampled_from(
        [
            "command: x",
            "inputs:",
            "  a: 1",
            "  b: {type: number}",
            "tags: &t {a: b}",
            "resources: *t",
            "- x",
            "{",
            "}: [",
            "code: 'y",
            "workbench: [a]",
            "  setup: |",
            "   text",
            "environment: []",
            "limits: {timeout: {}}",
            "\t",
            "? [a]",
            ": x",
        ]
    ),
    max_size=12,
)


@given(LINES)
def test_any_lines_are_a_configuration_or_a_list_of_problems(lines: list[str]) -> None:
    try:
        parse_job("\n".join(lines), "job.yml")
    except ConfigurationError as error:
        assert all(problem["line"] > 0 for problem in error.data["problems"])  # noqa: PT017


@pytest.mark.parametrize(
    ("written", "read"),
    [("off", False), ("true", True), ("runs/**", ["runs/**"]), ('["runs/**", "!a"]', ["runs/**", "!a"])],
)
def test_which_logs_are_read_is_said_and_written_again(written: str, read: bool | list[str]) -> None:
    configuration = parse_job(f"command: a\nworkbench: {{ingest: {written}}}\n", "job.yml")
    assert configuration.ingest == read
    assert parse_job(to_job_yaml(configuration), "job.yml").ingest == read
