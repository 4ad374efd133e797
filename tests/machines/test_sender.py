"""Sending a run while this side's disk is full: nothing is decided until it can be written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.store_making import make_run
from workbench.compute.fleet import Fleet
from workbench.entities.configuration import RunConfiguration
from workbench.entities.run import RunState
from workbench.entities.target import Target, TargetKind, TargetSettings
from workbench.runs import follower as following
from workbench.runs import sender as sending
from workbench.runs.follower import RunFollower, Watcher
from workbench.runs.sender import Sender
from workbench.store.async_store import AsyncStore
from workbench.store.fleet import targets
from workbench.store.runs import children, kept_runs, run_rows
from workbench.store.sqlite.problems import disk_full
from workbench.store.workspace import activities


class FillingStore(AsyncStore):
    """Refuses the writes of the given numbers, as a full disk does."""

    def __init__(self, refused: set[int]) -> None:
        super().__init__()
        self.refused = refused
        self.writes = 0
        self.counts = False

    async def write(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.counts and function in (activities.put, children.apply):
            self.writes += 1
            if self.writes in self.refused:
                raise disk_full(Path("/home/ann"))
        return await super().write(function, *args, **kwargs)


@pytest.mark.parametrize("refused", [{1, 2}, {2}, {3}, {2, 3, 5, 7}], ids=str)
async def test_a_full_disk_here_neither_fails_nor_doubles_a_run(
    refused: set[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (sending, following):
        monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    store = FillingStore(refused)
    fleet = Fleet(tmp_path / "known_hosts", lambda *_: None)
    try:
        await store.open(tmp_path / "store")
        settings = TargetSettings(root=str(tmp_path / "root"), lease_dir=str(tmp_path / "leases"))
        run = make_run(target="local", status=RunState.NOT_STARTED)
        box = Target(name="local", kind=TargetKind.LOCAL, created=run.created, settings=settings)
        await store.write(targets.put, box)
        command = f"echo x >> {tmp_path}/witness"
        run, _ = await store.write(kept_runs.insert, run, RunConfiguration(command=command))
        fleet.configure(box)
        store.counts = True
        follower = RunFollower(run, store, fleet, Watcher())
        async with asyncio.timeout(60):
            assert await Sender("home", store, fleet).send(run, {}, follower)
            assert (await follower.follow()).status is RunState.COMPLETED
        assert store.writes > max(refused)
        assert (tmp_path / "witness").read_text() == "x\n"
        assert (await store.read(run_rows.get, run.id)).status is RunState.COMPLETED
    finally:
        await fleet.close()
        await store.close()
