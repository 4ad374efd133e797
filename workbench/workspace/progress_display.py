"""Where a script or a notebook sees how far something is, without asking for it.

A notebook has a line that is replaced; a terminal one on stderr, once it took a second; nobody else is told.
"""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from workbench.text.progress_line import line
from workbench.text.sanitize import clean_name

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is and of how much (0: unknown), in bytes."""
PATIENCE = 1.0
EVERY = 0.2
CELLS = 78


class Surface(Protocol):
    """What one line is shown on."""

    patience: float
    """Seconds after which there is something to show."""

    def show(self, text: str) -> None:
        """Put text in place of what is shown."""

    def clear(self) -> None:
        """Take it away."""


class TerminalLine:
    """A line of stderr that is written over."""

    patience = PATIENCE

    def show(self, text: str) -> None:
        """See Surface."""
        sys.stderr.write("\r\x1b[K" + text)
        sys.stderr.flush()

    def clear(self) -> None:
        """See Surface."""
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


class NotebookLine:
    """A piece of a cell's output that is replaced. display: IPython's function of that name."""

    patience = 0.2

    def __init__(self, display: Callable[..., Any]) -> None:
        self._display = display
        self._handle: Any = None

    def show(self, text: str) -> None:
        """See Surface."""
        shown = {"text/plain": text, "text/html": f"<pre>{html.escape(text)}</pre>"}
        if self._handle is None:
            self._handle = self._display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)

    def clear(self) -> None:
        """See Surface."""
        if self._handle is not None:
            self._handle.update({"text/plain": "", "text/html": ""}, raw=True)


class Silent:
    """Where nobody looks."""

    patience = float("inf")

    def show(self, text: str) -> None:
        """See Surface."""

    def clear(self) -> None:
        """See Surface."""


def surface() -> Surface:
    """Where this process shows things: its notebook, its terminal, or nowhere."""
    ipython = sys.modules.get("IPython")
    if ipython is not None:
        shell = ipython.get_ipython()
        if shell is not None and getattr(shell, "kernel", None) is not None:
            from importlib import import_module

            return NotebookLine(import_module("IPython.display").display)
    return TerminalLine() if sys.stderr.isatty() else Silent()


class ProgressDisplay:
    """A context manager that is called with progress, and shows it for as long as its block lasts."""

    def __init__(self, on: Surface | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._surface = surface() if on is None else on
        self._clock = clock
        self._began = clock()
        self._drawn = float("-inf")
        self._shown = False
        self._what = self._words = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Note how far it is, in bytes; total 0 where that is not known."""
        if what != self._what:
            self._what, self._began = what, self._clock()
        self._draw(lambda seconds: line(what, done, total, seconds, CELLS))

    def say(self, text: str) -> None:
        """Say in words how it stands; that is shown at once, as the next word may be long in coming."""
        shown = clean_name(text, CELLS)
        if shown != self._words:
            self._words, self._shown = shown, True
            self._surface.show(shown)

    def _draw(self, text: Callable[[float], str]) -> None:
        now = self._clock()
        if now - self._began >= self._surface.patience and now - self._drawn >= EVERY:
            self._drawn, self._shown = now, True
            self._surface.show(text(now - self._began))

    def __enter__(self) -> ProgressDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._surface.clear()
