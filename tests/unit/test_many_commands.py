"""A command on many machines: it ends on each, whatever breaks, and what JSON keeps is bounded for all together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from workbench.cli import compute_exec, output
from workbench.cli.session import Session
from workbench.views import command_results
from workbench.workspace.many_commands import Ended, Said, run_on


class Machines:
    """Services of which one machine's answer is not what it must be."""

    async def items(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[Any, None]:
        yield {"out": "hello\n"}
        yield {"exit_code": "no number" if parameters["name"] == "broken" else 0}


async def test_a_mistake_of_ours_about_one_machine_does_not_hold_the_others() -> None:
    async with asyncio.timeout(60):
        items = [item async for item in run_on(Machines(), ["good", "broken"], {"argv": ["true"]})]
    ended = {item.result["name"]: item.result for item in items if isinstance(item, Ended)}
    assert ended["good"] == {"name": "good", "exit_code": 0}
    assert "no number" in ended["broken"]["problem"]
    assert command_results.exit_code(list(ended.values())) == 1


def test_json_of_many_machines_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_results, "ALL", 100)
    monkeypatch.setattr(command_results, "LEAST", 10)
    written: list[str] = []
    monkeypatch.setattr(output, "write", lambda session, text: written.append(text))
    teller = compute_exec._Objects(Session(), "json")
    names = [f"gpu{number}" for number in range(50)]
    teller.begin(names)
    for name in names:
        for _ in range(5):
            teller.line(Said(name, "out", "1234"))
        teller.ended({"name": name, "exit_code": 0})
    teller.end()
    assert all(told["out"] == "1234\n1234\n" and told["cut"] for told in json.loads("".join(written)))
