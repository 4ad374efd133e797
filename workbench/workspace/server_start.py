"""Starting the local server from a face, with the standard library alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from workbench.errors import ServerError
from workbench.home import RUNTIME, Home, private_folder
from workbench.server.peer import answers

START_SECONDS = 20.0
_STEP = 0.02


def start_server(home: Home) -> None:
    """Start the server unless it runs, and wait until it answers.

    Several clients may start one at once: the lock lets one live, all find it. Raises ServerError with the
    server's own last words.
    """
    private_folder(home.root)
    private_folder(home.runtime)
    environ = {**os.environ, "WORKBENCH_HOME": str(home.root), RUNTIME: str(home.runtime)}
    with open(home.root / "server.err", "wb") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "workbench.server"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,
            cwd="/",
            env=environ,
        )
    deadline = time.monotonic() + START_SECONDS
    while not answers(home.socket):
        code = process.poll()
        if time.monotonic() > deadline or (code is not None and code != 0 and not _another(home, deadline)):
            raise ServerError(
                f"the local server did not start: {_last_words(home)}", f"see {home.server_log}"
            )
        time.sleep(_STEP)
    process.returncode = 0  # it lives on by itself: nobody here waits for it


def _another(home: Home, deadline: float) -> bool:
    """Whether the server that held the lock answers after all."""
    patience = min(deadline, time.monotonic() + 2.0)
    while time.monotonic() < patience:
        if answers(home.socket):
            return True
        time.sleep(_STEP)
    return False


def _last_words(home: Home) -> str:
    try:
        text = (home.root / "server.err").read_text("utf-8", "replace")
    except OSError:
        return "no word from it"
    return text.strip().splitlines()[-1] if text.strip() else "no word from it"
