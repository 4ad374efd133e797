"""Starting the local server from a face, with the standard library alone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

from workbench.errors import ServerError
from workbench.home import RUNTIME, Home, private_folder
from workbench.server.peer import answers

START_SECONDS = 20.0
"""How long a server may take until it answers."""
STEP = 0.02
"""Seconds between two looks whether it does."""
_OTHER_SECONDS = 2.0
"""How long the server that was first may take, when ours ended because of it."""


class ServerStart:
    """A local server on its way: started with this object, asked again and again whether it answers.

    Several clients may start one at once: the lock lets one live, all find it.
    """

    def __init__(self, home: Home) -> None:
        private_folder(home.root)
        private_folder(home.runtime)
        self._home = home
        self._process = _spawn(home)
        # It lives on by itself; should it end before this process does, it is collected.
        threading.Thread(target=self._process.wait, name="server", daemon=True).start()
        self._deadline = time.monotonic() + START_SECONDS

    def answers(self) -> bool:
        """Whether a server answers now; raises ServerError with its own last words when none will."""
        if answers(self._home.socket):
            return True
        now = time.monotonic()
        if self._process.returncode:
            self._deadline = min(self._deadline, now + _OTHER_SECONDS)
        if now > self._deadline:
            raise ServerError(
                f"the local server did not start: {_last_words(self._home)}", f"see {self._home.server_log}"
            )
        return False


def start_server(home: Home) -> None:
    """Start the server unless it runs, and wait until it answers; raises ServerError."""
    start = ServerStart(home)
    while not start.answers():
        time.sleep(STEP)


def _spawn(home: Home) -> subprocess.Popen[bytes]:
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
    return text.strip().splitlines()[-1] if text.strip() else "no word from it"
