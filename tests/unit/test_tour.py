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
        Seen("models"),
        Seen("model"),
        Seen("model", "gate"),
        Seen("model", "gate", promoted=True),
        Seen("runs"),
    ]
    for number, seen in enumerate(walk, 1):
        assert not tour.look(Seen("activity"))
        assert tour.count == f"{number}/{len(STEPS)}"
        assert tour.look(seen)
    assert tour.count == f"{len(STEPS)}/{len(STEPS)}"
    assert not tour.look(Seen("runs"))


def test_what_is_promoted_over_another_is_heard() -> None:
    """The demo's own first champion takes the alias from nobody; a rollback to nobody gives it to none."""
    tour = Tour()
    for kind, data in (
        ("RunCompleted", {"version": 1, "previous": 2}),
        ("ModelAliasMoved", {"version": 1, "previous": None}),
        ("ModelAliasMoved", {"version": None, "previous": 1}),
        ("ModelAliasMoved", None),
    ):
        tour.hear({"kind": kind, "data": data})
        assert not tour.promoted
    tour.hear({"kind": "ModelAliasMoved", "data": {"version": 2, "previous": 1}})
    assert tour.promoted


def test_every_step_fits_a_small_terminal() -> None:
    assert not [step.words for step in STEPS if len(step.words) > 80 - 7]
