"""The process that searches a log: `python -m workbench.services.log_scanner`, the question on its input.

A search has a process of its own because a regular expression is a user's and may never end, and because
going through gigabytes would keep a server from its other work. It ends itself when a block costs more than
BLOCK_SECONDS of computing, and when nobody reads its answer.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.store.logs.log_file import LogFile
from workbench.text.log_cover import covering
from workbench.text.log_hits import Counter, Finder, Hit
from workbench.text.log_pattern import counter, errors, finder, parse
from workbench.text.log_rows import stretches
from workbench.text.log_scan import Scan, Step

BLOCK_SECONDS = 5.0
NEWS_SECONDS = 0.05
"""Seconds between two lines of news."""
MOST_TOGETHER = 2000
"""Hits in a line of news, about."""
MOST_COVERED = 4 << 20
"""Bytes from the first to the last line of a line of news, about: who hands lines on has them in memory."""


def main() -> int:
    """Answer one question: a line of JSON, {"hits", "at", "count"}, for each piece of news."""
    question = json.loads(sys.stdin.buffer.read())
    if question["most"] is None or question["most"] > 1:
        os.nice(5)  # somebody waits for the next match; a search over the whole waits for everybody
    try:
        _search(question)
    except WorkbenchError as problem:
        _say({"error": problem.to_wire()})
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody listens: nothing is left to be flushed
    return 0


def _search(question: dict[str, Any]) -> None:
    said: str | None = question["pattern"]
    found_by = errors if said is None else finder(parse(said))
    counted_by = None if said is None else counter(parse(said))
    if question["spans"] and counted_by is not None:
        found_by = covering(found_by, counted_by, question["offset"])
    told = said is None or parse(said).regex
    most = question["most"]
    listed = question["listed"]
    with _Log(question["path"]) as log:
        news = _News(spans=question["spans"])
        for step in _steps(log, question, found_by, counted_by, lambda: news.listed >= listed):
            signal.setitimer(signal.ITIMER_VIRTUAL, BLOCK_SECONDS)
            hits = step.hits[: most - news.count] if most is not None else step.hits
            more = step.more if most is None else min(step.more, most - news.count - len(hits))
            news.count += len(hits) + more
            news.at = step.at
            if question["spans"]:
                news.cover(hits)
                continue
            room = max(0, listed - news.listed)
            news.add([[hit.offset, hit.start, hit.stop, hit.text if told else ""] for hit in hits[:room]])
            if most is not None and news.count >= most:
                break
        news.tell()


def _steps(
    log: _Log,
    question: dict[str, Any],
    found_by: Finder,
    counted_by: Counter | None,
    counting: Callable[[], bool],
) -> Iterator[Step]:
    gaps = [(start, stop) for start, stop in question["gaps"]]
    scan = Scan(log.read, stretches(question["size"], gaps), found_by, counted_by)
    signal.setitimer(signal.ITIMER_VIRTUAL, BLOCK_SECONDS)  # its signal ends the process, in the middle of re
    if question["backwards"]:
        return scan.backwards(question["offset"])
    return scan.forwards(question["offset"], unfinished=question["unfinished"], counting=counting)


class _Log:
    """The file of a log."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def __enter__(self) -> _Log:
        self._file = LogFile(self._path)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, start: int, stop: int) -> bytes:
        """Bytes start to stop."""
        return self._file.read(start, stop)


class _News:
    """What was found and is not told yet. spans: only which lines, those that touch as one."""

    def __init__(self, *, spans: bool) -> None:
        self._covers = spans
        self._spans: list[list[int]] = []
        self.count = 0
        self.listed = 0
        self.at = 0
        self._hits: list[list[object]] = []
        self._told = 0.0

    def add(self, hits: list[list[object]]) -> None:
        """Tell of hits when it is time; the first ones at once."""
        first = not self.listed and hits
        self._hits += hits
        self.listed += len(hits)
        if first or len(self._hits) >= MOST_TOGETHER or time.monotonic() - self._told >= NEWS_SECONDS:
            self.tell()

    def cover(self, hits: Sequence[Hit]) -> None:
        """Tell of the lines of hits when it is time."""
        spans = self._spans
        for _, start, stop, _ in hits:
            if spans and start <= spans[-1][1]:
                spans[-1][1] = max(stop, spans[-1][1])
            else:
                spans.append([start, stop])
        much = bool(spans) and spans[-1][1] - spans[0][0] >= MOST_COVERED
        if much or len(spans) >= MOST_TOGETHER or time.monotonic() - self._told >= NEWS_SECONDS:
            self.tell()

    def tell(self) -> None:
        """Tell all."""
        told = {"spans": self._spans} if self._covers else {"hits": self._hits}
        _say({**told, "at": self.at, "count": self.count})
        self._hits, self._spans, self._told = [], [], time.monotonic()


def _say(news: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(news, separators=(",", ":")).encode("ascii") + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
