"""GPU memory that only grows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from workbench.alerts.finding import Finding, Seen, minutes
from workbench.alerts.trend import Trend
from workbench.entities.alert import Alert
from workbench.entities.sample import ProcessSample
from workbench.text.sizes import short

Key = tuple[int, int | None, str]
SLACK = 0.005
"""Share by which memory may shrink from one minute to the next and still only grow."""


class _Watched:
    """One process on one GPU."""

    def __init__(self, length: int) -> None:
        self.trend = Trend(length)
        self.leaks: bool | None = False
        """None: that cannot be told now."""
        self.over = True
        self.rate = 0.0


class MemoryLeak:
    """A process of ours whose GPU memory grows steadily, as least squares over its minutes tell."""

    ids: ClassVar[tuple[str, ...]] = ("memory-leak",)

    def __init__(self) -> None:
        self._watched: dict[Key, _Watched] = {}

    def look(self, seen: Seen) -> Iterable[tuple[str, Finding]]:
        """One finding a process and GPU."""
        present: dict[Key, _Watched] = {}
        for process in seen.sample.processes:
            if process.run is None and not process.mine:
                continue
            for use in process.gpus:
                key = (process.pid, process.start, use.gpu)
                watched = self._watched.get(key) or _Watched(seen.settings.leak_minutes)
                present[key] = watched
                if use.memory is not None:
                    if watched.trend.add(seen.now, float(use.memory)):
                        self._judge(seen, watched)
                    elif watched.leaks and not watched.trend.values:  # measured anew after a gap
                        watched.leaks = None
                yield "memory-leak", self._finding(seen, process, use.gpu, watched)
        self._watched = present

    @staticmethod
    def _judge(seen: Seen, watched: _Watched) -> None:
        """Once a minute: whether it leaks."""
        trend, limit = watched.trend, seen.settings.leak_percent
        slope, values = trend.slope(), trend.values
        mean = sum(values) / len(values)
        if slope is None or not mean:
            return
        watched.rate = 100.0 * slope / mean
        whole = trend.span >= seen.settings.leak_minutes - 1
        watched.leaks = whole and watched.rate > limit and trend.rises(SLACK)
        watched.over = watched.rate < limit / 2

    @staticmethod
    def _finding(seen: Seen, process: ProcessSample, gpu: str, watched: _Watched) -> Finding:
        about = str(process.pid)
        if watched.leaks is None:
            return Finding(None, gpu=gpu, run=process.run, about=about, over=False)
        if not watched.leaks:
            return Finding(False, gpu=gpu, run=process.run, about=about, over=watched.over, clear=0.0)
        index = next((card.index for card in seen.sample.gpus if card.uuid == gpu), None)
        where = f"GPU {index}" if index is not None else f"GPU {gpu}"
        who = seen.run_name(process.run) if process.run is not None else f"process {process.pid}"
        now = short(watched.trend.values[-1])
        return Finding(
            True,
            text=f"{who} takes more and more memory of {where}: {watched.rate:.1f} % a minute"
            f" for {minutes(seen.settings.leak_minutes * 60)}, {now} now",
            advice="something keeps tensors alive, mostly a loss that is summed up with its graph:"
            " use loss.item(), or let caches go; it ends with out of memory",
            gpu=gpu,
            run=process.run,
            about=about,
            over=watched.over,
        )

    def remember(self, alert: Alert) -> None:
        """Nothing: it is measured anew."""
