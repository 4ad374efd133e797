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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.store.log_file import LogFile
from workbench.text.log_pattern import Finder, errors, finder, parse
from workbench.text.log_rows import stretches
from workbench.text.log_scan import Scan, Step

BLOCK_SECONDS = 5.0
NEWS_SECONDS = 0.05
"""Seconds between two lines of news."""
MOST_TOGETHER = 2000
"""Hits in a line of news, about."""


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
    told = said is None or parse(said).regex
    most = question["most"]
    listed = question["listed"]
    with _Log(question["path"]) as log:
        news = _News()
        for step in _steps(log, question, found_by):
            signal.setitimer(signal.ITIMER_VIRTUAL, BLOCK_SECONDS)
            hits = step.hits[: most - news.count] if most is not None else step.hits
            news.count += len(hits)
            news.at = step.at
            room = max(0, listed - news.listed)
            news.add([[hit.offset, hit.start, hit.stop, hit.text if told else ""] for hit in hits[:room]])
            if most is not None and news.count >= most:
                break
        news.tell()


def _steps(log: _Log, question: dict[str, Any], found_by: Finder) -> Iterator[Step]:
    gaps = [(start, stop) for start, stop in question["gaps"]]
    scan = Scan(log.read, stretches(question["size"], gaps), found_by)
    signal.setitimer(signal.ITIMER_VIRTUAL, BLOCK_SECONDS)  # its signal ends the process, in the middle of re
    if question["backwards"]:
        return scan.backwards(question["offset"])
    return scan.forwards(question["offset"], unfinished=question["unfinished"])


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
    """What was found and is not told yet."""

    def __init__(self) -> None:
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

    def tell(self) -> None:
        """Tell all."""
        _say({"hits": self._hits, "at": self.at, "count": self.count})
        self._hits, self._told = [], time.monotonic()


def _say(news: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(news, separators=(",", ":")).encode("ascii") + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
