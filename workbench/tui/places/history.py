"""The way through the dashboard: back, forward, the last place, one step out. Pure."""

from __future__ import annotations

from typing import NamedTuple

from workbench.text.location import Location

DEPTH = 100
"""Places that are remembered."""

VERSIONED = ("models", "data", "environments")
"""Places in which NAME:VERSION, or NAME@ALIAS, is one step inside NAME, as NAME/VERSION is."""


class Crumb(NamedTuple):
    """One step of the breadcrumbs: what it is called and where it leads."""

    title: str
    location: Location


def same_place(one: Location, other: Location) -> bool:
    """Whether two locations are the same place, whatever is chosen there."""
    return one.noun == other.noun and one.path == other.path and chosen_apart(one) == chosen_apart(other)


def chosen_apart(location: Location) -> str:
    """The option that makes another place of the same path: runs that are compared, or drawn as dots."""
    found = ((option, location.options.get(option)) for option in ("plot", "compare"))
    return next((f"{option}={runs}" for option, runs in found if runs), "")


def crumbs(location: Location) -> list[Crumb]:
    """The steps that lead to a location, the outermost first."""
    steps = [Crumb(location.noun.capitalize(), Location(location.noun))]
    alone = location.path[0] if len(location.path) == 1 and location.noun in VERSIONED else ""
    name = alone.partition(":")[0].partition("@")[0]
    if name != alone:
        version = alone.removeprefix(name).removeprefix(":")
        steps += [Crumb(name, Location(location.noun, (name,))), Crumb(version, location)]
    else:
        for depth, name in enumerate(location.path, 1):
            steps.append(Crumb(name, Location(location.noun, location.path[:depth])))
    if chosen_apart(location):
        steps.append(Crumb("plot" if location.options.get("plot") else "compare", location))
    return steps


def outside(location: Location) -> Location | None:
    """One step out of a location; None at the outermost."""
    steps = crumbs(location)
    return steps[-2].location if len(steps) > 1 else None


def within(location: Location, other: Location) -> bool:
    """Whether a location lies somewhere inside another."""
    depth = len(other.path)
    if location.noun != other.noun or location.path[:depth] != other.path or chosen_apart(other):
        return False
    return depth < len(location.path) or bool(chosen_apart(location))


class History:
    """The places that were visited, and which of them is shown."""

    def __init__(self, start: Location) -> None:
        self._places = [start]
        self._at = 0
        self._last = start

    @property
    def current(self) -> Location:
        """The place that is shown."""
        return self._places[self._at]

    def go(self, location: Location) -> None:
        """Visit a place; what was ahead is forgotten. The place one is at is only brought up to date."""
        if same_place(location, self.current):
            self._places[self._at] = location
            return
        self._last = self.current
        self._places = [*self._places[: self._at + 1], location][-DEPTH:]
        self._at = len(self._places) - 1

    def update(self, location: Location) -> None:
        """The current place with other things chosen there (a tab, a filter)."""
        self._places[self._at] = location

    def out(self) -> Location | None:
        """One step out: the place one came from, as it was, where this one lies in it; else the next outer.

        None at the outermost.
        """
        before = self._places[self._at - 1] if self._at else None
        return before if before is not None and within(self.current, before) else outside(self.current)

    def back(self) -> Location | None:
        """Go to the place before; None when there is none."""
        return self._move(-1)

    def forward(self) -> Location | None:
        """Go forward again; None when there is nothing ahead."""
        return self._move(1)

    def _move(self, by: int) -> Location | None:
        if not 0 <= self._at + by < len(self._places):
            return None
        self._last = self.current
        self._at += by
        return self.current

    def last(self) -> Location:
        """Visit the place that was shown before this one; twice is here again."""
        self.go(self._last)
        return self.current
