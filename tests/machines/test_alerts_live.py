"""Alerts from a driver's fault to what a face shows: a scripted NVML, a real sampler, real runs, a real store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.machines.test_watching import Watched
from tests.nvml.building import Nvml, environment, nvml
from tests.nvml.script import ALL, LOST, MIB, Script, uuid
from tests.receivers import receiver
from tests.services import Services, services
from workbench.settings import AlertSettings, Settings

__all__ = ["nvml"]
REAL = pytest.mark.skipif(
    Path("/proc/driver/nvidia/gpus").exists(), reason="the real driver is asked which GPUs runs may have"
)
SOON = 0.05
"""Minutes."""


@pytest.fixture
def cards(tmp_path: Path, nvml: Nvml, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Two cards that nobody uses."""
    script = Script(tmp_path / "script", gpus=2)
    for card in script.gpus:
        card.update({"utilisation": 0, "memory_used": 5 * MIB, "remapped_pending": 0})
    script.write()
    for name, value in environment(nvml.library(), script.path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("workbench.alerts.engine.EVERY", 0.5)
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    listed = "".join(f"GPU {number}: H100 (UUID: {uuid(number)})\n" for number in range(2))
    tool.write_text(f"#!/bin/sh\n[ \"$1\" = -L ] && printf '{listed}'\nexit 0\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    return script


@asynccontextmanager
async def watched(tmp_path: Path, **settings: Any) -> AsyncIterator[tuple[Services, Watched]]:
    """Services whose machine is watched."""
    chosen = Settings(alerts=AlertSettings(disk_percent=0, disk_bytes=0, **settings))
    async with services(tmp_path, chosen) as there:
        stream = there.items("compute.watch", names=["local"], looking="closely")
        async with aclosing(stream):  # type: ignore[type-var]
            yield there, Watched(stream)


def two_gpus(view: dict[str, Any]) -> bool:
    return len(view.get("sample", {}).get("gpus", [])) == 2


def rules(view: dict[str, Any]) -> set[str]:
    return {alert["rule"] for alert in view.get("alerts", [])}


def shows(*wanted: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a view has exactly these alerts."""
    return lambda view: rules(view) == set(wanted) and view.get("freshness") == "fresh"


async def test_faults_of_a_driver_are_alerts_and_end_with_them(cards: Script, tmp_path: Path) -> None:
    async with receiver() as there, watched(tmp_path) as (live, seen):
        await live.call(
            "subscriptions.add",
            name="bad",
            sink="webhook",
            url=there.url,
            allow=["127.0.0.1"],
            plain_http=True,
            filter={"kinds": ["AlertRaised"], "data": {"severity": "bad"}},
        )
        await seen.until("local", two_gpus, "its GPUs")
        cards.xid(0, 79)
        cards.fail(1, ALL, LOST)
        cards.write()
        view = await seen.until("local", shows("xid", "gpu-lost"), "both alerts")
        by_rule = {alert["rule"]: alert for alert in view["alerts"]}
        assert by_rule["xid"]["gpu"] == uuid(0)
        assert "GPU 0: Xid 79, the GPU has fallen off the bus" in by_rule["xid"]["text"]
        assert by_rule["gpu-lost"]["gpu"] == uuid(1)
        posts = await there.until(2)
        assert {post.json["data"]["rule"] for post in posts} == {"xid", "gpu-lost"}
        assert {alert["rule"] for alert in await live.call("alerts.list")} == {"xid", "gpu-lost"}
        cards.recover()
        cards.gpus[0]["ecc_uncorrected"] = 8
        cards.write()
        view = await seen.until("local", shows("xid", "ecc"), "one to end and another to begin")
        assert "2 memory errors" in {alert["rule"]: alert for alert in view["alerts"]}["ecc"]["text"]


@REAL
async def test_a_run_that_uses_no_gpu_and_a_stranger_who_uses_it(cards: Script, tmp_path: Path) -> None:
    async with watched(tmp_path, start_minutes=SOON, foreign_minutes=0, stall_minutes=100) as (live, seen):
        run = await live.submit(1, "sleep 600", gpus=1)
        try:
            view = await seen.until("local", shows("never-started"), "it to be said")
            (alert,) = view["alerts"]
            assert alert["run"] == run["id"]
            assert run["name"] in alert["text"]
            held = view["held"]
            gpu = next(number for number in (0, 1) if uuid(number) in held)
            cards.process(gpu, os.getpid(), 2048 * MIB)
            cards.write()
            view = await seen.until("local", shows("foreign-use"), "the stranger to be told of")
            assert view["alerts"][0]["gpu"] == uuid(gpu)
            assert f"process {os.getpid()}" in view["alerts"][0]["text"]
        finally:
            await live.call("runs.cancel", run=run["id"], grace=0)
        await seen.until("local", shows(), "all to be over with the run")


@REAL
async def test_a_run_that_is_silent_in_every_way_is_stalled_until_it_speaks(
    cards: Script, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    line = f"echo begun; until [ -e {gate} ]; do sleep 0.2; done; while :; do echo alive; sleep 1; done"
    async with watched(tmp_path, start_minutes=100, stall_minutes=2 * SOON) as (live, seen):
        run = await live.submit(2, line, gpus=1)
        try:
            view = await seen.until("local", shows("stalled"), "it to be stalled")
            assert view["alerts"][0]["run"] == run["id"]
            gate.touch()
            await seen.until("local", shows(), "it to be alive")
        finally:
            await live.call("runs.cancel", run=run["id"], grace=0)
            async with asyncio.timeout(60):
                async for _ in live.items("runs.watch", run=run["id"]):
                    pass
