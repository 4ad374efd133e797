"""Whose GPUs are whose on machines that somebody looks at: asked now and then, kept when there is no answer."""

from __future__ import annotations

import asyncio

import pytest

from tests.scripted_machines import ScriptedWorld, scripted
from workbench.entities.machine_view import Looking, RunThere
from workbench.entities.queue import Cordon
from workbench.entities.run import RunState
from workbench.services.lease_feed import LeaseFeed

OURS, OTHER, SHELL = (f"01HZZZZZZZZZZZZZZZZZZZZZZ{letter}" for letter in "ABC")
QUEUE = {
    "entries": [
        {"run": OURS, "state": "running", "devices": ["m000-0"]},
        {"run": OTHER, "state": "running", "devices": ["m000-1"], "by": "bob@there"},
        {"run": SHELL, "kind": "shell", "state": "running", "devices": ["m000-2"], "by": "ann@laptop"},
        {"run": "nonsense", "state": "running", "devices": ["m000-3"]},
    ],
    "cordon": {"reason": "new driver"},
}


def test_leases_come_to_the_view_and_cordons_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        world = ScriptedWorld(monkeypatch, 2)
        said: list[Cordon | None] = []

        async def note(name: str, cordon: Cordon | None) -> None:
            said.append(cordon)

        feed = LeaseFeed(world.fleet, world.monitor, note)
        first, second = world.machines
        first.answers["queue"] = QUEUE
        run = RunThere(name="r", experiment="e", status=RunState.RUNNING, gpus=["m000-0"])
        world.monitor.set_runs({"m000": {OURS: run}})
        feed.start()
        with world.monitor.look(["m000"], Looking.VISIBLE):
            await asyncio.sleep(5)
            view = world.monitor.view("m000")
            assert view.held == {"m000-0": OURS, "m000-1": OTHER, "m000-2": "ann@laptop"}
            assert said[-1] == Cordon(reason="new driver")
            first.silent = True
            await asyncio.sleep(30)
            assert world.monitor.view("m000").held == view.held, "what was known stays"
            assert 3 <= len(first.calls) <= 5
            first.silent, first.answers["queue"] = False, {"entries": []}
            await asyncio.sleep(15)
            assert world.monitor.view("m000").held == {"m000-0": OURS}
            assert said[-1] is None
        asked = len(first.calls)
        await asyncio.sleep(60)
        assert (len(first.calls), second.calls) == (asked, []), "nobody looks"
        await feed.close()
        await world.close()

    scripted(scene)
