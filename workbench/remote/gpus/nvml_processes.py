"""The processes on one GPU as NVML tells them: their memory, and the share of its SMs they had lately."""

import ctypes
from typing import Any, Dict, List, Optional, Tuple

from workbench.remote.gpus.nvml_device import Device, share, size
from workbench.remote.gpus.nvml_library import INSUFFICIENT_SIZE, SUCCESS
from workbench.remote.gpus.nvml_structures import Process, ProcessLong, ProcessUtilization, ProcessV2

KINDS = ("Compute", "Graphics", "MPSCompute")
FIRST_ROOM = 64
MOST = 4096
FILL = 0xA5  # what a buffer holds before NVML writes to it
KEPT = 10.0  # seconds a process's last share holds when no newer one comes


class ProcessReader(object):
    """Asks one GPU for its processes again and again."""

    def __init__(self, device):
        # type: (Device) -> None
        self._device = device
        self._room = FIRST_ROOM
        self._samples = (ProcessUtilization * FIRST_ROOM)()
        self._last_time = 0
        self._shares = {}  # type: Dict[int, Tuple[float, int]]

    def memory(self):
        # type: () -> Dict[int, Optional[int]]
        """pid -> bytes, None where the driver does not tell."""
        found = {}  # type: Dict[int, Optional[int]]
        for kind in KINDS:
            for pid, used in self._list(kind):
                before = found.get(pid)
                found[pid] = used if before is None else max(before, used or 0)
        return found

    def of_kind(self, kind):
        # type: (str) -> List[Tuple[int, Optional[int]]]
        """(pid, bytes) of the processes of one of KINDS; one that computes and draws is of two."""
        return list(self._list(kind))

    def _list(self, kind):
        # type: (str) -> Any
        plain = "nvmlDeviceGet%sRunningProcesses" % kind
        names = (plain + "_v3", plain + "_v2", plain)
        old = self._device.library.find(*names)[1] == 2
        layout = Process if old else ProcessV2  # type: Any
        while True:
            buffer = ctypes.create_string_buffer(bytes([FILL]) * (self._room * ctypes.sizeof(ProcessLong)))
            count = ctypes.c_uint(self._room)
            code = self._device.ask(names, ctypes.byref(count), buffer)
            if code != INSUFFICIENT_SIZE or self._room >= MOST:
                break
            self._room = min(MOST, max(2 * self._room, count.value + 16))
        if code != SUCCESS:
            return []
        written = min(count.value, self._room)
        if not old and is_long(buffer.raw, written):
            layout = ProcessLong
        rows = (layout * written).from_buffer(buffer)
        return [(row.pid, size(row.memory)) for row in rows if row.pid]

    def shares(self, now):
        # type: (float) -> Dict[int, int]
        """pid -> percent of the SMs' time in its newest sample; who has none is not in it. now: monotonic."""
        for _ in range(3):
            count = ctypes.c_uint(len(self._samples))
            words = (self._samples, ctypes.byref(count), ctypes.c_ulonglong(self._last_time))
            code = self._device.ask(("nvmlDeviceGetProcessUtilization",), *words)
            if code != INSUFFICIENT_SIZE or len(self._samples) >= MOST:
                break
            self._samples = (ProcessUtilization * min(MOST, max(2 * len(self._samples), count.value)))()
        if code == SUCCESS:
            newest = {}  # type: Dict[int, Tuple[int, int]]
            for number in range(min(count.value, len(self._samples))):
                sample = self._samples[number]
                if sample.time > max(self._last_time, newest.get(sample.pid, (0, 0))[0]):
                    newest[sample.pid] = (sample.time, sample.sm)
            for pid, (time, sm) in newest.items():
                self._last_time = max(self._last_time, time)
                if share(sm) is not None:
                    self._shares[pid] = (now, sm)
        self._shares = {pid: kept for pid, kept in self._shares.items() if now - kept[0] <= KEPT}
        return {pid: kept[1] for pid, kept in self._shares.items()}


def is_long(raw, count):
    # type: (bytes, int) -> bool
    """Whether so many entries were written in the long layout: a few drivers use it under the same name."""
    short, long = count * ctypes.sizeof(ProcessV2), count * ctypes.sizeof(ProcessLong)
    return count > 0 and raw[short:long] != bytes([FILL]) * (long - short)
