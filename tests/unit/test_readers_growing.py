"""Readers of other trackers' files: what grows, is cut, is damaged, is written anew, is hostile."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from workbench.remote.readers import mlflow_database, plain_yaml, tensorboard
from workbench.remote.readers.crc32c import masked
from workbench.remote.readers.detect import detect
from workbench.remote.readers.entries import Entry, Reading
from workbench.remote.readers.forms import READERS

DATA = Path(__file__).parent.parent / "data" / "readers"
X = DATA / "x" / "events.out.tfevents.1700000000.machine"
V2 = DATA / "v2" / "events.out.tfevents.1700000000.machine"
WANDB = DATA / "offline-run-20260101_000000-abc12345" / "run-abc12345.wandb"

TABLE = "epoch,step,loss,acc\n0,0,1.0,\n0,1,nan,0.5\n1,2,-inf,\n"
LINES = '{"step": 1, "loss": 0.5, "eval": {"acc": 1}}\n{"step": 2, "loss": NaN}\n'


def read(path: Path, state: dict[str, Any] | None = None) -> Reading:
    """One reading of what path is."""
    form = detect(str(path))
    assert form is not None
    return READERS[form](str(path), state or {})


def plain(entries: list[Entry]) -> list[tuple[Any, ...]]:
    """Entries that compare equal also where they are nan."""
    return [(e.kind, e.name, repr(e.value), e.step, e.time) for e in entries]


SAMPLES = {
    "events.tfevents.1": X.read_bytes(),
    "v2.tfevents.1": V2.read_bytes(),
    "metrics.csv": TABLE.encode(),
    "metrics.tsv": TABLE.replace(",", "\t").encode(),
    "quoted.csv": b'step,note,loss\n1,"two\nlines, ""so""",2\n2,x,3\n',
    "metrics.jsonl": LINES.encode(),
    "run.wandb": WANDB.read_bytes(),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_that_grows_byte_by_byte_gives_each_entry_once(name: str, tmp_path: Path) -> None:
    whole = tmp_path / name
    whole.write_bytes(SAMPLES[name])
    expected = read(whole)
    assert expected.entries
    assert (expected.skipped, expected.trouble, expected.more) == (0, "", False)
    growing = tmp_path / f"growing.{name}"
    found: list[Entry] = []
    state: dict[str, Any] = {}
    form = detect(str(whole))
    assert form is not None
    with open(growing, "wb", buffering=0) as file:
        for byte in SAMPLES[name]:
            file.write(bytes([byte]))
            reading = READERS[form](str(growing), state)
            assert (reading.again, reading.skipped, reading.trouble) == (False, 0, "")
            state = reading.state
            found += reading.entries
    assert plain(found) == plain(expected.entries)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_written_anew_is_read_from_its_beginning_and_says_so(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(SAMPLES[name])
    first = read(path)
    path.unlink()
    other = tmp_path / "other"  # so that the inode is another one
    other.write_bytes(SAMPLES[name])
    other.rename(path)
    path.with_name("holds-the-old-number").touch()
    state = {**first.state, "inode": -1}
    second = read(path, state)
    assert second.again
    assert plain(second.entries) == plain(first.entries)
    assert not read(path, second.state).entries
    # The same inode, as long as before, but other bytes before the offset.
    with open(path, "r+b") as file:
        file.seek(-5, 2)
        file.write(b"\0\0\0\0\0")
    assert read(path, second.state).again


@pytest.mark.parametrize("name", SAMPLES)
def test_no_prefix_and_no_flipped_byte_raises(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    data = SAMPLES[name]
    form = detect(str(_written(path, data)))
    assert form is not None
    for place in range(0, len(data), 1 + len(data) // 300):
        _written(path, data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        reading = READERS[form](str(path), {})
        READERS[form](str(path), reading.state)
        detect(str(path))


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def record(data: bytes) -> bytes:
    """A record of an event file."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked(length)) + data + struct.pack("<I", masked(data))


def event(step: int, name: bytes, value: float) -> bytes:
    """A scalar of an event file."""
    inner = b"\x0a" + bytes([len(name)]) + name + b"\x15" + struct.pack("<f", value)
    summary = b"\x0a" + bytes([len(inner)]) + inner
    return record(b"\x10" + bytes([step]) + b"\x2a" + bytes([len(summary)]) + summary)


def test_damaged_event_records_are_passed_over_and_counted(tmp_path: Path) -> None:
    good = [event(step, b"loss", step) for step in range(4)]
    bad_body = bytearray(good[1])
    bad_body[20] ^= 1
    bad_length = bytearray(good[2])
    bad_length[0] ^= 1
    path = _written(tmp_path / "a.tfevents.1", good[0] + bytes(bad_body) + bytes(bad_length) + good[3])
    reading = tensorboard.read(str(path), {})
    assert [entry.step for entry in reading.entries] == [0, 3]
    assert reading.skipped == 2


def test_the_last_record_of_an_event_file_may_still_be_on_its_way(tmp_path: Path) -> None:
    last = bytearray(event(2, b"loss", 2.0))
    last[20:] = bytes(len(last) - 20)  # the file is as long as it will be, its end still zeros
    path = _written(tmp_path / "a.tfevents.1", event(1, b"loss", 1.0) + bytes(last))
    first = tensorboard.read(str(path), {})
    assert ([entry.step for entry in first.entries], first.skipped) == ([1], 0)
    _written(path, event(1, b"loss", 1.0) + event(2, b"loss", 2.0))
    second = tensorboard.read(str(path), first.state)
    assert ([entry.step for entry in second.entries], second.again) == ([2], False)


def test_an_oversized_event_record_is_passed_over_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "a.tfevents.1"
    huge = 1 << 30
    length = struct.pack("<Q", huge)
    with open(path, "wb") as file:  # a sparse file: the record takes no room
        file.write(event(1, b"loss", 1.0) + length + struct.pack("<I", masked(length)))
        file.seek(huge + 4, 1)
        file.write(event(2, b"loss", 2.0))
    first = tensorboard.read(str(path), {})
    second = tensorboard.read(str(path), first.state)
    assert [entry.step for entry in first.entries + second.entries] == [1, 2]
    assert first.more
    assert first.skipped + second.skipped == 1


def test_a_record_longer_than_one_look_is_read_whole(tmp_path: Path) -> None:
    length = struct.pack("<Q", 6 << 20)
    body = event(1, b"loss", 1.0)[12:-4]
    filler = b"\x7a\x80\x80\xff\x02"  # a field of 0x5fc000 bytes that means nothing
    rest = (6 << 20) - len(body) - len(filler) - 0x5FC000
    body += filler + bytes(0x5FC000) + b"\x20\x00" * (rest // 2) + b"\x20\x80\x00"[: 3 * (rest % 2)]
    picture = (
        length + struct.pack("<I", masked(length)) + body[: 6 << 20] + b"-sum"
    )  # not compared: it is long
    path = _written(tmp_path / "a.tfevents.1", picture + event(2, b"loss", 2.0))
    entries: list[Entry] = []
    state: dict[str, Any] = {}
    for _ in range(4):
        reading = tensorboard.read(str(path), state)
        state, entries = reading.state, entries + reading.entries
    assert [entry.step for entry in entries] == [1, 2]


def test_twelve_thousand_metrics_in_a_table_and_in_a_line(tmp_path: Path) -> None:
    names = [f"m/{index}" for index in range(12000)]
    table = _written(tmp_path / "a.csv", ("step," + ",".join(names) + "\n7" + ",0.5" * 12000 + "\n").encode())
    line = '{"step": 7, ' + ", ".join(f'"{name}": 0.5' for name in names) + "}\n"
    lines = _written(tmp_path / "a.jsonl", line.encode())
    for path in (table, lines):
        reading = read(path)
        assert [entry.name for entry in reading.entries] == names
        assert {(entry.value, entry.step) for entry in reading.entries} == {(0.5, 7)}


def test_a_table_written_anew_with_more_columns_goes_on_after_the_last_row(tmp_path: Path) -> None:
    path = _written(tmp_path / "metrics.csv", b"step,loss\n1,10\n2,20\n")
    first = read(path)
    path.write_bytes(b"step,acc,loss\n1,,10\n2,,20\n3,0.5,30\n")
    second = read(path, first.state)
    assert not second.again
    assert [(e.name, e.step, e.value) for e in second.entries] == [("acc", 3, 0.5), ("loss", 3, 30.0)]


def test_the_params_beside_a_table_of_lightning(tmp_path: Path) -> None:
    (tmp_path / "hparams.yaml").write_text("lr: 0.001\nmodel: !!python/object:x.Y\n  depth: 2\n")
    path = _written(tmp_path / "metrics.csv", b"epoch,step,loss\n0,1,2\n")
    first = read(path)
    assert ("lr", "0.001") in [(e.name, e.value) for e in first.entries if e.kind == "param"]
    with open(path, "a") as file:
        file.write("0,2,3\n")
    assert [(e.name, e.value) for e in read(path, first.state).entries] == [("epoch", 0.0), ("loss", 3.0)]


def test_steps_times_and_values_of_tables(tmp_path: Path) -> None:
    text = (
        "\ufeffname;Step;loss;timestamp\na;3;1e-3;1700000000\nb;2.0;-Infinity;1700000001500\nc;half;nan;x\n"
    )
    reading = read(_written(tmp_path / "a.csv", text.encode()))
    assert [(e.step, repr(e.value), e.time) for e in reading.entries] == [
        (3, "0.001", 1700000000.0),
        (2, "-inf", 1700000001.5),
        (None, "nan", None),
    ]


def test_the_users_choice_of_the_step_wins(tmp_path: Path) -> None:
    path = _written(tmp_path / "a.jsonl", b'{"samples": 512, "step": 1, "loss": 2}\n')
    reading = READERS["json-lines"](str(path), {"step_column": "samples"})
    assert [(e.name, e.step) for e in reading.entries] == [("step", 512), ("loss", 512)]
    assert reading.state["step_column"] == "samples"


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_line_without_an_end_is_passed_over(name: str, tmp_path: Path) -> None:
    start = b"step,loss\n1,2\n" if name == "a.csv" else b'{"step": 1, "loss": 2}\n'
    last = b"\n3,4\n" if name == "a.csv" else b'\n{"step": 3, "loss": 4}\n'
    path = _written(tmp_path / name, start + b"x" * (9 << 20) + last)
    steps, state, skipped = [], {}, 0
    for _ in range(6):
        reading = READERS[detect(str(path)) or ""](str(path), state)
        steps += [entry.step for entry in reading.entries]
        state, skipped = reading.state, skipped + reading.skipped
    assert steps == [1, 3]
    assert skipped


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b"name,age\nx,3\n"),
        ("a.csv", b""),
        ("a.csv", b"step\n1\n"),
        ("a.jsonl", b'{"message": "x"}\n'),
        ("a.jsonl", b"[" * 100000 + b"\n"),
        ("a.jsonl", b'{"step": 1'),
        ("a.txt", TABLE.encode()),
    ],
)
def test_what_is_none_of_these_is_left_alone(name: str, data: bytes, tmp_path: Path) -> None:
    assert detect(str(_written(tmp_path / name, data))) is None


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    path = tmp_path / "a.tfevents.1"
    os.mkfifo(path)
    with pytest.raises(ValueError):
        tensorboard.read(str(path), {})
    csv = tmp_path / "a.csv"
    os.mkfifo(csv)
    assert detect(str(csv)) is None
    assert detect(str(tmp_path / "missing.csv")) is None


def test_names_of_every_sort_come_through(tmp_path: Path) -> None:
    names = ["a/b/c", "with space", "größe", "\x1b[31mred", "日本", "x" * 5000]
    path = _written(
        tmp_path / "a.csv", ("step," + ",".join(names) + "\n1" + ",2" * len(names) + "\n").encode()
    )
    assert [entry.name for entry in read(path).entries] == names
    assert all(math.isfinite(entry.value) for entry in read(path).entries)


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
    path = _written(tmp_path / "a.wandb", data + pieces(history(4), 1))
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
    path = _written(tmp_path / "a.wandb", b"something else")
    assert detect(str(path)) is None
    assert READERS["wandb"](str(path), {}).trouble


TRAINER = {
    "max_steps": 100,
    "log_history": [
        {"step": 10, "epoch": 0.5, "loss": 1.5},
        {"step": 20, "epoch": 1.0, "eval_loss": math.nan, "eval_runtime": 2},
    ],
}


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
    path = _written(tmp_path / "mlflow.db", data[:2048] + b"\xff" * (len(data) - 2048))
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
