"""From Python values to the text of a record."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any

import msgspec
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.remote.forms import protocol
from workbench.remote.forms.record_text import (
    cell,
    flat_text,
    is_list,
    listed,
    metric_field,
    name_text,
    pairs,
    plain,
)

HUGE = 10**400


class Scalar:
    """Stands for numpy's scalars and one-element tensors: their value is behind item()."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def item(self) -> Any:
        if isinstance(self.value, Exception):
            raise self.value
        return self.value

    def __repr__(self) -> str:
        return "Scalar"


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Colour(IntEnum):
    RED = 3


def reread(value: Any) -> Any:
    simple, _ = plain(value)
    record = json.loads("{" + metric_field(simple) + "}")
    return record["v"] if "v" in record else record["text"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (1, 1), (-0.0, -0.0), (1e-300, 1e-300), (True, True), (None, None), ("warm up", "warm up"), ("", ""),
        (math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (2**70, 2**70), (Colour.RED, 3),
        (Scalar(0.5), 0.5), (Scalar(7), 7), (Scalar(True), True), (Scalar(math.nan), "nan"),
        (Scalar(Scalar(2.0)), "Scalar"),
    ],
)  # fmt: skip
def test_scalars_keep_their_kind(value, kept):
    """AZ-98: int, float, bool, str and None are kept, numpy scalars convert; law 4 for what is not finite."""
    found = reread(value)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Decimal("1.2"), "Decimal('1.2')"), (Fraction(1, 3), "Fraction(1, 3)"), (1j, "1j"),
        (b"\x00", "b'\\x00'"),
        (Scalar(ValueError("size 2")), "Scalar"), (Unprintable(), "<unprintable Unprintable>"),
    ],
)  # fmt: skip
def test_anything_else_becomes_its_repr_with_a_complaint(value, kept):
    """AZ-98: Decimal -> "Decimal('1.2')"."""
    simple, complaint = plain(value)
    assert simple == kept
    assert complaint


@pytest.mark.parametrize("value", [HUGE, -HUGE, 1 << 2_000_000], ids=["huge", "minus", "enormous"])
def test_a_whole_number_beyond_any_float_becomes_text(value):
    simple, complaint = plain(value)
    assert isinstance(simple, str)
    assert complaint
    assert len(simple) <= protocol.MAX_VALUE


def test_texts_and_numbers_stand_apart():
    """A text that reads nan is no number: it stands under "text"."""
    assert metric_field("nan") == '"text":"nan"'
    assert metric_field(math.nan) == '"v":"nan"'
    assert metric_field(None) == '"text":null'
    assert metric_field(True) == '"v":true'


@given(st.floats())
def test_every_float_comes_back_exactly(value):
    back = float(json.loads(cell(value)))  # what is not finite is written as a text
    assert back == value or (math.isnan(back) and math.isnan(value))


@given(st.text(st.characters(exclude_categories=())))
def test_every_text_comes_back_and_lone_surrogates_spelt_out(text):
    line = cell(text)
    assert line.isascii()
    assert "\n" not in line
    strict = msgspec.json.decode(line)
    assert strict == text.encode("utf-8", "backslashreplace").decode("utf-8")


def test_long_texts_are_cut():
    assert len(json.loads(cell("x" * (1 << 20)))) == protocol.MAX_VALUE


@pytest.mark.parametrize("name", [None, "", 3, b"x", ["a"], "n" * 1000, Unprintable()])
def test_a_wrong_name_becomes_a_usable_one(name):
    text, complaint = name_text(name)
    assert complaint
    assert 1 <= len(text) <= protocol.MAX_NAME


def test_a_good_name_stays():
    assert name_text("val/läuft ok\n") == ("val/läuft ok\n", None)


@pytest.mark.parametrize(
    ("value", "text"),
    [(3e-4, "0.0003"), (True, "True"), (None, None), ("a", "a"), ([1, 2], "[1, 2]"), (Scalar(2), "2")],
)
def test_params_and_tags_are_text(value, text):
    assert flat_text(value) == text


def test_an_unprintable_param_is_still_recorded():
    assert flat_text(Unprintable()) == "<unprintable Unprintable>"


class Array:
    """Stands for a numpy array of one dimension."""

    ndim = 1

    def __init__(self, values: list[float]) -> None:
        self.values = values
        self.size = len(values)

    def __getitem__(self, part: slice) -> Array:
        return Array(self.values[part])

    def tolist(self) -> list[float]:
        return self.values


def test_lists_are_told_from_values():
    """AZ-94."""
    for many in ([1], (1, 2), range(3), {1}, iter([1]), (n for n in [1]), Array([1.0, 2.0])):
        assert is_list(many)
    for one in (1, 1.0, "abc", b"abc", {"a": 1}, None, Scalar(1), Decimal(1)):
        assert not is_list(one)


def test_elements_are_bounded_and_iterators_are_not_used_up():
    assert listed([1, 2, 3], 10) == ([1, 2, 3], False)
    assert listed(range(10**30), 2) == ([0, 1], True)
    assert listed(Array([1.0, 2.0, 3.0]), 2) == ([1.0, 2.0], True)
    source = iter([1, 2])
    assert listed(source, 10) == ([source], False)
    assert list(source) == [1, 2]
    for wrong in (3, "abc", {"a": 1}):
        with pytest.raises(TypeError):
            listed(wrong, 10)


def test_pairs_of_mappings_and_argparse_results():
    class Arguments:
        def __init__(self) -> None:
            self.lr = 0.1

    assert pairs({"a": 1}) == [("a", 1)]
    assert pairs(Arguments()) == [("lr", 0.1)]
    with pytest.raises(TypeError):
        pairs(3)


def test_real_numpy_scalars_and_arrays():
    """AZ-98: numpy scalars convert."""
    for kind in (numpy.float64, numpy.float32, numpy.float16, numpy.int64, numpy.uint8, numpy.bool_):
        assert reread(kind(1)) == 1
    assert reread(numpy.float64("nan")) == "nan"
    assert reread(numpy.array(2.5)) == 2.5
    assert is_list(numpy.array([1, 2]))
    assert listed(numpy.arange(3), 10) == ([0, 1, 2], False)
