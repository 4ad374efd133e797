"""What has changed since the last look, by identity. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MANY = 2000
"""Changed runs that are named one by one; above, everything is looked at anew."""
ALERTS = frozenset({"AlertRaised", "AlertCleared", "AlertSilenced"})
_NAMED = (
    "runs",
    "measured",
    "listed",
    "parents",
    "targets",
    "experiments",
    "activities",
    "forwards",
    "comparisons",
    "models",
    "data",
    "datastores",
    "environments",
    "watched",
    "alerts",
    "subscriptions",
)


@dataclass
class Dirty:
    """What has to be looked at again."""

    everything: bool = False
    """After an interruption nobody knows what changed."""
    runs: set[str] = field(default_factory=set)
    """Ids of runs whose row changed."""
    measured: set[str] = field(default_factory=set)
    """Ids of runs that recorded something, often many times a second."""
    listed: set[str] = field(default_factory=set)
    """Ids of runs that came into lists or went out of them."""
    parents: set[str] = field(default_factory=set)
    """Ids of runs that have another child, or one that went out of lists."""
    targets: set[str] = field(default_factory=set)
    experiments: set[str] = field(default_factory=set)
    activities: set[str] = field(default_factory=set)
    alerts: set[str] = field(default_factory=set)
    """Machines with which something began or ceased to be wrong."""
    subscriptions: set[str] = field(default_factory=set)
    watched: set[str] = field(default_factory=set)
    """Machines of which other figures came (`model.machines`)."""

    forwards: set[str] = field(default_factory=set)
    """Local ports."""
    comparisons: set[str] = field(default_factory=set)
    """Names of saved comparisons."""
    models: set[str] = field(default_factory=set)
    """Names of models of which something changed: versions, aliases, gates."""
    data: set[str] = field(default_factory=set)
    """Names of datasets of which something changed."""
    datastores: set[str] = field(default_factory=set)
    environments: set[str] = field(default_factory=set)
    """Names of environments that got a version, an alias, tags."""

    def __bool__(self) -> bool:
        return self.everything or any(getattr(self, name) for name in _NAMED)

    def add(self, event: Mapping[str, Any]) -> None:
        """Note an event of the stream (entities.event.Event as JSON); unknown kinds are passed over."""
        subject, kind = str(event.get("subject", "")).split("/"), event.get("kind")
        if subject[0] == "experiments" and len(subject) >= 4:
            data = event.get("data") or {}
            above = data.get("above") or ()
            (self.measured if kind == "RunRecords" else self.runs).update([subject[3], *above])
            if kind == "RunCreated" and above:
                self.parents.add(above[0])
            elif kind == "RunCreated" or "archived" in data or data.get("removed") is True:
                # Of a change of tags "removed" names those that went.
                self.listed.add(subject[3])
                self.experiments.add(subject[1])
        elif subject[0] in ("models", "data", "environments") and len(subject) >= 2:
            getattr(self, subject[0]).add(subject[1].partition(":")[0])
        elif len(subject) >= 2:
            into = {
                "experiments": self.experiments,
                "compute": self.alerts if kind in ALERTS else self.targets,
                "activities": self.activities,
                "subscriptions": self.subscriptions,
                "forwards": self.forwards,
                "datastores": self.datastores,
                "compare": self.comparisons,
            }
            if subject[0] in into:
                into[subject[0]].add(subject[1])
        if len(self.runs) > MANY:
            self.everything = True

    def merge(self, other: Dirty) -> None:
        """Take in what another has noted."""
        self.everything = self.everything or other.everything
        for name in _NAMED:
            getattr(self, name).update(getattr(other, name))

    def touched(self, keys: Iterable[str]) -> set[str]:
        """Which of these runs have to be looked at again."""
        changed = self.runs | self.measured
        return {key for key in keys if self.everything or key in changed}
