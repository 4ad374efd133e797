"""Data of a bucket into runs and out of them, over real sshd machines and a server with S3's interface."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

import pytest

from tests.machines.data_runs import data_of, finish, lake, there
from tests.machines.rig import SshServer
from tests.s3_server import S3Server, s3_server
from tests.services import Services
from workbench.entities.base import to_wire
from workbench.errors import Conflict
from workbench.services.operation import find

__all__ = ["there"]

MB = 1 << 20


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as found:
        yield found


async def test_the_machine_fetches_of_a_bucket_without_its_key(
    there: Services, s3: S3Server, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By signed addresses that stand nowhere; where it cannot get there, by way of this side."""
    client = await lake(there, s3, "direct")
    body = os.urandom(3 * MB)
    client.put_object(Bucket="direct", Key="raw/deep/big.bin", Body=body)
    client.put_object(Bucket="direct", Key="raw/a b.csv", Body=b"1,2\n")
    with s3.signatures_checked():
        inputs = {"x": {"path": "datastore:lake/raw"}}
        run, text = await finish(
            there, "cat ${{inputs.x}}/*.csv; sha256sum < ${{inputs.x}}/deep/big.bin", data_inputs=inputs
        )
        assert text.split()[:2] == ["1,2", hashlib.sha256(body).hexdigest()], run
        assert (await data_of(there, run))["x"]["sent"] == 3 * MB + 4
        written = b"".join(
            path.read_bytes()
            for path in (server.home / "wb").rglob("*")
            if path.is_file() and "payload" not in path.parts
        )
        assert s3.secret.encode() not in written
        assert b"Signature" not in written

        from workbench.runs.data.store_origin import StoreOrigin

        async def nowhere(self: Any, file: Any) -> str:
            return "http://127.0.0.1:9/x?X-Amz-Signature=0"

        monkeypatch.setattr(StoreOrigin, "url", nowhere)
        client.put_object(Bucket="direct", Key="raw/a b.csv", Body=b"3,4\n")
        run, text = await finish(there, "cat ${{inputs.x}}/*.csv", data_inputs=inputs)
        assert text == "3,4\n", run


async def test_an_output_is_uploaded_when_the_run_has_ended(there: Services, s3: S3Server) -> None:
    """AZ-59: mode upload; its version is in the datastore, and lies on the machine already."""
    client = await lake(there, s3, "results")
    outputs = {"x": {"path": "datastore:lake/out", "mode": "upload", "name": "scores"}}
    run, _ = await finish(there, "mkdir ${{outputs.x}}/d; echo 5 > ${{outputs.x}}/d/s", outputs=outputs)
    rows = await data_of(there, run)
    assert rows["x"]["state"] == "ready", rows
    assert client.get_object(Bucket="results", Key="out/d/s")["Body"].read() == b"5\n"
    version = await there.call("datasets.get", dataset="scores")
    assert version["source"] == {"datastore": "lake", "paths": ["out"]}
    assert list(version["locations"]) == ["box"]
    one = {"y": {"path": "datastore:lake/one/s.txt", "mode": "upload", "type": "uri_file"}}
    run, _ = await finish(there, "echo 6 > ${{outputs.y}}", outputs=one)
    assert (await data_of(there, run))["y"]["state"] == "ready"
    assert client.get_object(Bucket="results", Key="one/s.txt")["Body"].read() == b"6\n"
    reader, text = await finish(there, "cat ${{inputs.x}}/d/s", data_inputs={"x": {"path": "data:scores"}})
    assert text == "5\n"
    assert (await data_of(there, reader))["x"]["mechanism"] == "in place"


async def test_who_sends_the_same_anew_waits_for_what_a_killed_command_had_sent_whole(
    there: Services, s3: S3Server
) -> None:
    """Its server still puts the parts together then: to go on with them would be refused by the service."""
    client = await lake(there, s3, "turns")
    body = os.urandom(9 * MB)
    told = {"name": "lake", "path": "raw/big.bin", "token": "ab" * 8, "size": len(body)}
    operation = find(there.workspace.operations, "datastores", "write")
    whole, ends = asyncio.Event(), asyncio.Event()

    async def sent(wait: bool) -> AsyncIterator[bytes]:
        yield body
        if wait:
            whole.set()
            await ends.wait()
        yield hashlib.sha256(body).digest()

    first = asyncio.create_task(_written(operation.write(told, sent(wait=True))))
    await whole.wait()
    again = asyncio.create_task(_written(operation.write(told, sent(wait=False))))
    done, _ = await asyncio.wait([again], timeout=0.3)
    assert not done
    ends.set()
    assert (await first)["size"] == len(body)
    with pytest.raises(Conflict, match="exists there"):
        await again
    assert client.get_object(Bucket="turns", Key="raw/big.bin")["Body"].read() == body


async def _written(answer: Awaitable[Any]) -> Any:
    return to_wire(await answer)
