"""When a rule calls: hold time, hysteresis, once, and over by itself. Pure: the caller brings the time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from workbench.alerts.finding import Finding, Pulse, Rule, Seen
from workbench.alerts.gpu_faults import Answers, MemoryErrors, Throttle, Xids
from workbench.alerts.idleness import HeldIdle, NeverStarted, Stalled
from workbench.alerts.leaks import MemoryLeak
from workbench.alerts.machines import ForeignUse, NearlyFull, silence
from workbench.entities.alert import Alert, Severity
from workbench.entities.machine_view import Freshness, MachineView
from workbench.settings import AlertSettings

EVERY = 5.0
"""Seconds between two looks at the same machine: nothing that is told is more urgent."""
GAP = 60.0
"""Seconds without figures after which a hold time begins anew: nobody knows what was in between."""
MOST = 200
"""Alerts of one machine; what it says beyond is not believed."""


class Key(NamedTuple):
    """What one alert is about."""

    rule: str
    gpu: str | None = None
    run: str | None = None
    about: str | None = None


class Changes(NamedTuple):
    """What one look changed."""

    raised: list[Alert]
    cleared: list[Alert]


def key_of(alert: Alert) -> Key:
    """What an alert is about, on its machine."""
    return Key(alert.rule, alert.gpu, alert.run, alert.about)


def all_rules(busy: Iterable[tuple[str, str]] = ()) -> list[Rule]:
    """The rules that look at figures, new for one machine. busy: see HeldIdle."""
    return [
        HeldIdle(busy),
        NeverStarted(),
        Stalled(),
        MemoryLeak(),
        Throttle(),
        MemoryErrors(),
        Xids(),
        Answers(),
        NearlyFull(),
        ForeignUse(),
    ]


class Watch:
    """One machine's rules with what they remember, and what is wrong there now.

    known: the alerts that were told before the local server was started; they are not told again. busy: runs
    and GPUs of which it is known from then that the one used the other.
    """

    def __init__(
        self,
        target: str,
        settings: AlertSettings,
        known: Iterable[Alert] = (),
        busy: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._target = target
        self._settings = settings
        self._rules = all_rules(busy)
        self._since: dict[Key, float] = {}
        self._ending: dict[Key, float] = {}
        self._looked: float | None = None
        self._measured: float | None = None
        self.open: dict[Key, Alert] = {}
        for alert in known:
            self.open[key_of(alert)] = alert
            for rule in self._rules:
                if alert.rule in rule.ids:
                    rule.remember(alert)

    def look(
        self, view: MachineView, pulses: Mapping[str, Pulse], now: float, off: Collection[str] = ()
    ) -> Changes:
        """Look at the machine; what is to be told. off: rules this machine is not judged by.

        now: seconds since 1970. It may be called at any rate; more often than EVERY it does nothing.
        """
        if self._looked is not None and 0 <= now - self._looked < EVERY:
            return Changes([], [])
        self._looked = now
        changes = Changes([], [])
        disabled = {*off, *self._settings.off}
        silent = [] if "silent" in disabled else [(Key("silent"), silence(view))]
        found = dict(silent)
        if view.sample is not None and view.freshness is Freshness.FRESH:
            if self._measured is not None and not 0 <= now - self._measured <= GAP:
                self._since.clear()
                self._ending.clear()
            self._measured = now
            seen = Seen(view, view.sample, pulses, self._settings, now)
            for rule in self._rules:
                for name, finding in rule.look(seen):
                    if name not in disabled:
                        found[Key(name, finding.gpu, finding.run, finding.about)] = finding
            gone = [key for key in self.open if key not in found]
            self._since = {key: since for key, since in self._since.items() if key in found}
        else:
            gone = [key for key in self.open if key.rule in disabled]
        for key in gone:
            self._clear(key, changes)
        for key, finding in found.items():
            self._judge(key, finding, now, changes)
        return changes

    def _judge(self, key: Key, finding: Finding, now: float, changes: Changes) -> None:
        if key in self.open:
            if finding.holds and finding.severity is Severity.BAD is not self.open[key].severity:
                self._raise(key, finding, changes)
            if not finding.ended:
                self._ending.pop(key, None)
            elif now - self._ending.setdefault(key, now) >= finding.clear:
                self._clear(key, changes)
        elif finding.holds is False:
            self._since.pop(key, None)
        elif finding.holds and now - self._since.setdefault(key, now) >= finding.hold:
            self._raise(key, finding, changes)

    def _raise(self, key: Key, finding: Finding, changes: Changes) -> None:
        known = self.open.get(key)
        if known is None and len(self.open) >= MOST:
            return
        since = datetime.fromtimestamp(self._since[key], UTC) if known is None else known.since
        alert = Alert(
            rule=key.rule,
            target=self._target,
            gpu=key.gpu,
            run=key.run,
            about=key.about,
            severity=finding.severity,
            text=finding.text,
            advice=finding.advice,
            since=since,
        )
        self.open[key] = alert
        changes.raised.append(alert)

    def _clear(self, key: Key, changes: Changes) -> None:
        self._ending.pop(key, None)
        self._since.pop(key, None)
        changes.cleared.append(self.open.pop(key))
