"""A finished log is compressed and every byte of it stays where it was."""

from __future__ import annotations

import gzip
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.errors import StoreError
from workbench.store.logs import packed_log
from workbench.store.logs.log_file import LogFile, log_size, packed_path
from workbench.store.logs.packed_log import pack
from workbench.store.logs.spool import Spool


def packed(folder: Path, data: bytes) -> Path:
    path = folder / "run.log"
    assert pack(lambda start, stop: data[start:stop], len(data), packed_path(path), lambda: True)
    return path


def wavy(size: int) -> bytes:
    words = [b"loss 0.25 ", b"\n", b"\r 10%", b"\xff\xfe", b"\x1b[31mred\x1b[0m", bytes(300)]
    chosen = random.Random(size)
    return b"".join(chosen.choice(words) for _ in range(size))[:size]


@pytest.mark.parametrize("size", [1, 63, 64, 65, 640, 6_401])
def test_any_range_reads_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(packed_log, "BLOCK", 64)
    monkeypatch.setattr(packed_log, "_SIZES", 7)
    data = wavy(size)
    path = packed(tmp_path, data)
    with LogFile(path) as log:
        assert log.size == size
        for start in range(0, size + 9, 37):
            for length in (1, 64, 200):
                assert log.read(start, start + length) == data[start : start + length]
        assert b"".join(log.blocks(0, size)) == data
    assert gzip.decompress(packed_path(path).read_bytes()) == data, "any gunzip reads it"


def test_what_came_after_it_was_packed_follows(tmp_path: Path) -> None:
    path = packed(tmp_path, b"first\n" * 100)
    with open(path, "wb") as plain:  # as a resumed run is written: at its place, nothing before
        plain.seek(600)
        plain.write(b"second\n")
    with LogFile(path) as log:
        assert log.size == log_size(path) == 607
        assert log.read(594, 700) == b"first\nsecond\n"


def test_who_stops_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    asked = iter([True, False])
    target = packed_path(tmp_path / "run.log")
    data = wavy(3 * packed_log.BLOCK)
    assert not pack(lambda start, stop: data[start:stop], len(data), target, lambda: next(asked))
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_is_shorter_than_was_said_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="ends at byte 5"):
        pack(lambda start, stop: b"short", 100, packed_path(tmp_path / "run.log"), lambda: True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("harm", ["cut", "changed", "emptied"])
def test_damage_is_told_and_never_read(tmp_path: Path, harm: str) -> None:
    path = packed(tmp_path, wavy(100_000))
    raw = bytearray(packed_path(path).read_bytes())
    if harm == "changed":
        raw[len(raw) // 2] ^= 0xFF
    harmed = {"cut": bytes(raw[:-9]), "changed": bytes(raw), "emptied": b""}
    packed_path(path).write_bytes(harmed[harm])
    with pytest.raises(StoreError, match="damaged"), LogFile(path) as log:
        log.read(0, 100_000)


def test_a_hole_of_a_gigabyte_takes_little(tmp_path: Path) -> None:
    target = packed_path(tmp_path / "run.log")
    assert pack(lambda start, stop: bytes(stop - start), 1 << 30, target, lambda: True)
    assert target.stat().st_size < 4 << 20
    assert log_size(tmp_path / "run.log") == 1 << 30


KILLED = """
import os, signal, sys
from pathlib import Path
from workbench.store.logs.spool import Spool
asked = iter([True, True])
def going_on():
    if next(asked, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    return True
Spool(Path(sys.argv[1])).pack("run", int(sys.argv[2]), going_on)
"""


def test_killed_in_the_middle_nothing_is_lost_and_it_begins_again(tmp_path: Path) -> None:
    data = wavy(4 * packed_log.BLOCK)
    (tmp_path / "run.log").write_bytes(data)
    argv = [sys.executable, "-c", KILLED, str(tmp_path), str(len(data))]
    assert subprocess.run(argv, check=False).returncode == -signal.SIGKILL
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.log", "run.log.gz.partial"]
    with LogFile(tmp_path / "run.log") as log:
        assert log.read(0, len(data)) == data
    assert Spool(tmp_path).pack("run", len(data), lambda: True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.log", "run.log.gz"]
    (tmp_path / "run.log").unlink()
    with LogFile(tmp_path / "run.log") as log:
        assert log.read(0, len(data)) == data
