"""Names in the order in which people count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.text.natural_order import natural_key


def test_numbers_are_compared_as_numbers() -> None:
    names = ["w10", "w2", "w1", "W3", "layer.10/b", "layer.9/a", "layer.09/c", "", "9", "10", "a"]
    assert sorted(names, key=natural_key) == [
        "", "9", "10", "a", "layer.9/a", "layer.09/c", "layer.10/b", "w1", "w2", "W3", "w10",
    ]  # fmt: skip


@given(st.integers(min_value=0, max_value=10**30), st.integers(min_value=0, max_value=10**30), st.text())
def test_any_two_numbers_behind_a_name(one: int, other: int, name: str) -> None:
    name = name.rstrip("0123456789")
    if one != other:
        keys = natural_key(f"{name}{one}") < natural_key(f"{name}{other}")
        assert keys == (one < other)


@given(st.lists(st.text(alphabet="a0129./ÅK")))
def test_any_names_have_an_order(names: list[str]) -> None:
    ordered = sorted(names, key=natural_key)
    assert sorted(ordered) == sorted(names)
