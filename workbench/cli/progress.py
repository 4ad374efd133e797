"""A progress bar on stderr, shown once moving bytes takes more than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import IO

from workbench.text import durations, sizes
from workbench.text.cells import cut
from workbench.text.sanitize import clean_name

PATIENCE = 1.0
EVERY = 0.1
BAR = 24


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

    def __call__(self, what: str, done: int, total: int) -> None:
        """Note how far it is; total 0 when unknown."""
        now = self._clock()
        if what != self._what:
            self._what, self._began = what, now
        if not self._shown or now - self._began < PATIENCE or now - self._drawn < EVERY:
            return
        self._drawn, self._dirty = now, True
        self._stream.write("\r\x1b[K" + cut(line(what, done, total, now - self._began), self._cells - 1))
        self._stream.flush()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._dirty:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def line(what: str, done: int, total: int, seconds: float) -> str:
    """How one moment of progress looks, in bytes, with the rate and the time left."""
    rate = done / seconds if seconds > 0 else 0.0
    text = f"{clean_name(what, 40)}  {sizes.short(done)}"
    if total > 0:
        share = min(1.0, done / total)
        filled = int(share * BAR)
        left = durations.short((total - done) / rate) if rate > 0 else "-"
        text = f"{clean_name(what, 40)}  {'━' * filled}{'╌' * (BAR - filled)} {share:4.0%}"
        text += f"  {sizes.short(done)} of {sizes.short(total)}  {left} left"
    return f"{text}  {sizes.short(rate)}/s"
