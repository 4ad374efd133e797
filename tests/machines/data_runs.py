"""Runs that read and write data on a real machine, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.machines.rig import SshServer
from tests.machines.settled import settled
from tests.s3_server import S3Server
from tests.services import Services, services
from workbench.entities.base import to_wire
from workbench.entities.identity import make_run_id


async def attach(there: Services, server: SshServer, name: str) -> None:
    settings = server.settings(root=str(settled(server.home / "wb")), lease_dir=str(server.home / "lease"))
    answer = await there.call("compute.attach", name=name, kind="ssh", settings=to_wire(settings))
    assert answer["target"]["name"] == name


@pytest_asyncio.fixture
async def there(tmp_path: Path, server: SshServer) -> AsyncIterator[Services]:
    """Services with one real machine, "box"."""
    async with services(tmp_path) as opened:
        await attach(opened, server, "box")
        yield opened


_numbers = iter(range(1, 10_000))


async def submit(there: Services, command: Any, **configuration: Any) -> dict[str, Any]:
    number = next(_numbers)
    run: dict[str, Any] = await there.call(
        "runs.submit",
        id=make_run_id(1_790_000_000_000 + number, number.to_bytes(10, "big")),
        configuration={"command": command, "target": "box", **configuration},
    )
    return run


async def ended(there: Services, run: dict[str, Any]) -> dict[str, Any]:
    """The run once it is over, whatever came of it."""
    async with asyncio.timeout(90):
        async for item in there.items("runs.watch", run=run["id"]):
            run = item["run"]
        await there.workspace.conductor.settled(run["id"])
    return dict(await there.call("runs.get", run=run["id"]))


async def output(there: Services, run: dict[str, Any]) -> str:
    return b"".join([block async for block in there.read("runs.logs", run=run["id"])]).decode()


async def finish(there: Services, command: Any, **configuration: Any) -> tuple[dict[str, Any], str]:
    run = await ended(there, await submit(there, command, **configuration))
    return run, await output(there, run)


async def data_of(there: Services, run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    rows = await there.call("runs.data", run=run["id"])
    return {row["name"]: row for row in rows}


async def lake(there: Services, s3: S3Server, bucket: str) -> Any:
    """A datastore whose bucket only who has the key gets into."""
    client: Any = s3.client()
    client.create_bucket(Bucket=bucket)
    await there.call("secrets.set", name="key", value=f"{s3.access}:{s3.secret}")
    await there.call("datastores.add", name="lake", kind="s3", root=bucket, endpoint=s3.url, secret="key")
    return client
