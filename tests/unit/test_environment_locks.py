"""Locks: uv resolves against an index that this test serves, so that what is newest is known."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.package_index import Index
from tests.services import services
from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind
from workbench.environments import uv
from workbench.environments.definition import settled
from workbench.environments.locking import resolve
from workbench.errors import ConfigurationError, IndexUnreachable, WorkbenchError


@pytest.fixture
def index() -> Iterator[Index]:
    found = Index()
    yield found
    found.close()


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name, value in (
        ("UV_CACHE_DIR", str(tmp_path / "cache")),
        ("UV_HTTP_RETRIES", "0"),
        ("UV_NO_CONFIG", "1"),
    ):
        monkeypatch.setenv(name, value)
    return dict(os.environ)


def asking(index: Index, text: str, **more: Any) -> EnvironmentDefinition:
    return settled(
        EnvironmentDefinition(kind=EnvironmentKind.REQUIREMENTS, requirements=text, index=index.url, **more)
    )


def without_hashes(lock: str | None) -> list[str]:
    return [line.partition(" --hash")[0] for line in (lock or "").splitlines()]


async def test_one_lock_is_for_all_pythons_from_the_oldest_that_works(index: Index, environ: Any) -> None:
    index.add("alpha", "1.0", ">=3.6")
    index.add("alpha", "2.0", ">=3.11", needs=("beta>=1",))
    index.add("beta", "1.5")
    lock = await resolve(asking(index, "alpha\n"), environ)
    assert without_hashes(lock.text) == [
        "alpha==1.0 ; python_full_version < '3.11'",
        "alpha==2.0 ; python_full_version >= '3.11'",
        "beta==1.5 ; python_full_version >= '3.11'",
    ]
    assert lock.requires_python == ">=3.8"
    assert lock.text is not None
    assert lock.text.count("--hash=sha256:") == 3
    newer = await resolve(asking(index, "alpha==2.0\n"), environ)
    assert newer.requires_python == ">=3.11"
    pinned = await resolve(asking(index, "alpha\n", python="3.12"), environ)
    assert without_hashes(pinned.text) == ["alpha==2.0", "beta==1.5"]
    held = await resolve(asking(index, "alpha\n", constraints="alpha<2\n"), environ)
    assert without_hashes(held.text) == ["alpha==1.0"]


async def test_what_is_pinned_with_its_hashes_needs_no_index(index: Index, environ: Any) -> None:
    index.add("alpha", "1.0")
    lock = await resolve(asking(index, "alpha==1.0\n"), environ)
    index.asked.clear()
    again = await resolve(asking(index, lock.text or ""), environ)
    assert (again.text, index.asked) == (lock.text, [])
    empty = await resolve(asking(index, "# nothing\n"), environ)
    assert (empty.text, index.asked) == ("", [])


async def test_versions_that_do_not_fit_together_are_said_in_ubiquitous_words(
    index: Index, environ: Any
) -> None:
    index.add("alpha", "1.0", needs=("beta<1",))
    index.add("beta", "1.5")
    with pytest.raises(ConfigurationError, match=r"cannot be resolved.*beta") as caught:
        await resolve(asking(index, "alpha\nbeta>=1\n"), environ)
    assert caught.value.message.isprintable()
    with pytest.raises(ConfigurationError, match="gamma was not found"):
        await resolve(asking(index, "gamma\n"), environ)


async def test_an_index_out_of_reach_is_said_with_what_to_do(index: Index, environ: Any) -> None:
    index.close()
    index.close = lambda: None  # type: ignore[method-assign]
    with pytest.raises(IndexUnreachable, match="cannot be reached") as caught:
        await resolve(asking(index, "alpha\n"), environ)
    assert "hash" in caught.value.hint
    assert caught.value.exit_code == 4


async def test_an_index_that_wants_a_password_is_said_with_where_it_goes(index: Index, environ: Any) -> None:
    index.wants_password = True
    with pytest.raises(ConfigurationError, match="wants a user and a password") as caught:
        await resolve(asking(index, "alpha\n"), environ)
    assert "netrc" in caught.value.hint


async def test_an_indexs_user_and_password_are_secrets_of_the_workspace(
    index: Index, environ: Any, tmp_path: Path
) -> None:
    """AZ-11: they are in no record, and uv finds them by the index's name."""
    index.wants_password = True
    index.add("alpha", "1.0")
    definition = {"kind": "requirements", "requirements": "alpha\n", "index": f"my-corp={index.url}"}
    async with services(tmp_path) as live:
        with pytest.raises(ConfigurationError, match="wants a user"):
            await live.call("environments.register", name="train", definition=definition)
        await live.call("secrets.set", name="UV_INDEX_MY_CORP_USERNAME", value="me")
        await live.call("secrets.set", name="UV_INDEX_MY_CORP_PASSWORD", value="pw")
        made = await live.call("environments.register", name="train", definition=definition)
        assert without_hashes(made["lock"]) == ["alpha==1.0"]
        assert "pw" not in str(made)
        told = str(await live.call("activities.list")) + str(await live.call("events.list"))
        assert "me:pw" not in told
        assert "'pw'" not in told


async def test_without_uv_one_is_told_how_to_get_it(
    index: Index, environ: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uv.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(WorkbenchError, match="uv is not on this machine") as caught:
        await resolve(asking(index, "alpha\n"), {**environ, "PATH": str(tmp_path)})
    assert "pip install uv" in caught.value.hint


PROJECT = """\
[project]
name = "digits"
version = "0.1.0"
requires-python = ">=3.9"
dependencies = ["alpha"]
[dependency-groups]
test = ["beta"]
dev = ["beta"]
[[tool.uv.index]]
url = "{url}"
default = true
"""


async def test_a_projects_lock_is_exported_without_asking_anybody(
    index: Index, environ: Any, tmp_path: Path
) -> None:
    """uv.lock says it all: the index may be gone by then."""
    index.add("alpha", "1.0")
    index.add("beta", "1.5")
    place = tmp_path / "project"
    place.mkdir()
    pyproject = PROJECT.format(url=index.url)
    (place / "pyproject.toml").write_text(pyproject)
    answer = await uv.call_uv(["lock"], place, {**environ, "UV_NO_CONFIG": "0"})
    assert answer.code == 0, answer.words
    index.add("alpha", "2.0")
    index.asked.clear()
    found = EnvironmentDefinition(
        kind=EnvironmentKind.PROJECT,
        pyproject=pyproject,
        uv_lock=(place / "uv.lock").read_text(),
        groups=["test"],
    )
    lock = await resolve(settled(found), environ)
    assert without_hashes(lock.text) == ["alpha==1.0", "beta==1.5"]
    assert (lock.requires_python, index.asked) == (">=3.9", [])
    plain = await resolve(
        settled(
            EnvironmentDefinition(kind=EnvironmentKind.PROJECT, pyproject=pyproject, uv_lock=found.uv_lock)
        ),
        environ,
    )
    assert without_hashes(plain.text) == ["alpha==1.0"], "no group was asked for, not even dev"
    unlocked = await resolve(
        settled(EnvironmentDefinition(kind=EnvironmentKind.PROJECT, pyproject=pyproject)),
        environ,
    )
    assert without_hashes(unlocked.text) == ["alpha==2.0"]
    assert unlocked.requires_python == ">=3.9"


async def test_unpinned_packages_keep_the_versions_of_the_first_resolve(
    index: Index, environ: Any, tmp_path: Path
) -> None:
    """AZ-135; resolving anew is asked for, and is a next version of the same definition."""
    index.add("alpha", "1.0")
    definition = {"kind": "requirements", "requirements": f"-i {index.url}\nalpha\n"}
    async with services(tmp_path) as live:

        async def register(**more: Any) -> Any:
            return await live.call("environments.register", name="train", definition=definition, **more)

        first = await register()
        index.add("alpha", "2.0")
        index.asked.clear()
        again = await register()
        assert (again["version"], without_hashes(again["lock"]), index.asked) == (1, ["alpha==1.0"], [])
        newer = await register(upgrade=True)
        assert (newer["version"], without_hashes(newer["lock"])) == (2, ["alpha==2.0"])
        assert newer["hash"] == first["hash"]
        assert (await register(upgrade=True))["version"] == 2, "the outcome is the same"
        cloned = await live.call(
            "environments.clone", environment="train:1", name="copy", variables={"A": "1"}
        )
        assert (cloned["name"], cloned["version"], cloned["lock"]) == ("copy", 1, first["lock"])
        kinds = [item["kind"] for item in await live.call("activities.list")]
        assert kinds.count("resolve") == 3


async def test_who_asks_at_once_has_it_resolved_once(index: Index, environ: Any, tmp_path: Path) -> None:
    index.add("alpha", "1.0")
    definition = {"kind": "requirements", "requirements": "alpha\n", "index": index.url}
    async with services(tmp_path) as live:
        made = await asyncio.gather(
            *(live.call("environments.register", name="train", definition=definition) for _ in range(5))
        )
        assert {item["version"] for item in made} == {1}
        assert len(await live.call("activities.list")) == 1


async def test_a_resolve_that_fails_keeps_nothing(index: Index, environ: Any, tmp_path: Path) -> None:
    """AZ-141 of this side's part: the activity says how it ended."""
    definition = {"kind": "requirements", "requirements": "gamma\n", "index": index.url}
    async with services(tmp_path) as live:
        with pytest.raises(ConfigurationError, match="gamma"):
            await live.call("environments.register", name="train", definition=definition)
        assert await live.call("environments.list") == []
        (told,) = await live.call("activities.list")
        assert (told["state"], "gamma" in told["error"]) == ("failed", True)


async def test_names_are_settled_to_exact_ones(index: Index, environ: Any, tmp_path: Path) -> None:
    """AZ-137: what a run is given is a version, whatever it was called."""
    async with services(tmp_path) as live:

        async def settle(text: str) -> str:
            return str((await live.call("environments.settle", environment=text))["environment"])

        assert await settle("/opt/python/bin/python") == "/opt/python/bin/python"
        assert await settle("python") == "python:1", "a preset is registered by its first use"
        assert await settle("image:pytorch/pytorch:2.4.0") == "pytorch-2.4.0:1"
        await live.call("workspace.map", kind="environment", hosted="sklearn-1.5", ours="python@latest")
        assert (
            await settle("azureml://registries/azureml/environments/sklearn-1.5/labels/latest") == "python:1"
        )
        assert await settle("azureml:python:1") == "python:1", "one of ours in the cloud's words"
        with pytest.raises(WorkbenchError, match="of the cloud") as caught:
            await settle("azureml:acpt-pytorch-2.2@latest")
        assert caught.value.hint.endswith("acpt-pytorch-2.2 pytorch")
        await live.call("workspace.map", kind="environment", hosted="a", ours="azureml:b")
        await live.call("workspace.map", kind="environment", hosted="b", ours="azureml:a")
        with pytest.raises(WorkbenchError, match="leads back to itself"):
            await settle("azureml:a")
        with pytest.raises(WorkbenchError, match="no environment 'gone'"):
            await settle("gone")
        with pytest.raises(WorkbenchError, match="file of the submitting side"):
            await settle("requirements.txt")
