"""Conda files, projects, and definitions as they are kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind
from workbench.environments import conda, project
from workbench.environments.canonical import definition_hash
from workbench.environments.definition import settled, untranslated
from workbench.errors import ConfigurationError, UsageError

CONDA = """\
name: model-env
channels: [conda-forge]
dependencies:
  - python=3.10
  - pip
  - numpy=1.26
  - conda-forge::pandas>=2,<3
  - scikit_learn==1.5.2
  - pytorch=2.3=py3.10_cuda12.1_cudnn8.9.2_0
  - cudatoolkit=11.8
  - ffmpeg=6
  - pip:
    - azureml-mlflow
    - transformers==4.44.0
variables:
  OMP_NUM_THREADS: 4
"""


def test_a_conda_files_pip_part_and_what_an_index_has_too() -> None:
    """AZ-134."""
    found = conda.read(CONDA)
    assert (found.name, found.python) == ("model-env", "3.10")
    assert found.requirements.lines == [
        "numpy==1.26.*",
        "pandas>=2,<3",
        "scikit-learn==1.5.2",
        "torch==2.3.*",
        "azureml-mlflow",
        "transformers==4.44.0",
    ]
    assert found.untranslated == ["ffmpeg=6"]
    assert found.variables == {"OMP_NUM_THREADS": "4"}


@pytest.mark.parametrize(
    ("said", "python"),
    [("python=3.10", "3.10"), ("python==3.9.7", "3.9.7"), ("python 3.8", "3.8"), ("python=3.11.*", "3.11"),
     ("python=3.8=h12", "3.8"), ("python>=3.8", None), ("python>=3.8,<3.12", None), ("python", None)],
)  # fmt: skip
def test_the_python_of_a_conda_file_is_one_version_or_the_machines_to_say(
    said: str, python: str | None
) -> None:
    assert conda.read(f"dependencies: ['{said}']").python == python


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n- b\n", "no conda file"),
        ("dependencies: numpy\n", "must be a list"),
        ("dependencies: [{pip: [numpy]}, {npm: [x]}]\n", "no dependency"),
        ("dependencies: [{pip: ['-e .']}]\n", "editable"),
        ("dependencies: [{pip: ['git+https://h/x']}]\n", "repository"),
        ("dependencies: [&a [*a]]\n", "aliases"),
        ("a: [", "expected"),
        ("!!python/object/apply:os.system [id]\n", "could not determine a constructor"),
        ("dependencies: []\nvariables: [a]\n", "variables"),
    ],
)
def test_what_is_no_conda_file_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        conda.read(text)


@given(some.text(max_size=300))
def test_any_conda_text_is_read_or_refused_in_words(text: str) -> None:
    said = ""
    try:
        conda.read(text)
        conda.read(f"dependencies:\n- {text}\n")
        conda.read_mapping({"dependencies": [text, {"pip": [text]}]})
    except ConfigurationError as problem:
        said = problem.message
    assert said.isprintable()


PROJECT = """\
[project]
name = "digits"
version = "0.1.0"
requires-python = ">=3.9"
dependencies = ["numpy>=1.26", "scikit-learn"]
[project.optional-dependencies]
plots = ["matplotlib"]
[dependency-groups]
test = ["pytest"]
all = [{include-group = "test"}, "ruff"]
round = [{include-group = "round"}]
[[tool.uv.index]]
name = "torch"
url = "https://wheels.example/cpu"
"""


def test_a_project_without_a_lock_is_its_static_metadata() -> None:
    found = project.read(PROJECT)
    assert (found.name, found.requires_python) == ("digits", ">=3.9")
    assert found.groups == ["all", "extra:plots", "round", "test"]
    assert found.indexes == ["https://wheels.example/cpu"]
    asked = project.unlocked(found, ["all", "extra:plots"])
    assert asked.lines == ["numpy>=1.26", "scikit-learn", "pytest", "ruff", "matplotlib"]
    with pytest.raises(ConfigurationError, match="includes itself"):
        project.unlocked(found, ["round"])
    with pytest.raises(ConfigurationError, match=r"no group 'gpu'"):
        project.check_groups(found, ["gpu"])
    with pytest.raises(ConfigurationError, match="no group"):
        project.check_groups(found, ["--index=x"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[project]\nname='x'\ndynamic=['dependencies']\n", "dynamic"),
        (
            "[project]\nname='x'\ndependencies=['a']\n[tool.uv.sources]\na={path='../a'}\n",
            "folder or repository",
        ),
        (
            "[project]\nname='x'\ndependencies=['a']\n[tool.uv.sources]\na={git='https://h/a'}\n",
            "folder or rep",
        ),
        ("[project]\nname='x'\ndependencies=['a @ file:///a']\n", "no https address"),
        (
            "[project]\nname='x'\ndependencies=[]\n[[tool.uv.index]]\nurl='https://u:p@h/s'\n",
            "user or password",
        ),
        ("[tool.x]\n", r"no \[project\]"),
        ("[project", "pyproject.toml: "),
    ],
)
def test_a_project_that_no_other_machine_could_build_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        settled(EnvironmentDefinition(kind=EnvironmentKind.PROJECT, pyproject=text))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('{ git = "https://h/a?rev=1#abc" }', "comes from a git"),
        ('{ directory = "../a" }', "comes from a directory"),
        ('{ editable = "../a" }', "another folder"),
        ('{ registry = "/srv/wheels" }', "a folder of this machine"),
        ('{ registry = "https://u:p@h/s" }', "user or password"),
    ],
)
def test_a_lock_of_what_only_this_machine_has_is_refused(source: str, words: str) -> None:
    lock = f'version = 1\n[[package]]\nname = "a"\nversion = "1"\nsource = {source}\n'
    with pytest.raises(ConfigurationError, match=words):
        project.check_lock(lock)


def of(kind: str, **fields: Any) -> EnvironmentDefinition:
    return settled(EnvironmentDefinition(kind=EnvironmentKind(kind), **fields))


def test_options_of_a_file_become_facts_of_the_definition() -> None:
    found = of(
        "requirements",
        requirements="-i https://a/simple\n--extra-index-url https://b/simple\n--pre\nnumpy\n",
        constraints="numpy<3\n",
    )
    assert (found.index, found.indexes, found.prerelease) == ("https://a/simple", ["https://b/simple"], True)
    assert (found.requirements, found.constraints) == ("numpy\n", "numpy<3\n")
    assert settled(found) == found, "what is kept is kept as it is"


def test_a_conda_file_says_its_python_and_variables() -> None:
    """AZ-138: variables belong to the environment."""
    found = of("conda", conda=CONDA, variables={"OMP_NUM_THREADS": "8"})
    assert found.python == "3.10"
    assert found.variables == {"OMP_NUM_THREADS": "8"}
    assert "torch==2.3.*" in (found.requirements or "")
    assert untranslated(found) == ["ffmpeg=6"]
    assert settled(found) == found


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("requirements", {}),
        ("requirements", {"requirements": "numpy", "image": "x"}),
        ("requirements", {"requirements": "numpy", "python": "three"}),
        ("requirements", {"requirements": "numpy", "python": "3.11; rm"}),
        ("requirements", {"requirements": "numpy", "indexes": ["https://u:p@h/s"]}),
        ("requirements", {"requirements": "numpy", "indexes": ["--evil"]}),
        ("requirements", {"requirements": "numpy", "variables": {"A=B": "c"}}),
        ("requirements", {"requirements": "numpy", "variables": {"A": "\0"}}),
        ("requirements", {"requirements": "numpy\0"}),
        ("requirements", {"requirements": "#" * 9_000_000}),
        ("python", {}),
        ("python", {"interpreter": "python3"}),
        ("image", {}),
        ("image", {"image": "--privileged"}),
        ("image", {"dockerfile": "FROM x", "context": "../.."}),
        ("conda", {}),
        ("project", {}),
    ],
)
def test_a_definition_that_says_nothing_is_refused(kind: str, fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        of(kind, **fields)


def test_what_else_a_project_says_changes_no_hash() -> None:
    """AZ-132."""

    def digest(text: str, lock: str | None = None) -> str:
        return definition_hash(of("project", pyproject=text, uv_lock=lock))

    plain = digest(PROJECT)
    assert plain == digest(PROJECT.replace("0.1.0", "0.2.0") + "[tool.ruff]\nline-length = 100\n")
    assert plain != digest(PROJECT.replace("numpy>=1.26", "numpy>=2"))
    lock = 'version = 1\n[[package]]\nname = "digits"\nversion = "0.1.0"\nsource = { virtual = "." }\n'
    assert digest(PROJECT, lock) == digest(PROJECT, lock.replace("0.1.0", "0.3.0"))
    assert digest(PROJECT, lock) != digest(PROJECT)
