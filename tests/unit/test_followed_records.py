"""Following many record files: what a look costs, and that nothing is missed whatever the file system tells."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.remote.logs import followed_records
from workbench.remote.logs.followed_records import MISSES, RELIST, SLOWEST, FollowedRecords

LOOK = 0.05  # seconds between two looks, as at a run that is up
RANKS = 512


class Following:
    """A folder of record files and who follows it, by a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1000.0
        self.credit = 1 << 40
        self.got: dict[str, bytes] = {}
        self.written: dict[str, bytes] = {}
        self.changed = 0.0
        self.records = FollowedRecords(str(folder), {}, lambda: self.now)

    def append(self, name: str, data: bytes) -> None:
        """Write to a file, perhaps a new one."""
        if name not in self.written:
            self.changed = self.now
        with (self.folder / name).open("ab") as file:
            file.write(data)
        self.written[name] = self.written.get(name, b"") + data

    def take(self, name: str, offset: int, body: bytes) -> None:
        """What is sent must go on where the last ended."""
        assert body
        assert offset == len(self.got.get(name, b""))
        self.got[name] = self.got.get(name, b"") + body
        self.credit -= len(body)

    def look(self, over: bool = False) -> bool:
        """One look, LOOK seconds after the one before."""
        self.now += LOOK
        return self.records.step(over, lambda: self.credit, self.take)

    def wait(self, seconds: float) -> None:
        """Look again and again for so long."""
        for _ in range(round(seconds / LOOK) + 1):
            self.look()


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """How often files are asked for, opened and listed in a block: by any way os has for it."""
    calls: Counter[str] = Counter()

    def counting(name: str) -> Any:
        real = getattr(os, name)

        def call(*words: Any, **options: Any) -> Any:
            calls[name] += 1
            return real(*words, **options)

        return call

    names = ("stat", "lstat", "fstat", "open", "listdir", "scandir", "pread", "read")
    with mock.patch.multiple(os, **{name: counting(name) for name in names}):
        yield calls


@pytest.fixture
def following(tmp_path: Path) -> Following:
    return Following(tmp_path)


def many(following: Following) -> None:
    """A run of RANKS processes that all wrote something, some time ago."""
    for rank in range(RANKS):
        following.append(f"{rank}-a.jsonl", b'{"k":"header"}\n')
    following.wait(60)
    assert following.got == following.written


def test_a_look_at_a_quiet_run_of_many_processes_costs_a_constant(following: Following) -> None:
    many(following)
    looks = 200
    with counted() as calls:
        for _ in range(looks):
            following.look()
    assert calls["listdir"] <= 1 + looks * LOOK / RELIST
    assert calls["open"] == calls["pread"] == 0
    assert calls.total() <= looks * (1 + MISSES + 1)
    assert calls.total() < looks * RANKS / 10


def test_who_goes_on_following_a_quiet_run_looks_at_it_piece_by_piece(following: Following) -> None:
    """No look holds up the other runs that are followed."""
    many(following)
    following.records = FollowedRecords(
        str(following.folder),
        {name: len(data) for name, data in following.got.items()},
        lambda: following.now,
    )
    following.append("300-a.jsonl", b"more\n")
    for _ in range(2 * RANKS // MISSES):
        with counted() as calls:
            following.look()
        assert calls.total() <= 1 + 1 + MISSES + 4
    assert following.got == following.written


def test_a_look_costs_what_is_new(following: Following) -> None:
    """One process of many writes all the time: it is looked at each time, the others now and then."""
    many(following)
    looks = 200
    with counted() as calls:
        for number in range(looks):
            following.append("7-a.jsonl", b'{"v":%d}\n' % number)
            following.look()
            found = following.got["7-a.jsonl"] == following.written["7-a.jsonl"]
            assert found or number * LOOK < 2 * RANKS / followed_records.QUIET_RATE  # it was quiet before
    assert calls["pread"] <= looks
    assert calls.total() < looks * RANKS / 10


@pytest.mark.parametrize("files", [1, 16])
def test_few_files_are_looked_at_every_time(following: Following, files: int) -> None:
    """However long they were silent: a metric is seen as soon as a line of output."""
    for rank in range(files):
        following.append(f"{rank}-a.jsonl", b"first\n")
    following.wait(600)
    following.append("0-a.jsonl", b"second\n")
    following.look()
    assert following.got == following.written


def test_a_quiet_file_of_many_is_not_forgotten(following: Following) -> None:
    many(following)
    for rank in range(0, RANKS, 5):
        following.append(f"{rank}-a.jsonl", b"more\n")
    following.wait(2 * RANKS / followed_records.QUIET_RATE)
    assert following.got == following.written


@contextmanager
def folder_time(following: Following, tick: float | None) -> Iterator[None]:
    """The folder's time as file systems have it that count in ticks of so many seconds; None: it stands still."""
    real = os.stat

    def coarse(path: Any, *words: Any, **options: Any) -> Any:
        found = real(path, *words, **options)
        if path != str(following.folder):
            return found
        return SimpleNamespace(st_ino=1, st_mtime_ns=0 if tick is None else int(following.changed // tick))

    with mock.patch.object(os, "stat", coarse):
        yield


def test_a_file_made_in_the_tick_of_the_last_listing_is_found(following: Following) -> None:
    with folder_time(following, 2.0):
        following.append("1-a.jsonl", b"one\n")
        following.look()
        following.append("2-a.jsonl", b"two\n")
        following.wait(sum(followed_records.SETTLE))
    assert following.got == following.written


def test_a_folder_whose_time_stands_still_is_listed_all_the_same(following: Following) -> None:
    with folder_time(following, None):
        following.wait(30)
        following.append("1-a.jsonl", b"one\n")
        following.wait(RELIST)
    assert following.got == following.written


def test_the_end_finds_everything_at_once(following: Following) -> None:
    """Files nobody told of, quiet ones, and lines without an end."""
    many(following)
    with folder_time(following, None):
        following.look()
        following.append("new.jsonl", b"never seen\n")
        following.append("3-a.jsonl", b"torn")
        for rank in range(100, 200):
            following.append(f"{rank}-a.jsonl", b"last words\n")
        assert following.look(over=True) is True
    assert following.got == following.written


def test_the_end_waits_for_credit_and_loses_nothing(following: Following) -> None:
    many(following)
    for rank in range(100):
        following.append(f"{rank}-a.jsonl", b"last words\n")
    following.credit = 0
    looks = 0
    with counted() as calls:
        while not following.look(over=True):
            following.credit = 40
            looks += 1
            assert looks < 1000
    assert looks > 10
    assert calls["listdir"] <= 1 + looks * LOOK / RELIST
    assert calls["open"] <= RANKS + 100 + 2 * looks
    assert following.got == following.written


ACTION = st.tuples(
    st.sampled_from("abcdefgh"), st.sampled_from([b"line\n", b"torn", b" end\n", b"x" * 50 + b"\n"])
)
STEP = st.one_of(ACTION, st.floats(0.0, 5.0), st.integers(0, 200))


@settings(deadline=None, max_examples=150)
@given(steps=st.lists(STEP, max_size=60), tick=st.sampled_from([0.004, 1.0, 2.0, None]))
def test_every_line_comes_once_whatever_the_clock_of_the_folder(steps: list[Any], tick: float | None) -> None:
    """Writes, new files, pauses and a reader without credit in any order; then quiet, then the end."""
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(followed_records, "QUIET_RATE", 2.0),
        mock.patch.object(followed_records, "MISSES", 2),
        mock.patch.object(followed_records, "BLOCK", 16),
        folder_time(following := Following(Path(folder)), tick),
    ):
        for step in steps:
            if isinstance(step, tuple):
                following.append(f"{step[0]}.jsonl", step[1])
            elif isinstance(step, float):
                following.now += step
            else:
                following.credit = step
            following.look()
        following.credit = 1 << 40
        following.wait(RELIST + 2 * SLOWEST)
        whole = {name: data[: data.rfind(b"\n") + 1] for name, data in following.written.items()}
        assert following.got == {name: data for name, data in whole.items() if data}
        assert following.look(over=True) is True
        assert following.got == following.written
