"""The terminal this process sits at: its size, raw for a while, and as it was afterwards whatever happens."""

from __future__ import annotations

import os
import select
import signal
import termios
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from workbench.errors import UsageError
from workbench.text.terminal_modes import TerminalModes

SENT = ("COLORTERM", "NO_COLOR", "LANG", "LANGUAGE")
"""What of the environment tells about the terminal and the one who sits at it; LC_* does, too."""
PATIENCE = 2.0
"""Seconds a terminal that takes nothing may hold up the end."""


class Ended(BaseException):
    """A signal asked this process to end; `number` is which. No error: nothing may take it for one."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def surroundings(environ: Mapping[str, str]) -> dict[str, Any]:
    """What a program on another machine has to know of this terminal: its type, its language, its colours."""
    sent = {name: text for name, text in environ.items() if name in SENT or name.startswith("LC_")}
    return {"term": environ.get("TERM"), "env": sent}


class OwnTerminal:
    """Standard input and output when both are a terminal. Raises UsageError when they are not."""

    def __init__(self, keys: int = 0, screen: int = 1) -> None:
        if not (os.isatty(keys) and os.isatty(screen)):
            raise UsageError("this needs a terminal", "wb compute exec NAME -- COMMAND works without one")
        self.keys = keys
        self.modes = TerminalModes()
        self.wake, self._woken = os.pipe()
        for end in (self.wake, self._woken):
            os.set_blocking(end, False)
        self._screen = screen
        self._own = -1
        self._before: list[Any] = []
        self._unwritten = bytearray()

    def close(self) -> None:
        """Let go of what it holds."""
        for end in (self.wake, self._woken, self._own):
            if end >= 0:
                os.close(end)
        self.wake = self._woken = self._own = -1

    def size(self) -> dict[str, int]:
        """Its rows and cols."""
        cells, lines = (0, 0)
        with suppress(OSError):
            cells, lines = os.get_terminal_size(self._screen)
        return {"rows": lines or 24, "cols": cells or 80}

    @contextmanager
    def raw(self) -> Iterator[None]:
        """For a block that passes keys on as they are. `wake` is readable when its size may have changed.

        SIGTERM and SIGHUP raise Ended in it.
        """
        self._before = termios.tcgetattr(self.keys)
        self._own = self._reopened()
        with _signals(self._woken):
            try:
                tty.setraw(self.keys, termios.TCSANOW)
                yield
            finally:
                with _undisturbed():
                    self._restore()

    def stay_raw(self) -> None:
        """Pass keys on as they are again: a shell that stopped this process has set its own ways."""
        if termios.tcgetattr(self.keys)[3] & termios.ICANON:
            tty.setraw(self.keys, termios.TCSANOW)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """For a block inside `raw` with the terminal as it was before, such as a stop of this process."""
        undoing, redoing = self.modes.undoing(), self.modes.redoing()
        self._show(undoing)
        raw = termios.tcgetattr(self.keys)
        termios.tcsetattr(self.keys, termios.TCSANOW, self._before)
        try:
            yield
        finally:
            termios.tcsetattr(self.keys, termios.TCSANOW, raw)
            self._show(redoing)

    @property
    def unwritten(self) -> int:
        """Bytes that the terminal has not taken yet."""
        return len(self._unwritten)

    def fileno(self) -> int:
        """What is shown goes here; writable when the terminal takes more."""
        return self._own if self._own >= 0 else self._screen

    def write(self, data: bytes) -> None:
        """Show bytes as they are, now as far as the terminal takes them, the rest with `flush`."""
        self.modes.feed(data)
        self._unwritten += data
        self.flush()

    def flush(self) -> None:
        """Write what waits, as far as it goes."""
        try:
            while self._unwritten:
                with memoryview(self._unwritten) as waiting:
                    count = os.write(self.fileno(), waiting[: 1 << 16 if self._own >= 0 else 512])
                del self._unwritten[:count]
                if self._own < 0:
                    return  # one that blocks is asked anew before each write
        except BlockingIOError:
            return
        except OSError:  # the terminal is gone; SIGHUP is on its way
            self._unwritten.clear()

    def settle(self, seconds: float = PATIENCE) -> None:
        """Write all that waits; what a terminal does not take within so many seconds is dropped."""
        while self._unwritten and select.select([], [self.fileno()], [], seconds)[1]:
            self.flush()
        self._unwritten.clear()

    def _reopened(self) -> int:
        """The terminal once more, without blocking: the mode of standard output is shared with others."""
        with suppress(OSError):
            return os.open(os.ttyname(self._screen), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        return -1  # somebody else's, as after su

    def _restore(self) -> None:
        self.settle()
        self._show(self.modes.undoing())
        with suppress(termios.error):  # it is gone
            termios.tcsetattr(self.keys, termios.TCSANOW, self._before)
        own, self._own = self._own, -1
        if own >= 0:
            os.close(own)

    def _show(self, data: bytes) -> None:
        self.write(data)
        self.settle()


@contextmanager
def _signals(woken: int) -> Iterator[None]:
    def end(number: int, _: FrameType | None) -> None:
        raise Ended(number)

    def nothing(*_: Any) -> None:
        """Being called is enough: the descriptor was written to."""

    wanted: dict[int, Any] = {
        signal.SIGWINCH: nothing,
        signal.SIGCONT: nothing,
        signal.SIGTERM: end,
        signal.SIGHUP: end,
    }
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    descriptor = signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """For a block that no signal may leave half done; SIGTTOU would stop one in the background for ever."""
    held = {signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGTTOU}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
