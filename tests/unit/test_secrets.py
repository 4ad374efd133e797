"""Secrets: kept encrypted or in a keyring, given to runs by name, seen nowhere (AZ-11)."""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from tests.services import services
from workbench.entities.secret import SecretPlace
from workbench.errors import NotFound, StoreError, UsageError
from workbench.settings import SecretSettings, Settings
from workbench.store.workspace.secret_store import SecretStore
from workbench.store.workspace.system_keyring import LazyKeyring, find_keyring

VALUE = "s3cr3t-\u00e9-value\nwith a second line"


def store_in(folder: Path, workspace: str = "default") -> SecretStore:
    return SecretStore(folder / workspace, folder / "secrets.key", workspace)


def everything_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_value_comes_back_and_is_in_no_file(tmp_path: Path) -> None:
    """AZ-11: set, get, list, delete."""
    store = store_in(tmp_path)
    assert store.every() == []
    assert store.put("lake", VALUE).place is SecretPlace.FILE
    store.put("other", "x" * 1000)
    again = store_in(tmp_path)
    assert again.get("lake") == VALUE
    assert [item.name for item in again.every()] == ["lake", "other"]
    assert b"s3cr3t" not in everything_below(tmp_path)
    for path in (tmp_path / "secrets.key", tmp_path / "default" / "secrets.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again.remove("lake")
    with pytest.raises(NotFound):
        store.get("lake")
    with pytest.raises(NotFound):
        store.remove("lake")


def test_a_value_is_bound_to_its_name_and_workspace(tmp_path: Path) -> None:
    """Who may write the file but has no key cannot make one secret pass for another."""
    store = store_in(tmp_path)
    store.put("test_key", "harmless")
    store.put("prod_key", "precious")
    path = tmp_path / "default" / "secrets.json"
    found = json.loads(path.read_text())
    found["secrets"]["test_key"]["data"] = found["secrets"]["prod_key"]["data"]
    path.write_text(json.dumps(found))
    with pytest.raises(StoreError, match="test_key cannot be read"):
        store.get("test_key")
    other = store_in(tmp_path, "other")
    other.put("prod_key", "mine")
    (tmp_path / "other" / "secrets.json").write_text(path.read_text())
    (tmp_path / "other" / "secrets.json").chmod(0o600)
    with pytest.raises(StoreError):
        other.get("prod_key")


@pytest.mark.parametrize("damage", ["gone", "another", "short", "open", "link"])
def test_a_key_that_is_not_the_right_one(tmp_path: Path, damage: str) -> None:
    store = store_in(tmp_path)
    store.put("lake", VALUE)
    key = tmp_path / "secrets.key"
    if damage == "gone":
        key.unlink()
    elif damage == "another":
        key.write_bytes(os.urandom(32))
    elif damage == "short":
        key.write_bytes(b"x")
    elif damage == "open":
        key.chmod(0o644)
    else:
        key.rename(tmp_path / "elsewhere")
        key.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError) as problem:
        store.get("lake")
    assert "s3cr3t" not in problem.value.message + problem.value.hint


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"secrets": {"../x": {}}}', '{"secrets": {"a": 1}}', "null"]
)
def test_a_damaged_file(tmp_path: Path, text: str) -> None:
    store = store_in(tmp_path)
    store.put("lake", VALUE)
    (tmp_path / "default" / "secrets.json").write_text(text)
    with pytest.raises(StoreError, match="damaged"):
        store.get("lake")


@pytest.mark.parametrize(
    ("name", "value"),
    [("1x", "v"), ("a b", "v"), ("a/b", "v"), ("", "v"), ("x", ""), ("x", "a\0b"), ("x", "y" * 70_000)],
)
def test_what_is_no_secret(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(UsageError) as problem:
        store_in(tmp_path).put(name, value)
    assert "y" * 100 not in problem.value.message


class Ring(keyring.backend.KeyringBackend):
    """A keyring in memory; what it is told to do wrong it does."""

    priority = 5  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.broken = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.broken:
            raise keyring.errors.KeyringLocked(f"{self.kept}")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.broken:
            raise keyring.errors.KeyringLocked(f"no {password}")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.broken:
            raise keyring.errors.KeyringLocked("it is locked")
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[Ring]:
    before, made = keyring.get_keyring(), Ring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def test_the_systems_keyring_is_used_where_there_is_one(
    tmp_path: Path, ring: Ring, caplog: pytest.LogCaptureFixture
) -> None:
    """AZ-11: system keyring when there, else an encrypted file; a locked one is said to be, without the value."""
    store = SecretStore(tmp_path / "w", tmp_path / "secrets.key", "w", LazyKeyring(tmp_path))
    assert store.put("lake", VALUE).place is SecretPlace.KEYRING
    assert list(ring.kept.values()) == [VALUE]
    assert not (tmp_path / "secrets.key").exists()
    assert store.get("lake") == VALUE
    ring.broken = True
    with pytest.raises(StoreError, match="keyring does not give"):
        store.get("lake")
    assert store.put("lake", "new value").place is SecretPlace.FILE
    assert store.get("lake") == "new value"
    assert "s3cr3t" not in caplog.text
    assert "new value" not in caplog.text
    ring.broken = False
    required = SecretStore(tmp_path / "v", tmp_path / "secrets.key", "v", LazyKeyring(tmp_path, True))
    ring.broken = True
    with pytest.raises(StoreError, match="takes no secret"):
        required.put("lake", VALUE)
    assert required.every() == []


def test_a_value_that_a_locked_keyring_keeps_is_told_of(tmp_path: Path, ring: Ring) -> None:
    """AZ-11: the secret is forgotten all the same; nobody is to believe that its value is gone."""
    store = SecretStore(tmp_path / "w", tmp_path / "secrets.key", "w", LazyKeyring(tmp_path))
    for name in ("lake", "sea"):
        store.put(name, VALUE)
    assert store.remove("lake") is True
    ring.broken = True
    assert store.remove("sea") is False
    assert store.every() == []
    assert list(ring.kept.values()) == [VALUE]
    gone = SecretStore(tmp_path / "v", tmp_path / "secrets.key", "v", LazyKeyring(tmp_path))
    assert gone.put("pond", VALUE).place is SecretPlace.FILE
    assert gone.remove("pond") is True


def test_a_value_that_somebody_took_out_of_the_keyring_does_not_stay_there(
    tmp_path: Path, ring: Ring
) -> None:
    store = SecretStore(tmp_path / "w", tmp_path / "secrets.key", "w", LazyKeyring(tmp_path))
    store.put("token", "a" * 40)
    assert len(ring.kept) == 1
    ring.kept.clear()
    assert store.remove("token")


def test_what_is_no_keyring(tmp_path: Path) -> None:
    """A backend that keeps nothing, as on a machine without a desktop, is none."""
    from keyring.backends import fail, null

    before = keyring.get_keyring()
    try:
        for backend in (fail.Keyring(), null.Keyring()):
            keyring.set_keyring(backend)
            assert find_keyring(tmp_path) is None
    finally:
        keyring.set_keyring(before)


async def test_a_run_gets_what_the_workspace_keeps(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """AZ-11: a run reads a secret; the value is in no log, record, spec or store, and masked in its output."""
    caplog.set_level(logging.DEBUG)
    script = (
        "from workbench import Run; run = Run.get_context();"
        " value = run.get_secret('LAKE_KEY'); print(len(value), value)"
    )
    async with services(tmp_path, Settings(secrets=SecretSettings(store="file"))) as live:
        with pytest.raises(UsageError, match="neither in the environment nor in the workspace"):
            await live.submit(1, "true", secrets=["LAKE_KEY"])
        await live.call("secrets.set", name="LAKE_KEY", value="tell-nobody-17")
        assert (await live.call("secrets.get", name="LAKE_KEY"))["value"] == "tell-nobody-17"
        run = await live.submit(2, f'python3 -c "{script}"', secrets=["LAKE_KEY"])
        assert run["properties"]["workbench.stored_secrets"] == "LAKE_KEY"
        async for item in live.items("runs.watch", run=run["id"]):
            run = item["run"]
        log = b"".join([block async for block in live.read("runs.logs", run=run["id"])])
        assert run["status"] == "Completed", log
        assert log == b"14 ***\n"
        again = await live.call("runs.resume", run=run["id"])
        async for item in live.items("runs.watch", run=run["id"]):
            again = item["run"]
        assert again["status"] == "Completed"
        events = json.dumps(await live.call("events.list"))
        assert "tell-nobody-17" not in events + caplog.text
        await live.call("secrets.remove", name="LAKE_KEY")
        with pytest.raises(NotFound):
            await live.call("secrets.get", name="LAKE_KEY")
    assert b"tell-nobody-17" not in everything_below(tmp_path)


async def test_what_is_handed_over_comes_before_what_is_kept(tmp_path: Path) -> None:
    async with services(tmp_path, Settings(secrets=SecretSettings(store="file"))) as live:
        await live.call("secrets.set", name="WORD", value="the kept one")
        run = await live.call(
            "runs.submit",
            id="01KB0000000000000000000001",
            configuration={"command": 'test "$WORD" = "the given one"', "secrets": ["WORD"]},
            secrets={"WORD": "the given one"},
        )
        async for item in live.items("runs.watch", run=run["id"]):
            run = item["run"]
        assert (run["status"], "workbench.stored_secrets" in run["properties"]) == ("Completed", False)
