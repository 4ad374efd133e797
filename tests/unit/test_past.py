"""How a machine's figures were, in buckets: gaps stay gaps, and the store fills in what memory never saw."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies as st

from workbench.compute import past
from workbench.compute.history import History
from workbench.entities.machine_series import Span

NOW = 1_790_000_040


def means(spans: list[Span | None]) -> list[float | None]:
    return [span and span.mean for span in spans]


@hypothesis.given(st.integers(1, 15 * 86400), st.integers(1, 2000), st.integers(NOW, NOW + 10_000))
def test_a_window_covers_what_was_asked_in_no_more_points(seconds: int, points: int, now: int) -> None:
    asked = past.window(now, seconds, points)
    assert 1 <= asked.buckets <= points
    assert asked.stop >= now
    assert asked.stop - now <= asked.step
    assert asked.stop - asked.start >= min(seconds, points * asked.step)
    assert asked.start % asked.step == 0
    assert past.window(now, seconds, points) == asked


@pytest.mark.parametrize(
    ("seconds", "points", "step", "buckets"),
    [(600, 600, 1, 600), (600, 300, 2, 300), (600, 7, 86, 7), (3600, 300, 60, 60), (86400, 300, 300, 288)],
)
def test_steps(seconds: int, points: int, step: int, buckets: int) -> None:
    asked = past.window(NOW, seconds, points)
    assert (asked.step, asked.buckets) == (step, buckets)


def filled(seconds: int, end: int = NOW) -> History:
    history = History()
    for second in range(end - seconds, end):
        history.add(second, {"cpu": second % 60})
    return history


def test_seconds_are_joined_and_gaps_stay() -> None:
    history = History()
    for second, value in ((0, 1), (1, 3), (4, 10), (9, 7)):
        history.add(NOW + second, {"cpu": value})
    asked = past.window(NOW + 10, 10, 5)
    assert past.series(history, "cpu", asked, {}) == [
        Span(1, 2, 3),
        None,
        Span(10, 10, 10),
        None,
        Span(7, 7, 7),
    ]


def test_minutes_are_joined_with_their_extremes() -> None:
    history = filled(3600)
    asked = past.window(NOW, 3600, 30)
    spans = past.series(history, "cpu", asked, {})
    assert asked.step == 120
    assert {(span.low, span.high) for span in spans[1:-1] if span} == {(0, 59)}
    assert all(span is not None and abs(span.mean - 29.5) < 0.1 for span in spans[1:-1])


def test_after_a_restart_the_store_knows_what_was_before() -> None:
    history = filled(90)
    asked = past.window(NOW, 600, 300)
    missing = past.missing(history, asked, NOW)
    assert list(missing) == list(range(asked.start // 60, NOW // 60 - 1))
    kept = {minute: Span(1, 2, 3) for minute in missing if minute % 2}
    values = means(past.series(history, "cpu", asked, {"cpu": kept}))
    assert values[-45:] == means(past.series(history, "cpu", asked, {}))[-45:]
    assert all(value is not None for value in values[-45:])
    at = {asked.start + n * asked.step: value for n, value in enumerate(values)}
    for second, value in at.items():
        if second < NOW - 90:
            assert value == (2 if second // 60 in kept else None)


def test_nothing_known_here_is_all_the_stores() -> None:
    asked = past.window(NOW, 7200, 120)
    missing = past.missing(History(), asked, NOW)
    assert missing.start == asked.start // 60
    kept = {minute: Span(4, 5, 6) for minute in missing}
    assert set(past.series(History(), "cpu", asked, {"cpu": kept})) <= {Span(4, 5, 6), None}
    assert past.series(History(), "cpu", asked, {"cpu": kept})[0] == Span(4, 5, 6)


def test_days_are_asked_of_the_store_but_for_the_hours_in_memory() -> None:
    history = filled(4 * 3600)
    asked = past.window(NOW, 86400, 288)
    missing = past.missing(history, asked, NOW)
    assert missing.stop == NOW // 60 - 179
    assert means(past.series(history, "cpu", asked, {}))[-30] is not None
    assert means(past.series(history, "cpu", asked, {}))[0] is None
