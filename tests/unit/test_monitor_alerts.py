"""Alerts of many machines watched at once, over a real fleet and a clock that is a script."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from tests.scripted_machines import ScriptedWorld
from tests.unit.test_monitor import play
from workbench.entities.alert import Alert, Severity
from workbench.entities.machine_view import Freshness, Looking, MachineView

__all__ = ["play"]


class Suspicious:
    """Rules that always find something."""

    def __init__(self) -> None:
        self.looks: list[tuple[str, datetime, Freshness]] = []

    def look(self, view: MachineView, now: datetime) -> list[Alert]:
        self.looks.append((view.name, now, view.freshness))
        since = self.looks[0][1]
        return [Alert(rule="x", target=view.name, severity=Severity.WARN, text="x", advice="y", since=since)]


def test_alerts_are_looked_for_once_a_second_in_what_is_new_or_late(play: Callable[..., None]) -> None:
    async def scene(world: ScriptedWorld) -> None:
        first, second = world.machines
        world.monitor.alerts = rules = Suspicious()
        with (
            world.monitor.look([first.name], Looking.CLOSELY),
            world.monitor.look([second.name], Looking.VISIBLE),
        ):
            await asyncio.sleep(60)
            assert 50 <= len([name for name, *_ in rules.looks if name == first.name]) <= 61
            assert world.monitor.view(first.name).alerts[0].rule == "x"
            rules.looks.clear()
            second.silent = True
            await asyncio.sleep(100)
            judged = Counter(freshness for name, _, freshness in rules.looks if name == second.name)
            assert judged[Freshness.LATE] >= 50
            assert judged[Freshness.LOST] >= 30

    play(scene, 2)
