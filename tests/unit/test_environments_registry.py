"""Versions of environments, their aliases, and the maps of hosted names, through the services."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest

from tests.services import Services, services
from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind
from workbench.environments.canonical import definition_hash
from workbench.errors import Conflict, NotFound, Refused, UsageError
from workbench.store.blobs import EMPTY
from workbench.store.registry import manifests

LOCK = "numpy==2.0.0\n"


def requirements(text: str, **more: Any) -> dict[str, Any]:
    return {"kind": "requirements", "requirements": text, **more}


async def registered(live: Services, text: str, name: str = "train", **more: Any) -> Any:
    return await live.call(
        "environments.register", name=name, definition=requirements(text), lock=LOCK, **more
    )


async def test_the_same_definition_is_the_same_version_and_a_changed_one_the_next(tmp_path: Path) -> None:
    """AZ-132."""
    async with services(tmp_path) as live:
        first = await registered(live, "numpy\npandas>=2\n")
        again = await registered(live, "# a remark\npandas>=2   # why\r\nnumpy\r\n")
        changed = await registered(live, "numpy\npandas>=2.1\n")
        back = await registered(live, "numpy\npandas>=2\n")
        other = await registered(live, "numpy\npandas>=2\n", name="other")
        assert [item["version"] for item in (first, again, changed, back, other)] == [1, 1, 2, 1, 1]
        assert first["lock"] == LOCK
        listed = await live.call("environments.list")
        assert [(item["name"], item["version"]) for item in listed] == [("other", 1), ("train", 2)]
        assert all("lock" not in item for item in listed)


async def test_clients_that_register_at_once_make_one_version(tmp_path: Path) -> None:
    """AZ-132, of two clients."""
    async with services(tmp_path) as live:
        made = await asyncio.gather(*(registered(live, "numpy\n") for _ in range(8)))
        assert {item["version"] for item in made} == {1}
        assert len(await live.call("environments.list", name="train")) == 1


async def test_resolving_anew_makes_a_version_only_of_another_outcome(tmp_path: Path) -> None:
    """AZ-135: unpinned packages keep their versions until somebody asks."""
    async with services(tmp_path) as live:
        await registered(live, "numpy\n")
        same = await registered(live, "numpy\n", upgrade=True)
        assert same["version"] == 1
        newer = await live.call(
            "environments.register",
            name="train",
            definition=requirements("numpy\n"),
            lock="numpy==2.1.0\n",
            upgrade=True,
        )
        assert newer["version"] == 2
        assert (await registered(live, "numpy\n"))["version"] == 2, "the newest of that definition"


async def test_the_context_of_a_dockerfile_outlives_a_prune(tmp_path: Path) -> None:
    """It is built anew wherever a run wants it: without its files that could never be done again."""
    entry = {"path": "x", "kind": "file", "mode": 0o644, "size": 0, "sha256": EMPTY}
    async with services(tmp_path) as live:
        await live.store.put_blob(io.BytesIO(b""), EMPTY)
        kept = await live.call("snapshots.missing", entries=[entry])
        gone = await live.call("snapshots.missing", entries=[{**entry, "path": "y"}])
        definition = {"kind": "image", "dockerfile": "FROM scratch\nCOPY x /\n", "context": kept["id"]}
        await live.call("environments.register", name="built", definition=definition)
        await live.store.write(lambda change: change.execute("UPDATE manifests SET created = 0"))
        await live.call("workspace.prune", dry_run=False)
        assert [await live.store.read(manifests.has, one["id"]) for one in (kept, gone)] == [True, False]


@pytest.mark.parametrize("name", ["AzureML-mine", "Microsoft.x"])
async def test_names_of_the_cloud_are_reserved(tmp_path: Path, name: str) -> None:
    """AZ-136."""
    async with services(tmp_path) as live:
        with pytest.raises(Refused, match="belong to the cloud"):
            await registered(live, "numpy\n", name=name)
        with pytest.raises(UsageError):
            await registered(live, "numpy\n", name="no name")
        assert await live.call("environments.list") == []


async def test_aliases_move_and_latest_is_always_the_newest(tmp_path: Path) -> None:
    """AZ-133."""
    async with services(tmp_path) as live:
        await registered(live, "a\n")
        await registered(live, "b\n")
        with pytest.raises(NotFound):
            await live.call("environments.get", environment="train@stable")
        with pytest.raises(Conflict):
            await live.call("environments.set_alias", environment="train:1", alias="latest")
        with pytest.raises(UsageError):
            await live.call("environments.set_alias", environment="train:1", alias="3")
        await live.call("environments.set_alias", environment="train:1", alias="stable")
        assert (await live.call("environments.get", environment="train@stable"))["version"] == 1
        moved = await live.call("environments.set_alias", environment="train", alias="stable")
        assert (moved["version"], moved["aliases"]) == (2, ["latest", "stable"])
        await live.call("environments.archive", environment="train:2")
        assert (await live.call("environments.get", environment="train@latest"))["version"] == 1
        assert (await live.call("environments.get", environment="train@stable"))["archived"]
        await live.call("environments.remove_alias", name="train", alias="stable")
        with pytest.raises(NotFound):
            await live.call("environments.get", environment="train@stable")


async def test_what_is_registered_again_is_back_in_lists(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await registered(live, "a\n")
        await live.call("environments.archive", environment="train:1")
        assert await live.call("environments.list") == []
        assert not (await registered(live, "a\n"))["archived"]


async def test_tags_and_description_change_and_the_definition_does_not(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        first = await registered(live, "a\n", tags={"team": "vision"}, description="for training")
        changed = await live.call(
            "environments.tag", environment="train", set={"ok": None}, remove=["team"], description="x"
        )
        assert (changed["tags"], changed["description"]) == ({"ok": None}, "x")
        assert changed["definition"] == first["definition"]
        assert changed["lock"] == LOCK


async def test_hosted_names_lead_to_ours_the_most_exact_first(tmp_path: Path) -> None:
    async with services(tmp_path) as live:

        async def meaning(kind: str, text: str) -> Any:
            return (await live.call("workspace.meaning", kind=kind, hosted=text)).get("ours")

        with pytest.raises(UsageError):
            await live.call("workspace.map", kind="models", hosted="a", ours="b")
        await live.call("workspace.map", kind="environment", hosted="sklearn-1.5", ours="sklearn")
        await live.call("workspace.map", kind="environment", hosted="azureml:sklearn-1.5:3", ours="old:2")
        registry = "azureml://registries/azureml/environments/sklearn-1.5"
        assert await meaning("environment", "azureml:sklearn-1.5@latest") == "sklearn"
        assert await meaning("environment", "azureml:sklearn-1.5:3") == "old:2"
        assert await meaning("environment", f"{registry}/versions/12") == "sklearn"
        assert await meaning("environment", f"{registry}/labels/latest") == "sklearn"
        assert await meaning("environment", "azureml:other@latest") is None
        assert await meaning("compute", "sklearn-1.5") is None
        await live.call("workspace.map", kind="data", hosted="https://a/b", ours="gpu1:/data/")
        await live.call("workspace.map", kind="data", hosted="https://a/b/c", ours="gpu1:/c")
        assert await meaning("data", "https://a/b/x/y.csv") == "gpu1:/data/x/y.csv"
        assert await meaning("data", "https://a/b/c/y.csv") == "gpu1:/c/y.csv"
        assert await meaning("data", "https://a/bc") is None
        assert await meaning("data", "https://a/b/../../etc/passwd") is None
        await live.call("workspace.unmap", kind="data", hosted="https://a/b/c")
        assert await meaning("data", "https://a/b/c/y.csv") == "gpu1:/data/c/y.csv"
        with pytest.raises(NotFound):
            await live.call("workspace.unmap", kind="data", hosted="https://a/b/c")


def test_what_changes_nothing_changes_no_hash() -> None:
    def of(**fields: Any) -> str:
        return definition_hash(EnvironmentDefinition(kind=EnvironmentKind.REQUIREMENTS, **fields))

    plain = of(requirements="numpy==1.0 \\\n    --hash=sha256:aa\nscipy\n")
    assert plain == of(requirements="scipy\r\nnumpy==1.0 --hash=sha256:aa")
    assert plain != of(requirements="scipy\nnumpy==1.0 --hash=sha256:ab")
    assert of(requirements="a") != of(requirements="a", python="3.11")
    assert of(requirements="a") != of(requirements="a", variables={"A": "1"})
    assert of(requirements="a", indexes=["https://x"]) != of(requirements="a", indexes=["https://y"])
