"""Cancelling a run while it is on its way to its machine: it must not go on there afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.services import services
from workbench.compute.link import Link
from workbench.remote.machine import Machine
from workbench.remote.runs import run_status
from workbench.remote.runs.runfolder import RunFolder
from workbench.runs import delivery, sender


async def test_a_cancel_does_not_overtake_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_way = asyncio.Event()
    deliveries = []

    async def arrives_late(link: Link, spec: dict[str, Any], secrets: dict[str, str]) -> dict[str, Any]:
        """What was sent arrives, also when nobody waits for the answer any more."""
        on_way.set()
        await asyncio.sleep(0.5)
        return await delivery.deliver_run(link, spec, secrets)

    async def deliver(link: Link, spec: dict[str, Any], secrets: dict[str, str]) -> dict[str, Any]:
        deliveries.append(asyncio.ensure_future(arrives_late(link, spec, secrets)))
        return await asyncio.shield(deliveries[-1])

    monkeypatch.setattr(sender, "deliver_run", deliver)
    async with services(tmp_path) as opened, asyncio.timeout(60):
        run = (await opened.submit(1, "sleep 1000"))["id"]
        await on_way.wait()
        await opened.call("runs.cancel", run=run)
        await asyncio.wait(deliveries)
        *_, last = [item async for item in opened.items("runs.watch", run=run)]
        assert (last["run"]["status"], last["run"]["message"]) == ("Canceled", "canceled")
        machine = Machine(str(tmp_path / "root"), str(tmp_path / "leases"), None)
        there = RunFolder(machine, run).read_status()
        assert there is not None
        assert there["transitions"][-1]["state"] == "Canceled"


async def test_one_that_its_machine_does_not_know_is_over_and_cannot_arrive_any_more(tmp_path: Path) -> None:
    machine = Machine(str(tmp_path / "root"), str(tmp_path / "leases"), None)
    async with services(tmp_path) as opened, asyncio.timeout(60):
        run = (await opened.submit(1, "until [ -e ../go ]; do sleep 0.02; done"))["id"]
        async for item in opened.items("runs.watch", run=run):
            if item["run"]["status"] == "Running":
                break
        folder = RunFolder(machine, run)
        aside = tmp_path / "aside"
        Path(folder.path).rename(aside)
        row = await opened.call("runs.cancel", run=run)
        assert row["status"] == "Canceled"
        assert "has no record of it" in row["message"]
        there = folder.read_status()
        assert there is not None
        assert run_status.is_unknown(there)
        assert (await opened.call("compute.adopt", name="local"))["broken"] == []
        (aside / "go").touch()
