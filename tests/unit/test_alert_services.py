"""Alerts from a look to what is written, listed, silenced; and across a restart of the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.services import Services, services
from workbench.entities.machine_series import Minute, Span, of_gpu
from workbench.entities.machine_view import Freshness, MachineView
from workbench.entities.sample import GpuSample, MachineSample
from workbench.entities.target import Target, TargetKind
from workbench.errors import NotFound, StoreFull, UsageError
from workbench.services.busy_lately import busy_lately
from workbench.services.pulses import Pulses
from workbench.store.fleet import machine_minutes, targets
from workbench.store.sqlite import events
from workbench.store.sqlite.database import Transaction

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def view(
    error: str | None = "lost", *, name: str = "gpu1", now: datetime = NOW, gpus: int = 1
) -> MachineView:
    """A machine whose GPUs are lost, or well."""
    found = [GpuSample(uuid=f"GPU-{number}", index=number, error=error) for number in range(gpus)]
    return MachineView(
        name=name, freshness=Freshness.FRESH, sample=MachineSample(time=now.timestamp(), gpus=found)
    )


async def attach(live: Services, *names: str) -> None:
    for name in names:
        target = Target(name=name, kind=TargetKind.SSH, created=NOW)
        await live.store.write(targets.put, target)


async def look(live: Services, error: str | None, seconds: float, **more: Any) -> list[Any]:
    """Look at the machine so many seconds after NOW; what is shown of it."""
    now = NOW + timedelta(seconds=seconds)
    return live.workspace.alerting.look(view(error, now=now, **more), now)


async def until(condition: Callable[[], Any]) -> Any:
    """The first true value of an async condition."""
    async with asyncio.timeout(30):
        while True:
            if found := await condition():
                return found
            await asyncio.sleep(0.01)


async def told(live: Services) -> list[tuple[str, str, str]]:
    """All events of alerts in order: kind, machine, rule."""
    return [
        (event.kind, event.subject, event.data["rule"])
        for event in await live.store.read(events.after)
        if event.kind.startswith("Alert")
    ]


RAISED = ("AlertRaised", "compute/gpu1", "gpu-lost")
CLEARED = ("AlertCleared", "compute/gpu1", "gpu-lost")


async def test_raised_once_listed_and_cleared_by_itself(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await attach(live, "gpu1")
        for second in range(0, 60, 5):
            (alert,) = await look(live, "lost", second)
        await until(lambda: told(live))
        (listed,) = await live.call("alerts.list", target="gpu1")
        assert (listed["rule"], listed["gpu"], listed["text"]) == ("gpu-lost", "GPU-0", alert.text)
        assert listed["advice"]
        for second in range(60, 90, 5):
            await look(live, None, second)
        assert await until(lambda: _events(live, 2)) == [RAISED, CLEARED]
        assert await live.call("alerts.list") == []
        cleared, raised = await live.call("alerts.lately", limit=10)
        assert cleared["data"]["lasted"] is not None
        assert raised["data"]["text"] == alert.text


async def _events(live: Services, count: int) -> list[tuple[str, str, str]]:
    found = await told(live)
    return found if len(found) >= count else []


async def test_a_restart_tells_nothing_twice_and_ends_what_is_over(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await attach(live, "gpu1")
        await look(live, "lost", 0)
    async with services(tmp_path) as live:
        (listed,) = await live.call("alerts.list")
        assert listed["rule"] == "gpu-lost"
        for second in range(100, 160, 5):
            await look(live, "lost", second)
        assert await told(live) == [RAISED]
        for second in range(160, 200, 5):
            await look(live, None, second)
        await until(lambda: _events(live, 2))
    async with services(tmp_path) as live:
        assert await live.call("alerts.list") == []
        assert await told(live) == [RAISED, CLEARED]


async def test_a_silence_covers_what_is_and_what_comes(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await attach(live, "gpu1")
        now = datetime.now(UTC)
        live.workspace.alerting.look(view(now=now), now)
        (alert,) = await live.call("alerts.silence", target="gpu1", rule="gpu-lost", seconds=3600)
        assert alert["silenced_until"] > alert["since"]
        later = now + timedelta(seconds=10)
        found = live.workspace.alerting.look(view(now=later, gpus=2), later)
        assert [item.silenced_until is not None for item in found] == [True, True]
        await until(lambda: _events(live, 3))
        raised = [event for event in await live.call("alerts.lately") if event["data"]["gpu"] == "GPU-1"]
        assert raised[0]["data"]["silenced_until"]
    async with services(tmp_path) as live:
        (first, second) = await live.call("alerts.list")
        assert first["silenced_until"] == second["silenced_until"]
        found = await live.call("alerts.silence", target="gpu1", rule="gpu-lost", seconds=0)
        assert not any("silenced_until" in item for item in found)


async def test_one_gpu_can_be_silenced_alone(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await attach(live, "gpu1")
        now = datetime.now(UTC)
        live.workspace.alerting.look(view(now=now, gpus=2), now)
        found = await live.call("alerts.silence", target="gpu1", rule="gpu-lost", seconds=60, gpu="GPU-1")
        assert {item["gpu"]: "silenced_until" in item for item in found} == {"GPU-0": False, "GPU-1": True}


async def test_what_cannot_be_silenced_is_said(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        with pytest.raises(NotFound, match="no machine"):
            await live.call("alerts.silence", target="x", rule="gpu-lost", seconds=60)
        with pytest.raises(NotFound) as refused:
            await live.call("alerts.silence", target="local", rule="gpu-loss", seconds=60)
        assert "gpu-lost" in refused.value.hint
        with pytest.raises(UsageError):
            await live.call("alerts.silence", target="local", rule="gpu-lost", seconds=-1)


async def test_a_store_without_room_is_written_to_when_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.services.alerting.AGAIN", 0.01)
    async with services(tmp_path) as live:
        await attach(live, "gpu1")
        write, refused = live.store.write, []

        async def full(function: Any, *words: Any) -> Any:
            if len(refused) < 3:
                refused.append(words)
                raise StoreFull("no room")
            return await write(function, *words)

        monkeypatch.setattr(live.store, "write", full)
        await look(live, "lost", 0)
        for second in range(5, 30, 5):
            await look(live, None, second)
        await look(live, "lost", 40)
        assert await until(lambda: _events(live, 3)) == [RAISED, CLEARED, RAISED]
        assert len(refused) == 3
    async with services(tmp_path) as live:
        assert len(await live.call("alerts.list")) == 1


async def test_a_machine_that_is_detached_has_no_alerts(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await attach(live, "gpu1", "gpu2")
        await look(live, "lost", 0)
        await look(live, "lost", 0, name="gpu2")
        await until(lambda: _events(live, 2))
        await live.store.write(targets.remove, "gpu1")
        await until(lambda: _events(live, 3))
        assert [alert["target"] for alert in await live.call("alerts.list")] == ["gpu2"]


async def test_fifty_machines_at_once_are_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with services(tmp_path) as live:
        write, calls = live.store.write, []

        async def counted(function: Any, *words: Any) -> Any:
            calls.append(function.__name__)
            return await write(function, *words)

        monkeypatch.setattr(live.store, "write", counted)
        for number in range(50):
            await look(live, "lost", 0, name=f"m{number}")
        await until(lambda: _events(live, 50))
        assert calls.count("note") == 1


async def test_a_mistake_about_one_machine_leaves_the_others_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with services(tmp_path) as live:
        await look(live, "lost", 0, name="odd")
        await look(live, "lost", 0)
        broken = live.workspace.alerting._watches["odd"]
        monkeypatch.setattr(broken, "look", lambda *words: 1 / 0)
        for second in range(5, 30, 5):
            assert len(await look(live, "lost", second, name="odd")) == 1
        assert len(await look(live, "lost", 5)) == 1
        assert caplog.text.count("cannot be judged") == 1


async def test_a_machine_may_be_kept_from_a_rule(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await live.call("compute.set", name="local", changes={"alerts_off": ["gpu-lost"]})
        assert await look(live, "lost", 0, name="local") == []


async def test_a_rule_that_is_none_cannot_be_kept_from(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        with pytest.raises(UsageError, match="no rule 'held-iddle'"):
            await live.call("compute.set", name="local", changes={"alerts_off": ["held-iddle"]})


async def test_the_rules_are_told_with_the_settings_as_they_are(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        cards = {card["rule"]: card for card in await live.call("alerts.rules")}
        assert "under 5 % for 10 min" in cards["held-idle"]["condition"]
        assert not cards["xid"]["off"]


async def test_what_was_measured_before_a_restart_says_who_was_busy(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        run = await live.submit(1, "sleep 600")
        try:
            async for item in live.items("runs.watch", run=run["id"]):
                if item["run"]["status"] == "Running":
                    break
            await live.store.write(_hold, run["id"])
            now = time.time()
            span = {
                of_gpu("GPU-0", "utilisation"): Span(0.0, 30.0, 90.0),
                of_gpu("GPU-1", "utilisation"): Span(0.0, 1.0, 9.0),
            }
            minute = Minute(int(now // 60), span)
            await live.store.write(machine_minutes.put, {"local": [minute]})
            assert await live.store.read(busy_lately, now, 20.0) == {"local": {(run["id"], "GPU-0")}}
            assert await live.store.read(busy_lately, now + 86400, 20.0) == {}
        finally:
            await live.call("runs.cancel", run=run["id"], grace=0)


def _hold(change: Transaction, run: str) -> None:
    change.execute("UPDATE runs SET gpus = ? WHERE id = ?", ('["GPU-0","GPU-1"]', run))


def test_a_pulse_is_when_output_or_a_record_came_last() -> None:
    clock = iter([10.0, 20.0, 30.0])
    pulses = Pulses(_Nobody(), lambda: next(clock))
    pulses.stream("a")
    pulses.records("a")
    pulses.stream("a")
    assert pulses.of(["a", "b"]) == {"a": (30.0, 20.0), "b": (None, None)}
    pulses.keep([])
    assert pulses.of(["a"]) == {"a": (None, None)}


class _Nobody:
    def stream(self, run: str) -> None: ...

    def records(self, run: str) -> None: ...

    def changed(self, run: str) -> None: ...
