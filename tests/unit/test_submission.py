"""A submit's scan and upload while somebody writes to the tree."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.entities.configuration import RunConfiguration
from workbench.errors import Conflict, NotFound
from workbench.home import find_home
from workbench.workspace.submission import TRIES, Submission


class Taker:
    """Takes a snapshot in; before its files are read, `meddle` is called."""

    def __init__(self, meddle: Callable[[int], None]) -> None:
        self.meddle = meddle
        self.uploads = 0
        self.submitted: list[dict[str, Any]] = []
        self.asked: list[str] = []

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        if method == "known":
            return {"known": False}
        if method == "missing":
            self.asked = [entry["sha256"] for entry in parameters["entries"] if entry.get("sha256")]
            return {"id": "a" * 64, "missing": self.asked}
        self.submitted.append(parameters)
        return {"id": parameters["id"]}

    def items(self, noun: str, method: str, **parameters: Any) -> Generator[Any, None, None]:
        raise NotImplementedError

    def read(self, noun: str, method: str, **parameters: Any) -> Iterator[bytes]:
        raise NotImplementedError

    def write(self, noun: str, method: str, source: Iterable[bytes], **parameters: Any) -> Any:
        self.uploads += 1
        self.meddle(self.uploads)
        for _ in source:
            pass
        return {"stored": len(self.asked)}

    def close(self) -> None:
        pass


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "steady.txt").write_text("1")
    (folder / "moving.txt").write_text("0")
    (folder / ".env").write_text("A=1")  # named before it is sent, once
    return folder


def submit(tree: Path, taker: Taker) -> list[str]:
    """Submit the tree; what was told."""
    told: list[str] = []
    home = find_home({"WORKBENCH_HOME": str(tree.parent / "home"), "HOME": str(tree.parent)})
    submission = Submission(taker, home, {}, None, told.append)
    submission.submit(RunConfiguration(command="true", code=str(tree)))
    return told


def test_what_changed_once_is_scanned_again(tree: Path) -> None:
    def write(upload: int) -> None:
        if upload == 1:
            (tree / "moving.txt").write_text("longer")

    taker = Taker(write)
    told = submit(tree, taker)
    assert taker.uploads == 2
    assert len(taker.submitted) == 1
    assert len(told) == len(set(told)) == 1, "nothing is said twice"


def test_what_vanished_once_is_scanned_again(tree: Path) -> None:
    taker = Taker(lambda _: (tree / "moving.txt").unlink(missing_ok=True))
    submit(tree, taker)
    assert taker.uploads == 2
    assert len(taker.submitted) == 1


def test_what_never_holds_still_is_refused_by_name(tree: Path) -> None:
    def write(upload: int) -> None:
        (tree / "moving.txt").write_text("x" * upload)

    taker = Taker(write)
    with pytest.raises(Conflict, match=r"moving\.txt") as caught:
        submit(tree, taker)
    assert "ignore" in caught.value.hint
    assert taker.uploads == TRIES
    assert taker.submitted == []


def test_another_refusal_is_not_tried_again(tree: Path) -> None:
    def refuse(_: int) -> None:
        raise NotFound("no such workspace")

    taker = Taker(refuse)
    with pytest.raises(NotFound):
        submit(tree, taker)
    assert taker.uploads == 1
