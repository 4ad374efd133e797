"""What takes more than a second is told on a terminal's stderr: bytes as a bar, a wait by its name."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO

from workbench.text.cells import cut
from workbench.text.progress_line import line
from workbench.text.sanitize import clean_name

PATIENCE = 1.0
EVERY = 0.1
_AT_START = "\r\x1b[K"


class ProgressBar:
    """Called with (what, done, total); draws on a terminal only, at most ten times a second."""

    def __init__(
        self,
        shown: bool,
        cells: int,
        *,
        stream: IO[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shown, self._cells, self._clock = shown, min(cells, 100), clock
        self._stream = stream or sys.stderr
        self._began = clock()
        self._drawn = 0.0
        self._dirty = False
        self._what = ""

    def __call__(self, what: str, done: int | None, total: int | None) -> None:
        """Note how far it is; total 0 or None when unknown, done None when nothing is counted."""
        now = self._clock()
        if what != self._what:
            self._what, self._began = what, now
        if self._due(now):
            self._draw(line(what, done, total, now - self._began, self._cells - 1))

    def say(self, text: str) -> None:
        """Note in words how far it is, where that is no part of a known whole."""
        if self._due(self._clock()):
            self._draw(cut(clean_name(text, 200), self._cells - 1))

    def _due(self, now: float) -> bool:
        return self._shown and now - self._began >= PATIENCE and now - self._drawn >= EVERY

    def _draw(self, text: str) -> None:
        self._drawn, self._dirty = self._clock(), True
        self._stream.write(_AT_START + text)
        self._stream.flush()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._dirty:
            self._stream.write(_AT_START)
            self._stream.flush()


@contextmanager
def waiting(shown: bool, cells: int, text: str, *, stream: IO[str] | None = None) -> Iterator[None]:
    """Say what the block waits for once it takes more than a second; the line goes when the block ends."""
    out = stream or sys.stderr
    said = threading.Event()

    def say() -> None:
        said.set()
        out.write(_AT_START + cut(clean_name(text, 200), cells - 1))
        out.flush()

    timer = threading.Timer(PATIENCE, say)
    timer.daemon = True
    if shown:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if shown:
            timer.join()
        if said.is_set():
            out.write(_AT_START)
            out.flush()
