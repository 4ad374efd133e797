"""The tour goes on when what it asks for was done, and never back."""

from __future__ import annotations

from workbench.tui.tour.steps import STEPS, Seen, Tour


def test_the_tour_is_walked_through_step_by_step() -> None:
    tour = Tour()
    walk = [
        Seen("runs", "", 6),
        Seen("run"),
        Seen("run", "logs"),
        Seen("run", "metrics"),
        Seen("runs"),
        Seen("compare"),
        Seen("compute"),
        Seen("runs"),
    ]
    for number, seen in enumerate(walk, 1):
        assert not tour.look(Seen("activity"))
        assert tour.count == f"{number}/{len(STEPS)}"
        assert tour.look(seen)
    assert tour.count == f"{len(STEPS)}/{len(STEPS)}"
    assert not tour.look(Seen("runs"))


def test_every_step_fits_a_small_terminal() -> None:
    assert not [step.words for step in STEPS if len(step.words) > 80 - 7]
