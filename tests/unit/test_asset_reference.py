"""References to versions: what a text means, and what it cannot mean."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import UsageError
from workbench.text.asset_reference import ALIAS, NAME, AssetReference, parse, split_kind

NAMES = st.from_regex(NAME, fullmatch=True)
ALIASES = st.from_regex(ALIAS, fullmatch=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":3",
        "@champion",
        "churn:",
        "churn@",
        "churn:0",
        "churn:-1",
        "churn:1.5",
        "churn:01",
        "churn:٣",
        "churn:9999999999",
        "churn:latest",
        "churn@3",
        "churn@a@b",
        "churn:3@b",
        "churn:3:4",
        "../churn",
        "a/b",
        "a\\b",
        "a\0b",
        ".hidden",
        "-o",
        "a b",
        "ä",
        "a\nb",
        "a\x1b[2J",
        "a%2e",
        "x" * 129,
    ],
)
def test_what_is_no_reference_is_refused_in_one_line_without_control_characters(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    said = caught.value.message + caught.value.hint
    assert caught.value.hint
    assert not set(said) & {"\n", "\x1b", "\0"}
    assert len(caught.value.message) < 200


def test_an_alias_behind_a_colon_is_told_how_it_is_written() -> None:
    with pytest.raises(UsageError) as caught:
        parse("churn:latest")
    assert caught.value.hint == "write churn@latest"


@given(NAMES, st.integers(1, 999_999_999), ALIASES)
def test_every_reference_is_read_as_it_is_written(name: str, version: int, alias: str) -> None:
    for reference in (
        AssetReference(name),
        AssetReference(name, version),
        AssetReference(name, alias=alias),
    ):
        assert parse(str(reference)) == reference


@given(st.text(alphabet=string.printable, max_size=40))
def test_any_text_is_a_reference_that_reads_back_or_an_error_in_words(text: str) -> None:
    try:
        found = parse(text)
    except UsageError:
        return
    assert parse(str(found)) == found


def test_a_kind_stands_before_a_name_and_not_before_a_version() -> None:
    assert split_kind("data:digits:3") == ("data", "digits:3")
    assert split_kind("model:churn@champion") == ("model", "churn@champion")
    assert split_kind("azureml:digits@latest") == ("azureml", "digits@latest")
    assert split_kind("digits:3") == (None, "digits:3")
    assert split_kind("data:3") == (None, "data:3")
    assert split_kind("data:data:3") == ("data", "data:3")
    assert split_kind("data:") == (None, "data:")
