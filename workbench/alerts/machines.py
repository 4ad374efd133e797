"""What goes wrong with a machine as a whole: silence, a full disk, others on its GPUs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from workbench.alerts.finding import Finding, Remembered, Seen, gpu_name
from workbench.alerts.trend import Trend
from workbench.entities.alert import Alert, Severity
from workbench.entities.machine_view import Freshness, MachineView
from workbench.entities.sample import Disk, ProcessSample
from workbench.entities.target import TargetState
from workbench.text.durations import short as duration
from workbench.text.sanitize import clean_name
from workbench.text.sizes import short

ROOM = 1.25
"""A disk has room again with so many times what made it nearly full."""
LEAST_SHARE = 0.2
"""A disk that is small is nearly full by its share only: below this one the number of bytes counts."""
SLOPE_MINUTES = 30
SLOPE_ENOUGH = 10
"""Minutes measured before a rate is one."""
PATHS = 200


def silence(view: MachineView) -> Finding:
    """Whether a machine that should speak does not; it is red after a minute, and told then."""
    if view.freshness is Freshness.LOST:
        runs = len(view.runs)
        there = "" if not runs else ", with 1 run on it" if runs == 1 else f", with {runs} runs on it"
        why = f": {clean_name(view.problem, 200)}" if view.problem else ""
        if view.state is TargetState.NEEDS_SIGN_IN:
            text, advice = f"{view.name} asks for a sign-in{there}", f"wb compute login {view.name}"
        else:
            text = f"{view.name} has said nothing for a minute{there}{why}"
            advice = "its runs go on by themselves; it is tried again and again. Is it up, and the network?"
        return Finding(True, Severity.BAD if runs else Severity.WARN, text, advice)
    # After a restart of the local server nothing was measured yet, and what was told before still holds.
    cut_off = view.freshness is Freshness.NEVER and view.runs and view.state is not TargetState.CONNECTED
    if view.freshness is Freshness.LATE or cut_off:
        return Finding(None, over=False)
    return Finding(False, clear=0.0)


class NearlyFull:
    """A disk where something of ours lives is nearly full, or will be soon at the present rate."""

    ids: ClassVar[tuple[str, ...]] = ("disk-full", "disk-filling")

    def __init__(self) -> None:
        self._free: Remembered[str, Trend] = Remembered()
        self._left: Remembered[str, float | None] = Remembered()
        """Seconds until it is full."""

    def look(self, seen: Seen) -> Iterable[tuple[str, Finding]]:
        """Two findings a disk."""
        for disk in seen.sample.host.disks:
            if disk.free is None:
                continue
            full = self._full(seen, disk, disk.free)
            yield "disk-full", full
            if seen.settings.disk_hours:
                yield "disk-filling", self._filling(seen, disk, disk.free, bool(full.holds))

    @staticmethod
    def _full(seen: Seen, disk: Disk, free: int) -> Finding:
        settings = seen.settings
        limit = float(settings.disk_bytes)
        if disk.total:
            limit = max(disk.total * settings.disk_percent / 100, min(limit, disk.total * LEAST_SHARE))
        if free >= limit:
            return Finding(False, about=disk.path[:PATHS], over=free >= limit * ROOM)
        share = f" ({100 * free / disk.total:.1f} %)" if disk.total else ""
        text = f"{_named(disk)} is nearly full: {short(free)} free{share}"
        name = seen.view.name
        advice = f"what fills it: wb compute du {name}; what may go: wb compute prune {name} --dry-run"
        return Finding(True, Severity.BAD, text, advice, about=disk.path[:PATHS], hold=30.0)

    def _filling(self, seen: Seen, disk: Disk, free: int, full: bool) -> Finding:
        trend = self._free.setdefault(disk.path, Trend(SLOPE_MINUTES))
        if trend.add(seen.now, float(free)):
            slope = trend.slope() if trend.span >= SLOPE_ENOUGH else None
            self._left[disk.path] = None if slope is None or slope >= 0 else 60.0 * free / -slope
        left, limit = self._left.get(disk.path), seen.settings.disk_hours * 3600
        about = disk.path[:PATHS]
        if full or left is None or left >= limit:
            slow = trend.span >= SLOPE_ENOUGH and (left is None or left >= limit * ROOM)
            return Finding(False, about=about, over=full or slow)
        text = f"{_named(disk)} will be full in {duration(left)} at the present rate: {short(free)} free"
        advice = f"find who writes and end it, or make room: wb compute prune {seen.view.name} --dry-run"
        return Finding(True, Severity.WARN, text, advice, about=about, hold=60.0)

    def remember(self, alert: Alert) -> None:
        """Nothing: it is measured again."""


def _named(disk: Disk) -> str:
    where = "the disk of its runs" if "root" in disk.roles else "a disk"
    return f"{where} ({clean_name(disk.path, 80)})"


class ForeignUse:
    """A process of no run of ours, or of another run, is on a GPU that a run of ours holds."""

    ids: ClassVar[tuple[str, ...]] = ("foreign-use",)

    def look(self, seen: Seen) -> Iterable[tuple[str, Finding]]:
        """One finding a GPU that a run holds."""
        strangers: dict[str, list[ProcessSample]] = {}
        for process in seen.sample.processes:
            for use in process.gpus:
                holder = seen.holder(use.gpu)
                if (
                    holder is not None
                    and process.run != holder
                    and self._much(seen, use.memory, use.utilisation)
                ):
                    strangers.setdefault(use.gpu, []).append(process)
        for gpu in seen.sample.gpus:
            run = seen.holder(gpu.uuid)
            if run is None:
                continue
            there = strangers.get(gpu.uuid)
            if not there:
                yield "foreign-use", Finding(False, gpu=gpu.uuid, run=run)
                continue
            who = ", ".join(sorted({_who(seen, process) for process in there})[:3])
            text = f"{who} uses {gpu_name(gpu)}, which {seen.run_name(run)} holds"
            advice = "agree with them, or submit where nobody works around the queue"
            if any(process.container for process in there):
                advice = f"is it the run's own container? then let it be; else {advice}"
            hold = seen.settings.foreign_minutes * 60
            yield "foreign-use", Finding(True, Severity.WARN, text, advice, gpu=gpu.uuid, run=run, hold=hold)

    @staticmethod
    def _much(seen: Seen, memory: int | None, utilisation: float | None) -> bool:
        return (memory or 0) >= seen.settings.foreign_bytes or (
            utilisation or 0.0
        ) >= seen.settings.idle_percent

    def remember(self, alert: Alert) -> None:
        """Nothing: it is seen again."""


def _who(seen: Seen, process: ProcessSample) -> str:
    if process.run is not None:
        return seen.run_name(process.run)
    user = clean_name(process.user or "somebody", 40)
    return f"process {process.pid} of {user}" + (" in a container" if process.container else "")
