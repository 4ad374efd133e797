"""Alerts as a service: what is wrong with machines, and whom it may call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from workbench.alerts.catalogue import catalogue, rule_names
from workbench.entities.alert import Alert, RuleCard
from workbench.entities.event import Event
from workbench.errors import NotFound, UsageError
from workbench.services.alerting import Alerting
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.store.fleet import alerts, targets
from workbench.store.fleet.alerts import Silence

LONGEST = 366 * 86400.0
Alerts = list[Alert]
Events = list[Event]
Cards = list[RuleCard]


class AlertService:
    """The noun `alerts`."""

    def __init__(self, context: Context, alerting: Alerting) -> None:
        self._context = context
        self._alerting = alerting

    @call
    async def list(self, target: str | None = None) -> Alerts:
        """What holds now, of one machine or of all, the oldest first; raises NotFound."""
        if target is not None:
            await self._context.store.read(targets.get, target)
        now = datetime.now(UTC)
        return [alert for alert in self._alerting.every(now) if target in (None, alert.target)]

    @call
    async def lately(self, since: datetime | None = None, limit: int = 100) -> Events:
        """What was raised, cleared since then, the newest first."""
        return await self._context.store.read(alerts.lately, since, max(1, min(limit, 10_000)))

    @call
    async def silence(self, target: str, rule: str, seconds: float, gpu: str | None = None) -> Alerts:
        """Call nobody for a rule of a machine (or of one GPU, by UUID) for so long; 0: let it call again.

        The alerts of the machine as they are then. Raises NotFound, UsageError.
        """
        await self._context.store.read(targets.get, target)
        if rule not in rule_names():
            raise NotFound(f"there is no rule {rule!r}", "one of " + ", ".join(rule_names()))
        if not 0 <= seconds <= LONGEST:
            raise UsageError("a silence lasts a year at most", "switch the rule off in the settings instead")
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        await self._alerting.silence(Silence(target, rule, gpu, until))
        return await self.list(target)

    @call
    async def rules(self) -> Cards:
        """Every rule: when it calls with the settings as they are, and when it is over."""
        return catalogue(self._context.settings.alerts)
