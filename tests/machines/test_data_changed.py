"""A version whose files are others than they were: never read under its name, and never taken for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.data_runs import data_of, finish, lake, there
from tests.machines.rig import SshServer
from tests.s3_server import S3Server, s3_server
from tests.services import Services
from workbench.errors import Conflict

__all__ = ["there"]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as found:
        yield found


async def looked(there: Services, dataset: str, contents: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async for item in there.items("datasets.fingerprint", dataset=dataset, contents=contents):
        found = item
    return found


async def test_what_was_seen_first_stays_the_versions_own(there: Services, server: SshServer) -> None:
    """AZ-63: a look, however it is made, puts no other files under a version's number."""
    place = server.home / "set"
    place.mkdir()
    (place / "a").write_text("1")
    await there.call("datasets.register", name="x", source={"target": "box", "paths": [str(place)]})
    first = await looked(there, "x")
    assert first["same"] is None
    deep = await looked(there, "x", contents=True)
    kept = deep["version"]["fingerprint"]
    assert (deep["same"], kept["content"]) == (True, True)
    assert (await looked(there, "x"))["same"] is True
    assert (await there.call("datasets.get", dataset="x"))["fingerprint"] == kept, "contents are not unlearnt"
    os.utime(place / "a", (5, 5))
    assert (await looked(there, "x"))["same"] is None
    assert (await looked(there, "x", contents=True))["same"] is True
    assert (await looked(there, "x"))["same"] is True
    (place / "a").write_text("2")
    for contents in (True, False):
        os.utime(place / "a", (6, 6))
        if contents:
            with pytest.raises(Conflict, match="x:1 are not those it was registered with"):
                await looked(there, "x", contents)
        else:
            assert (await looked(there, "x"))["same"] is None
    (place / "b").write_text("3")
    with pytest.raises(Conflict, match="now 2 files, 2 B, then 1 file, 1 B"):
        await looked(there, "x")
    assert (await there.call("datasets.get", dataset="x"))["fingerprint"]["hash"] == kept["hash"]


@pytest.mark.parametrize("contents", [False, True])
async def test_a_bucket_whose_objects_changed_is_refused(
    there: Services, s3: S3Server, contents: bool
) -> None:
    """AZ-63: of what is brought to a machine as of what lies there."""
    bucket = f"changed-{contents}".lower()
    client = await lake(there, s3, bucket)
    client.put_object(Bucket=bucket, Key="raw/a.csv", Body=b"1,2\n")
    await there.call("datasets.register", name="raw", source={"datastore": "lake", "paths": ["raw/*.csv"]})
    await looked(there, "raw", contents)
    inputs = {"x": {"path": "data:raw"}}
    run, text = await finish(there, "cat ${{inputs.x}}/*", data_inputs=inputs)
    assert text == "1,2\n", run
    client.put_object(Bucket=bucket, Key="raw/a.csv", Body=b"3,4\n")
    run, _ = await finish(there, "cat ${{inputs.x}}/*", data_inputs=inputs)
    assert run["status"] == "Failed"
    assert "the files of raw:1 are not those it was registered with" in run["message"]
    with pytest.raises(Conflict, match="not those it was registered with"):
        async for _ in there.items("datasets.bring", dataset="raw", target="box"):
            pass


async def test_what_was_only_touched_is_what_it_was(there: Services, tmp_path: Path) -> None:
    """Where contents were looked at times alone change nothing; and a setting lets a run start all the same."""
    source = tmp_path / "here"
    source.mkdir()
    (source / "a").write_text("1")
    await there.call("datastores.add", name="here", kind="folder", root=str(source))
    await there.call("datasets.register", name="x", source={"datastore": "here", "paths": [""]})
    await looked(there, "x", contents=True)
    os.utime(source / "a", (7, 7))
    inputs = {"x": {"path": "data:x"}}
    run, text = await finish(there, "cat ${{inputs.x}}/*", data_inputs=inputs)
    assert text == "1", run
    (source / "a").write_text("2")
    there.workspace._inputs._changed = "warn"
    run, text = await finish(there, "cat ${{inputs.x}}/*", data_inputs=inputs)
    assert text == "2", run
    told = await there.call("runs.warnings", run=run["id"])
    assert any("not those it was registered with" in line for line in told), told
    assert (await data_of(there, run))["x"]["mechanism"] == "cache"
