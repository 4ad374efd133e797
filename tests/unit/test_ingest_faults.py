"""Logs of a run that are damaged, huge, replaced, no files at all, or on a full disk: what becomes of them."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.remote.forms.protocol import valid_run_id
from workbench.remote.ingest import appending
from workbench.remote.ingest.baseline import write_baseline
from workbench.remote.ingest.file_reader import TABLE_AT_FIRST, FileReader
from workbench.remote.machine import Machine
from workbench.remote.readers.detect import detect
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.supervision.companion import Beside

DATA = Path(__file__).parent.parent / "data" / "readers"
RUN = "01" + "A" * 24


class Place:
    """A run's folder whose logs are read by the companion's part, in this process."""

    def __init__(self, folder: Path) -> None:
        self.machine = Machine(str(folder / "root"), str(folder / "leases"))
        self.folder = RunFolder(self.machine, RUN)
        self.folder.claim()
        self.folder.furnish()
        self.code = Path(self.folder.code)
        self.code.mkdir()
        self.attempt = 1

    def begin(self) -> None:
        """The command starts: what is there now came with the snapshot."""
        write_baseline(self.folder)

    def read(self, **spec: Any) -> None:
        """A companion from its start to its end: everything that is there by now."""
        beside = Beside(self.machine, self.folder, {"run": RUN, "attempt": self.attempt, **spec}, {})
        reader = FileReader(beside)
        reader.start()
        reader.finish(60.0)

    def lines(self, kind: str) -> Iterator[dict[str, Any]]:
        """The records of one kind, by file."""
        for path in sorted(Path(self.folder.records).iterdir()):
            for line in path.read_text().splitlines():
                record = json.loads(line)
                if record["k"] == kind:
                    yield {**record, "file": path.name}

    @property
    def points(self) -> list[tuple[str, Any, int | None]]:
        return [(one["n"], one.get("v"), one.get("s")) for one in self.lines("metric")]

    @property
    def warnings(self) -> str:
        return "\n".join(one["v"] for one in self.lines("warning"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.begin()
    return made


def forms() -> list[Path]:
    """One file or folder of each form that the real packages wrote."""
    found = [path for path in sorted(DATA.rglob("*")) if path.is_file() and detect(str(path))]
    return [*found, DATA / "mlruns" / "1" / "first", DATA / "dvclive", DATA / "trainer"]


@pytest.mark.parametrize("log", forms(), ids=lambda path: str(path.relative_to(DATA)))
def test_damaged_logs_of_every_form_cost_what_is_damaged(place: Place, log: Path) -> None:
    """Cut off anywhere, bytes changed anywhere: the others are read, and nothing ends the reader."""
    chance = random.Random(str(log))
    for number in range(12):
        target = place.code / f"{number}" / log.name
        target.parent.mkdir()
        (shutil.copytree if log.is_dir() else shutil.copyfile)(log, target)  # type: ignore[operator]
        for path in [target] if target.is_file() else [one for one in target.rglob("*") if one.is_file()]:
            data = bytearray(path.read_bytes())
            if not data:
                continue
            if number % 2:
                del data[chance.randrange(len(data)) :]
            else:
                for _ in range(6):
                    data[chance.randrange(len(data))] = chance.randrange(256)
            path.write_bytes(bytes(data))
    (place.code / "sound.csv").write_text("step,sound\n1,0.5\n")
    place.read()
    assert ("sound", 0.5, 1) in place.points
    assert "not read any more" not in place.warnings


def test_what_is_no_file_is_left_alone(place: Place, tmp_path: Path) -> None:
    """A pipe, a link to a device or out of the run, a folder, all with fitting names: nobody waits for them."""
    os.mkfifo(place.code / "pipe.csv")
    os.mkfifo(place.code / "events.out.tfevents.1.pipe")
    os.mkfifo(place.code / "mlflow.db")
    (place.code / "zero.csv").symlink_to("/dev/zero")
    (place.code / "folder.csv").mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "metrics.csv").write_text("step,loss\n1,0.5\n")
    (place.code / "link").symlink_to(elsewhere)
    (place.code / "metrics.csv").symlink_to(elsewhere / "metrics.csv")
    place.read()
    assert place.points == []


def test_what_came_with_the_snapshot_is_read_only_once_it_is_written_to(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for name in ("old", "grown"):
        (place.code / f"{name}.csv").write_text(f"step,{name}\n1,0.5\n")
    place.begin()
    with open(place.code / "grown.csv", "a") as file:
        file.write("2,0.25\n")
    place.read()
    assert place.points == [("grown", 0.5, 1), ("grown", 0.25, 2)]


def test_the_next_attempt_goes_on_where_the_last_one_was(place: Place) -> None:
    log = place.code / "metrics.csv"
    log.write_text("step,loss\n1,0.5\n")
    place.read()
    place.attempt = 2
    place.begin()
    place.read()
    with open(log, "a") as file:
        file.write("2,0.25\n")
    place.read()
    assert place.points == [("loss", 0.5, 1), ("loss", 0.25, 2)]
    assert [one["attempt"] for one in place.lines("header")] == [1, 2]


def test_names_stay_what_they_were_when_another_companion_goes_on(place: Place) -> None:
    """The second log has news first: the plain name stays the first one's."""
    for name in ("a", "b"):
        (place.code / name).mkdir()
        (place.code / name / "metrics.csv").write_text(f"step,loss\n1,{ord(name)}\n")
        place.read()
    assert sorted(place.points) == [("b/loss", 98.0, 1), ("loss", 97.0, 1)]
    place.attempt = 2
    with open(place.code / "b" / "metrics.csv", "a") as file:
        file.write("2,98\n")
    place.read()
    assert sorted(place.points) == [("b/loss", 98.0, 1), ("b/loss", 98.0, 2), ("loss", 97.0, 1)]


def test_a_log_that_is_replaced_becomes_the_next_content(place: Place) -> None:
    log = place.code / "metrics.csv"
    log.write_text("step,loss\n1,0.5\n2,0.25\n")
    place.read()
    fresh = place.code / "fresh"
    fresh.write_text("step,loss\n1,9\n")
    os.replace(fresh, log)
    place.read()
    assert place.points == [("loss", 0.5, 1), ("loss", 0.25, 2), ("loss", 9.0, 1)]
    contents = [one["file"].split("-")[2] for one in place.lines("header")]
    assert contents == ["0", "1"]


def test_files_of_five_gigabytes(place: Place) -> None:
    """A table that large is data; an event file is read as far as there is anything in it."""
    table = place.code / "samples.csv"
    table.write_text("step,x\n1,2\n")
    events = place.code / "events.out.tfevents.1.big"
    shutil.copyfile(DATA / "v2" / "events.out.tfevents.1700000000.machine", events)
    for path in (table, events):
        os.truncate(path, 5 << 30)
    place.read()
    assert {name for name, _, _ in place.points} == {"loss", "note"}
    assert "samples.csv is not read: it is large for a log" in place.warnings


def test_a_pattern_has_a_large_table_read(place: Place) -> None:
    table = place.code / "samples.csv"
    table.write_text("step,x\n1,2\n" + "\n" * 1024)
    os.truncate(table, TABLE_AT_FIRST + 1)
    place.read(ingest=["samples.csv"])
    assert place.points == [("x", 2.0, 1)]


def test_a_folder_of_very_many_files(place: Place) -> None:
    """They are listed once, not each time one is written; a log among them is found."""
    many = place.code / "images"
    many.mkdir()
    for number in range(5_000):
        (many / f"{number}.png").touch()
    (many / "log.jsonl").write_text('{"step": 1, "loss": 0.5}\n')
    place.read()
    assert place.points == [("loss", 0.5, 1)]


def test_steps_in_any_order_and_times_of_any_clock(place: Place) -> None:
    rows = ["step,loss,timestamp", "5,0.5,1700000000", "3,0.3,9999999999", "5,0.1,100000000", "1e30,1,"]
    (place.code / "metrics.csv").write_text("\n".join(rows) + "\n")
    place.read()
    assert place.points == [("loss", 0.5, 5), ("loss", 0.3, 3), ("loss", 0.1, 5), ("loss", 1.0, None)]


def test_two_processes_that_write_one_name_are_kept_apart(place: Place) -> None:
    """The ranks of a training in one log directory: a record file each, the same name."""
    event = DATA / "v2" / "events.out.tfevents.1700000000.machine"
    for rank in range(2):
        shutil.copyfile(event, place.code / f"events.out.tfevents.{rank}.host")
    place.read()
    files = {one["file"] for one in place.lines("metric")}
    names = [{one["n"] for one in place.lines("metric") if one["file"] == file} for file in files]
    assert len(files) == 2
    assert names[0] == names[1]


def test_a_log_that_is_removed_is_said_in_words(place: Place) -> None:
    (place.code / "metrics.csv").write_text("step,loss\n1,0.5\n")
    place.read()
    (place.code / "metrics.csv").unlink()
    place.attempt = 2
    place.read()
    assert place.warnings == "metrics.csv: No such file or directory"
    assert place.points == [("loss", 0.5, 1)]


def test_tables_of_one_folder_with_the_same_columns_are_kept_apart(place: Place) -> None:
    for name, loss in (("train", 0.5), ("val", 0.9), ("fold_1", 0.1), ("fold_2", 0.2)):
        (place.code / f"{name}.csv").write_text(f"epoch,loss\n1,{loss}\n")
    place.read()
    assert sorted(place.points) == [
        ("fold_2/loss", 0.2, 1), ("loss", 0.1, 1), ("train/loss", 0.5, 1), ("val/loss", 0.9, 1),
    ]  # fmt: skip


def test_a_full_disk_delays_and_loses_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of what is to be written goes in: it is taken back, and all of it comes once there is room."""
    (place.code / "metrics.csv").write_text("step,loss\n1,0.5\n2,0.25\n")
    room = [10]

    def full(descriptor: int, data: memoryview) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        size = min(room[0], len(data))
        room[0] -= size
        return os.write(descriptor, data[:size])

    monkeypatch.setattr(appending, "write", full)
    place.read()
    assert place.points == []
    room[0] = 1 << 20
    place.read()
    assert place.points == [("loss", 0.5, 1), ("loss", 0.25, 2)]
    assert "No space left on device" in place.warnings


def test_of_a_last_line_without_a_newline_what_is_certain_is_read_when_the_run_is_over(place: Place) -> None:
    """ "0.12" may be all that a writer who was killed wrote of "0.1234"; an object with its brace is whole."""
    (place.code / "metrics.csv").write_text("step,loss,acc\n1,0.5,0.1\n2,0.25,0.12")
    (place.code / "other.jsonl").write_text('{"step": 1, "f1": 0.5}\n{"step": 2, "f1": 0.75}')
    (place.code / "half.jsonl").write_text('{"step": 1, "f2": 0.5}\n{"step": 2, "f2": 0.7')
    place.read()
    assert sorted(place.points) == [
        ("acc", 0.1, 1), ("f1", 0.5, 1), ("f1", 0.75, 2), ("f2", 0.5, 1), ("loss", 0.25, 2), ("loss", 0.5, 1),
    ]  # fmt: skip
    assert "metrics.csv: its last line has no newline, so acc = 0.12 in it may be cut short" in place.warnings
    assert "half.jsonl: its last 21 bytes are half a record" in place.warnings
    assert "other.jsonl" not in place.warnings


def test_what_is_called_like_a_log_and_is_none_is_said_when_the_run_is_over(place: Place) -> None:
    """Garbage of each form by its name; a table or database of something else is nobody's concern."""
    noise = random.Random(7).randbytes(300)
    for name in ("a.wandb", "events.out.tfevents.1.x", "mlflow.db", "trainer_state.json"):
        (place.code / name).write_bytes(noise)
    for name in ("empty.wandb", "events.out.tfevents.1.empty"):
        (place.code / name).touch()
    (place.code / "people.csv").write_text("name,age\nann,3\n")
    (place.code / "other.sqlite").write_bytes(noise)
    place.read()
    assert place.points == []
    said = sorted(place.warnings.splitlines())
    assert [line.partition(":")[0].partition(" ")[0] for line in said] == [
        "a.wandb", "events.out.tfevents.1.x", "mlflow.db", "trainer_state.json",
    ]  # fmt: skip
    assert "does not begin like one" in said[0]
    assert "taken for a TensorBoard event file by its name, but nothing in it can be read" in said[1]


def test_a_pattern_that_names_what_is_no_log_is_answered(place: Place) -> None:
    (place.code / "people.csv").write_text("name,age\nann,3\n")
    place.read(ingest=["people.csv"])
    assert "people.csv is not read: its first line names no column called step" in place.warnings


def test_a_store_of_mlflow_is_followed_for_the_runs_that_are_begun_in_it(place: Place) -> None:
    with sqlite3.connect(shutil.copyfile(DATA / "mlflow.db", place.code / "mlflow.db")) as store:
        (first,) = store.execute("SELECT run_uuid FROM runs LIMIT 1").fetchone()
        store.execute("UPDATE runs SET start_time = ? WHERE run_uuid = ?", (int(time.time() * 1000), first))
    store.close()
    place.read()
    assert {name for name, _, _ in place.points} >= {"loss"}
    assert len({one["file"] for one in place.lines("metric")}) == 1


def test_further_runs_of_a_tracker_are_children(place: Place) -> None:
    """The first MLflow run is the run itself; others are made inside it, with their names, parents and ends."""
    store = place.code / "mlruns" / "1"
    for number, (name, above) in enumerate([("first", ""), ("second", "first"), ("third", "second")]):
        shutil.copytree(DATA / "mlruns" / "1" / "first", store / name)
        (store / name / "tags" / "mlflow.runName").write_text(f"fold {name}")
        if above:
            (store / name / "tags" / "mlflow.parentRunId").write_text(above)
        os.utime(store / name, (number, number))
    place.read(created=1700000000.5)
    headers = {one["source"]: one.get("child") for one in place.lines("header")}
    assert headers.pop("mlruns/1/first") is None
    second, third = headers["mlruns/1/second"], headers["mlruns/1/third"]
    assert valid_run_id(second["id"])
    assert second == {"id": second["id"], "name": "fold second"}
    assert third == {"id": third["id"], "name": "fold third", "parent": second["id"]}
    assert len({one["file"] for one in place.lines("status")}) == 2
    assert len({one["n"] for one in place.lines("metric") if one["n"].endswith("loss")}) == 1
    place.attempt = 2
    with open(store / "third" / "metrics" / "late", "w") as file:
        file.write("1700000000000 1 1\n")
    place.read(created=1700000000.5)
    (late,) = [one["file"] for one in place.lines("metric") if one["n"] == "late"]
    assert [one["child"] for one in place.lines("header") if one["file"] == late] == [third]


@pytest.mark.parametrize("first", ["checkpoint-6", "."])
def test_a_trainer_that_saves_its_state_beside_its_checkpoints_is_told_once(place: Place, first: str) -> None:
    """`Trainer.save_state()` writes into output_dir what the checkpoints in it have, too."""
    for folder in sorted(["checkpoint-6", "."], key=lambda one: one != first):
        (place.code / "out" / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(DATA / "trainer" / "checkpoint-6" / "trainer_state.json", place.code / "out" / folder)
        place.read()
    names = {name for name, _, _ in place.points}
    assert "loss" in names
    assert not [name for name in names if "trainer_state" in name]
    assert len(set(place.points)) == len(place.points)


def test_runs_of_a_store_that_were_there_before_are_not_this_runs(place: Place) -> None:
    shutil.copyfile(DATA / "mlflow.db", place.code / "mlflow.db")
    place.read()
    assert place.points == []
