"""One path of a run that several register at once: they share a folder of what is half here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.machines.rig import until
from tests.store_making import make_run
from workbench.registry.bringing import Step
from workbench.services import models


@pytest.mark.parametrize("many", [2, 4])
async def test_they_go_one_after_the_other(
    many: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_it: list[int] = []

    class Bringing:
        staging = tmp_path / "one"

        def __init__(self, *_: Any) -> None:
            pass

        async def bring(self, *_: Any) -> AsyncIterator[Step]:
            at_it.append(1)
            most.append(len(at_it))
            if len(most) == 2:  # whoever came while this one waited is at the door
                await until(lambda: len(came) == 2 + many)
            yield Step("a", 0)
            await asyncio.sleep(0.01)
            at_it.pop()

        async def done(self) -> None:
            """Nothing is there."""

    @asynccontextmanager
    async def activity(*_: Any) -> AsyncIterator[Any]:
        async def report(*_: Any) -> None:
            """Nobody listens."""

        yield SimpleNamespace(report=report)

    async def given(*_: Any, **__: Any) -> Any:
        return make_run()

    async def wanted(*_: Any) -> Any:
        return None, {}, False

    most: list[int] = []
    came: list[Path] = []
    monkeypatch.setattr(models, "sweep", came.append)
    monkeypatch.setattr(models, "Bringing", Bringing)
    monkeypatch.setattr(models, "activity", activity)
    monkeypatch.setattr(models, "check_entries", lambda _: None)
    context: Any = SimpleNamespace(
        store=SimpleNamespace(write=given), folder=tmp_path, resolve=given, place=given
    )
    service: Any = models.ModelService(context)
    monkeypatch.setattr(service, "_wanted", wanted)
    monkeypatch.setattr(service, "_keep", given)
    monkeypatch.setattr(service, "_here", lambda _: None)

    async def register() -> None:
        async for found in service.register_run("m", "r", "outputs/m"):
            if "version" in found and len(most) == 1:  # while the next one waits, another comes
                rest.extend(asyncio.create_task(register()) for _ in range(many))

    rest: list[asyncio.Task[None]] = []
    await asyncio.gather(register(), register())
    await asyncio.gather(*rest)
    assert most == [1] * (2 + many)
