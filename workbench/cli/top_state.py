"""What `wb top` knows of machines, and how it is laid out; no terminal, no services."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from workbench.entities.merge_patch import merged
from workbench.text.cells import cut
from workbench.text.numbers import finite
from workbench.text.sanitize import clean_name
from workbench.text.style import Look, paint
from workbench.text.trails import Trail
from workbench.views import fleet, top

SECONDS, STEPS = 60.0, 2 * top.TRAIL
SETTLED = ("unreachable", "needs sign-in")
"""States of machines whose figures nobody need wait for."""


class Machines:
    """Views of machines by name, kept up to date by what `compute.watch` says."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.views: dict[str, dict[str, Any]] = {}
        self._came: dict[str, datetime] = {}
        self._trails: dict[str, Trail] = {}
        self._dirty: set[str] = set()
        self._began = False

    def take(self, item: Mapping[str, Any]) -> None:
        """What one item of the watch says."""
        self._began = True
        for name, view in (item.get("machines") or {}).items():
            self._put(name, view)
        for name, patch in (item.get("patch") or {}).items():
            self._put(name, merged(self.views.get(name, {}), patch))
        for name in item.get("gone") or ():
            self.views.pop(name, None)

    def _put(self, name: str, view: dict[str, Any]) -> None:
        before = ((self.views.get(name) or {}).get("sample") or {}).get("time")
        self.views[name] = view
        self._came[name] = self._clock()
        self._dirty.add(name)
        sample = view.get("sample") or {}
        time = finite(sample.get("time"))
        if time is not None and time != before:
            trail = self._trails.setdefault(name, Trail(SECONDS, STEPS))
            trail.add(time, fleet.busy(view), finite(sample.get("every")) or 0.0)

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

    def _watched(self) -> list[top.Watched]:
        return [
            top.Watched(view, fleet.row({"name": name}, view), self._age(name), self._trails.get(name))
            for name, view in sorted(self.views.items())
        ]

    def _age(self, name: str) -> float | None:
        age = finite(self.views[name].get("age"))
        gone = (self._clock() - self._came[name]).total_seconds()
        return None if age is None else age + max(0.0, gone)

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
