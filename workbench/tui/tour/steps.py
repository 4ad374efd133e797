"""The steps of the tour. Pure: what is seen in, the step to show out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Seen(NamedTuple):
    """What the dashboard shows, as far as the tour cares."""

    kind: str = "runs"
    """As `places.pages.kind_of` says."""
    tab: str = ""
    runs: int = 0
    """Runs that go on or wait."""


class Step(NamedTuple):
    """What to do, and when it is done."""

    words: str
    done: Callable[[Seen], bool]


STEPS = (
    Step("Two SSH machines come up on the spot, and six runs go to them ...", lambda seen: seen.runs > 1),
    Step("Real runs on real data.  j and k move, enter opens one.", lambda seen: seen.kind == "run"),
    Step("tab leads on: its log as it is written, ...", lambda seen: seen.tab == "logs"),
    Step("... and its metrics.  tab again.", lambda seen: seen.tab == "metrics"),
    Step("enter shows one large; esc comes back, up to the list.", lambda seen: seen.kind == "runs"),
    Step("space marks runs: mark two or three, then c compares them.", lambda seen: seen.kind == "compare"),
    Step("Only what differs is shown.  2 goes to the machines.", lambda seen: seen.kind == "compute"),
    Step("enter opens a machine, D examines it.  1 goes back to the runs.", lambda seen: seen.kind == "runs"),
    Step("x ends a run, r runs it again, R sends code of yours.  ? has all keys.", lambda _: False),
)
"""In order; the last stays."""


class Tour:
    """Where one is in the tour; it never goes back."""

    def __init__(self) -> None:
        self._at = 0

    def look(self, seen: Seen) -> bool:
        """Take in what is shown; whether the step became another."""
        before = self._at
        if STEPS[self._at].done(seen):
            self._at += 1
        return self._at != before

    @property
    def words(self) -> str:
        """The step's words."""
        return STEPS[self._at].words

    @property
    def count(self) -> str:
        """Such as 2/9."""
        return f"{self._at + 1}/{len(STEPS)}"
