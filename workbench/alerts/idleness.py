"""GPUs that are held for nothing: idle ones, runs that never started, runs that stall."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from workbench.alerts.finding import Finding, Seen, gpu_name, minutes
from workbench.entities.alert import Alert, Severity
from workbench.entities.machine_view import RunThere
from workbench.entities.run import RunState
from workbench.entities.sample import GpuSample

NOTHING = 1.0
"""Percent of utilisation that is none."""
WORKING = 5.0
"""Percent that is some, for a run that seemed stalled."""
FILLED = 1 << 30
"""Bytes of a GPU's memory that no driver takes for itself: somebody's process is there."""


class HeldIdle:
    """A GPU is held by a run that used it once and does not now; memory that is held counts as held.

    busy: runs and GPUs of which it is known that the one used the other.
    """

    ids: ClassVar[tuple[str, ...]] = ("held-idle",)

    def __init__(self, busy: Iterable[tuple[str, str]] = ()) -> None:
        self._busy = set(busy)

    def look(self, seen: Seen) -> Iterable[tuple[str, Finding]]:
        """One finding a GPU that a running run holds."""
        settings = seen.settings
        held = [(gpu, run) for gpu in seen.sample.gpus if (run := seen.holder(gpu.uuid)) is not None]
        self._busy &= {(run, gpu.uuid) for gpu, run in held}
        for gpu, run in held:
            if seen.view.runs[run].status is not RunState.RUNNING:
                continue
            use = gpu.utilisation
            if use is None or gpu.error is not None:
                yield "held-idle", Finding(None, gpu=gpu.uuid, run=run)
                continue
            if use > settings.busy_percent:
                self._busy.add((run, gpu.uuid))
            idle = use < settings.idle_percent
            known = (run, gpu.uuid) in self._busy
            if not (idle and known):
                over = use >= 2 * settings.idle_percent
                yield (
                    "held-idle",
                    Finding(False if known or not idle else None, gpu=gpu.uuid, run=run, over=over),
                )
                continue
            name = seen.run_name(run)
            yield (
                "held-idle",
                Finding(
                    True,
                    text=f"{gpu_name(gpu)} does nothing while {name} holds it"
                    f" (under {settings.idle_percent:g} % for {minutes(settings.idle_minutes * 60)})",
                    advice=f"see what it waits for: wb run logs {name}; give the GPU back: wb cancel {name}",
                    gpu=gpu.uuid,
                    run=run,
                    hold=settings.idle_minutes * 60,
                ),
            )

    def remember(self, alert: Alert) -> None:
        """Nothing: whether it is idle is seen again."""


class NeverStarted:
    """A run holds GPUs and has started no process on any of them."""

    ids: ClassVar[tuple[str, ...]] = ("never-started",)

    def __init__(self) -> None:
        self._started: set[str] = set()

    def look(self, seen: Seen) -> Iterable[tuple[str, Finding]]:
        """One finding a running run that holds GPUs."""
        self._started &= seen.view.runs.keys()
        for run, gpus in _holders(seen):
            if run not in self._started and self._used(seen, run, gpus):
                self._started.add(run)
            if run in self._started:
                yield "never-started", Finding(False, run=run, clear=0.0)
                continue
            blind = all(gpu.memory_used is None and gpu.utilisation is None for gpu in gpus)
            if blind or any(gpu.error is not None for gpu in gpus):
                yield "never-started", Finding(None, run=run)
                continue
            name, hold = seen.run_name(run), seen.settings.start_minutes * 60
            which = ", ".join(gpu_name(gpu) for gpu in gpus)
            yield (
                "never-started",
                Finding(
                    True,
                    text=f"{name} holds {which} and has used none for {minutes(hold)}:"
                    " no process of it is there",
                    advice="does its program see a GPU at all?"
                    f" wb run logs {name}; for a run without one: --gpus 0",
                    run=run,
                    hold=hold,
                ),
            )

    @staticmethod
    def _used(seen: Seen, run: str, gpus: list[GpuSample]) -> bool:
        """Whether anything was ever on its GPUs; where pids cannot be seen, their memory tells."""
        ours = {gpu.uuid for gpu in gpus}
        if any(use.gpu in ours for process in seen.sample.processes for use in process.gpus):
            return True
        return any((gpu.memory_used or 0) > FILLED or (gpu.utilisation or 0) > NOTHING for gpu in gpus)

    def remember(self, alert: Alert) -> None:
        """Nothing: whether a process is there is seen again."""


class Stalled:
    """Three signals at once: no GPU use, no output, nothing recorded. One alone may be evaluation."""

    ids: ClassVar[tuple[str, ...]] = ("stalled",)

    def __init__(self) -> None:
        self._used: dict[str, float] = {}
        """When a GPU of the run was last used, or first seen."""

    def look(self, seen: Seen) -> Iterable[tuple[str, Finding]]:
        """One finding a running run that holds GPUs."""
        holders = _holders(seen)
        self._used = {run: used for run, used in self._used.items() if run in dict(holders)}
        for run, gpus in holders:
            uses = [gpu.utilisation for gpu in gpus if gpu.error is None]
            pulse = seen.pulses.get(run)
            if len(uses) < len(gpus) or None in uses or pulse is None:
                yield "stalled", Finding(None, run=run)
                continue
            use = max(number for number in uses if number is not None)
            if use >= NOTHING:
                self._used[run] = seen.now
            used = self._used.setdefault(run, seen.now)
            sign = max(used, pulse.output or 0.0, pulse.record or 0.0, _started(seen.view.runs[run]))
            limit = seen.settings.stall_minutes * 60
            alive = use >= WORKING or seen.now - sign < min(60.0, limit)
            yield "stalled", self._finding(seen, run, seen.now - sign >= limit, alive, limit)

    @staticmethod
    def _finding(seen: Seen, run: str, silent: bool, alive: bool, limit: float) -> Finding:
        if not silent:
            return Finding(False, run=run, over=alive, clear=0.0)
        name = seen.run_name(run)
        return Finding(
            True,
            severity=Severity.BAD,
            text=f"{name} seems to be stalled: no GPU use, no output and no metric for {minutes(limit)}",
            advice=f"see where it is: wb run stack {name}; its last lines: wb run logs {name};"
            f" end it: wb cancel {name}",
            run=run,
            over=alive,
            clear=0.0,
        )

    def remember(self, alert: Alert) -> None:
        """It was silent since then at least, so that the restart is not taken for a sign of life."""
        if alert.run is not None:
            self._used[alert.run] = alert.since.timestamp()


def _holders(seen: Seen) -> list[tuple[str, list[GpuSample]]]:
    """The running runs that hold GPUs, with those of them that are measured."""
    found: dict[str, list[GpuSample]] = {}
    for gpu in seen.sample.gpus:
        run = seen.holder(gpu.uuid)
        if run is not None and seen.view.runs[run].status is RunState.RUNNING:
            found.setdefault(run, []).append(gpu)
    return list(found.items())


def _started(run: RunThere) -> float:
    return run.started.timestamp() if run.started is not None else 0.0
