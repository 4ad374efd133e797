"""A dashboard ends with its terminal, whatever holds it up.

A window that is closed sends SIGHUP, and then the dashboard leaves as always. But who does not lead its
session is sent nothing, and a screen that is being written when its terminal goes waits for ever.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time

GRACE = 3.0
"""Seconds an orderly end may take after the terminal has gone."""


def end_with_terminal() -> None:
    """Watch the terminal from a thread of its own; nothing happens where standard input is not there."""
    try:
        descriptor = os.dup(sys.__stdin__.fileno()) if sys.__stdin__ is not None else -1
    except (OSError, ValueError):
        return
    if descriptor >= 0:
        threading.Thread(target=_watch, args=(descriptor,), name="terminal", daemon=True).start()


def _watch(descriptor: int) -> None:
    hung_up = select.poll()
    hung_up.register(descriptor, 0)  # hang-up is always told, and nothing else is asked for
    while not hung_up.poll():
        continue
    time.sleep(GRACE)
    os._exit(128 + signal.SIGHUP)
