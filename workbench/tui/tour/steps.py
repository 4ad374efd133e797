"""The steps of the tour. Pure: what is seen in, the step to show out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Seen(NamedTuple):
    """What the dashboard shows, as far as the tour cares."""

    kind: str = "runs"
    """As `places.pages.kind_of` says."""
    tab: str = ""
    runs: int = 0
    """Runs that go on or wait."""
    promoted: bool = False
    """Whether a version took an alias from another one."""


MODELS = ("models", "model", "version")


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
    Step("enter opens a machine, D examines it.  3 goes to the models.", lambda seen: seen.kind in MODELS),
    Step("Once all runs are over, a model is here.  enter opens it.", lambda seen: seen.kind == "model"),
    Step("Version 1 is champion, 2 is the best run's.  tab on to the gate.", lambda seen: seen.tab == "gate"),
    Step("It lets version 2 in: p asks it, and then promotes.", lambda seen: seen.promoted),
    Step("Its history says who, when and why.  1 goes to the runs.", lambda seen: seen.kind == "runs"),
    Step("x ends a run, r runs it again, R sends code of yours.  ? has all keys.", lambda _: False),
)
"""In order; the last stays."""


class Tour:
    """Where one is in the tour; it never goes back."""

    def __init__(self) -> None:
        self._at = 0
        self.promoted = False
        """Whether a version was heard to take an alias from another one."""

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take in an event of the server's."""
        data = event.get("data") or {}
        if event.get("kind") == "ModelAliasMoved" and data.get("version") and data.get("previous"):
            self.promoted = True

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
        """Such as 2/13."""
        return f"{self._at + 1}/{len(STEPS)}"
