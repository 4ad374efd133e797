"""What the companion carries: a part that fails costs itself, and folders are looked at for what changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from workbench.remote.ingest import folder_watch
from workbench.remote.ingest.folder_watch import FolderWatch
from workbench.remote.machine import Machine
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.supervision import companion
from workbench.remote.supervision.companion import Beside, Part, begin, end


class Told(Part):
    """Tells a variable and keeps what was asked of it."""

    def __init__(self, name: str, asked: list[str], fails: str = "") -> None:
        self._name, self._asked, self._fails = name, asked, fails

    def environment(self) -> dict[str, str]:
        return {"NAME": self._name, self._name: "1"}

    def start(self) -> None:
        self._did("start")

    def finish(self, seconds: float) -> None:
        assert 0 <= seconds <= 5
        self._did("finish")

    def _did(self, what: str) -> None:
        self._asked.append(f"{self._name} {what}")
        if self._fails == what:
            raise OSError(f"{self._name} cannot {what}")


@pytest.fixture
def beside(tmp_path: Path) -> Beside:
    machine = Machine(str(tmp_path / "root"), str(tmp_path / "leases"))
    folder = RunFolder(machine, "01" + "A" * 24)
    folder.claim()
    folder.furnish()
    return Beside(machine, folder, {"attempt": 1}, {})


def warnings(beside: Beside) -> list[str]:
    records = Path(beside.folder.records).iterdir()
    told = [json.loads(line) for path in records for line in path.read_text().splitlines()]
    return [record["v"] for record in told if record["k"] == "warning"]


def test_a_part_that_fails_is_left_out_and_told(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def broken(beside: Beside) -> Part:
        raise ValueError("nothing to be had")

    makers = {
        "broken": broken,
        "stuck": lambda _: Told("stuck", asked, "start"),
        "a": lambda _: Told("a", asked),
        "b": lambda _: Told("b", asked, "finish"),
    }
    monkeypatch.setattr(companion, "PARTS", makers)
    parts, environment = begin(beside, list(makers))
    assert environment == {"NAME": "b", "a": "1", "b": "1"}
    end(beside, parts, 5.0)
    assert asked == ["stuck start", "a start", "b start", "b finish", "a finish"]
    assert warnings(beside) == [
        "no broken beside this run: nothing to be had",
        "no stuck beside this run: stuck cannot start",
        "Told could not finish: b cannot finish",
    ]


def test_a_warning_is_told_once(beside: Beside) -> None:
    for _ in range(3):
        beside.warn("again")
    assert warnings(beside) == ["again"]


def test_only_folders_that_changed_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []
    entries = folder_watch._entries
    monkeypatch.setattr(folder_watch, "_entries", lambda path: (listed.append(path), entries(path))[1])
    (tmp_path / "runs" / "a").mkdir(parents=True)
    watch = FolderWatch([str(tmp_path)], clock=lambda: 0.0)
    assert watch.look() == []
    watch.look()
    listed.clear()
    assert watch.look() == []
    assert listed == []
    log = tmp_path / "runs" / "a" / "metrics.csv"
    log.touch()
    os.utime(log.parent, ns=(1, 1))  # a time of its own, however coarse the file system's are
    assert watch.look() == [str(log)]
    assert listed == [str(log.parent)]
    assert watch.look(everything=True) == []


def test_folders_that_go_and_come_and_too_many_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watch, "MOST_FOLDERS", 4)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    watch = FolderWatch([str(tmp_path)])
    watch.look(everything=True)
    assert not watch.crowded
    (tmp_path / "a").rmdir()
    watch.look(everything=True)
    assert set(watch.folders) == {str(tmp_path), str(tmp_path / "b")}
    for number in range(5):
        (tmp_path / f"n{number}").mkdir()
    watch.look(everything=True)
    assert watch.crowded
    assert len(watch.folders) == 4
