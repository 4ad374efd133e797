"""What a command line adds to a job file, or says without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import ConfigurationError
from workbench.runs.configuration import (
    Options,
    command_of_words,
    configuration_from_command,
    load_job,
    parse_job,
)
from workbench.runs.job_writing import to_job_yaml

JOB = """\
command: python t.py --lr ${{inputs.lr}} --n ${{inputs.n}}
inputs:
  lr: 0.1
  n: {type: integer, default: 3, max: 9}
tags: {a: b}
resources: {gpus: 1}
environment: azureml:sklearn@latest
"""


def test_sets_are_applied_before_the_file_is_judged() -> None:
    job = parse_job(
        JOB,
        "job.yml",
        [
            "inputs.lr=3e-4",
            "inputs.n=5",
            "resources.gpus=2",
            "tags.note=x=y",
            "tags.a.b=dots",
            "limits.timeout=60",
            "environment=",
            "workbench.setup=[module load a, module load b]",
            "environment_variables.EMPTY=",
        ],
    )
    assert job.command == "python t.py --lr 3e-4 --n 5"
    assert job.inputs == {"lr": 0.0003, "n": 5}
    assert (job.gpus, job.timeout, job.environment) == (2, 60.0, None)
    assert job.tags == {"a": "b", "note": "x=y", "a.b": "dots"}
    assert job.setup == ["module load a", "module load b"]
    assert job.environment_variables == {"EMPTY": ""}


def test_mistakes_name_the_set() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_job(
            JOB, "job.yml", ["resources.gpuz=2", "inputs.n=10", "nonsense", "command.x=1", "environment="]
        )
    problems = {problem["set"]: problem for problem in caught.value.data["problems"]}
    assert set(problems) == {
        "--set resources.gpuz=2",
        "--set inputs.n=10",
        "--set nonsense",
        "--set command.x=1",
    }
    assert "did you mean gpus?" in problems["--set resources.gpuz=2"]["message"]
    assert all("line" not in problem for problem in problems.values())


def test_a_value_that_reaches_no_command_is_a_mistake() -> None:
    """The record would claim an lr the command never saw; a file may hold inputs for other commands."""
    unused = parse_job("command: python t.py --lr ${{ inputs.lr }}\ninputs: {lr: 1, seed: 2}\n", "job.yml")
    assert unused.inputs == {"lr": 1, "seed": 2}
    text = to_job_yaml(unused)
    assert parse_job(text, "run @1", ["inputs.lr=3"]).command == "python t.py --lr 3"
    with pytest.raises(ConfigurationError, match=r"^--set inputs.lrr=3: .*did you mean lr\?"):
        parse_job(text, "run @1", ["inputs.lrr=3"])
    for words in (["python", "t.py", "--lr", "1"], "python t.py --lr 1"):
        plain = to_job_yaml(configuration_from_command(words))
        with pytest.raises(ConfigurationError, match=r"does not use \$\{\{inputs.lr\}\}; --set command="):
            parse_job(plain, "run @1", ["inputs.lr=3"])
    with pytest.raises(ConfigurationError) as caught:
        configuration_from_command("true", Options(inputs=("lr=3",)))
    assert "wb submit --help" in caught.value.hint


def test_a_shell_line_that_looks_like_yaml_stays_a_shell_line() -> None:
    job = parse_job("command: x", "job.yml", ["command=[ -f a ] && cat a: b"])
    assert job.command == "[ -f a ] && cat a: b"


def test_several_words_are_an_argv_and_one_is_a_shell_line() -> None:
    assert configuration_from_command(command_of_words(["python", "a b.py", "*"])).command == [
        "python",
        "a b.py",
        "*",
    ]
    assert (
        configuration_from_command(command_of_words(["python *.py | tee x"])).command == "python *.py | tee x"
    )


def test_options_of_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path)
    job = configuration_from_command(
        ["python", "t.py", "--lr", "${{inputs.lr}}"],
        Options(
            target="gpu1",
            experiment="exp",
            name="null",
            description="- [x]",
            code="src",
            environment="/usr/bin/python3",
            gpus=0,
            priority=5,
            timeout=1.5,
            tags=("bare", "k=v=w"),
            inputs=("lr=1e-3",),
            variables=("A=~",),
            setup=("a: b", "c"),
            secrets=("TOKEN",),
        ),
        ["resources.gpus=1"],
    )
    assert job.command == ["python", "t.py", "--lr", "1e-3"]
    assert job.template == ["python", "t.py", "--lr", "${{inputs.lr}}"]
    assert (job.target, job.experiment, job.name, job.description) == ("gpu1", "exp", "null", "- [x]")
    assert (job.code, job.environment) == (str((tmp_path / "src").resolve()), "/usr/bin/python3")
    assert (job.gpus, job.priority, job.timeout) == (1, 5, 1.5)
    assert job.tags == {"bare": None, "k": "v=w"}
    assert job.environment_variables == {"A": "~"}
    assert (job.setup, job.secrets) == (["a: b", "c"], ["TOKEN"])


def test_options_beside_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option's code is relative to the current directory, the file's to the file; lists are added to."""
    (tmp_path / "here" / "src").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    path = tmp_path / "job.yml"
    path.write_text("command: x\ncode: nowhere\nworkbench: {setup: one}\nenvironment: azureml:a:1\n")
    job = load_job(path, options=Options(code="src", setup=("two",), environment="/p", tags=("t",)))
    assert job.code == str((tmp_path / "here" / "src").resolve())
    assert job.setup == ["one", "two"]
    assert job.environment == "/p"


def test_options_that_are_wrong_are_all_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        configuration_from_command(
            "x ${{inputs.no}}",
            Options(
                code="/no/such/place", inputs=("novalue",), environment="two words", gpus=-1, secrets=("a b",)
            ),
        )
    said = [problem["set"].split()[0] for problem in caught.value.data["problems"]]
    assert sorted(said) == sorted(["--", "--code", "--input", "--env", "--gpus", "--secret"])


@pytest.mark.parametrize("command", [[], ["a", "\0"], "", "  ", "a\0", ["\ud800"]])
def test_commands_that_cannot_be_sent(command: list[str] | str) -> None:
    with pytest.raises(ConfigurationError):
        configuration_from_command(command)
