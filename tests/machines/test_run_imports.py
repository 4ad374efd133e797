"""wb run import: files that other trackers wrote become runs, each once, and what is new of them is added."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.entities.identity import make_run_id
from workbench.errors import Conflict, NotFound
from workbench.home import Home
from workbench.workspace import Workspace
from workbench.workspace.imports import Imported

DATA = Path(__file__).parent.parent / "data" / "readers"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace of its own, in this process."""
    with Workspace.open("default", embedded=True, home=Home(tmp_path / "home", tmp_path / "run")) as opened:
        yield opened


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A folder of logs that may be changed."""
    return Path(shutil.copytree(DATA, tmp_path / "logs"))


def rows(workspace: Workspace) -> dict[str, Any]:
    """The runs there are by id."""
    return {run["id"]: run for run in workspace.call("runs", "list")}


def bring(workspace: Workspace, path: Path) -> dict[str, Imported]:
    """What importing brings, by the names of runs; names that come twice get their number."""
    found: dict[str, Imported] = {}
    for one in workspace.bring_runs(path):
        found[one.name if one.name not in found else f"{one.name} {len(found)}"] = one
    return found


def points_of(workspace: Workspace, run: str) -> dict[str, list[float]]:
    """The values of each metric of a run."""
    found = workspace.call("runs", "get", run=run)["metrics"]
    return {name: workspace.call("runs", "points", run=run, name=name)["values"] for name in found}


def test_every_form_becomes_a_run_and_a_second_time_changes_nothing(workspace: Workspace, logs: Path) -> None:
    first = bring(workspace, logs)
    assert len(first) == 8
    assert all(one.new and one.entries and not one.troubles for one in first.values())
    before = rows(workspace)
    assert {run["status"] for run in before.values()} == {"Completed", "Failed"}
    assert {run["experiment"] for run in before.values()} == {"logs"}
    for run in before.values():
        (metric,) = run["metrics"].keys() & {"loss", "loss/train", "train/loss", "train_loss"}
        assert run["metrics"][metric]["count"] == 6
        assert run["metrics"][metric]["last"] == pytest.approx(1 / 6)
    again = bring(workspace, logs)
    assert [(one.run, one.new, one.entries) for one in again.values()] == [
        (one.run, False, 0) for one in first.values()
    ]
    assert rows(workspace) == before


def test_what_is_new_is_added_also_when_the_last_import_was_cut_off(
    workspace: Workspace, tmp_path: Path
) -> None:
    table = tmp_path / "logs" / "metrics.csv"
    table.parent.mkdir()
    table.write_text("step,loss\n1,0.5\n2,0.")
    (one,) = bring(workspace, table.parent).values()
    assert rows(workspace)[one.run]["metrics"]["loss"]["count"] == 1
    with open(table, "a") as file:
        file.write("25\n3,nan\n")
    # The lines arrive, but how far the files were read is not noted: as if the command was killed.
    original = workspace.client.call

    def killed(noun: str, method: str, **parameters: Any) -> Any:
        if method == "import_done":
            raise KeyboardInterrupt
        return original(noun, method, **parameters)

    workspace.client.call = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        bring(workspace, table.parent)
    workspace.client.call = original  # type: ignore[method-assign]
    with open(table, "a") as file:
        file.write("4,0.125\n")
    bring(workspace, table.parent)
    found = rows(workspace)[one.run]["metrics"]["loss"]
    assert (found["count"], found["last"], found["last_step"]) == (4, 0.125, 4)


def test_a_log_written_anew_replaces_what_it_said(workspace: Workspace, tmp_path: Path) -> None:
    table = tmp_path / "logs" / "metrics.jsonl"
    table.parent.mkdir()
    table.write_text('{"step": 1, "loss": 5}\n{"step": 2, "loss": 4}\n')
    (first,) = bring(workspace, table.parent).values()
    table.write_text('{"step": 1, "loss": 3, "x": "a longer line, so that the file does not look cut"}\n')
    (second,) = bring(workspace, table.parent).values()
    assert (second.run, second.new) == (first.run, False)
    found = rows(workspace)[first.run]["metrics"]["loss"]
    assert (found["last"], found["count"], found["last_step"]) == (3, 1, 1)
    assert points_of(workspace, first.run)["loss"] == [3]


def test_logs_of_one_folder_with_the_same_names_are_kept_apart_or_told_once(
    workspace: Workspace, logs: Path, tmp_path: Path
) -> None:
    """Two tables are two logs, a table beside event files tells what they tell; also of what comes later."""
    tables, both = tmp_path / "tables", tmp_path / "both"
    tables.mkdir()
    for name, loss in (("train", 0.5), ("val", 0.9)):
        (tables / f"{name}.csv").write_text(f"epoch,loss\n1,{loss}\n")
    (event,) = logs.glob("**/v2/events.out.tfevents.*")
    both.mkdir()
    shutil.copy(event, both)
    (tables_run,) = bring(workspace, tables).values()
    with open(tables / "val.csv", "a") as file:
        file.write("2,0.8\n")
    bring(workspace, tables)
    assert points_of(workspace, tables_run.run) == {"train/loss": [0.5], "val/loss": [0.9, 0.8]}
    (both_run,) = bring(workspace, both).values()
    before = points_of(workspace, both_run.run)
    (name, *_) = before
    (both / "metrics.csv").write_text(f"step,{name},other\n1,0.1,0.2\n")
    bring(workspace, both)
    assert points_of(workspace, both_run.run) == {**before, "other": [0.2]}


def test_a_run_that_was_removed_can_be_imported_again(workspace: Workspace, logs: Path) -> None:
    (one,) = bring(workspace, logs / "x").values()
    workspace.call("runs", "remove", run=one.run)
    (again,) = bring(workspace, logs / "x").values()
    assert again.new
    assert rows(workspace)[again.run]["metrics"]["loss/train"]["count"] == 6


def test_nobody_runs_an_imported_run_again(workspace: Workspace, logs: Path) -> None:
    (one,) = bring(workspace, logs / "x").values()
    with pytest.raises(Conflict):
        workspace.rerun(one.run)
    assert list(rows(workspace)) == [one.run]


def test_records_are_taken_for_imported_runs_only(workspace: Workspace) -> None:
    run = workspace.call(
        "runs", "submit", id=make_run_id(1_790_000_000_000, bytes(10)), configuration={"command": "true"}
    )["id"]
    with pytest.raises(Conflict):
        workspace.client.write("runs", "import_records", [b"{}"], run=run, file="records/a.jsonl")
    with pytest.raises(Conflict):
        workspace.call("runs", "import_done", run=run, state={})


def test_what_holds_no_logs_is_said(workspace: Workspace, tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path / "empty"):
        if path.name == "empty":
            path.mkdir()
        with pytest.raises(NotFound):
            bring(workspace, path)


def test_damage_is_told_and_the_rest_is_imported(workspace: Workspace, logs: Path) -> None:
    database = logs / "mlflow.db"
    database.write_bytes(database.read_bytes()[:4000])
    log = next((logs / "v2").iterdir())
    data = bytearray(log.read_bytes())
    data[200] ^= 0xFF
    log.write_bytes(bytes(data))
    found = bring(workspace, logs)
    assert sum(one.skipped for one in found.values()) == 1
    assert len(found) == 8
    left = [one for one in found.values() if not one.run]
    assert [(one.name, one.new, one.entries) for one in left] == [("mlflow.db", False, 0)]
    assert str(database) in left[0].troubles[0]


NOISE = bytes(range(1, 250)) * 50


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("events.out.tfevents.1.m", "taken for a TensorBoard event file by its name, but nothing in it can"),
        ("trainer_state.json", "trainer_state.json is not, or not yet, what a Trainer writes"),
        ("run-a.wandb", "does not begin like one"),
        ("mlflow.db", "is no SQLite file"),
        ("a.csv", "names no column called step"),
        ("a.tsv", "names no column called step"),
        ("a.jsonl", "are no JSON objects with a key called step"),
        ("model.bin", "no reader knows files of that name"),
    ],
)
def test_a_file_of_garbage_becomes_no_run_and_the_command_fails_in_words(
    name: str, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One line says which file and what is wrong, one the hint; nothing is on stdout; the exit code is 1."""
    from workbench.cli.main import main
    from workbench.cli.session import Session

    home = Home(tmp_path / "home", tmp_path / "run")
    file = tmp_path / "logs" / name
    file.parent.mkdir()
    file.write_bytes(NOISE)
    for words in ([], ["--dry-run"]) if not name.startswith(("events", "trainer")) else ([],):
        session = Session(opener=lambda name: Workspace.open("default", embedded=True, home=home))
        assert main(["run", "import", str(file), *words], session) == 1
        caught = capfd.readouterr()
        assert f"{file}: " in caught.err
        assert said in caught.err
        assert len(caught.err.splitlines()) == 2
        assert words or not caught.out
    with Workspace.open("default", embedded=True, home=home) as workspace:
        assert rows(workspace) == {}


def test_a_folder_gives_what_is_sound_and_names_the_rest(workspace: Workspace, tmp_path: Path) -> None:
    for name in ("good", "bad", "new"):
        (tmp_path / "logs" / name).mkdir(parents=True)
    (tmp_path / "logs" / "good" / "a.csv").write_text("step,loss\n1,0.5\n")
    (tmp_path / "logs" / "bad" / "events.out.tfevents.1.m").write_bytes(NOISE)
    (tmp_path / "logs" / "new" / "events.out.tfevents.1.m").touch()
    found = bring(workspace, tmp_path / "logs")
    assert {name: bool(one.run) for name, one in found.items()} == {"good": True, "bad": False, "new": False}
    assert "nothing in it can be read" in found["bad"].troubles[0]
    assert found["new"].troubles == [f"{tmp_path / 'logs' / 'new'}: nothing is logged in it yet"]
    assert len(rows(workspace)) == 1


def test_a_table_is_taken_to_its_end_once_nobody_writes_to_it(workspace: Workspace, tmp_path: Path) -> None:
    """While somebody does its end may be cut short; what turns out to have been takes the place of it."""
    table = tmp_path / "logs" / "metrics.csv"
    table.parent.mkdir()
    table.write_text("step,loss\n1,0.5\n2,0.12")
    os.utime(table, (1, 1))
    with open(table, "a"):
        (one,) = bring(workspace, table.parent).values()
    assert "loss = 0.12 in it may be cut short" in one.troubles[0]
    assert rows(workspace)[one.run]["metrics"]["loss"]["last"] == 0.5
    (whole,) = bring(workspace, table.parent).values()
    assert "loss = 0.12 at its end is taken as it stands" in whole.troubles[0]
    assert rows(workspace)[one.run]["metrics"]["loss"]["last"] == 0.12
    (same,) = bring(workspace, table.parent).values()
    assert (same.run, same.entries, same.troubles) == (one.run, 0, [])
    with open(table, "a") as file:
        file.write("34\n")
    (again,) = bring(workspace, table.parent).values()
    assert (again.run, again.troubles) == (one.run, [])
    assert rows(workspace)[one.run]["metrics"]["loss"]["last"] == 0.1234


def test_the_command_prints_the_ids(tmp_path: Path, logs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from workbench.cli.main import main
    from workbench.cli.session import Session

    home = Home(tmp_path / "home", tmp_path / "run")

    def said(*words: str) -> str:
        session = Session(opener=lambda name: Workspace.open("default", embedded=True, home=home))
        assert main(["run", "import", str(logs / "dvclive"), *words], session) == 0
        return capfd.readouterr().out

    assert said("--dry-run").split("\t") == ["dvclive", "dvclive", "false", f"{logs / 'dvclive'}\n"]
    (run,) = said().split()
    assert json.loads(said("-o", "json"))[0] == {
        "run": run, "name": "dvclive", "new": False, "entries": 0, "skipped": 0, "troubles": [],
    }  # fmt: skip
    assert json.loads(said("--dry-run", "-o", "jsonl"))["known"] is True
    with Workspace.open("default", embedded=True, home=home) as workspace:
        assert list(rows(workspace)) == [run]
        assert rows(workspace)[run]["params"]["lr"] == "0.001"
