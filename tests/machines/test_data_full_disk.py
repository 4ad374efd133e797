"""Disks that fill while data is on its way to them: of the run's machine, of a datastore, of this side."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.machines.data_runs import attach, data_of, ended, finish, submit
from tests.machines.rig import SshServer, until
from tests.machines.test_data_cache import serving
from tests.machines.test_faults import fill, small_disk
from tests.machines.test_query_tables import database, register
from tests.services import Services, services
from workbench.errors import StoreFull, WorkbenchError
from workbench.runs.data import after_outputs
from workbench.runs.data.folder_origin import FolderOrigin
from workbench.runs.data.machine_origin import MachineOrigin
from workbench.runs.data.origins import OriginFile

MB = 1 << 20


@pytest.fixture
def machine_disk(server: SshServer) -> Iterator[Path]:
    """The machine's own folder is a file system of 40 MB."""
    root = server.home / "wb"
    root.mkdir()
    with small_disk(root, "40m"):
        yield root


@pytest_asyncio.fixture
async def there(tmp_path: Path, server: SshServer, machine_disk: Path) -> AsyncIterator[Services]:
    async with services(tmp_path) as opened:
        await attach(opened, server, "box")
        yield opened


def when(monkeypatch: pytest.MonkeyPatch, kind: Any, name: str, act: Callable[[], object]) -> None:
    """Do something once, when 8 MB of a file have gone."""
    whole, left = getattr(kind, name), [True]

    async def blocks(self: Any, file: OriginFile, offset: int) -> AsyncGenerator[bytes, None]:
        came = 0
        async for block in whole(self, file, offset):
            yield block
            came += len(block)
            if came > 8 * MB and left:
                left.clear()
                await asyncio.to_thread(act)

    monkeypatch.setattr(kind, name, blocks)


async def test_the_machines_disk_fills_while_an_input_is_sent(
    there: Services, machine_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run fails before anything is leased, and says why; nothing half is taken for ready."""
    body = os.urandom(24 * MB)
    (tmp_path / "big.bin").write_bytes(body)
    inputs = {"x": {"path": str(tmp_path / "big.bin"), "type": "uri_file"}}
    ballast: list[Path] = []
    when(monkeypatch, FolderOrigin, "blocks", lambda: ballast.append(fill(machine_disk)))
    run, _ = await finish(there, "sha256sum < ${{inputs.x}}", data_inputs=inputs)
    assert run["status"] == "Failed"
    assert "full" in run["message"], run["message"]
    assert not list(machine_disk.glob("data/*/tree")), "nothing is ready"
    assert [path for path in machine_disk.glob("data/files/*/*") if not path.name.endswith(".partial")] == []
    ballast[0].unlink()
    run, text = await finish(there, "sha256sum < ${{inputs.x}}", data_inputs=inputs)
    assert text.split()[0] == hashlib.sha256(body).hexdigest(), run["message"]
    assert not list(machine_disk.glob("data/files/*/*.partial"))


async def test_the_machines_disk_fills_while_it_fetches(
    there: Services, machine_disk: Path, tmp_path: Path
) -> None:
    body = os.urandom(24 * MB)
    with serving() as web:
        web.bodies["/big.bin"] = body
        web.pause = 0.02
        inputs = {"x": {"path": f"{web.url}/big.bin", "type": "uri_file"}}
        run = await submit(there, "sha256sum < ${{inputs.x}}", data_inputs=inputs)

        def arrived() -> int:
            return sum(path.stat().st_size for path in machine_disk.glob("data/files/*/*.partial"))

        await until(lambda: arrived() > 8 * MB, "some of it")
        ballast = fill(machine_disk)
        run = await ended(there, run)
        assert run["status"] == "Failed"
        assert "full" in run["message"], run["message"]
        assert not list(machine_disk.glob("data/*/tree")), "nothing is ready"
        ballast.unlink()
        web.pause = 0
        run, text = await finish(there, "sha256sum < ${{inputs.x}}", data_inputs=inputs)
        assert text.split()[0] == hashlib.sha256(body).hexdigest(), run["message"]


async def test_a_datastores_disk_fills_while_an_output_is_sent(
    tmp_path: Path, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is Completed; its output waits and says for what, and goes on by itself."""
    monkeypatch.setattr(after_outputs, "FULL_SECONDS", 0.2)
    place = tmp_path / "lake"
    place.mkdir()
    async with services(tmp_path) as there:
        await attach(there, server, "box")
        with small_disk(place, "40m"):
            await there.call("datastores.add", name="lake", kind="folder", root=str(place))
            ballast: list[Path] = []
            when(monkeypatch, MachineOrigin, "content", lambda: ballast.append(fill(place)))
            run = await submit(
                there,
                "head -c 24000000 /dev/urandom > ${{outputs.x}}/big.bin; echo 1 > ${{outputs.x}}/a",
                outputs={"x": {"path": "datastore:lake/out", "mode": "upload", "name": "made"}},
            )
            async with asyncio.timeout(60):
                while not (await data_of(there, run)).get("x", {}).get("problem"):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            row = (await data_of(there, run))["x"]
            assert (row["state"], row["problem"]) == ("waiting", "the disk of the datastore is full")
            assert (await there.call("runs.get", run=run["id"]))["status"] == "Completed"
            assert await there.call("datasets.list") == []
            assert {path.name for path in place.rglob("*") if path.is_file()} == {"a", ballast[0].name}
            ballast[0].unlink()
            await ended(there, run)
            row = (await data_of(there, run))["x"]
            assert (row["state"], row["asset"]) == ("ready", "data:made:1"), row
            assert row.get("problem") is None
            sent = server.home / "wb/runs" / run["id"] / "outputs/x/big.bin"
            assert (place / "out/big.bin").read_bytes() == sent.read_bytes()


async def test_this_sides_disk_fills_while_a_query_brings_rows(tmp_path: Path, server: SshServer) -> None:
    import sqlite3

    path = tmp_path / "shop.db"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE t AS SELECT 1 AS a")
    base.commit()
    base.close()
    async with services(tmp_path) as there:
        await attach(there, server, "box")
        results = there.workspace.context.folder / "results"
        results.mkdir(mode=0o700)
        with small_disk(results, "1m"):
            await database(there, path)
            many = (
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000) SELECT i FROM n"
            )
            await register(there, "many", {"datastore": "shop", "paths": [""]}, many)
            with pytest.raises(StoreFull, match="no room here"):
                _ = [item async for item in there.items("datasets.snapshot", dataset="many", name="kept")]
            assert list(results.iterdir()) == []
            with pytest.raises(WorkbenchError):
                await there.call("datasets.get", dataset="kept")
            run = await submit(there, "true", data_inputs={"x": {"path": "data:many"}})
            async with asyncio.timeout(60):
                while "no room" not in str((await there.call("runs.get", run=run["id"])).get("message")):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        # With room again it goes on by itself.
        assert (await ended(there, run))["status"] == "Completed"
