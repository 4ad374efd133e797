"""A program on a pty whose every output is kept with its time, so that what a key did can be timed afterwards."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

import pyte


class TimedProgram:
    """A program on a terminal of columns by rows; use it as a context manager.

    Its output is read by a thread at once and looked at later: the terminal is never what one waits for.
    """

    def __init__(
        self,
        command: Sequence[str],
        columns: int,
        rows: int,
        environment: Mapping[str, str | None] | None = None,
    ) -> None:
        """environment: what is other than here; None takes a variable away."""
        self.columns, self.rows = columns, rows
        self.chunks: list[tuple[float, bytes]] = []
        """(time of `perf_counter`, bytes) of everything it wrote."""
        changes: dict[str, str | None] = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        changes |= environment or {}
        self.began = time.perf_counter()
        """When it was started."""
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            for name in changes:
                os.environ.pop(name, None)
            os.environ.update({name: value for name, value in changes.items() if value is not None})
            os.execvp(command[0], list(command))
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> TimedProgram:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._reader.join()
        os.close(self._terminal)

    def type(self, keys: str) -> float:
        """Type keys; the time just before."""
        now = time.perf_counter()
        os.write(self._terminal, keys.encode())
        return now

    def written(self, since: float = 0.0) -> int:
        """How many bytes it wrote after a moment."""
        return sum(len(data) for moment, data in list(self.chunks) if moment > since)

    def until(self, shown: Callable[[Replay], bool], seconds: float = 120.0) -> float:
        """Wait until the screen is as wanted; when it first was. Raises TimeoutError with the screen."""
        replay = Replay(self)
        deadline = time.monotonic() + seconds
        while True:
            while replay.step():
                if shown(replay):
                    return replay.now
            if time.monotonic() > deadline:
                raise TimeoutError("\n".join(replay.screen.display))
            time.sleep(0.02)

    def _read(self) -> None:
        while not self._over:
            if select.select([self._terminal], [], [], 0.1)[0]:
                try:
                    data = os.read(self._terminal, 1 << 16)
                except OSError:
                    return
                self.chunks.append((time.perf_counter(), data))


class Replay:
    """The screen as it was after some of a program's output."""

    def __init__(self, program: TimedProgram) -> None:
        self._program = program
        self.screen = pyte.Screen(program.columns, program.rows)
        self._stream = pyte.ByteStream(self.screen)
        self._at = 0
        self.now = 0.0
        """When the last output came that the screen shows."""

    def step(self) -> bool:
        """Go on by one piece of output; False when there is none."""
        if self._at >= len(self._program.chunks):
            return False
        self.now, data = self._program.chunks[self._at]
        self._stream.feed(data)
        self._at += 1
        return True

    def forward(self, moment: float | None = None) -> None:
        """Go on to a moment, or to all there is."""
        while self._at < len(self._program.chunks):
            if moment is not None and self._program.chunks[self._at][0] > moment:
                return
            self.step()

    def until(self, shown: Callable[[Replay], bool], latest: float) -> float | None:
        """When the screen first was as wanted, from here on; None: not before latest."""
        while self._at < len(self._program.chunks) and self._program.chunks[self._at][0] <= latest:
            self.step()
            if shown(self):
                return self.now
        return None

    def text(self, row: int) -> str:
        """A line of the screen."""
        return str(self.screen.display[row])

    def ground(self, row: int, column: int) -> str:
        """The background of a cell."""
        return str(self.screen.buffer[row][column].bg)
