"""Readers of other trackers' files: what grows, is cut, is damaged, is written anew, is hostile."""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.unit.reading import DATA, read, written
from workbench.remote.readers import tensorboard
from workbench.remote.readers.crc32c import masked
from workbench.remote.readers.detect import detect
from workbench.remote.readers.entries import Entry
from workbench.remote.readers.forms import READERS, ended

X = DATA / "x" / "events.out.tfevents.1700000000.machine"


V2 = DATA / "v2" / "events.out.tfevents.1700000000.machine"


WANDB = DATA / "offline-run-20260101_000000-abc12345" / "run-abc12345.wandb"


TABLE = "epoch,step,loss,acc\n0,0,1.0,\n0,1,nan,0.5\n1,2,-inf,\n"


LINES = '{"step": 1, "loss": 0.5, "eval": {"acc": 1}}\n{"step": 2, "loss": NaN}\n'


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
    form = detect(str(written(path, data)))
    assert form is not None
    for place in range(0, len(data), 1 + len(data) // 300):
        written(path, data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        reading = READERS[form](str(path), {})
        READERS[form](str(path), reading.state)
        detect(str(path))


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
    path = written(tmp_path / "a.tfevents.1", good[0] + bytes(bad_body) + bytes(bad_length) + good[3])
    reading = tensorboard.read(str(path), {})
    assert [entry.step for entry in reading.entries] == [0, 3]
    assert reading.skipped == 2


def test_the_last_record_of_an_event_file_may_still_be_on_its_way(tmp_path: Path) -> None:
    last = bytearray(event(2, b"loss", 2.0))
    last[20:] = bytes(len(last) - 20)  # the file is as long as it will be, its end still zeros
    path = written(tmp_path / "a.tfevents.1", event(1, b"loss", 1.0) + bytes(last))
    first = tensorboard.read(str(path), {})
    assert ([entry.step for entry in first.entries], first.skipped) == ([1], 0)
    written(path, event(1, b"loss", 1.0) + event(2, b"loss", 2.0))
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
    path = written(tmp_path / "a.tfevents.1", picture + event(2, b"loss", 2.0))
    entries: list[Entry] = []
    state: dict[str, Any] = {}
    for _ in range(4):
        reading = tensorboard.read(str(path), state)
        state, entries = reading.state, entries + reading.entries
    assert [entry.step for entry in entries] == [1, 2]


def test_a_last_json_line_needs_no_newline_once_its_file_is_still(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.25}')
    more = b'\n{"step": 3, "loss": 0.125}\n'
    form = detect(str(file))
    assert form is not None
    first = READERS[form](str(file), {})
    assert ended(form, first.state) is None, "it was written to this moment"
    os.utime(file, (1, 1))
    state = ended(form, first.state)
    assert state is not None
    last = READERS[form](str(file), state)
    assert ended(form, last.state) is None
    with file.open("ab") as out:
        out.write(more)
    rest = READERS[form](str(file), last.state)
    assert [(e.step, e.value) for reading in (first, last, rest) for e in reading.entries] == [
        (1, 0.5),
        (2, 0.25),
        (3, 0.125),
    ]
    assert (last.again, rest.again, last.skipped + rest.skipped) == (False, False, 0)


def test_half_a_json_line_is_awaited_however_still_its_file_is(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"step": 1, "loss": 0.5}\n{"step": 2, "lo')
    first = read(file)
    state = ended("json-lines", first.state, still=0.0)
    assert state is not None
    half = read(file, state)
    assert (half.entries, half.skipped) == ([], 0)
    with file.open("ab") as out:
        out.write(b'ss": 0.25}\n')
    assert [e.value for e in read(file, half.state).entries] == [0.25]


def test_twelve_thousand_metrics_in_a_table_and_in_a_line(tmp_path: Path) -> None:
    names = [f"m/{index}" for index in range(12000)]
    table = written(tmp_path / "a.csv", ("step," + ",".join(names) + "\n7" + ",0.5" * 12000 + "\n").encode())
    line = '{"step": 7, ' + ", ".join(f'"{name}": 0.5' for name in names) + "}\n"
    lines = written(tmp_path / "a.jsonl", line.encode())
    for path in (table, lines):
        reading = read(path)
        assert [entry.name for entry in reading.entries] == names
        assert {(entry.value, entry.step) for entry in reading.entries} == {(0.5, 7)}


def test_a_table_written_anew_with_more_columns_goes_on_after_the_last_row(tmp_path: Path) -> None:
    path = written(tmp_path / "metrics.csv", b"step,loss\n1,10\n2,20\n")
    first = read(path)
    path.write_bytes(b"step,acc,loss\n1,,10\n2,,20\n3,0.5,30\n")
    second = read(path, first.state)
    assert not second.again
    assert [(e.name, e.step, e.value) for e in second.entries] == [("acc", 3, 0.5), ("loss", 3, 30.0)]


def test_the_params_beside_a_table_of_lightning(tmp_path: Path) -> None:
    (tmp_path / "hparams.yaml").write_text("lr: 0.001\nmodel: !!python/object:x.Y\n  depth: 2\n")
    path = written(tmp_path / "metrics.csv", b"epoch,step,loss\n0,1,2\n")
    first = read(path)
    assert ("lr", "0.001") in [(e.name, e.value) for e in first.entries if e.kind == "param"]
    with open(path, "a") as file:
        file.write("0,2,3\n")
    assert [(e.name, e.value) for e in read(path, first.state).entries] == [("epoch", 0.0), ("loss", 3.0)]


def test_steps_times_and_values_of_tables(tmp_path: Path) -> None:
    text = (
        "\ufeffname;Step;loss;timestamp\na;3;1e-3;1700000000\nb;2.0;-Infinity;1700000001500\nc;half;nan;x\n"
    )
    reading = read(written(tmp_path / "a.csv", text.encode()))
    assert [(e.step, repr(e.value), e.time) for e in reading.entries] == [
        (3, "0.001", 1700000000.0),
        (2, "-inf", 1700000001.5),
        (None, "nan", None),
    ]


def test_the_users_choice_of_the_step_wins(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", b'{"samples": 512, "step": 1, "loss": 2}\n')
    reading = READERS["json-lines"](str(path), {"step_column": "samples"})
    assert [(e.name, e.step) for e in reading.entries] == [("step", 512), ("loss", 512)]
    assert reading.state["step_column"] == "samples"


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_line_without_an_end_is_passed_over(name: str, tmp_path: Path) -> None:
    start = b"step,loss\n1,2\n" if name == "a.csv" else b'{"step": 1, "loss": 2}\n'
    last = b"\n3,4\n" if name == "a.csv" else b'\n{"step": 3, "loss": 4}\n'
    path = written(tmp_path / name, start + b"x" * (9 << 20) + last)
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
    assert detect(str(written(tmp_path / name, data))) is None


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
    path = written(
        tmp_path / "a.csv", ("step," + ",".join(names) + "\n1" + ",2" * len(names) + "\n").encode()
    )
    assert [entry.name for entry in read(path).entries] == names
    assert all(math.isfinite(entry.value) for entry in read(path).entries)
