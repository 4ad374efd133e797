"""Xid errors as the driver reports them: NVML's event wait, in a thread of its own."""

import ctypes
import threading
import time
from typing import Any, Callable, Dict, List, Optional

from workbench.remote.gpus.nvml_device import Device
from workbench.remote.gpus.nvml_library import GPU_IS_LOST, SUCCESS, TIMEOUT, Library, NvmlError
from workbench.remote.gpus.nvml_structures import Event

XID = 8  # the event's type
WAIT = 1.0  # seconds of one wait: so long may a GPU that came late have to wait to be listened to
REST = 5.0  # seconds between two tries when waiting fails


class XidListener(object):
    """Listens to all GPUs that were given to `add`. heard: told at each Xid, from the listening thread."""

    def __init__(self, library, heard):
        # type: (Library, Callable[[], None]) -> None
        self._library = library
        self._heard = heard
        self._lock = threading.Lock()
        self._waiting = []  # type: List[Device]
        self._last = {}  # type: Dict[Any, Dict[str, Any]]
        self._thread = None  # type: Optional[threading.Thread]
        self._deaf = False

    def add(self, device):
        # type: (Device) -> None
        """Listen to a GPU from now on."""
        with self._lock:
            if self._deaf:
                return
            self._waiting.append(device)
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, daemon=True)
                self._thread.start()

    def last(self, device):
        # type: (Device) -> Optional[Dict[str, Any]]
        """The last Xid of a GPU, {"code", "time"}; None when there was none since it was added."""
        return self._last.get(device.handle.value)

    def _listen(self):
        # type: () -> None
        create, _ = self._library.find("nvmlEventSetCreate")
        wait, version = self._library.find("nvmlEventSetWait_v2", "nvmlEventSetWait")
        events = ctypes.c_void_p()
        if create is None or wait is None or create(ctypes.byref(events)) != SUCCESS:
            with self._lock:  # a driver without events: those who are found again need not wait for any
                self._deaf = True
                self._waiting = []
            return
        event = Event()
        while True:
            self._register(events)
            code = wait(events, ctypes.byref(event), ctypes.c_uint(int(WAIT * 1000)))
            if code == SUCCESS and event.type == XID:
                self._last[event.device] = {"code": int(event.data), "time": time.time()}
                self._heard()
            elif code not in (SUCCESS, TIMEOUT):
                # One lost GPU makes every wait fail at once; the others' events still come between.
                time.sleep(WAIT if code == GPU_IS_LOST else REST)

    def _register(self, events):
        # type: (ctypes.c_void_p) -> None
        with self._lock:
            new, self._waiting = self._waiting, []
        for device in new:
            try:
                device.ask(("nvmlDeviceRegisterEvents",), ctypes.c_ulonglong(XID), events)
            except NvmlError:  # lost: its row says so
                continue
