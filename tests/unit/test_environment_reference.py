"""What a text that names an environment means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from workbench.environments.names import name_from
from workbench.environments.reference import KEYS, Form, inline, read
from workbench.errors import UsageError
from workbench.text import hosted
from workbench.text.asset_reference import NAME


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("/opt/py/bin/python", Form.PYTHON),
        ("~/venv/bin/python", Form.PYTHON),
        ("/home/me/requirements.txt", Form.FILE),
        ("requirements.txt", Form.FILE),
        ("deps/conda.yml", Form.FILE),
        ("pyproject.toml", Form.FILE),
        ("./project", Form.FILE),
        (".", Form.FILE),
        ("Dockerfile", Form.FILE),
        ("docker/Dockerfile.gpu", Form.FILE),
        ("image:pytorch/pytorch:2.4.0-cuda12.4-cudnn9-runtime", Form.IMAGE),
        ("docker://python@sha256:0123", Form.IMAGE),
        ("sklearn", Form.VERSION),
        ("train:3", Form.VERSION),
        ("image:3", Form.VERSION),
        ("inline:3", Form.VERSION),
        ("train@stable", Form.VERSION),
        ("azureml:sklearn-1.5@latest", Form.HOSTED),
        ("azureml://registries/azureml/environments/sklearn-1.5/versions/3", Form.HOSTED),
    ],
)
def test_forms(text: str, form: Form) -> None:
    assert read(text).form is form


@pytest.mark.parametrize(
    "text", ["", " ", "a\nb", "no name", "some/folder", "image:-v/etc:/etc", "image:a b", "inline:{", 'inline:{"a":',
             'inline:{"evil": 1}', "name:", "name@"]
)  # fmt: skip
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read(text)


def test_an_inline_definition_comes_back() -> None:
    said = {"requirements": "/tmp/r.txt", "name": "x", "python": None}
    found = read(inline(said))
    assert found.form is Form.INLINE
    assert found.definition == {"requirements": "/tmp/r.txt", "name": "x"}
    with pytest.raises(UsageError):
        inline({"evil": 1})
    assert "requirements" in KEYS


@given(some.text(max_size=300))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    said = ""
    try:
        read(text)
    except UsageError as problem:
        said = problem.message
    assert said.isprintable()
    for key in hosted.keys(text):
        assert key


@given(some.lists(some.one_of(some.none(), some.text(max_size=200)), max_size=3))
def test_a_name_can_be_made_of_anything(candidates: list[str | None]) -> None:
    made = name_from(*candidates)
    assert NAME.fullmatch(made)
    assert not made.startswith(("AzureML", "Microsoft"))


def test_a_generic_file_gives_no_name() -> None:
    assert name_from("requirements", "mnist") == "mnist"
    assert name_from("requirements-gpu", "mnist") == "requirements-gpu"
    assert name_from("AzureML-x") == "env-AzureML-x"
    assert name_from(None, "") == "environment"
