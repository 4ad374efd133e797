"""Starting the local server from a face, with the standard library alone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from workbench.errors import ServerError
from workbench.home import RUNTIME, Home, private_folder
from workbench.store.sqlite.ownership import find_server

START_SECONDS = 20.0
"""How long a server may take until it answers."""
STEP = 0.02
"""Seconds between two looks whether it does."""
_OTHER_SECONDS = 2.0
"""How long the server that was first may take, when ours ended because of it."""


class ServerStart:
    """A home's server, found or on its way: ask again and again where it answers.

    Several clients may start one at once: one of them owns the home, all find it.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._deadline = time.monotonic() + START_SECONDS

    def socket(self) -> Path | None:
        """Where a server answers, None when none does yet.

        Raises ServerError with the server's own last words when none will.
        """
        found = find_server(self._home)
        if found is not None:
            return found
        now = time.monotonic()
        if self._process is None:
            self._process = _spawn(self._home)
            # It lives on by itself; should it end before this process does, it is collected.
            threading.Thread(target=self._process.wait, name="server", daemon=True).start()
        elif self._process.returncode:
            self._deadline = min(self._deadline, now + _OTHER_SECONDS)
        if now > self._deadline:
            raise ServerError(
                f"the local server did not start: {_last_words(self._home)}", f"see {self._home.server_log}"
            )
        return None


def start_server(home: Home) -> Path:
    """Where the home's server answers; it is started unless it runs. Raises ServerError, Refused."""
    start = ServerStart(home)
    while (found := start.socket()) is None:
        time.sleep(STEP)
    return found


def _spawn(home: Home) -> subprocess.Popen[bytes]:
    try:
        return _launch(home)
    except OSError as problem:
        raise ServerError(
            f"the local server cannot be started: {problem.filename}: {problem.strerror}",
            "free some room there, or keep things elsewhere: WORKBENCH_HOME=FOLDER",
        ) from problem


def _launch(home: Home) -> subprocess.Popen[bytes]:
    private_folder(home.root)
    private_folder(home.runtime)
    environ = {**os.environ, "WORKBENCH_HOME": str(home.root), RUNTIME: str(home.runtime)}
    with open(home.root / "server.err", "wb") as complaints:
        return subprocess.Popen(
            [sys.executable, "-m", "workbench.server"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,
            cwd="/",
            env=environ,
        )


def _last_words(home: Home) -> str:
    try:
        text = (home.root / "server.err").read_text("utf-8", "replace")
    except OSError:
        return "no word from it"
    return text.strip().splitlines()[-1].removeprefix("error: ") if text.strip() else "no word from it"
