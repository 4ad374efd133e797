"""Datastores as a service: which there are, which is the default, what none can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.services import services
from workbench.errors import Conflict, NotFound, UsageError


async def test_a_workspace_is_born_with_two(tmp_path: Path) -> None:
    """AZ-44, AZ-5 in part: workspaceblobstore, the default, and workspacefilestore; the default can be switched."""
    async with services(tmp_path) as live:
        found = await live.call("datastores.list")
        assert [(item["name"], item["default"]) for item in found] == [
            ("workspaceblobstore", True),
            ("workspacefilestore", False),
        ]
        assert (await live.call("datastores.get"))["name"] == "workspaceblobstore"
        await live.call("datastores.default", name="workspacefilestore")
        assert (await live.call("datastores.get"))["name"] == "workspacefilestore"
        with pytest.raises(Conflict, match="default"):
            await live.call("datastores.remove", name="workspacefilestore")
        await live.call("datastores.remove", name="workspaceblobstore")
    async with services(tmp_path) as live:  # who removed one does not get it again
        assert [item["name"] for item in await live.call("datastores.list")] == ["workspacefilestore"]


@pytest.mark.parametrize(
    "place",
    [
        {"kind": "folder", "root": "relative"},
        {"kind": "folder", "root": "datastores/../../x"},
        {"kind": "folder", "root": "/x", "target": "local"},
        {"kind": "folder", "root": "/x", "secret": "s"},
        {"kind": "machine", "root": "/x"},
        {"kind": "machine", "root": "x", "target": "local"},
        {"kind": "s3", "root": "b"},
        {"kind": "s3", "root": "bucket/../x"},
        {"kind": "s3", "root": "bucket", "endpoint": "http://user:word@host"},
        {"kind": "s3", "root": "bucket", "endpoint": "file:///etc"},
        {"kind": "fsspec", "root": "file:///etc"},
        {"kind": "fsspec", "root": "filecache::gs://b"},
        {"kind": "fsspec", "root": "sftp://user:word@host/x"},
        {"kind": "fsspec", "root": "gs://b", "options": {"token": "x"}},
        {"kind": "fsspec", "root": "abfs://b", "options": {"account_key": "x"}},
    ],
)
async def test_what_no_datastore_is(tmp_path: Path, place: dict[str, Any]) -> None:
    """AZ-43: a place, never a credential."""
    async with services(tmp_path) as live:
        with pytest.raises(UsageError):
            await live.call("datastores.add", name="x", **place)


async def test_made_and_changed(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        asked = {"kind": "s3", "root": "s3://bucket/a/b/", "endpoint": "http://127.0.0.1:9", "secret": "lake"}
        made = await live.call("datastores.add", name="lake", **asked)
        assert (made["root"], made["secret"], made["default"]) == ("bucket/a/b", "lake", False)
        with pytest.raises(Conflict):
            await live.call("datastores.add", name="lake", **asked)
        changes = {"secret": "", "region": "eu-1", "tags": {"a": None}, "read_only": "true"}
        found = await live.call("datastores.set", name="lake", changes=changes)
        assert "secret" not in found
        assert (found["region"], found["read_only"], found["created"]) == ("eu-1", True, made["created"])
        with pytest.raises(UsageError, match="no 'name'"):
            await live.call("datastores.set", name="lake", changes={"name": "x"})
        with pytest.raises(NotFound):
            await live.call("datastores.add", name="gpu", kind="machine", root="/x", target="gpu9")
