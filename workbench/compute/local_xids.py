"""Xid errors of this machine's GPUs, as the driver reports them while somebody listens."""

from __future__ import annotations

import threading
import time
from typing import Any

import pynvml

WAIT = 1000
"""Milliseconds of one wait."""
REST = 5.0
"""Seconds between two tries when waiting fails."""


class XidListener:
    """Listens in a daemon thread; `last` gives each GPU's last one."""

    def __init__(self) -> None:
        self._new: list[Any] = []
        self._last: dict[int, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._deaf = False

    def add(self, handle: Any) -> None:
        """Listen to a GPU from now on."""
        with self._lock:
            if self._deaf:
                return
            self._new.append(handle)
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="xids", daemon=True)
                self._thread.start()

    def last(self, handle: Any) -> dict[str, Any] | None:
        """The last one, {"code", "time"}; None when there was none since it was added."""
        return self._last.get(_key(handle))

    def _listen(self) -> None:
        try:
            events = pynvml.nvmlEventSetCreate()
        except pynvml.NVMLError:
            with self._lock:  # a driver without events
                self._deaf = True
                self._new = []
            return
        while True:
            self._register(events)
            try:
                event = pynvml.nvmlEventSetWait_v2(events, WAIT)
            except pynvml.NVMLError as error:
                if error.value != pynvml.NVML_ERROR_TIMEOUT:
                    time.sleep(REST)
                continue
            if event.eventType == pynvml.nvmlEventTypeXidCriticalError:
                self._last[_key(event.device)] = {"code": int(event.eventData), "time": time.time()}

    def _register(self, events: Any) -> None:
        with self._lock:
            new, self._new = self._new, []
        for handle in new:
            try:
                pynvml.nvmlDeviceRegisterEvents(handle, pynvml.nvmlEventTypeXidCriticalError, events)
            except pynvml.NVMLError:
                continue  # one that has no events, or is lost: its row says so


def _key(handle: Any) -> int:
    """The address behind a handle."""
    return int.from_bytes(bytes(handle), "little")
