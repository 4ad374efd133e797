"""The trails of figures that machines leave in a list."""

from __future__ import annotations

from workbench.text.sparkline import filled
from workbench.text.trails import Trail

nan = float("nan")


# Small pictures


def test_a_zero_is_told_from_a_gap() -> None:
    assert filled([0, 0, nan, nan, 100, 100], 3) == "⣀ ⣿"
    assert filled([0, nan, 100], 3, ascii_only=True) == "_ ^"
    assert filled([5], 3) == "  ⢀"
    assert filled([nan, 100, 0, 0, 0, 0, 0, 0], 2) == "⣇⣀"


def test_a_trail_stands_still_between_its_steps() -> None:
    trail = Trail(60, 6)
    assert trail.add(100, 10)
    assert not trail.add(104, 30)
    assert trail.values[-1] == 20
    assert trail.add(111, 50)
    assert trail.values[-2:] == [20, 50]
    assert trail.add(140, None)
    assert trail.values == [None, 20, 50, None, None, None]
    trail.load(90, 10, [1, 2, 3])
    assert trail.values == [1, 20, 50, None, None, None], "what was heard here counts more"


def test_what_is_looked_at_seldom_has_no_gaps_between_two_looks() -> None:
    trail = Trail(60, 12)
    for time in (100, 110, 120, 150):
        trail.add(time, time, every=10)
    assert trail.values == [100, 100, 110, 110, 120, 120, *[None] * 4, 150, 150]
    trail.add(1e9, 1.0, every=1e9)
    assert trail.values == [1.0] * 12


def test_old_steps_go() -> None:
    trail = Trail(60, 6)
    for time in range(0, 6000, 5):
        trail.add(float(time), 1.0)
    assert trail.values == [1.0] * 6
    assert len(trail._sums) <= 7
