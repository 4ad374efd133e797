"""A terminal of its own for one program: a private tmux server in a folder, ended when done."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

_SETTINGS = """\
set -g status off
set -g default-terminal tmux-256color
set -g remain-on-exit on
set -g history-limit 5000
set -s escape-time 0
set -g focus-events off
"""
_KEPT = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")


class Terminal:
    """A program on a screen of columns by rows; use it as a context manager.

    folder holds the server's socket and is the program's HOME and working directory unless directory or
    environment say otherwise. tmux must be on PATH.
    """

    def __init__(
        self,
        folder: Path,
        command: Sequence[str],
        columns: int = 80,
        rows: int = 24,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.folder, self.columns, self.rows = folder, columns, rows
        self._settings = folder / "terminal.conf"
        self._settings.write_text(_SETTINGS)
        self._environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._environment |= {
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "COLORTERM": "truecolor",
            "SHELL": "/bin/sh",
            **(environment or {}),
        }
        size = ["-x", str(columns), "-y", str(rows)]
        where = ["-c", str(directory or folder)]
        self._tmux("new-session", "-d", *size, *where, "--", *command)
        self._pids = [int(pid) for pid in self._tmux("display-message", "-p", "#{pid} #{pane_pid}").split()]

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def keys(self, *names: str) -> None:
        """Press keys by tmux's names: Enter, Escape, C-c, Up, a."""
        self._tmux("send-keys", *names)

    def type(self, text: str) -> None:
        """Type text as it stands, without a final Enter."""
        self._tmux("send-keys", "-l", "--", text)

    def resize(self, columns: int, rows: int) -> None:
        """Make the screen another size, as a window manager would."""
        self.columns, self.rows = columns, rows
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def text(self) -> str:
        """What the screen shows, without colours."""
        return self._tmux("capture-pane", "-p")

    def capture(self, history: bool = False) -> str:
        """The screen with its colours, spaces at line ends kept; with history, what scrolled off too."""
        return self._tmux("capture-pane", "-p", "-e", "-N", *(["-S", "-"] if history else []))

    def wait_for(self, pattern: str, seconds: float = 60.0) -> str:
        """Wait until the screen's text matches a regular expression; the text.

        Raises AssertionError with the screen when it does not come.
        """
        deadline = time.monotonic() + seconds
        while True:
            text = self.text()
            if re.search(pattern, text, re.MULTILINE):
                return text
            if time.monotonic() > deadline:
                raise AssertionError(f"{pattern!r} did not come within {seconds:.0f} s; the screen:\n{text}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """The program's process."""
        return int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def wait_until_gone(self, pattern: str, seconds: float = 60.0) -> None:
        """Wait until the screen's text does not match any more. Raises AssertionError with the screen."""
        deadline = time.monotonic() + seconds
        while re.search(pattern, text := self.text(), re.MULTILINE):
            if time.monotonic() > deadline:
                raise AssertionError(f"{pattern!r} did not go within {seconds:.0f} s; the screen:\n{text}")
            time.sleep(0.05)

    @property
    def ended(self) -> bool:
        """Whether the program has ended; its last screen stays."""
        return self._tmux("display-message", "-p", "#{pane_dead}").strip() == "1"

    def close(self) -> None:
        """End the server and the program in it, and wait until both are gone."""
        if not self._pids:
            return
        self._run("kill-server")
        deadline = time.monotonic() + 30
        while any(_alive(pid) for pid in self._pids) and time.monotonic() < deadline:
            time.sleep(0.02)
        self._pids = []

    def _tmux(self, *words: str) -> str:
        done = self._run(*words)
        if done.returncode != 0:
            raise RuntimeError(f"tmux {words[0]}: {done.stderr.strip()}")
        return done.stdout

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        # The socket is named relative to the folder: a socket's path may have 107 bytes only.
        return subprocess.run(
            ["tmux", "-u", "-S", "s", "-f", self._settings.name, *words],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
