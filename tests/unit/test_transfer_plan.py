"""What a folder's transfer does, and what it makes of paths that a machine made up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from workbench.compute.machine_files import read_entries, read_names, read_use, read_walk
from workbench.errors import Conflict, HostileArchive, NeedsSignIn, Unreachable
from workbench.workspace import persistence
from workbench.workspace.client import Client
from workbench.workspace.folder_transfer import FolderTransfer
from workbench.workspace.persistence import TRIES, persist
from workbench.workspace.transfer_plan import BUNDLE_FILES, LARGE, Item, make_plan


def file(path: str, size: int = 1, modified: float = 1.0) -> Item:
    return Item(path, "file", size, 0o644, modified)


def test_small_files_go_together_and_large_ones_alone() -> None:
    small = [file(f"s{number}") for number in range(BUNDLE_FILES + 1)]
    plan = make_plan([*small, file("large", LARGE)], {}, False)
    assert [len(bundle) for bundle in plan.bundles] == [BUNDLE_FILES, 1]
    assert [item.path for item in plan.alone] == ["large"]
    assert plan.total == LARGE + BUNDLE_FILES + 1


def test_what_is_there_is_not_sent_again_and_what_differs_is_not_lost() -> None:
    known = {"a": file("a", modified=1.005), "b": file("b", 2)}
    assert make_plan([file("a")], known, False).there == 1
    with pytest.raises(Conflict, match="b is there and differs"):
        make_plan([file("b")], known, False)
    assert make_plan([file("b")], known, True).total == 1
    with pytest.raises(Conflict):
        make_plan([file("b")], {"b": Item("b", "dir")}, True)
    with pytest.raises(Conflict, match="no folder there"):
        make_plan([Item("b", "dir"), file("b/c")], known, True)


def test_only_empty_folders_are_made_for_their_own_sake() -> None:
    plan = make_plan(
        [Item("a", "dir"), file("a/f"), Item("b", "dir"), Item("c", "dir"), Item("c/d", "dir")], {}, False
    )
    assert [item.path for item in plan.folders] == ["b", "c/d"]


def test_links_that_lead_out_and_what_is_no_file_are_left_out() -> None:
    items = [
        Item("in", "link", target="a/b"), Item("up", "link", target="../x"), Item("away", "link", target="/etc"),
        Item("hop", "link", target="in/../../.."), Item("pipe", "pipe"), file("a/b"),
    ]  # fmt: skip
    plan = make_plan(items, {}, False)
    assert [item.path for item in plan.links] == ["in"]
    assert plan.left_out == ["up", "away", "hop", "pipe"]


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../b", "a//b", "a/./b", "a\0b", "x" * 300])
def test_paths_that_leave_are_refused_whole(path: str) -> None:
    with pytest.raises(HostileArchive):
        make_plan([file("good"), file(path)], {}, False)


def test_nothing_is_written_through_a_link_of_the_same_folder() -> None:
    with pytest.raises(HostileArchive, match="lies below"):
        make_plan([Item("a", "link", target="b"), file("a/passwd")], {}, False)


def test_what_a_machine_says_of_its_files_is_taken_apart() -> None:
    good = {"name": "a", "kind": "file", "size": 1, "mode": 0o644, "modified": 1.5, "user": "an\x1b[2Jn"}
    sick = [
        None, {}, {**good, "name": "a/b"}, {**good, "name": ".."}, {**good, "size": -1}, {**good, "size": True},
        {**good, "kind": "door"}, {**good, "kind": ["file"]}, {**good, "name": "x" * 256}, {**good, "name": 7},
    ]  # fmt: skip
    found = read_entries([*sick, good, {**good, "modified": 1e300, "mode": "x", "target": 3, "leads": {}}])
    assert [(entry.name, entry.user) for entry in found] == [("a", "ann")] * 2
    assert (found[1].modified, found[1].mode, found[1].target) == (None, None, None)
    assert read_entries("no") == read_walk({"a": 1}) == read_names(None) == []
    assert [
        item.name for item in read_walk([["", "dir", 1, 0, 1.0, None], ["a/b", "file", 2, 0, 1, None], ["x"]])
    ] == ["", "a/b"]
    use = read_use(
        {
            "total": "x",
            "entries": [["a", "dir", 5], ["b/c", "dir", 5], ["d", "dir", -5], ["e", [], 5]],
            "unreadable": [3, "y"],
        }
    )
    assert ([room.name for room in use.entries], use.total, use.unreadable) == (["a", "e"], 0, ["y"])
    assert read_use({"unreadable": 5}).unreadable == []


def test_a_cut_is_survived_as_long_as_something_comes() -> None:
    moved, naps = [0], []

    def attempt() -> str:
        moved[0] += 1
        if moved[0] < 3 * TRIES:
            raise Unreachable("cut")
        return "done"

    assert persist(attempt, lambda: moved[0], naps.append) == "done"
    assert len(naps) == 3 * TRIES - 1
    assert max(naps) <= 1, "each cut that came after progress is the first one again"


def test_a_machine_that_stays_away_is_given_up_and_a_question_is_not_asked_twice() -> None:
    tried: list[int] = []

    def attempt() -> None:
        tried.append(1)
        raise Unreachable("cut")

    with pytest.raises(Unreachable) as given_up:
        persist(attempt, lambda: 0, lambda _: None)
    assert (len(tried), "goes on where" in given_up.value.hint) == (TRIES, True)

    def asks() -> None:
        tried.append(1)
        raise NeedsSignIn("password")

    with pytest.raises(NeedsSignIn):
        persist(asks, lambda: 0, lambda _: None)
    assert len(tried) == TRIES + 1


class Broken:
    """A client whose every question is cut off once, before it is answered."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def _cut(self, method: str, path: str) -> None:
        question = f"{method} {path}"
        self.asked.append(question)
        if self.asked.count(question) == 1:
            raise Unreachable("the connection broke")

    def call(self, noun: str, method: str, *, target: str, path: str, **_: Any) -> dict[str, Any]:
        self._cut(method, path)
        return {"path": path, "arrived": 0}

    def items(self, noun: str, method: str, *, target: str, path: str) -> Iterator[dict[str, Any]]:
        self._cut(method, path)
        yield {"entries": []}

    def write(self, noun: str, method: str, source: Iterator[bytes], **_: Any) -> dict[str, Any]:
        return {"path": "", "size": len(b"".join(source))}


def test_a_cut_between_two_pieces_ends_no_transfer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its questions are as likely to be hit as what they are asked for."""
    monkeypatch.setattr(persistence, "PAUSE", 0.0)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "large").write_bytes(b"x" * LARGE)
    client = Broken()
    folders = FolderTransfer(cast("Client", client), "m1", overwrite=False, moved=lambda _: None)
    folders.send(folders.plan_sending(tmp_path, "there"), tmp_path, "there")
    assert client.asked == [
        question
        for question in ("walk there", "mkdir there", "mkdir there/below", "stat there/below/large")
        for _ in range(2)
    ]
