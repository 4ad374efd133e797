"""What a second submit of the same code sends: nothing, unless either side lost something of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.home import Home
from workbench.workspace import Workspace


class Desk:
    """A user with one source tree and this machine, whose calls are written down."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.store = folder / "home" / "workspaces" / "default"
        self.code = folder / "code"
        self.code.mkdir()
        (self.code / "a.txt").write_text("content of a\n")
        self.asked: list[str] = []
        self.workspace = Workspace.open("default", embedded=True, home=Home(folder / "home", folder / "run"))
        changes = {"root": str(self.root), "lease_dir": str(folder / "lease")}
        self.workspace.call("compute", "set", name="local", changes=changes)
        client: Any = self.workspace.client
        call, write = client.call, client.write

        def told_call(noun: str, method: str, **parameters: Any) -> Any:
            self.asked.append(f"{noun}.{method}")
            return call(noun, method, **parameters)

        def told_write(noun: str, method: str, source: Any, **parameters: Any) -> Any:
            self.asked.append(f"{noun}.{method}")
            return write(noun, method, source, **parameters)

        client.call, client.write = told_call, told_write

    def submit(self) -> list[str]:
        """Submit, see the run through; which operations on snapshots that took."""
        self.asked.clear()
        configuration = self.workspace.configure(command="cat a.txt", code=str(self.code), target="local")
        run = self.workspace.submit(configuration)
        asked = [name for name in self.asked if name.startswith("snapshots.")]
        *_, last = self.workspace.items("runs", "follow", run=run["id"])
        assert last["run"]["status"] == "Completed", last
        assert b"".join(self.workspace.read("runs", "logs", run=run["id"])) == b"content of a\n"
        return asked


FIRST = ["snapshots.known", "snapshots.missing", "snapshots.upload", "snapshots.missing"]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """One user's desk."""
    monkeypatch.delenv("WORKBENCH_RUN_ID", raising=False)
    folder = Path(tempfile.mkdtemp(prefix="wb-"))
    made = Desk(folder)
    yield made
    made.workspace.close()
    shutil.rmtree(folder)


def test_code_that_was_sent_is_only_named(desk: Desk) -> None:
    assert desk.submit() == FIRST
    assert desk.submit() == ["snapshots.known"]


def test_what_was_lost_here_is_sent_again(desk: Desk) -> None:
    desk.submit()
    for blob in (desk.store / "blobs").rglob("*"):
        if blob.is_file():
            blob.unlink()
    assert desk.submit() == FIRST
    assert desk.submit() == ["snapshots.known"]


@pytest.mark.parametrize("lost", [("blobs",), ("trees",), ("blobs", "trees")], ids="+".join)
def test_what_the_machine_lost_is_sent_again(desk: Desk, lost: tuple[str, ...]) -> None:
    desk.submit()
    for name in lost:
        shutil.rmtree(desk.root / name)
    assert desk.submit() == ["snapshots.known"]
