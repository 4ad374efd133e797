"""A picture drawn again and again on a plain terminal: ANSI alone, only lines that changed, no trace left."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
import tty
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import Any

ENTER = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J"
LEAVE = "\x1b[0m\x1b[?25h\x1b[?1049l"


class FullScreen:
    """The terminal while it is a picture; whatever ends it, it is as it was before.

    A context manager; to be used in an event loop. `pressed` is set by any key, `keys` holds them.
    """

    def __init__(self) -> None:
        self.pressed = asyncio.Event()
        self.keys = ""
        self._before: list[Any] | None = None
        self._lines: list[str] = []
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> FullScreen:
        self._begin()
        loop = asyncio.get_running_loop()
        if self._before is not None:
            loop.add_reader(sys.stdin.fileno(), self._read)
        for number in (signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, self._ended)
        self._handlers[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, self._suspended)
        loop.add_signal_handler(signal.SIGWINCH, self._resized)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        if self._before is not None:
            loop.remove_reader(sys.stdin.fileno())
        loop.remove_signal_handler(signal.SIGWINCH)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._end()

    @property
    def size(self) -> tuple[int, int]:
        """Cells and lines now; those of old where the terminal does not know."""
        try:
            cells, lines = os.get_terminal_size(sys.stdout.fileno())
        except OSError:
            return 80, 24
        return cells or 80, lines or 24

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines; what is the same as before is not written."""
        written = []
        for at, line in enumerate(lines):
            if at >= len(self._lines) or self._lines[at] != line:
                written.append(f"\x1b[{at + 1};1H{line}\x1b[0m\x1b[K")
        if len(lines) < len(self._lines):
            written.append(f"\x1b[{len(lines) + 1};1H\x1b[J")
        self._lines = list(lines)
        if written:
            sys.stdout.write("".join(written))
            sys.stdout.flush()

    def _begin(self) -> None:
        if sys.stdin.isatty():
            self._before = termios.tcgetattr(sys.stdin.fileno())
            tty.setcbreak(sys.stdin.fileno())
        self._lines = []
        sys.stdout.write(ENTER)
        sys.stdout.flush()

    def _end(self) -> None:
        sys.stdout.write(LEAVE)
        sys.stdout.flush()
        if self._before is not None:
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)

    def _read(self) -> None:
        data = os.read(sys.stdin.fileno(), 1024)
        self.keys += data.decode("utf-8", "replace") if data else "q"
        self.pressed.set()

    def _resized(self) -> None:
        self._lines = []
        sys.stdout.write("\x1b[2J")
        self.pressed.set()

    def _ended(self, number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    def _suspended(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-Z: step aside with the terminal as it was, and come back with the picture."""
        self._end()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._suspended)
        self._begin()
        self.pressed.set()
