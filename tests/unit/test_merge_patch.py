"""Merge patches: whatever two views are, one and the patch make the other, and nothing else is sent."""

from __future__ import annotations

from typing import Any

import hypothesis
from hypothesis import strategies

from workbench.entities.merge_patch import difference, merged

LEAVES = strategies.integers(0, 3) | strategies.text("ab", max_size=2) | strategies.booleans()
VALUES = strategies.recursive(
    LEAVES,
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.text("abc", max_size=1), inner)
    ),
    max_leaves=12,
)
OBJECTS = strategies.dictionaries(strategies.text("abc", max_size=1), VALUES)


@hypothesis.given(OBJECTS, OBJECTS)
def test_the_patch_makes_the_one_of_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert merged(before, difference(before, after)) == after


@hypothesis.given(OBJECTS)
def test_nothing_is_sent_when_nothing_changed(value: dict[str, Any]) -> None:
    assert difference(value, value) == {}


def test_what_is_gone_is_null_and_lists_come_whole() -> None:
    before = {"sample": {"gpus": [1, 2], "host": {"cpu": 1, "load": [1]}}, "problem": "x"}
    after = {"sample": {"gpus": [1, 3], "host": {"cpu": 1, "load": [1]}}}
    assert difference(before, after) == {"problem": None, "sample": {"gpus": [1, 3]}}


def test_values_are_not_changed() -> None:
    before = {"a": {"b": 1}}
    assert merged(before, {"a": {"b": 2}}) == {"a": {"b": 2}}
    assert before == {"a": {"b": 1}}
