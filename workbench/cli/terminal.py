"""What the terminal at the other end can do, decided once from the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import IO, NamedTuple

from workbench.text.style import Look
from workbench.text.terminals import draws_ascii_alone, is_browser

UNLIMITED = 100_000


class Terminal(NamedTuple):
    """Where output goes: whether stdout and stderr are terminals, how wide, colours, glyphs."""

    stdout: bool
    stderr: bool
    cells: int
    lines: int
    colour: bool
    ascii_only: bool

    @property
    def look(self) -> Look:
        """The same for tables."""
        return Look(self.cells, self.colour, self.ascii_only)


def detect(
    stdout: IO[str] | None = None, stderr: IO[str] | None = None, environ: Mapping[str, str] | None = None
) -> Terminal:
    """The terminal of this process. NO_COLOR and TERM=dumb switch colours off, CLICOLOR_FORCE on.

    A pipe has no width of its own: it is unlimited unless COLUMNS says otherwise.
    """
    stdout = stdout or sys.stdout
    stderr = stderr or sys.stderr
    environ = os.environ if environ is None else environ
    tty = _is_terminal(stdout)
    colour = tty and environ.get("TERM") != "dumb"
    if environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        colour = True
    if environ.get("NO_COLOR"):
        colour = False
    cells, lines = _size(stdout, tty, environ)
    encoding = (getattr(stdout, "encoding", None) or "ascii").lower().replace("-", "")
    plain = not encoding.startswith("utf") or (tty and draws_ascii_alone(environ))
    return Terminal(tty, _is_terminal(stderr), cells, lines, colour, plain)


def has_screen(environ: Mapping[str, str] | None = None) -> bool:
    """Whether this process reads from and writes to a terminal that can be drawn on, or a browser is one."""
    environ = os.environ if environ is None else environ
    if is_browser(environ):
        return True  # the screen goes over the pipes we were given
    return environ.get("TERM", "dumb") != "dumb" and _is_terminal(sys.stdin) and _is_terminal(sys.stdout)


def make_writable(stdout: IO[str] | None = None) -> None:
    """Let stdout take any text: UTF-8 into pipes and files, "?" for what a terminal's encoding lacks."""
    stream = stdout or sys.stdout
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is None:
        return
    if _is_terminal(stream):
        reconfigure(errors="replace")
    else:
        reconfigure(encoding="utf-8", errors="surrogateescape")


def _is_terminal(stream: IO[str]) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _size(stdout: IO[str], tty: bool, environ: Mapping[str, str]) -> tuple[int, int]:
    cells, lines = (0, 0)
    if tty:
        try:
            cells, lines = os.get_terminal_size(stdout.fileno())
        except OSError:
            cells, lines = 80, 24
    asked = environ.get("COLUMNS", "")
    if asked.isdigit() and int(asked) > 0:
        cells = int(asked)
    return cells or (80 if tty else UNLIMITED), lines or 24
