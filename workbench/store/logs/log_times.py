"""When the bytes of a log came: lines "time offset" in a file beside it, found by halving.

Offsets are in order. Times are of the clock of where the log was written, which may have jumped; an attempt
that began there is a third word. A log of any length costs a few dozen small reads.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from workbench.store.sqlite.problems import explained

LONGEST = 64
"""Bytes of a line at most, a little more than any has."""
_ATTEMPT = re.compile(rb"^(\d+\.\d+) (\d+) (\d+)$", re.M)
_LINE = re.compile(rb"^(-?\d{1,15}\.\d+) (\d{1,19})(?: \d+)?$")


class Mark(NamedTuple):
    """Bytes from offset on came at a time, in seconds since 1970."""

    offset: int
    time: float


class Attempt(NamedTuple):
    """An attempt of a run began to write at offset."""

    number: int
    offset: int
    time: float


class LogTimes:
    """The times of one log; of one that has none nothing is known. Raises StoreError; for a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def size(self) -> int:
        """Bytes of the file; 0 when there is none."""
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def whole(self) -> bytes:
        """All of the file; empty when there is none."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""

    def add(self, place: int, data: bytes) -> int:
        """Keep a part of the file that starts at place; the bytes that are here now. Parts may come twice.

        Nothing is kept of a part before which others are missing.
        """
        with explained(self._path.parent):
            have = self.size()
            if place <= have < place + len(data):
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    os.pwrite(descriptor, data[have - place :], have)
                finally:
                    os.close(descriptor)
            return self.size()

    def note(self, time: float, offset: int) -> None:
        """Bytes of the log from offset on came then."""
        with explained(self._path.parent), open(self._path, "ab") as file:
            file.write(b"%.3f %d\n" % (time, offset))

    def last(self) -> int | None:
        """The offset of the last mark; None when there is none."""
        with self._opened() as file:
            if file is None:
                return None
            size = os.fstat(file).st_size
            marks = list(_lines(file, _line_start(file, max(0, size - 2 * LONGEST))))
            return marks[-1].offset if marks else None

    def between(self, start: int, stop: int, most: int = 1000) -> list[Mark]:
        """The mark that holds for start, and those before stop, at most so many in all."""
        marks: list[Mark] = []
        with self._opened() as file:
            if file is None:
                return marks
            for mark in _lines(file, _place(file, lambda mark: mark.offset <= start)):
                if mark.offset >= max(stop, start + 1) or len(marks) >= most:
                    break
                if mark.offset <= start:
                    marks = [mark]
                else:
                    marks.append(mark)
        return marks

    def at(self, offset: int) -> float | None:
        """When the byte at offset came; None where that is not known."""
        marks = self.between(offset, offset + 1)
        return marks[0].time if marks and marks[0].offset <= offset else None

    def offset(self, time: float) -> int | None:
        """From where on it came then or later; None when that is not known, or nothing came after.

        Where the clock jumped back, one of the places that fit.
        """
        with self._opened() as file:
            if file is None:
                return None
            for mark in _lines(file, _place(file, lambda mark: mark.time < time)):
                if mark.time >= time:
                    return mark.offset
        return None

    def attempts(self) -> list[Attempt]:
        """Where each attempt of the run began, as far as it was noted."""
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return []
        found = [Attempt(int(match[3]), int(match[2]), float(match[1])) for match in _ATTEMPT.finditer(raw)]
        return list({attempt.number: attempt for attempt in reversed(found)}.values())[::-1]

    @contextmanager
    def _opened(self) -> Iterator[int | None]:
        with explained(self._path.parent):
            try:
                descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                yield None
                return
            try:
                yield descriptor
            finally:
                os.close(descriptor)


def _lines(file: int, place: int) -> Iterator[Mark]:
    """The marks of whole lines from a place on where one begins; what is broken is passed over."""
    kept = b""
    while block := os.pread(file, 1 << 14, place):
        place += len(block)
        *whole, kept = (kept + block).split(b"\n")
        for line in whole:
            mark = _mark(line)
            if mark is not None:
                yield mark
        kept = kept[-LONGEST:]


def _mark(line: bytes) -> Mark | None:
    match = _LINE.match(line)
    return None if match is None else Mark(int(match[2]), float(match[1]))


def _place(file: int, before: Callable[[Mark], bool]) -> int:
    """Where the last line begins for which before holds, as it does for all above it; 0 when for none."""
    low, high = 0, os.fstat(file).st_size
    best = 0
    while low < high:
        middle = (low + high) // 2
        begin = _line_start(file, middle)
        raw = os.pread(file, 2 * LONGEST, begin)
        end = raw.find(b"\n")
        mark = _mark(raw[:end]) if end >= 0 else None
        stop = begin + (end + 1 if end >= 0 else 2 * LONGEST)
        if mark is not None and not before(mark):
            high = begin
        else:
            best = begin if mark is not None else best
            low = max(stop, middle + 1)
    return best


def _line_start(file: int, place: int) -> int:
    low = max(0, place - 2 * LONGEST)
    return low + os.pread(file, place - low, low).rfind(b"\n") + 1
