"""The record file writer: whole lines, one file a process, and a disk that does what disks do."""

from __future__ import annotations

import errno
import json
import os
import signal
import threading
from pathlib import Path

import pytest

from tests.record_files import read_file, read_run
from workbench.remote.forms import protocol
from workbench.remote.runs import records
from workbench.remote.runs.records import RecordFile, RecordWriter, rank_of

RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
LINE = '{"k":"metric","n":"loss","v":%d'


def only_file(directory: Path) -> Path:
    [path] = (directory / "records").iterdir()
    return path


def test_the_first_record_makes_the_file_with_its_header(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "3")
    writer = RecordWriter(str(tmp_path), RUN, 2)
    assert not (tmp_path / "records").exists()
    assert writer.write(LINE % 1)
    header, record = read_file(only_file(tmp_path))
    assert (header["v"], header["run"], header["attempt"], header["rank"]) == (protocol.VERSION, RUN, 2, 3)
    assert header["pid"] == os.getpid()
    assert only_file(tmp_path).name.startswith(f"{os.getpid()}-")
    assert only_file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert record == {"k": "metric", "n": "loss", "v": 1, "t": record["t"]}
    assert 0 <= record["t"] < 60
    os.close(writer.file._fd)


@pytest.mark.parametrize("variable", protocol.RANK_VARIABLES)
def test_rank_is_the_launchers(variable):
    assert rank_of({variable: "7"}) == 7
    assert rank_of({variable: "not a number"}) == 0
    assert rank_of({variable: "-1"}) == 0


def test_threads_lose_and_tear_nothing(tmp_path):
    writer = RecordWriter(str(tmp_path), RUN, 1)

    def write(first: int) -> None:
        for value in range(first, first + 500):
            assert writer.write(LINE % value)

    threads = [threading.Thread(target=write, args=(500 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read_run(tmp_path)
    assert sorted(r["v"] for r in found) == list(range(4000))
    assert [r["t"] for r in found] == sorted(r["t"] for r in found)
    os.close(writer.file._fd)


def test_many_records_go_in_few_writes_and_stay_whole(tmp_path, monkeypatch):
    writes = []
    real = os.write
    monkeypatch.setattr(records.os, "write", lambda fd, data: writes.append(len(data)) or real(fd, data))
    writer = RecordWriter(str(tmp_path), RUN, 1)
    assert writer.write_many([LINE % n for n in range(5000)])
    assert [r["v"] for r in read_run(tmp_path)] == list(range(5000))
    assert len(writes) < 10
    assert max(writes) <= 65536
    os.close(writer.file._fd)


def test_a_signal_handler_may_log_inside_a_write(tmp_path, monkeypatch):
    writer = RecordWriter(str(tmp_path), RUN, 1)
    assert writer.write(LINE % 0)
    real = os.write

    def interrupted(fd: int, data: bytes) -> int:
        monkeypatch.setattr(records.os, "write", real)
        signal.raise_signal(signal.SIGUSR1)
        return real(fd, data)

    previous = signal.signal(signal.SIGUSR1, lambda *_: writer.write(LINE % 99))
    try:
        monkeypatch.setattr(records.os, "write", interrupted)
        assert writer.write(LINE % 1)
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert sorted(r["v"] for r in read_run(tmp_path)) == [0, 1, 99]
    os.close(writer.file._fd)


def test_a_descriptor_the_script_closed_is_replaced(tmp_path):
    writer = RecordWriter(str(tmp_path), RUN, 1)
    assert writer.write(LINE % 0)
    os.close(writer.file._fd)
    assert writer.write(LINE % 1)
    assert writer.file.dropped == 0
    assert sorted(r["v"] for r in read_run(tmp_path)) == [0, 1]
    assert len(writer.lines()) == 4  # two headers, two records
    os.close(writer.file._fd)


def test_the_descriptor_is_out_of_the_way_and_not_inherited(tmp_path):
    writer = RecordWriter(str(tmp_path), RUN, 1)
    writer.write(LINE % 0)
    assert writer.file._fd >= records.HIGH_DESCRIPTOR
    assert not os.get_inheritable(writer.file._fd)
    os.close(writer.file._fd)


def test_a_disk_that_refuses_costs_records_and_says_so_when_it_works_again(tmp_path, monkeypatch):
    writer = RecordWriter(str(tmp_path), RUN, 1)
    assert writer.write(LINE % 0)
    real = os.write

    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(records.os, "write", full)
    assert not writer.write(LINE % 1)
    assert not writer.write_many([LINE % 2, LINE % 3])
    assert writer.file.dropped == 3
    monkeypatch.setattr(records.os, "write", real)
    assert writer.write(LINE % 4)
    first, told, last = read_run(tmp_path)
    assert (first["v"], last["v"]) == (0, 4)
    assert told["k"] == "warning"
    assert "3 records" in told["v"]
    assert "No space left" in told["v"]
    os.close(writer.file._fd)


@pytest.mark.parametrize("at", [0, 1])
def test_half_a_write_is_taken_back(tmp_path, monkeypatch, at):
    """at 0: it was the header that was torn."""
    writer = RecordWriter(str(tmp_path), RUN, 1)
    for value in range(at):
        assert writer.write(LINE % value)
    real = os.write
    monkeypatch.setattr(records.os, "write", lambda fd, data: real(fd, data[: len(data) // 2]))
    assert not writer.write(LINE % 50)
    monkeypatch.setattr(records.os, "write", real)
    assert writer.write(LINE % 51)
    assert [r["v"] for r in read_run(tmp_path) if r["k"] == "metric"] == [*range(at), 51]
    os.close(writer.file._fd)


def test_a_half_line_that_cannot_be_taken_back_is_the_last_of_its_file(tmp_path, monkeypatch):
    writer = RecordWriter(str(tmp_path), RUN, 1)
    assert writer.write(LINE % 0)
    torn = only_file(tmp_path)
    real = os.write

    def refuse(fd: int, size: int) -> None:
        raise OSError(errno.EPERM, "append only")

    monkeypatch.setattr(records.os, "write", lambda fd, data: real(fd, data[:9]))
    monkeypatch.setattr(records.os, "ftruncate", refuse)
    assert not writer.write(LINE % 1)
    monkeypatch.undo()
    assert writer.write(LINE % 2)
    assert torn.read_bytes().endswith(b'{"k":"met')
    [new] = [p for p in (tmp_path / "records").iterdir() if p != torn]
    assert [r["k"] for r in read_file(new)] == ["header", "warning", "metric"]
    os.close(writer.file._fd)


def test_a_folder_that_vanished_is_not_made_again(tmp_path):
    gone = tmp_path / "gone"
    file = RecordFile(str(gone), RUN, 1)
    assert not file.write(LINE % 0)
    assert not file.write(LINE % 1)
    assert file.dropped == 2
    assert isinstance(file.trouble, FileNotFoundError)
    assert not gone.exists()
    gone.mkdir()
    file._retry = 0.0  # the pause between two tries is over
    assert file.write(LINE % 2)
    assert [r["k"] for r in read_run(gone)] == ["warning", "metric"]
    os.close(file._fd)


def test_a_forked_child_leaves_the_parents_descriptor_alone_when_it_is_another_file_now(tmp_path):
    """A daemon closes everything and opens its own files: its descriptor may have our old number."""
    file = RecordFile(str(tmp_path), RUN, 1)
    file.write(LINE % 0)
    other = os.open(tmp_path / "users", os.O_RDWR | os.O_CREAT)
    os.dup2(other, file._fd)
    number = file._fd
    file.close_inherited()
    assert os.write(number, b"still open") == 10
    os.close(number)
    os.close(other)


def test_the_header_survives_a_reader_that_knows_only_json(tmp_path):
    writer = RecordWriter(str(tmp_path), 'odd "id"\n', 1)
    writer.write(LINE % 0)
    assert json.loads(only_file(tmp_path).read_bytes().splitlines()[0])["run"] == 'odd "id"\n'
    os.close(writer.file._fd)
