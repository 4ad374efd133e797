"""What a command writes on a machine, kept in memory: bounded, and the end says so."""

from __future__ import annotations

import pytest

from workbench.tui.screens.compute.command_log import CommandLog
from workbench.views import command_results


async def text(log: CommandLog) -> str:
    return (await log.read(0, (await log.extent()).size)).decode()


async def test_what_finds_no_room_is_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_results, "LEAST", 100)
    monkeypatch.setattr(command_results, "ALL", 1000)
    log = CommandLog(among=10)
    for number in range(30):
        log.add(f"line {number:03d}!")
    assert await text(log) == "".join(f"line {number:03d}!\n" for number in range(10)) + (
        "[no more is kept here: this is 100 B]\n"
    )


async def test_a_few_machines_may_say_more_than_many(monkeypatch: pytest.MonkeyPatch) -> None:
    for among, most in ((1, command_results.MOST), (10_000, command_results.LEAST)):
        log = CommandLog(among)
        log.add("x" * (most - 1))
        assert (await log.extent()).size == most
        log.add("y")
        assert "no more is kept" in (await text(log))[most:]
