"""Views of machines by name, kept up by what `compute.watch` says; no stream, no screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from workbench.entities.merge_patch import merged
from workbench.text.numbers import finite
from workbench.text.trails import Trail
from workbench.views.fleet import Row, busy, row


class WatchedMachines:
    """What machines said last, when that was, and how busy they were lately."""

    def __init__(self, clock: Callable[[], datetime], seconds: float, steps: int) -> None:
        """seconds, steps: how far back a trail goes, and in how many pieces."""
        self._clock = clock
        self._trail_size = seconds, steps
        self.views: dict[str, dict[str, Any]] = {}
        self._rows: dict[str, Row] = {}
        self._came: dict[str, datetime] = {}
        self._trails: dict[str, Trail] = {}

    def take(self, item: Mapping[str, Any], *, whole: bool = False) -> set[str]:
        """What one item of the watch says; the names of the machines that became others, or went.

        whole: an item that lists machines lists all there are.
        """
        told: set[str] = set()
        if whole and "machines" in item:
            told |= self._lose(set(self.views) - set(item["machines"]))
        for name, view in (item.get("machines") or {}).items():
            self._put(name, view)
            told.add(name)
        for name, patch in (item.get("patch") or {}).items():
            self._put(name, merged(self.views.get(name, {}), patch))
            told.add(name)
        return told | self._lose(item.get("gone") or ())

    def _lose(self, names: Iterable[str]) -> set[str]:
        gone = set(names)
        for name in gone:
            for kept in (self.views, self._rows, self._came, self._trails):
                kept.pop(name, None)
        return gone

    def _put(self, name: str, view: dict[str, Any]) -> None:
        before = (self.views.get(name) or {}).get("sample") or {}
        self.views[name] = view
        self._rows.pop(name, None)
        self._came[name] = self._clock()
        sample = view.get("sample") or {}
        time = finite(sample.get("time"))
        if time is not None and time != before.get("time"):
            self.trail(name).add(time, busy(view), finite(sample.get("every")) or 0.0)

    def age(self, name: str) -> float | None:
        """Seconds since a machine's last word, by now."""
        age = finite((self.views.get(name) or {}).get("age"))
        if age is None:
            return None
        return age + max(0.0, (self._clock() - self._came[name]).total_seconds())

    def trail(self, name: str) -> Trail:
        """How busy a machine was lately."""
        found = self._trails.get(name)
        if found is None:
            found = self._trails[name] = Trail(*self._trail_size)
        return found

    def row(self, name: str) -> Row | None:
        """A machine's figures; made once for each state of it."""
        if name not in self._rows and name in self.views:
            self._rows[name] = row({"name": name}, self.views[name])
        return self._rows.get(name)
