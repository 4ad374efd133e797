"""What `wb top` knows of machines, and how it is laid out; no terminal, no services."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from workbench.text.cells import cut
from workbench.text.sanitize import clean_name
from workbench.text.style import Look, paint
from workbench.views import fleet, top
from workbench.views.watched import WatchedMachines

SECONDS, STEPS = 60.0, 2 * top.TRAIL
SETTLED = ("unreachable", "needs sign-in")
"""States of machines whose figures nobody need wait for."""
CURRENT = 1.5
"""Seconds after which figures are not of now: who looks has new ones every second."""


class Machines(WatchedMachines):
    """Views of machines by name, laid out for a plain terminal."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(clock, SECONDS, STEPS)
        self._dirty: set[str] = set()
        self._began = False

    def take(self, item: Mapping[str, Any], *, whole: bool = False) -> set[str]:
        """What one item of the watch says; the names of the machines that became others, or went."""
        self._began = True
        told = super().take(item, whole=whole)
        self._dirty |= told
        return told

    def changed(self) -> list[Mapping[str, Any]]:
        """The machines that became others since this was asked last."""
        dirty, self._dirty = self._dirty, set()
        return [self.views[name] for name in sorted(dirty) if name in self.views]

    @property
    def settled(self) -> bool:
        """Whether of each machine there are figures, or it is known that there will be none soon."""
        return self._began and all(
            view.get("freshness") == "fresh" or view.get("state") in SETTLED for view in self.views.values()
        )

    @property
    def current(self) -> bool:
        """The same, and the figures are of this second: an unwatched machine measures itself more rarely."""
        ages = (self.age(name) for name, view in self.views.items() if view.get("freshness") == "fresh")
        return self.settled and all(age is None or age <= CURRENT for age in ages)

    def _watched(self) -> list[top.Watched]:
        return [
            top.Watched(view, row, self.age(name), self._trails.get(name))
            for name, view in sorted(self.views.items())
            if (row := self.row(name)) is not None
        ]

    def lines(self, look: Look, detailed: bool) -> list[str]:
        """All of it."""
        watched, now = self._watched(), self._clock()
        lines = [top.head(watched, look, f"{now.astimezone():%H:%M:%S}"), ""]
        if not detailed:
            return [*lines, *top.fleet_lines(watched, look, now)]
        for machine in watched:
            lines += [*top.machine_lines(machine, look, now), ""]
        return lines[:-1]

    def screenful(self, look: Look, detailed: bool, high: int) -> list[str]:
        """As much of it as fits on so many lines."""
        if not self._began:
            return [paint("reaching the machines ...", "dim", look.colour)]
        lines = self.lines(look, detailed)
        if len(lines) <= high:
            return lines
        more = f"{len(lines) - high + 1} more lines: a larger terminal, names, or --once shows them"
        return [*lines[: high - 1], paint(cut(more, look.width), "dim", look.colour)]

    def plain_rows(self) -> Iterator[dict[str, Any]]:
        """A row a machine for a pipe: percent, watts, degrees; absent stays absent."""
        for machine in self._watched():
            row, view = machine.row, machine.view
            sentences = fleet.problems({}, view, machine.age, self._clock())
            yield {
                "name": row.name,
                "state": view.get("state"),
                "freshness": view.get("freshness"),
                "gpus": len(row.gpus),
                "utilisation": _rounded(row.util),
                "memory": _rounded(row.memory),
                "power": _rounded(row.power),
                "temperature": _rounded(row.temperature),
                "cpu": _rounded(row.cpu),
                "ram": _rounded(row.ram),
                "disk": _rounded(row.disk),
                "runs": row.runs,
                "problem": clean_name("; ".join(said.text for said in sentences), 1000),
            }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
