"""Having the payload compiled while a link is up, without making anybody wait for it."""

import os
import subprocess
import sys
import threading
from typing import Any

from workbench.remote.compiled import usable

AFTER = 1.5  # seconds a new link is left alone: whoever connects wants something first


class Compiling(object):
    """Makes a payload's compiled form in a process of its own, a while after a link came up."""

    def __init__(self, payload, after=AFTER):
        # type: (str, float) -> None
        self._payload = payload
        self._after = after
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._process = None  # type: Any
        if os.path.isfile(payload) and usable(payload) is None:
            threading.Thread(target=self._work, daemon=True).start()

    def close(self):
        # type: () -> None
        """End it now; what is half done goes away with the next try."""
        with self._lock:
            self._ended.set()
            if self._process is not None:
                self._process.kill()

    def _work(self):
        # type: () -> None
        if self._ended.wait(self._after):
            return
        words = [sys.executable, "-I", "-S", self._payload, "compile", self._payload]
        nothing = subprocess.DEVNULL
        with self._lock:
            if self._ended.is_set():
                return
            self._process = subprocess.Popen(
                words, stdin=nothing, stdout=nothing, stderr=nothing, cwd="/", start_new_session=True
            )
        self._process.wait()
