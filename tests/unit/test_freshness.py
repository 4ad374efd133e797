"""How old a sample may be: three ticks and a second, a minute, and what nobody asks rests."""

from __future__ import annotations

import pytest

from workbench.compute.freshness import judge
from workbench.entities.machine_view import Freshness


@pytest.mark.parametrize(
    ("age", "every", "asked", "wanted"),
    [
        (None, 1.0, True, Freshness.NEVER),
        (0.0, 1.0, True, Freshness.FRESH),
        (4.0, 1.0, True, Freshness.FRESH),
        (4.1, 1.0, True, Freshness.LATE),
        (1.4, 0.1, True, Freshness.LATE),
        (15.9, 5.0, True, Freshness.FRESH),
        (16.1, 5.0, True, Freshness.LATE),
        (60.0, 1.0, True, Freshness.LATE),
        (60.1, 1.0, True, Freshness.LOST),
        (60.1, 3600.0, True, Freshness.LOST),
        (3.0, 1.0, False, Freshness.FRESH),
        (5000.0, 1.0, False, Freshness.RESTING),
    ],
)
def test_freshness(age: float | None, every: float, asked: bool, wanted: Freshness) -> None:
    assert judge(age, every, asked) is wanted
