"""Logs that are garbage, or end in the middle: what is certain of them is read, what is not is said."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from workbench.remote.readers import detect, trainer_state
from workbench.remote.readers.forms import READERS, ended, remark
from workbench.remote.readers.last_row import CUT, STANDS, WHOLE
from workbench.remote.readers.sources import find

DATA = Path(__file__).parent.parent / "data" / "readers"
NOISE = random.Random(5).randbytes(100_000)
NAMES = {
    "events.out.tfevents.1.m": "",  # a form by its name alone: its reader says it
    "trainer_state.json": "",
    "run-a.wandb": "it is called like a W&B log, but does not begin like one",
    "mlflow.db": "it is called like a database, but is no SQLite file",
    "a.csv": "its first line names no column called step, global_step, _step or the like beside another",
    "a.tsv": "its first line names no column called step, global_step, _step or the like beside another",
    "a.jsonl": "its first lines are no JSON objects with a key called step, global_step, _step or the like",
    "model.bin": "no reader knows files of that name",
}


@pytest.mark.parametrize("name", NAMES)
def test_garbage_that_is_asked_for_is_refused_in_words(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(NOISE)
    (one,) = find(str(file))
    if NAMES[name]:
        assert (one.sources, one.trouble) == ([], f"{file}: {NAMES[name]}")
        return
    (source,) = one.sources
    reading = READERS[source.form](str(file), {})
    assert reading.entries == []
    assert reading.trouble or remark(source.form, reading.state, False, reading.skipped)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("event", "trainer"))])
def test_an_empty_file_that_is_asked_for_is_called_so(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    (one,) = find(str(tmp_path / name))
    wanted = "no reader knows files of that name" if name == "model.bin" else "it is empty"
    assert one.trouble == f"{tmp_path / name}: {wanted}"


def test_in_a_folder_only_what_has_to_be_a_log_is_named(tmp_path: Path) -> None:
    """A table of people, a picture and somebody's database are no trouble; W&B's and MLflow's files are."""
    for name in NAMES:
        if not name.startswith(("event", "trainer")):
            (tmp_path / name).write_bytes(NOISE)
    run = tmp_path / "mlruns" / "0" / "r"
    (run / "metrics").mkdir(parents=True)
    (run / "meta.yaml").write_bytes(NOISE)
    assert sorted(Path(one.trouble.partition(":")[0]).name for one in find(str(tmp_path))) == [
        "mlflow.db", "r", "run-a.wandb",
    ]  # fmt: skip


def test_a_store_that_is_cut_off_is_named(tmp_path: Path) -> None:
    store = tmp_path / "mlflow.db"
    store.write_bytes((DATA / "mlflow.db").read_bytes()[:600])
    (one,) = find(str(tmp_path))
    assert str(store) in one.trouble
    assert not one.sources


@pytest.mark.parametrize(
    ("last", "points", "left_out"),
    [
        (b"2,0.25,0.12", [("loss", 0.25)], "acc = 0.12"),
        (b"2,0.2", [], "loss = 0.2"),
        (b"2,0.25,", [("loss", 0.25)], ""),
        (b'2,0.25,"0.12"', [("loss", 0.25), ("acc", 0.12)], ""),
        (b'2,0.25,"0.1', [], "no whole row"),
        (b"12", [], "step 12"),
        (b"2,0.25,0.5,9", [], "no whole row"),
        (b"2,0.25,wor", [("loss", 0.25)], ""),
        (b"\xff\x00", [], "step"),
        (b"  ", [], ""),
    ],
)
def test_the_cell_at_the_end_of_a_table_is_not_taken_for_whole(
    last: bytes, points: list[tuple[str, float]], left_out: str, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"step,loss,acc\n1,1,1\n" + last)
    first = READERS["table"](str(file), {})
    assert len(first.entries) == 2
    os.utime(file, (1, 1))
    state = ended("table", first.state, well=False)
    assert state is not None
    tail = READERS["table"](str(file), state)
    assert [(one.name, one.value) for one in tail.entries] == points
    assert all(one.step == 2 for one in tail.entries)
    assert left_out in tail.trouble
    assert bool(left_out) == bool(tail.trouble)


def test_a_row_that_is_finished_later_is_told_once(tmp_path: Path) -> None:
    """By a writer that was only asleep, or whoever ends the file with a newline and imports it again."""
    file = tmp_path / "a.csv"
    file.write_bytes(b"step,loss,acc\n1,0.25,0.1")
    first = READERS["table"](str(file), {})
    tail = READERS["table"](str(file), {**first.state, "ended": CUT})
    again = READERS["table"](str(file), {**tail.state, "ended": CUT})
    with file.open("ab") as out:
        out.write(b"25\n2,0.5,0.75\n")
    rest = READERS["table"](str(file), again.state)
    found = [(one.name, one.value, one.step) for one in [*tail.entries, *again.entries, *rest.entries]]
    assert found == [("loss", 0.25, 1), ("acc", 0.125, 1), ("loss", 0.5, 2), ("acc", 0.75, 2)]


def test_a_table_whose_step_comes_last_has_no_certain_row_without_a_newline(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"loss,step\n0.5,1\n0.25,1")
    reading = READERS["table"](str(file), {"ended": CUT})
    assert [(one.value, one.step) for one in reading.entries] == [(0.5, 1)]
    assert "its step 1 may be cut short" in reading.trouble


@pytest.mark.parametrize(
    ("name", "last", "points"),
    [
        ("a.csv", b"2,0.25,0.12", [("loss", 0.25), ("acc", 0.12)]),
        ("a.csv", b"2,0.25,", [("loss", 0.25)]),
        ("a.csv", b"2,0.25", [("loss", 0.25)]),
        ("a.csv", b'2,0.25,"0.1', []),
        ("a.csv", b"2,0.25,nan\r", [("loss", 0.25), ("acc", "nan")]),
        ("a.tsv", b"2\t0.25\t0.12", [("loss", 0.25), ("acc", 0.12)]),
    ],
)
def test_the_last_row_of_who_ended_well_is_whole(
    name: str, last: bytes, points: list[tuple[str, Any]], tmp_path: Path
) -> None:
    """While its writer lives nothing of it is; a row that goes on in a quoted cell is no row."""
    file = tmp_path / name
    file.write_bytes(b"step,loss,acc\n1,1,1\n".replace(b",", b"\t" if name == "a.tsv" else b",") + last)
    first = READERS["table"](str(file), {})
    assert len(first.entries) == 2
    state = ended("table", first.state, still=0.0, well=True)
    assert state is not None
    tail = READERS["table"](str(file), state)
    assert [(one.name, "nan" if one.value != one.value else one.value) for one in tail.entries] == points
    assert all(one.step == 2 for one in tail.entries)
    assert bool(tail.trouble) == (b'"' in last)


def test_an_old_table_is_taken_to_its_end_where_nobody_writes_to_it(tmp_path: Path) -> None:
    """It is said, as nobody knows how its writer ended; a row that lacks a column was cut short."""
    file = tmp_path / "a.csv"
    file.write_bytes(b"step,loss,acc\n1,1,1\n2,0.25,0.12")
    first = READERS["table"](str(file), {})
    os.utime(file, (1, 1))
    with file.open("ab"):
        living = ended("table", first.state)
    assert living is not None
    assert [one.name for one in READERS["table"](str(file), living).entries] == ["loss"]
    with file.open("rb"):
        state = ended("table", first.state)
    assert state is not None
    tail = READERS["table"](str(file), state)
    assert [(one.name, one.value, one.step) for one in tail.entries] == [("loss", 0.25, 2), ("acc", 0.12, 2)]
    assert "acc = 0.12 at its end is taken as it stands" in tail.trouble
    again = READERS["table"](str(file), {**tail.state, "ended": STANDS})
    assert (again.entries, again.trouble) == ([], "")

    file.write_bytes(b"step,loss,acc\n1,1,1\n2,0.2")
    short = READERS["table"](str(file), {**READERS["table"](str(file), {}).state, "ended": STANDS})
    assert (short.entries, "loss = 0.2 in it may be cut short" in short.trouble) == ([], True)


@pytest.mark.parametrize("more", [b"34\n3,0.5,0.75\n", b"34"])
def test_an_end_that_was_cut_short_after_all_is_read_anew(more: bytes, tmp_path: Path) -> None:
    """What was taken as it stood is not left beside what it became: the whole table replaces it."""
    file = tmp_path / "a.csv"
    file.write_bytes(b"step,loss,acc\n1,1,1\n2,0.25,0.12")
    first = READERS["table"](str(file), {})
    tail = READERS["table"](str(file), {**first.state, "ended": STANDS})
    assert [one.value for one in tail.entries] == [0.25, 0.12]
    with file.open("ab") as out:
        out.write(more)
    anew = READERS["table"](str(file), {**tail.state, "ended": STANDS})
    assert anew.again
    assert [one.value for one in anew.entries][:4] == [1, 1, 0.25, 0.1234]


def test_a_newline_behind_what_was_taken_as_it_stood_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"step,loss\n1,0.25")
    tail = READERS["table"](str(file), {**READERS["table"](str(file), {}).state, "ended": WHOLE})
    with file.open("ab") as out:
        out.write(b"\n2,0.5\n")
    rest = READERS["table"](str(file), tail.state)
    assert ([(one.value, one.step) for one in rest.entries], rest.again) == ([(0.5, 2)], False)


def test_rows_of_noise_count_as_damaged(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"step,loss\n" + NOISE.replace(b'"', b"") + b"\n7,0.5\n")
    reading = READERS["table"](str(file), {})
    assert [(one.value, one.step) for one in reading.entries] == [(0.5, 7)]
    assert reading.skipped > 100


def test_a_trainers_state_that_is_cut_short_gives_its_whole_rows(tmp_path: Path) -> None:
    """By a full disk or a kill: at any byte, never a shortened number; all of it once it is whole."""
    whole = (DATA / "trainer" / "checkpoint-6" / "trainer_state.json").read_text()
    expected = READERS["trainer-state"](str(DATA / "trainer" / "checkpoint-6"), {}).entries
    assert expected
    metrics = [one for one in expected if one.kind == "metric"]
    file = tmp_path / "trainer_state.json"
    for place in range(0, len(whole) - 1, 7):
        file.write_text(whole[:place])
        live = READERS["trainer-state"](str(file), {})
        assert (live.entries, bool(live.trouble)) == ([], True)
        os.utime(file, (1, 1))
        state: dict[str, Any] | None = ended("trainer-state", live.state)
        assert (state is None) == (place == 0)
        half = READERS["trainer-state"](str(file), state or {})
        assert half.entries == metrics[: len(half.entries)]
        assert half.trouble
    assert half.entries
    file.write_text(whole)
    rest = READERS["trainer-state"](str(file), half.state)
    assert not rest.again
    got = [*half.entries, *rest.entries]
    assert sorted(map(str, got)) == sorted(map(str, expected))


def test_the_rows_of_a_state_are_found_in_any_text() -> None:
    assert trainer_state.begun("") == []
    assert trainer_state.begun('"log_history"') == []
    assert trainer_state.begun('"log_history": [') == []
    assert trainer_state.begun(json.dumps({"log_history": [{"a": 1}, {"b": [2]}], "x": [{}]})) == [
        {"a": 1},
        {"b": [2]},
    ]


def test_json_lines_are_found_behind_a_line_that_says_something_else(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"lr": 0.1, "seed": 3}\ndamaged\n{"step": 1, "loss": 0.5}\n')
    assert detect.detect(str(file)) == detect.JSON_LINES
    reading = READERS["json-lines"](str(file), {})
    assert reading.skipped == 1
    assert ("loss", 0.5, 1) in [(one.name, one.value, one.step) for one in reading.entries]


@pytest.mark.parametrize("form", ["x", "v2", "offline-run-20260101_000000-abc12345"])
def test_a_log_that_is_cut_short_says_how_much_waits(form: str, tmp_path: Path) -> None:
    (source,) = next(find(str(DATA / form))).sources
    file = Path(shutil.copy(source.path, tmp_path))
    os.truncate(file, file.stat().st_size - 5)
    reading = READERS[source.form](str(file), {})
    assert reading.entries
    assert "are half a record" in remark(source.form, reading.state, True, reading.skipped)
