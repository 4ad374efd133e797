"""Several logs as one, line by line in the order of their times. Pure: who reads them puts lines in.

A log's own lines never change their order: where its clock jumped back, they count as come at the latest time
before. What came at an unknown time counts as come with the line above, or before everything.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

COLOURS = (36, 33, 35, 32, 34, 31)
LONG = 1 << 20
"""Bytes after which a line without an end is taken as one."""


class MergedLine(NamedTuple):
    """A whole line, its newline left out, of which log, and when it came, None: unknown."""

    source: int
    text: bytes
    time: float | None


class _Source:
    def __init__(self) -> None:
        self.lines: deque[tuple[float, bytes, float | None]] = deque()
        self.rest = bytearray()
        self.rest_time: float | None = None
        self.latest = float("-inf")
        self.over = False
        self.quiet = False


class Merge:
    """Lines of several logs in order. A line is given out once none before it can come."""

    def __init__(self, count: int) -> None:
        self._sources = [_Source() for _ in range(count)]

    def put(self, source: int, data: bytes, time: float | None) -> None:
        """More bytes of a log, which came at a time."""
        of = self._sources[source]
        *whole, rest = data.split(b"\n")
        for line in whole:
            when = of.rest_time if of.rest else time
            self._add(of, bytes(of.rest) + line, when)
            of.rest.clear()
        if not of.rest:
            of.rest_time = time
        of.rest += rest
        if len(of.rest) >= LONG:
            self._add(of, bytes(of.rest), of.rest_time)
            of.rest.clear()

    def end(self, source: int) -> None:
        """Nothing more comes of a log: its last line is one though it has no end."""
        of = self._sources[source]
        if of.rest:
            self._add(of, bytes(of.rest), of.rest_time)
            of.rest.clear()
        of.over = True

    def quiet(self, source: int, quiet: bool) -> None:
        """Whether a log was silent for so long that nothing older is expected of it."""
        self._sources[source].quiet = quiet

    def waiting(self, source: int) -> int:
        """How many lines of a log are not given out yet."""
        return len(self._sources[source].lines)

    def take(self) -> Iterator[MergedLine]:
        """The lines that can be given out now."""
        while True:
            first = None
            for number, of in enumerate(self._sources):
                if of.lines:
                    if first is None or of.lines[0][0] < self._sources[first].lines[0][0]:
                        first = number
                elif not (of.over or of.quiet):
                    return  # something older may come of it
            if first is None:
                return
            _, text, time = self._sources[first].lines.popleft()
            yield MergedLine(first, text, time)

    @staticmethod
    def _add(of: _Source, text: bytes, time: float | None) -> None:
        if time is not None:
            of.latest = max(of.latest, time)
        of.lines.append((of.latest, text, time))


def tagged(text: bytes, label: str, number: int, width: int) -> bytes:
    """A line with whose it is before it, in a colour; of a progress bar what is seen last."""
    parts = [part for part in text.split(b"\r") if part.strip()]
    shown = parts[-1] if parts else b""
    colour = COLOURS[number % len(COLOURS)]
    return b"\x1b[%dm%s\x1b[0m %s\n" % (colour, label.rjust(width)[:width].encode(), shown)


_TAG = re.compile(rb"^((?:[-\d].{22} )?)\x1b\[3[1-6]m([^\x1b\n]*)\x1b\[0m ", re.MULTILINE)
"""What `tagged` puts before a line, behind a time or not."""


class PlainTags:
    """Takes the colours off whose each line of a merged log is, and leaves those of the lines themselves."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """The lines that are whole now."""
        whole, newline, self._rest = (self._rest + data).rpartition(b"\n")
        return _TAG.sub(rb"\1\2 ", whole + newline)

    def close(self) -> bytes:
        """The last line where none of its end came."""
        rest, self._rest = _TAG.sub(rb"\1\2 ", self._rest), b""
        return rest


def labels(names: Sequence[str]) -> tuple[list[str], int]:
    """Labels that differ, and how wide their column is."""
    seen: dict[str, int] = {}
    told = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told.append(name if seen[name] == 1 else f"{name}~{seen[name]}")
    return told, min(16, max((len(name) for name in told), default=0))
