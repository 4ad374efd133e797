"""What W&B, the Trainer of transformers and MLflow leave: over several blocks, growing, damaged."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import struct
import zlib
from pathlib import Path

import pytest

from tests.unit.reading import DATA, read, written
from workbench.remote.readers import mlflow_database, plain_yaml
from workbench.remote.readers.detect import detect
from workbench.remote.readers.forms import READERS
from workbench.remote.readers.trainer_state import newest


def pieces(data: bytes, kind: int) -> bytes:
    """A piece of a W&B log."""
    return struct.pack("<IHB", zlib.crc32(bytes([kind]) + data), len(data), kind) + data


def history(step: int, extra: bytes = b"") -> bytes:
    """A Record of W&B with a point of the metric loss."""
    item = b"\x12\x04loss" + b"\x82\x01\x01" + str(step).encode()
    place = b"\x12\x02\x08" + bytes([step])
    body = b"\x0a" + bytes([len(item)]) + item + place + extra
    return b"\x12" + bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) + body


def test_records_of_wandb_over_several_blocks_and_damaged_ones(tmp_path: Path) -> None:
    head = b":W&B\xe1\xbe\x00"
    first = pieces(history(1), 1)
    bad = bytearray(pieces(history(2), 1))
    bad[-1] ^= 1
    rest = b"\0" * (32768 - len(head) - len(first) - len(bad))
    # The next block: a record in two pieces, the second in a third block.
    long = history(3, b"\x7a\x80\x60" + b"x" * 12288)
    filler = pieces(b"\x7a\x80\xe0\x01" + b"y" * 28672, 1)
    cut = 32768 - len(filler) - 7
    data = head + first + bytes(bad) + rest + filler + pieces(long[:cut], 2) + pieces(long[cut:], 4)
    path = written(tmp_path / "a.wandb", data + pieces(history(4), 1))
    reading = read(path)
    assert [entry.step for entry in reading.entries] == [1, 3, 4]
    assert reading.skipped == 1
    assert reading.state["offset"] == path.stat().st_size


def test_a_wandb_record_beyond_all_bounds_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.wandb"
    with open(path, "wb") as file:
        file.write(b":W&B\xe1\xbe\x00" + pieces(history(1), 1))
        kind, left = 2, 20 << 20
        while left > 0:
            room = 32768 - file.tell() % 32768
            if room < 8:
                file.write(b"\0" * room)
                continue
            part = min(room - 7, left)
            left -= part
            file.write(pieces(b"z" * part, kind if left else 4))
            kind = 3
        if 32768 - file.tell() % 32768 < 40:
            file.write(b"\0" * (32768 - file.tell() % 32768))
        file.write(pieces(history(2), 1))
    steps, skipped, state = [], 0, {}
    for _ in range(8):
        reading = READERS["wandb"](str(path), state)
        steps += [entry.step for entry in reading.entries]
        skipped, state = skipped + reading.skipped, reading.state
    assert steps == [1, 2]
    assert skipped == 1


def test_what_is_no_wandb_log_says_so(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wandb", b"something else")
    assert detect(str(path)) is None
    assert READERS["wandb"](str(path), {}).trouble


TRAINER = {
    "max_steps": 100,
    "log_history": [
        {"step": 10, "epoch": 0.5, "loss": 1.5},
        {"step": 20, "epoch": 1.0, "eval_loss": math.nan, "eval_runtime": 2},
    ],
}


def test_a_folder_whose_number_is_no_digit_we_count_with_is_no_checkpoint(tmp_path: Path) -> None:
    for name in ("checkpoint-2", "checkpoint-\u00b2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "trainer_state.json").write_text("{}")
    assert newest(str(tmp_path)) == str(tmp_path / "checkpoint-2" / "trainer_state.json")


def test_the_trainers_log_is_followed_over_checkpoints(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint-20" / "trainer_state.json"
    file.parent.mkdir()
    file.write_text(json.dumps(TRAINER)[:60])
    half = read(tmp_path)
    assert not half.entries
    assert half.trouble
    file.write_text(json.dumps(TRAINER))
    first = read(tmp_path, half.state)
    assert [(e.name, repr(e.value), e.step) for e in first.entries] == [
        ("max_steps", "'100'", None),
        ("epoch", "0.5", 10),
        ("loss", "1.5", 10),
        ("epoch", "1.0", 20),
        ("eval_loss", "nan", 20),
        ("eval_runtime", "2", 20),
    ]
    assert not read(tmp_path, first.state).entries
    later = tmp_path / "checkpoint-100" / "trainer_state.json"
    later.parent.mkdir()
    log = [*TRAINER["log_history"], {"step": 100, "loss": 0.5}, "no row"]
    later.write_text(json.dumps({**TRAINER, "log_history": log}))
    second = read(tmp_path, first.state)
    assert [(e.name, e.value, e.step) for e in second.entries] == [("loss", 0.5, 100)]
    assert (second.skipped, second.again) == (1, False)
    later.write_text(json.dumps({"log_history": [{"step": 1, "loss": 9}]}))
    assert read(tmp_path, second.state).again


def store(folder: Path) -> Path:
    """A copy of the run in the MLflow file store."""
    return Path(shutil.copytree(DATA / "mlruns" / "1" / "first", folder / "run"))


def test_a_run_in_an_mlflow_file_store_grows(tmp_path: Path) -> None:
    run = store(tmp_path)
    first = read(run)
    assert not read(run, first.state).entries
    with open(run / "metrics" / "loss", "a") as file:
        file.write("1700000000006 0.1 6\nbroken\n1700000000007 0.0")
    (run / "metrics" / "deep" / "er").mkdir(parents=True)
    (run / "metrics" / "deep" / "er" / "new").write_text("1700000000008 nan 1\n")
    (run / "params" / "late").write_text("x" * 100000)
    second = read(run, first.state)
    found = [(e.name, repr(e.value), e.step) for e in second.entries if e.kind == "metric"]
    assert sorted(found) == [("deep/er/new", "nan", 1), ("loss", "0.1", 6)]
    assert second.skipped == 1
    (late,) = [e for e in second.entries if e.kind == "param"]
    assert len(late.value) == 8000
    (run / "metrics" / "loss").write_text("1700000000000 1 0\n")
    third = read(run, second.state)
    assert third.again
    assert [e.step for e in third.entries if e.name == "loss"] == [0]


def test_an_end_that_no_clock_tells_costs_the_time_alone(tmp_path: Path) -> None:
    run = store(tmp_path)
    (run / "meta.yaml").write_text("run_id: first\nstatus: 3\nend_time: \u00b2\n", "utf-8")
    assert [(e.value, e.time) for e in read(run).entries if e.kind == "status"] == [("Completed", None)]


def test_links_in_a_folder_lead_nowhere(tmp_path: Path) -> None:
    run = store(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("1700000000000 1 1\n")
    (run / "params" / "leak").symlink_to(secret)
    (run / "metrics" / "leak").symlink_to(secret)
    (run / "tags" / "away").symlink_to(tmp_path)
    assert not [e.name for e in read(run).entries if e.name == "leak" or e.name.startswith("away")]


def test_twelve_thousand_metrics_in_an_mlflow_file_store(tmp_path: Path) -> None:
    run = store(tmp_path)
    for index in range(12000):
        (run / "metrics" / f"m{index}").write_text("1700000000000 0.5 1\n")
    reading = read(run)
    assert len({e.name for e in reading.entries if e.name.startswith("m")} - {"mlflow.runName"}) == 12000 + 1
    assert not read(run, reading.state).entries


def test_a_damaged_or_foreign_database_is_an_error_in_words(tmp_path: Path) -> None:
    data = (DATA / "mlflow.db").read_bytes()
    path = written(tmp_path / "mlflow.db", data[:2048] + b"\xff" * (len(data) - 2048))
    with pytest.raises(OSError):
        READERS["mlflow-database"](str(path), {})
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (x)").connection.close()
    assert detect(str(tmp_path / "other.db")) is None
    with pytest.raises(OSError):
        READERS["mlflow-database"](str(tmp_path / "other.db"), {})


def test_a_database_with_several_runs_wants_one_named(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    shutil.copy(DATA / "mlflow.db", path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE metrics SET value = 'text' WHERE key = 'eval/accuracy'")
        (first,) = connection.execute("SELECT run_uuid FROM runs").fetchone()
        connection.execute(
            "INSERT INTO runs SELECT 'b', name, source_type, source_name, entry_point_name,"
            " user_id, 'RUNNING', start_time + 1, NULL, source_version, lifecycle_stage, artifact_uri,"
            " experiment_id, NULL FROM runs"
        )
    connection.close()
    with pytest.raises(ValueError, match="2 runs"):
        read(path)
    assert [run.run for run in mlflow_database.runs(str(path))] == [first, "b"]
    assert not read(path, {"run": "b"}).entries
    reading = read(path, {"run": first})
    assert reading.skipped == 1
    assert not read(path, reading.state).entries


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "a: 1\nb:\n  c: 'it''s'\n  d:\n    e: \"x\\ty\\u00e9\"\nf: null",
            {"a": "1", "b.c": "it's", "b.d.e": "x\tyé", "f": ""},
        ),
        ("'a: b': 2 # note\nurl: http://x:1/y", {"a: b": "2", "url": "http://x:1/y"}),
        ("list:\n- 1\n- 2\nafter: 3\n? odd\n:\n: 4", {"after": "3"}),
        ('bad: "\\U99999999"', {"bad": "\ufffd"}),
        (":" * 60000 + "\n" + " " * 60000, {}),
        ("\n".join("  " * depth + "k:" for depth in range(50)) + " 1", {}),
    ],
)
def test_the_yaml_of_trackers(text: str, found: dict[str, str]) -> None:
    assert plain_yaml.mapping(text).items() >= found.items()
