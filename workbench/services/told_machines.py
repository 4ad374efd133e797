"""What one who watches machines was told of them, and so what is news."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from typing import Any

from workbench.compute.monitor import Monitor
from workbench.entities.merge_patch import difference

PROCESSES_EVERY = 5.0
"""Seconds between the processes of a machine, which weigh most, for who looks at many."""
FEW = 4
"""Machines asked for by name whose processes come as often as all else."""
View = dict[str, Any]


class Told:
    """The views as they were sent last. asked: the machines that were asked for by name."""

    def __init__(self, monitor: Monitor, asked: Collection[str]) -> None:
        self._monitor = monitor
        self._often = 0 < len(asked) <= FEW
        self._clock = asyncio.get_running_loop().time
        self._sent: dict[str, View] = {}
        self._processes_at: dict[str, float] = {}

    def whole(self, names: Iterable[str]) -> dict[str, View]:
        """The views of machines; they count as told."""
        for name in names:
            self._look(name)
        return dict(self._sent)

    def gone(self, names: Iterable[str]) -> list[str]:
        """Those of these machines that are no more; they count as told."""
        gone = [name for name in names if name in self._sent and name not in self._monitor]
        for name in gone:
            del self._sent[name]
            self._processes_at.pop(name, None)
        return gone

    def patch(self, names: Iterable[str]) -> dict[str, View]:
        """Merge patches of those of these machines that changed; they count as told."""
        patch = {}
        for name in names:
            before = self._sent.get(name, {})
            if news := difference(before, self._look(name)):
                patch[name] = news
        return patch

    def _look(self, name: str) -> View:
        now, before = self._clock(), self._sent.get(name, {})
        due = self._often or now - self._processes_at.get(name, -PROCESSES_EVERY) >= PROCESSES_EVERY
        view = self._monitor.plain(name, processes=due)
        if view is None:
            return before
        if "sample" in view:
            if due:
                self._processes_at[name] = now
            elif "sample" in before:
                sample = {**view["sample"], "processes": before["sample"]["processes"]}
                view = {**view, "sample": sample}
        self._sent[name] = view
        return view
