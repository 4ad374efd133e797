"""A program on a terminal of its own: the child that has it, and its other side, which the link carries."""

import errno
import fcntl
import os
import struct
import subprocess
import sys
import termios
import threading
import time
from typing import Any, Callable, Dict, NamedTuple, Optional

from workbench.remote.forms import protocol
from workbench.remote.sessions.programs import Work
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError
from workbench.remote.wire.relay import Carried

QUIET = 0.1  # seconds without output after which a terminal is over whose program ended before those it left
END_OF_INPUT = b"\x04"
MAX_SIDE = 10000  # rows or columns
IUTF8 = 0x4000  # of the input flags; termios has no name for it before Python 3.13

# Between fork and exec, in an interpreter of its own: a thread of ours must not run Python after a fork.
START = """\
import fcntl, os, signal, sys, termios
report = int(sys.argv[1])
os.set_inheritable(report, False)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
for number in range(1, signal.NSIG):
    try:
        signal.signal(number, signal.SIG_DFL)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask(signal.SIG_SETMASK, [])
try:
    os.execvp(sys.argv[2], sys.argv[3:])
except OSError as error:
    os.write(report, b"%d" % error.errno)
os._exit(127)
"""


def start(work, rows, columns):
    # type: (Work, int, int) -> Tty
    """Start a program with a new terminal as its controlling one.

    Raises RequestError when there is no such program or directory, OSError when no terminal is to be had.
    """
    master, slave = os.openpty()
    said, report = os.pipe()
    try:
        set_size(master, rows, columns)
        _take_utf8(slave)
        name = os.ttyname(slave)
        words = [sys.executable, "-I", "-S", "-c", START, str(report), work.program.program]
        child = subprocess.Popen(
            words + work.program.words,
            cwd=work.directory,
            env=dict(work.environment, SSH_TTY=name),
            start_new_session=True,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            pass_fds=(report,),
        )
    except BaseException as error:
        os.close(master)
        os.close(said)
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            raise RequestError("not_found", "%s: %s on the machine" % (error.filename, error.strerror))
        raise
    finally:
        os.close(slave)
        os.close(report)
    with os.fdopen(said, "rb") as reading:
        failed = reading.read(16)
    if failed:
        os.close(master)
        child.wait()
        why = os.strerror(int(failed))
        code = "not_found" if int(failed) == errno.ENOENT else "refused"
        raise RequestError(code, "%s: %s on the machine" % (work.program.program, why))
    os.set_blocking(master, False)
    return Tty(master, child, name)


# The side that drives a terminal, its program, and the terminal's name.
Tty = NamedTuple("Tty", [("master", int), ("child", "subprocess.Popen[bytes]"), ("name", str)])


def set_size(fd, rows, columns):
    # type: (int, int, int) -> None
    """Make a terminal as large; its program is told by SIGWINCH."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def resize(carried, rows, columns):
    # type: (Carried, int, int) -> None
    """Make a terminal that is carried another size."""
    set_size(carried.fd, rows, columns)


def side(params, name, default):
    # type: (Dict[str, Any], str, int) -> int
    """The parameter rows or cols, or what it is when absent."""
    value = params.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_SIDE:
        raise RequestError("usage", "parameter %s must be a number of cells" % name)
    return value


def _take_utf8(fd):
    # type: (int) -> None
    """Have the kernel's line editing rub out whole characters."""
    settings = termios.tcgetattr(fd)
    settings[0] |= IUTF8
    termios.tcsetattr(fd, termios.TCSANOW, settings)


class Terminal(Carried):
    """A terminal as the link carries it; closing it hangs it up, as the kernel does that.

    The program and what is in the foreground get SIGHUP. What was made to outlive that (nohup, tmux,
    setsid) does, as it would with any other way to log in.
    ended: called, from any thread, once the program has ended.
    """

    ENDS = (errno.EIO,)

    def __init__(self, exchange, tty, ended):
        # type: (Exchange, Tty, Callable[[Terminal], None]) -> None
        super(Terminal, self).__init__(exchange, tty.master, protocol.TERMINAL_WINDOW)
        self._child = tty.child
        self._code = None  # type: Optional[int]
        self._busy_at = 0.0
        self._ended = ended

    def watch(self):
        # type: () -> None
        """Wait for the program's end, in a thread of its own: it may write nothing for days."""
        threading.Thread(target=self._wait, daemon=True).start()

    def no_more_input(self):
        # type: () -> None
        """Say so to the program as one who types does."""
        try:
            os.write(self.fd, END_OF_INPUT)
        except OSError:  # it takes nothing now, or is gone: nobody is left who would type either
            return

    def look(self):
        # type: () -> bool
        """Over once the program ended and what it wrote is sent."""
        if self._code is None:
            return False
        now = time.monotonic()
        if self._room() <= 0:
            self._busy_at = now
        if not self.taken and now - self._busy_at < QUIET:
            self.due = self._busy_at + QUIET if self._room() > 0 else None
            return False
        code = self._code
        self.exchange.answer({"exit_code": code} if code >= 0 else {"exit_code": 128 - code, "signal": -code})
        return True

    def _read(self):
        # type: () -> None
        super(Terminal, self)._read()
        self._busy_at = time.monotonic()

    def _wait(self):
        # type: () -> None
        code = self._child.wait()
        self._busy_at = time.monotonic()
        self._code = code
        self._ended(self)
