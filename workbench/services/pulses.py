"""When each run last gave a sign of life: output, or something that it recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from workbench.alerts.finding import Pulse
from workbench.runs.follower import Watcher


class Pulses(Watcher):
    """Notes what the follower tells and passes it on. clock: seconds since 1970."""

    def __init__(self, onward: Watcher, clock: Callable[[], float] = time.time) -> None:
        self._onward = onward
        self._clock = clock
        self._pulses: dict[str, Pulse] = {}

    def stream(self, run: str) -> None:
        """Output arrived."""
        self._pulses[run] = self._of(run)._replace(output=self._clock())
        self._onward.stream(run)

    def records(self, run: str) -> None:
        """Records arrived."""
        self._pulses[run] = self._of(run)._replace(record=self._clock())
        self._onward.records(run)

    def changed(self, run: str) -> None:
        """The row changed."""
        self._onward.changed(run)

    def of(self, runs: Iterable[str]) -> dict[str, Pulse]:
        """The pulses of these runs."""
        return {run: self._of(run) for run in runs}

    def known(self) -> list[str]:
        """The runs that gave any sign of life."""
        return list(self._pulses)

    def keep(self, runs: Iterable[str]) -> None:
        """Forget all other runs."""
        wanted = set(runs)
        self._pulses = {run: pulse for run, pulse in self._pulses.items() if run in wanted}

    def _of(self, run: str) -> Pulse:
        return self._pulses.get(run) or Pulse()
