"""Reconnection delays: exponential, capped, jittered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.compute.backoff import Backoff

BACKOFF = Backoff(first=1.0, factor=2.0, cap=60.0)


def test_delays_double_up_to_the_cap() -> None:
    assert [BACKOFF.delay(failures, 1.0) for failures in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_jitter_takes_at_most_half_away() -> None:
    assert BACKOFF.delay(3, 0.0) == 2.0
    assert BACKOFF.delay(3, 0.5) == 3.0


@given(st.integers(min_value=0, max_value=10**9), st.floats(min_value=0, max_value=1, exclude_max=True))
def test_every_delay_is_within_bounds(failures: int, roll: float) -> None:
    assert 0.5 <= BACKOFF.delay(failures, roll) <= 60.0
