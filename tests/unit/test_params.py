"""Parameters found in commands of scripts that know nothing of us."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.runs.configuration import Options, configuration_from_command
from workbench.runs.params import MAX_PARAMS, MAX_VALUE, params_from_command, params_of
from workbench.runs.shell_words import split_commands


@pytest.mark.parametrize(
    ("command", "params"),
    [
        ("python train.py --lr 3e-4", {"lr": "3e-4"}),
        ("python train.py --lr=3e-4", {"lr": "3e-4"}),
        ("python train.py lr=3e-4 +model.depth=5", {"lr": "3e-4", "model.depth": "5"}),
        ("python train.py -e 5 -j4", {"e": "5", "j": "4"}),
        ("python train.py --amp --no-cuda --lr 1", {"amp": "true", "no_cuda": "true", "lr": "1"}),
        ("python train.py --bias -0.5 --x=-5 --y -.3e-7", {"bias": "-0.5", "x": "-5", "y": "-.3e-7"}),
        ("python train.py --batch-size 32", {"batch_size": "32"}),
        ("python train.py --sizes 64 32 16 data.csv", {"sizes": "64 32 16"}),
        ("python train.py --data in.csv out.csv", {"data": "in.csv"}),
        ("python train.py --name 'a b' --q=\"c d\"", {"name": "a b", "q": "c d"}),
        ("python train.py --lr 1 --lr 2", {"lr": "2"}),
        ("CUDA_VISIBLE_DEVICES=0 python -u -W ignore -X dev train.py --lr 1", {"lr": "1"}),
        ("python3.11 -m pkg.train --lr 1", {"lr": "1"}),
        ("cd x && python t.py --lr 1 2>&1 | tee log > --odd; python u.py --n 2", {"lr": "1", "n": "2"}),
        ("python t.py --lr 1 \\\n  --n 2\npython e.py --flag\nls", {"lr": "1", "n": "2", "flag": "true"}),
        ("python t.py --lr 1 # --n 2", {"lr": "1"}),
        ("python t.py --color a#b --tag '#1' --x '2>3'", {"color": "a#b", "tag": "#1", "x": "2>3"}),
        ("python t.py 'unclosed --lr 1\npython u.py --n 2", {"n": "2"}),
        ("python t.py --password x --api-key y --hf-token z --max-tokens 9", {"max_tokens": "9"}),
        (["python", "t.py", "--name", "a; b", "--", "x=1"], {"name": "a; b", "x": "1"}),
        (["python", "t.py", "", "-", "--", "=", "--=1", "="], {}),
        (["sh", "-c", "echo no >&2; python t.py --lr 1"], {"lr": "1"}),
        (["/bin/bash", "-lc", "python t.py --lr 1 --n 2"], {"lr": "1", "n": "2"}),
        ([], {}),
        ("", {}),
    ],
)
def test_what_people_type(command: list[str] | str, params: dict[str, str]) -> None:
    assert params_from_command(command) == params


NAME = st.from_regex(r"[a-z][a-z0-9_]{1,8}", fullmatch=True).filter(
    lambda name: not any(word in name for word in ("pass", "secret", "token", "key", "cred"))
)
VALUE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda text: not text.startswith("-")
)
NUMBER = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers().map(str)


@given(
    st.dictionaries(NAME, VALUE.filter(lambda text: "=" not in text) | NUMBER, max_size=6),
    st.sampled_from(["two", "equals", "bare"]),
)
def test_whatever_is_given_is_found(params: dict[str, str], form: str) -> None:
    words = ["python", "train.py"]
    for name, value in params.items():
        words += {"two": [f"--{name}", value], "equals": [f"--{name}={value}"], "bare": [f"{name}={value}"]}[
            form
        ]
    assert params_from_command(words) == params
    assert params_from_command(shlex.join(words)) == params


@given(st.lists(st.lists(st.text(), min_size=1, max_size=5), max_size=4))
def test_a_script_splits_into_the_words_a_shell_would_see(commands: list[list[str]]) -> None:
    script = " && ".join(shlex.join(words) for words in commands)
    assert list(split_commands(script)) == commands


@given(st.text(max_size=300) | st.lists(st.text(max_size=20), max_size=20))
def test_nothing_makes_it_fail(command: str | list[str]) -> None:
    for name, value in params_from_command(command).items():
        assert name
        assert len(value) <= MAX_VALUE


def test_what_is_kept_is_bounded() -> None:
    found = params_from_command(["x", *(f"k{n}={'v' * 2000}" for n in range(2000))])
    assert len(found) == MAX_PARAMS
    assert all(len(value) == MAX_VALUE for value in found.values())


def test_inputs_are_parameters_as_they_were_written() -> None:
    job = configuration_from_command("python t.py --lr ${{inputs.rate}} -e 5", Options(inputs=("rate=3e-4",)))
    assert params_of(job) == {"lr": "3e-4", "e": "5", "rate": "3e-4"}


def test_what_a_shell_does_around_a_training_is_no_parameter() -> None:
    script = "while ! test -e ready; do sleep -s 1; done; mkdir -p out && time python train.py --lr 3e-4 | tee -a log"
    assert params_from_command(["bash", "-c", script]) == {"lr": "3e-4"}
    assert params_from_command("[ -f x ] || /bin/rm -rf old; exec python t.py --depth 2") == {"depth": "2"}


@pytest.mark.parametrize(
    "around",
    [
        "env -u HOME A=1 B='x y'", "nice -n 19", "nice -19", "/usr/bin/nice --adjustment=5 ionice -c 3", "timeout -k 5 --signal=INT 2h",
        "taskset -c 0-3", "numactl --cpunodebind=0 -m 0", "stdbuf -oL -e 0", "conda run -n torch --no-capture-output", "setsid -w",
        "uv run --with rich -p 3.12", "poetry run", "A=1 nohup env B=2", "micromamba run -p /opt/env", "command",
    ],
)  # fmt: skip
def test_what_runs_another_program_is_none_of_its_parameters(around: str) -> None:
    """It was lost behind `env`, and priorities and environments were parameters."""
    assert params_from_command(f"{around} python -u train.py --lr 3e-4 n=2") == {"lr": "3e-4", "n": "2"}
    assert params_from_command(f"{around} ./train --depth 2") == {"depth": "2"}
    assert params_from_command(around) == {}
