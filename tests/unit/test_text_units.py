"""Durations, sizes, numbers and times as people read and write them."""

import math
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.text import durations, numbers, sizes, times

NOW = datetime(2026, 11, 23, 12, 4, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0, "0s"),
        (0.4, "0.4s"),
        (3, "3s"),
        (9.96, "10s"),
        (31, "31s"),
        (59.7, "1m"),
        (252, "4m12"),
        (1320, "22m"),
        (3599.6, "1h"),
        (3900, "1h05"),
        (86399, "1d"),
        (183600, "2d3h"),
        (-5, "-5s"),
        (math.inf, "inf"),
        (math.nan, "-"),
    ],
)
def test_durations_are_short(seconds: float | None, text: str) -> None:
    assert durations.short(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("2h", 7200),
        ("1d12h", 129600),
        ("4m12", 252),
        ("1h05", 3900),
        ("1h 30m", 5400),
        ("2 hours", 7200),
        ("1.5h", 5400),
        ("500ms", 0.5),
        ("1w", 604800),
        ("2d3", 183600),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert durations.parse(text) == seconds


@pytest.mark.parametrize("text", ["", "abc", "5x", "m5", "5m5m", "5s5m", "90s5", "-5s", "1d 2", "٣s"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    if text == "1d 2":
        assert durations.parse(text) == 93600
        return
    with pytest.raises(ValueError, match="write it like 90s"):
        durations.parse(text)


@given(st.floats(0, 1e8))
def test_a_short_duration_reads_back_as_about_the_same(seconds: float) -> None:
    again = durations.parse(durations.short(seconds))
    unit = 0.1 if seconds < 10 else 1 if seconds < 3600 else 60 if seconds < 86400 else 3600
    assert abs(again - seconds) <= unit * 0.51
    assert len(durations.short(seconds)) <= 8


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "now"), (3, "3s"), (240, "4m"), (7200, "2h"), (86400 * 12, "12d"), (7e7, "2y")],
)
def test_ages_have_one_unit(seconds: float, text: str) -> None:
    assert durations.age(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "-"),
        (0, "0 B"),
        (812, "812 B"),
        (1000, "0.98 KiB"),
        (1 << 20, "1.00 MiB"),
        (40_900_000_000, "38.1 GiB"),
        (999 << 20, "999 MiB"),
        (1 << 60, "1024 PiB"),
    ],
)
def test_sizes_have_three_figures(size: int | None, text: str) -> None:
    assert sizes.short(size) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [("300MB", 300_000_000), ("2GiB", 2 << 30), ("2g", 2 << 30), ("512", 512), ("1.5 k", 1536)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert sizes.parse(text) == size


@pytest.mark.parametrize("text", ["", "x", "5 parsecs", "-1"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        sizes.parse(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.0412, "0.0412"),
        (3e-4, "3e-4"),
        (0.981, "0.981"),
        (12000, "12000"),
        (1.5e8, "1.5e8"),
        (0.0, "0"),
        (-2.50, "-2.5"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (1 / 3, "0.3333"),
    ],
)
def test_values_are_short(value: float | None, text: str) -> None:
    assert numbers.short(value) == text


def test_json_numbers_and_their_texts() -> None:
    assert numbers.number("inf") == math.inf
    assert numbers.number(3) == 3.0
    assert numbers.number(True) is None
    assert numbers.number("3") is None
    assert numbers.format_metric("nan") == "nan"


def test_a_column_of_values_has_its_points_under_each_other() -> None:
    assert numbers.column([0.0412, 0.04, 12.5, None, math.nan]) == ["0.0412", "0.0400", "12.5000", "-", "nan"]
    assert numbers.column([1, 20, 300]) == ["1", "20", "300"]
    assert numbers.column([1e-7, 0.5]) == ["1e-7", "0.5"]


@given(st.floats(-1e300, 1e300))
def test_a_short_value_is_the_value(value: float) -> None:
    shown = float(numbers.short(value))
    assert math.isclose(shown, value, rel_tol=1e-3, abs_tol=1e-300)
    assert len(numbers.short(value)) <= 11


@pytest.mark.parametrize(
    ("value", "text"), [(812, "812"), (12_000, "12k"), (3_400_000, "3.4M"), (999_999, "1M")]
)
def test_counts_are_short(value: int, text: str) -> None:
    assert numbers.count(value) == text


def test_times_are_local_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert times.local(NOW - timedelta(minutes=1), NOW) == "21:03:30"
        assert times.local(NOW - timedelta(days=2), NOW) == "21 Nov 21:04"
        assert times.local(NOW - timedelta(days=500), NOW) == "2025-07-11"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_moments_are_read_and_written() -> None:
    assert times.parse("2026-11-23T12:04:30Z") == NOW
    assert times.parse("2026-11-23T12:04:30") == NOW
    assert times.parse("yesterday") is None
    assert times.parse(None) is None
    assert times.rfc3339(NOW) == "2026-11-23T12:04:30.000Z"
    assert times.took(NOW, None, NOW + timedelta(seconds=252)) == "4m12"
    assert times.took(None, None, NOW) == "-"


@pytest.mark.parametrize(
    ("number", "noun", "told"),
    [
        (1, "entry", "1 entry"),
        (2, "entry", "2 entries"),
        (0, "query", "0 queries"),
        (2, "day", "2 days"),
        (3, "branch", "3 branches"),
        (2, "alias", "2 aliases"),
        (2, "GPU", "2 GPUs"),
        (2, "y", "2 ys"),
    ],
)
def test_things_are_counted_in_english(number: int, noun: str, told: str) -> None:
    assert numbers.counted(number, noun) == told
