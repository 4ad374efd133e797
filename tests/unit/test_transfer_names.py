"""Where what a machine sends is written here: under the name that was asked for, whatever the machine says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from workbench.workspace.client import Client
from workbench.workspace.transfers import Transfers


class Hostile:
    """A machine with one file, or one folder with a file in it, that says it is somewhere else."""

    def __init__(self, path: str, kind: str) -> None:
        self.path = path
        self.kind = kind

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        assert (noun, method) == ("files", "stat")
        return {"path": self.path, "home": "/home/ann", "entry": {"name": "x", "kind": self.kind, "size": 0}}

    def items(self, noun: str, method: str, **parameters: Any) -> Iterator[Any]:
        yield {"entries": [{"name": "rc", "kind": "dir", "size": 0}]}
        yield {"count": 1, "unread": 0}

    def read(self, noun: str, method: str, **parameters: Any) -> Iterator[bytes]:
        return iter(())


@pytest.mark.parametrize("kind", ["file", "dir"])
@pytest.mark.parametrize("said", ["/home/ann/..", "/home/ann/.bashrc", "/", "/home/ann/."])
@pytest.mark.parametrize("asked", ["data", "~/data", "/scratch/data/"])
def test_the_name_is_the_one_that_was_asked_for(tmp_path: Path, kind: str, said: str, asked: str) -> None:
    here = tmp_path / "home" / "downloads"
    here.mkdir(parents=True)
    (brought,) = Transfers(cast(Client, Hostile(said, kind)), "gpu1").download([asked], here)
    assert Path(brought.place) == here / "data"
    assert [path.name for path in here.iterdir()] == ["data"]
    assert [path.name for path in here.parent.iterdir()] == ["downloads"]


@pytest.mark.parametrize(
    ("asked", "said", "name"),
    [
        ("~", "/home/ann", "ann"),
        (".", "/home/ann", "ann"),
        ("work/..", "/home/ann", "ann"),
        ("~", "/home/..", "gpu1"),
        ("/", "/", "gpu1"),
        ("~bob", "/home/bob", "bob"),
    ],
)
def test_a_path_that_names_nothing_is_called_as_the_machine_says(
    tmp_path: Path, asked: str, said: str, name: str
) -> None:
    (brought,) = Transfers(cast(Client, Hostile(said, "dir")), "gpu1").download([asked], tmp_path)
    assert Path(brought.place) == tmp_path / name
