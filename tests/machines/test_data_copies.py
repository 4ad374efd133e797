"""Which machines' caches hold a version of a dataset: what was brought, asked of machines that are connected."""

from __future__ import annotations

import asyncio
import shutil
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.data_runs import attach, finish
from tests.machines.rig import MakeServer, SshServer
from tests.services import Services, services
from workbench.errors import RemoteError


@pytest.fixture
async def there(tmp_path: Path, server: SshServer) -> AsyncIterator[Services]:
    async with services(tmp_path / "wb") as live:
        await attach(live, server, "gpu1")
        yield live


async def registered(there: Services, folder: Path) -> None:
    folder.mkdir()
    (folder / "a.txt").write_text("one")
    (folder / "b.txt").write_text("three")
    await there.call("datasets.register", name="scans", source={"target": "local", "paths": [str(folder)]})


async def bring(there: Services, target: str) -> Any:
    return [item async for item in there.items("datasets.bring", dataset="scans:1", target=target)][-1]


async def cached(there: Services) -> Any:
    return await there.call("datasets.cached", dataset="scans")


async def test_caches_are_told_with_what_their_machines_say(
    there: Services, tmp_path: Path, server: SshServer, make_server: MakeServer
) -> None:
    await registered(there, tmp_path / "scans")
    assert await cached(there) == []
    kept = await bring(there, "gpu1")
    [copy] = await cached(there)
    assert (copy["target"], copy["files"], copy["bytes"], copy["path"]) == ("gpu1", 2, 8, kept["location"])
    assert copy["used"] >= copy["brought"][:16], "wanted when it was brought"
    await attach(there, make_server(), "gpu2")
    run, _ = await finish(
        there,
        "true",
        target="gpu2",
        data_inputs={"x": {"path": "data:scans:1", "type": "uri_folder", "mode": "ro_mount"}},
    )
    assert run["status"] == "Completed"
    assert [copy["target"] for copy in await cached(there)] == ["gpu1", "gpu2"]


async def test_what_a_machine_does_not_have_any_more_is_forgotten(
    there: Services, tmp_path: Path, server: SshServer
) -> None:
    await registered(there, tmp_path / "scans")
    await bring(there, "gpu1")
    [copy] = await cached(there)
    tree = server.home / "wb" / "data" / copy["key"]
    for path in (tree, *tree.rglob("*")):
        if path.is_dir():
            path.chmod(stat.S_IRWXU)
    shutil.rmtree(tree)
    assert await cached(there) == []
    await bring(there, "gpu1")
    await there.call("datasets.remove", dataset="scans:1")
    await there.call("datasets.register", name="scans", source={"target": "local", "paths": ["/tmp"]})
    assert await there.call("datasets.cached", dataset="scans:2") == []


async def test_nothing_is_connected_for_it_and_a_silent_machine_is_not_waited_for(
    there: Services, tmp_path: Path, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.compute.link import Link
    from workbench.services import dataset_bringing

    await registered(there, tmp_path / "scans")
    await bring(there, "gpu1")
    whole = Link.call

    async def hostile(self: Link, method: str, params: Any = None) -> Any:
        if method == "data_held":
            return answers.pop()
        return await whole(self, method, params)

    [known] = await cached(there)
    key = known["key"]
    answers: list[Any] = [7, {"held": []}, {"held": {key: None}}, {"held": {key: {"used": -1, "path": 3}}}]
    monkeypatch.setattr(Link, "call", hostile)
    for _ in range(4):
        [copy] = await cached(there)
        assert copy["key"] == key
        assert "used" not in copy or copy["used"] is None

    async def silent(self: Link, method: str, params: Any = None) -> Any:
        if method == "data_held":
            await asyncio.Event().wait()
        return await whole(self, method, params)

    monkeypatch.setattr(Link, "call", silent)
    monkeypatch.setattr(dataset_bringing, "PATIENCE", 0.1)
    assert len(await cached(there)) == 1

    async def refused(self: Link, method: str, params: Any = None) -> Any:
        raise RemoteError("no")

    monkeypatch.setattr(Link, "call", refused)
    assert len(await cached(there)) == 1
    monkeypatch.setattr(there.workspace.context.fleet, "current", lambda name: None)
    assert len(await cached(there)) == 1
