"""What rules are given and what they answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, NamedTuple, Protocol, TypeVar

from workbench.entities.alert import Alert, Severity
from workbench.entities.machine_view import MachineView
from workbench.entities.sample import GpuSample, MachineSample
from workbench.settings import AlertSettings
from workbench.text.sanitize import clean_name

K = TypeVar("K")
V = TypeVar("V")
MOST_THINGS = 1024
"""Things of a machine that one rule remembers."""


class Remembered(dict[K, V]):
    """What a rule knows of things that a machine names; of ever new ones the oldest are forgotten."""

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > MOST_THINGS:
            del self[next(iter(self))]

    def setdefault(self, key: K, default: V) -> V:
        """The value of a key, the default from now on where there is none."""
        if key not in self:
            self[key] = default
        return self[key]


class Pulse(NamedTuple):
    """When a run last gave a sign of life, in seconds since 1970; None: not yet."""

    output: float | None = None
    record: float | None = None
    """A metric, or anything else that it records."""


class Seen(NamedTuple):
    """What a rule looks at: one machine at one moment."""

    view: MachineView
    sample: MachineSample
    pulses: Mapping[str, Pulse]
    """By run; a run without one is not listened to."""
    settings: AlertSettings
    now: float
    """Seconds since 1970, by this side's clock."""

    def run_name(self, run: str | None) -> str:
        """A run as a person calls it."""
        there = self.view.runs.get(run or "")
        return clean_name(there.name if there is not None else run or "a run", 80)

    def holder(self, gpu: str) -> str | None:
        """The run of ours that holds a GPU."""
        run = self.view.held.get(gpu)
        return run if run in self.view.runs else None


class Finding(NamedTuple):
    """How a rule stands with one thing now."""

    holds: bool | None
    """Whether what it looks for is so; None: that cannot be told now, and changes nothing."""
    severity: Severity = Severity.WARN
    text: str = ""
    advice: str = ""
    gpu: str | None = None
    run: str | None = None
    about: str | None = None
    hold: float = 0.0
    """Seconds it has to be so without a break before anybody is told."""
    over: bool | None = None
    """Whether it is over for one who was told; None: as soon as it does not hold."""
    clear: float = 60.0
    """Seconds it has to be over without a break before that is told."""

    @property
    def ended(self) -> bool:
        """Whether it is over for one who was told."""
        return self.holds is False if self.over is None else self.over


class Rule(Protocol):
    """A rule and what it remembers of one machine."""

    ids: ClassVar[tuple[str, ...]]
    """The rules that it answers for."""

    def look(self, seen: Seen) -> Iterable[tuple[str, Finding]]:
        """How things stand, each with the id of its rule; what is not named any more is gone."""
        ...

    def remember(self, alert: Alert) -> None:
        """An alert of its rules was told before the local server was started."""
        ...


def gpu_name(gpu: GpuSample) -> str:
    """A GPU in a sentence: by its index, which a person counts with."""
    return f"GPU {gpu.index}" if gpu.index is not None else f"GPU {clean_name(gpu.uuid, 40)}"


def minutes(seconds: float) -> str:
    """A number of minutes in a sentence."""
    return f"{seconds / 60:g} min"
