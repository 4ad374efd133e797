"""A configuration written as a job file reads as itself again."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_job_yaml import WHOLE
from workbench.entities.base import from_wire, replace, to_wire
from workbench.entities.configuration import (
    DataInput,
    DataOutput,
    Distribution,
    OnEnd,
    Retries,
    RunConfiguration,
)
from workbench.environments import reference
from workbench.remote.runs.retrying import LOST
from workbench.runs.configuration import Options, configuration_from_command, parse_job
from workbench.runs.job_fields import DATA_TYPES
from workbench.runs.job_writing import to_job_yaml

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40).filter(
    lambda text: "${{" not in text
)
LINE = TEXT.map(lambda text: text.replace("\n", " ")).filter(lambda text: bool(text.strip()))
VARIABLE = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)
LITERAL = (
    LINE.filter(lambda text: ":" not in text)
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
)

PATHS = (
    st.from_regex(r"/[a-z0-9 ._-]{0,20}[a-z]", fullmatch=True)
    | st.from_regex(r"gpu1:/[a-z0-9]{1,9}", fullmatch=True)
    | st.sampled_from(
        [
            "https://example.org/a.csv",
            "s3://bucket/x",
            "data:digits:3",
            "azureml:digits@latest",
            "model:m@champion",
        ]
    )
)
DATA = st.builds(
    DataInput,
    type=st.sampled_from(DATA_TYPES),
    path=PATHS,
    mode=st.sampled_from(["ro_mount", "download", "direct"]),
)
OUTPUT = st.builds(
    DataOutput,
    type=st.sampled_from(DATA_TYPES),
    path=st.none() | PATHS,
    mode=st.sampled_from(["rw_mount", "upload", "direct"]),
    name=st.none() | LINE,
)
DISTRIBUTION = st.builds(
    Distribution, type=st.sampled_from(["pytorch", "mpi"]), processes=st.integers(1, 1024)
) | st.builds(
    Distribution,
    type=st.just("tensorflow"),
    processes=st.integers(4, 99),
    parameter_servers=st.integers(0, 3),
)
ENVIRONMENT = (
    st.from_regex(r"/[a-z0-9 ._/-]{0,20}python3", fullmatch=True)
    | st.from_regex(r"[a-z][a-z0-9._-]{0,9}y(:[1-9]|@[a-z]{1,5}x)?", fullmatch=True)
    | st.sampled_from(
        [
            "azureml:a@latest",
            "azureml://registries/r/environments/e/labels/latest",
            "/home/me/p/",
            "image:a/b:1",
        ]
    )
    | st.builds(
        reference.inline,
        st.fixed_dictionaries(
            {"requirements": st.just("/home/me/r.txt")},
            optional={
                "python": st.just("3.10"),
                "name": st.just("mine"),
                "tags": st.just({"a": "1", "b": None}),
            },
        )
        | st.fixed_dictionaries(
            {"image": st.just("a/b:1")},
            optional={"conda": st.just({"name": "x", "dependencies": ["python=3.10", {"pip": ["a==1.10"]}]})},
        )
        | st.fixed_dictionaries(
            {"build": st.just("/home/me/c")}, optional={"dockerfile_path": st.just("a/Dockerfile")}
        )
        | st.fixed_dictionaries(
            {"project": st.just("/home/me/p")}, optional={"groups": st.just(["dev", "extra:gpu"])}
        ),
    )
)

CAUSES = st.lists(st.sampled_from(["reboot", "exit", "timeout", "supervisor_lost"]), unique=True).flatmap(
    lambda causes: st.sampled_from([causes, [*causes, *(each for each in LOST if each not in causes)]])
)
COMMAND = TEXT.filter(lambda text: bool(text.strip()))
HOSTS = st.lists(st.from_regex(r"[a-z][a-z0-9]{0,8}\.example", fullmatch=True), max_size=2)
ON_END = (
    st.builds(
        OnEnd,
        command=COMMAND
        | st.lists(TEXT, max_size=3).flatmap(lambda rest: COMMAND.map(lambda word: [word, *rest])),
    )
    | st.builds(
        OnEnd,
        webhook=st.just("https://hooks.example/a?b=c"),
        allow=HOSTS.map(lambda hosts: [*hosts, "hooks.example"]),
        plain_http=st.booleans(),
        sign=st.none() | st.just("KEY"),
    )
    | st.builds(OnEnd, webhook_secret=st.just("HOOK"), allow=HOSTS.map(lambda hosts: [*hosts, "x.example"]))
)

CONFIGURATIONS: st.SearchStrategy[RunConfiguration] = st.builds(
    RunConfiguration,
    command=TEXT.filter(lambda text: bool(text.strip())),
    code=st.none() | LINE,
    experiment=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True),
    name=st.none() | LINE,
    description=st.none() | TEXT,
    target=st.none() | VARIABLE,
    tags=st.dictionaries(LINE, st.none() | TEXT, max_size=3),
    inputs=st.dictionaries(VARIABLE, LITERAL, max_size=3),
    data_inputs=st.dictionaries(VARIABLE.map(lambda name: f"data_{name}"), DATA, max_size=2),
    outputs=st.dictionaries(VARIABLE, OUTPUT, max_size=2),
    environment=st.none() | ENVIRONMENT,
    distribution=st.none() | DISTRIBUTION,
    cpus=st.none() | st.integers(1, 64),
    services=st.dictionaries(LINE, st.sampled_from(["tensorboard", "jupyter", "ssh"]), max_size=2),
    shm_size=st.none() | st.integers(1, 2**40),
    environment_variables=st.dictionaries(VARIABLE, TEXT, max_size=3),
    gpus=st.none() | st.integers(0, 64),
    priority=st.integers(-9, 9),
    timeout=st.none() | st.floats(0.001, 1e9),
    grace=st.none() | st.floats(0, 1e6),
    retries=st.none() | st.builds(Retries, count=st.integers(1, 100), on=CAUSES),
    setup=st.lists(TEXT, max_size=3),
    secrets=st.just(["KEY", "HOOK"]),
    on_end=st.lists(ON_END, max_size=3),
    collect_outputs=st.booleans(),
    snapshot_code=st.booleans(),
)


@given(CONFIGURATIONS)
def test_every_configuration_reads_as_itself_again(job: RunConfiguration) -> None:
    again = parse_job(to_job_yaml(job), "written")
    assert again == job
    assert {k: type(v) for k, v in again.inputs.items()} == {k: type(v) for k, v in job.inputs.items()}


def test_a_whole_file_survives_with_its_expressions() -> None:
    job = parse_job(WHOLE, "job.yml")
    text = to_job_yaml(job)
    assert parse_job(text, "written") == job
    assert "lr: 3e-4" in text
    assert "${{inputs.lr}}" in text
    assert parse_job(text, "written", ["inputs.lr=1"]).inputs["lr"] == 1


@pytest.mark.parametrize(
    "declared",
    ["{type: number, default: 3}", "{type: boolean, default: yes}", "{type: integer, default: 1e3}"],
)
def test_declared_inputs_keep_type_and_words(declared: str) -> None:
    job = parse_job(f"command: x ${{{{inputs.v}}}}\ninputs: {{v: {declared}}}\n", "job.yml")
    again = parse_job(to_job_yaml(job), "written")
    assert again == job
    assert type(again.inputs["v"]) is type(job.inputs["v"])


@given(st.lists(TEXT, min_size=1, max_size=5).filter(lambda words: any(word.strip() for word in words)), LINE)
def test_an_argv_becomes_the_line_that_runs_the_same_words(words: list[str], value: str) -> None:
    value = value.replace(":", "")
    options = Options(inputs=(f"v={value}",)) if value.strip() and value != "~" else Options()
    words = [*words, "${{inputs.v}}"] if options.inputs else words
    try:
        job = configuration_from_command(words, options)
    except Exception:
        if value.lower() != "null":
            raise
        return
    again = parse_job(to_job_yaml(job), "written")
    assert isinstance(again.command, str)
    assert shlex.split(again.command) == job.command


def test_wire_keeps_a_configuration() -> None:
    job = parse_job(WHOLE, "job.yml")
    wire: Any = to_wire(job)
    assert from_wire(RunConfiguration, wire) == job
    assert from_wire(RunConfiguration, to_wire(replace(job, template=None, written={}))).written == {}
