"""Datasets as a service: what they refer to, their versions, what is said of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.services import Services, services
from workbench.errors import Conflict, NotFound, Refused, UsageError
from workbench.workspace.data_transfer import DataTransfer


async def test_versions_of_a_dataset(tmp_path: Path) -> None:
    """AZ-46, AZ-55, AZ-56: a reference; the same name again is an error unless a new version is asked for."""
    source = {"target": "local", "paths": [str(tmp_path / "nothing-is-there")]}
    async with services(tmp_path) as live:
        first = await live.call("datasets.register", name="digits", source=source, tags={"a": "1"})
        assert (first["version"], first["kind"]) == (1, "file")
        with pytest.raises(Conflict):
            await live.call("datasets.register", name="digits", source=source)
        second = await live.call("datasets.register", name="digits", source=source, new_version=True)
        assert second["version"] == 2
        for text in ("digits", "data:digits@latest", "digits:2", "azureml:digits:2"):
            assert (await live.call("datasets.get", dataset=text))["version"] == 2
        with pytest.raises(NotFound, match="no version 9"):
            await live.call("datasets.get", dataset="digits:9")
        await live.call("datasets.tag", dataset="digits:1", set={"b": "2"}, remove=["a"])
        await live.call("datasets.describe", dataset="digits:1", description="scans")
        one = await live.call("datasets.get", dataset="digits:1")
        assert (one["tags"], one["description"], one["source"]) == ({"b": "2"}, "scans", first["source"])
        listed = await live.call("datasets.list")
        assert [(row["name"], row["versions"], row["latest"]["version"]) for row in listed] == [
            ("digits", 2, 2)
        ]
        events = await live.call("events.list")
        subjects = [event["subject"] for event in events if event["kind"] == "DatasetRegistered"]
        assert subjects == ["data/digits:1", "data/digits:2"]


async def test_a_number_is_never_used_again(tmp_path: Path) -> None:
    """AZ-56: unregistering removes records, not data; a run that names digits:2 never means another one."""
    data = tmp_path / "kept.csv"
    data.write_text("a\n1\n")
    source = {"target": "local", "paths": [str(data)]}
    async with services(tmp_path) as live:
        for _ in range(2):
            await live.call("datasets.register", name="digits", source=source, new_version=True)
        gone = await live.call("datasets.remove", dataset="digits", all_versions=True)
        assert gone == {"removed": ["digits:2", "digits:1"]}
        assert data.exists()
        with pytest.raises(NotFound):
            await live.call("datasets.get", dataset="digits")
        again = await live.call("datasets.register", name="digits", source=source)
        assert again["version"] == 3


async def test_where_the_same_files_lie(tmp_path: Path) -> None:
    source = {"target": "local", "paths": ["/data/imagenet"]}
    async with services(tmp_path) as live:
        await live.call("datasets.register", name="imagenet", source=source)
        with pytest.raises(NotFound):
            await live.call("datasets.locate", dataset="imagenet", set={"gpu9": "/data/imagenet"})
        with pytest.raises(UsageError):
            await live.call("datasets.locate", dataset="imagenet", set={"local": "relative"})
        found = await live.call("datasets.locate", dataset="imagenet", set={"local": "/scratch/imagenet"})
        assert found["locations"] == {"local": "/scratch/imagenet"}
        found = await live.call("datasets.locate", dataset="imagenet", remove=["local"])
        assert found["locations"] == {}


async def test_what_is_not_there_is_not_referred_to(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        with pytest.raises(NotFound, match="no datastore"):
            await live.call("datasets.register", name="x", source={"datastore": "lake", "paths": ["a"]})
        with pytest.raises(NotFound, match="no machine"):
            await live.call("datasets.register", name="x", source={"target": "gpu9", "paths": ["/a"]})
        with pytest.raises(UsageError):
            await live.call("datasets.register", name="../x", source={"target": "local", "paths": ["/a"]})


async def test_an_archived_version_is_hidden_and_stays_what_it_is(tmp_path: Path) -> None:
    """AZ-56: latest is the newest that is not archived; who names one by its number has it all the same."""
    source = {"target": "local", "paths": [str(tmp_path)]}
    async with services(tmp_path) as live:
        for _ in range(3):
            await live.call("datasets.register", name="digits", source=source, new_version=True)
        await live.call("datasets.register", name="other", source=source)
        with pytest.raises(UsageError, match="which version"):
            await live.call("datasets.archive", dataset="digits")
        assert (await live.call("datasets.archive", dataset="digits:3"))["archived"] is True
        assert (await live.call("datasets.get", dataset="digits"))["version"] == 2
        assert (await live.call("datasets.get", dataset="digits:3"))["archived"] is True
        [row, _] = await live.call("datasets.list")
        assert (row["versions"], row["latest"]["version"]) == (2, 2)
        [row, _] = await live.call("datasets.list", archived=True)
        assert (row["versions"], row["latest"]["version"]) == (3, 2)
        found = await live.call("datasets.versions", name="digits")
        assert [version["version"] for version in found] == [2, 1]
        found = await live.call("datasets.versions", name="digits", archived=True)
        assert [version["version"] for version in found] == [3, 2, 1]
        for number in (1, 2):
            await live.call("datasets.archive", dataset=f"digits:{number}")
        assert [row["name"] for row in await live.call("datasets.list")] == ["other"]
        assert await live.call("datasets.versions", name="digits") == []
        assert len(await live.call("datasets.list", archived=True)) == 2
        with pytest.raises(NotFound, match="all versions of digits are archived") as problem:
            await live.call("datasets.get", dataset="digits")
        assert "wb data archive digits:3 --undo" in problem.value.hint
        with pytest.raises(Conflict):
            await live.call("datasets.register", name="digits", source=source)
        await live.call("datasets.archive", dataset="digits:3", archived=False)
        assert (await live.call("datasets.get", dataset="digits"))["version"] == 3
        assert (await live.call("datasets.register", name="digits", source=source, new_version=True))[
            "version"
        ] == 4
        events = [e["data"] for e in await live.call("events.list") if e["kind"] == "DatasetChanged"]
        assert {"changed": ["archived"], "archived": False} in events


class Cut:
    """A client whose first reading is cut after three bytes; the server is another one behind each cut."""

    def __init__(self, live: Services) -> None:
        self._live = live
        self._loop = asyncio.get_running_loop()
        self.cuts = 1

    def _asked(self, coming: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coming, self._loop).result(30)

    def items(self, noun: str, method: str, **parameters: Any) -> Any:
        async def every() -> list[Any]:
            return [item async for item in self._live.items(f"{noun}.{method}", **parameters)]

        yield from self._asked(every())

    def read(self, noun: str, method: str, **parameters: Any) -> Any:
        async def whole() -> bytes:
            return b"".join([block async for block in self._live.read(f"{noun}.{method}", **parameters)])

        data = self._asked(whole())
        if self.cuts:
            self.cuts -= 1
            yield data[:3]
            raise Refused("cut")
        yield data


async def test_a_download_that_was_cut_never_mixes_two_contents(tmp_path: Path) -> None:
    """The same size says nothing: what came of a file that is another by now is begun anew."""
    data, to = tmp_path / "data", tmp_path / "to"
    data.mkdir()
    (data / "a").write_bytes(b"before")
    source = {"target": "local", "paths": [str(data)]}
    async with services(tmp_path) as live:
        await live.call("datasets.register", name="d", source=source)
        client: Any = Cut(live)
        with pytest.raises(Refused):
            await asyncio.to_thread(DataTransfer(client).fetch_dataset, "d", to)
        seen = [item async for item in live.items("datasets.files", dataset="d")][-1]["hash"]
        (data / "a").write_bytes(b"after!")
        with pytest.raises(Conflict, match="not as they were"):
            async for _ in live.read("datasets.read", dataset="d", path="a", offset=3, seen="0" * 64):
                pass
        with pytest.raises(Conflict, match="not as"):
            async for _ in live.read("datasets.read", dataset="d", path="a", offset=3, seen=seen):
                pass
        await asyncio.to_thread(DataTransfer(client).fetch_dataset, "d", to)
        assert (to / "a").read_bytes() == b"after!"
