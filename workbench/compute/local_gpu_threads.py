"""This machine's GPUs, each read in a thread of its own: one that hangs costs its own row only."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Collection
from typing import Any

from workbench.compute.local_gpus import Drivers, GpuLost, LocalGpu
from workbench.compute.local_xids import XidListener
from workbench.remote.forms.gpu_words import UNKNOWN
from workbench.remote.gpus.gpu_sampling import HUNG, RETRY, STALE

Fields = dict[str, Any]


class GpuWatch(threading.Thread):
    """One GPU by its index, read when `begin` says so."""

    def __init__(self, index: int, xids: XidListener) -> None:
        super().__init__(name=f"gpu {index}", daemon=True)
        self.idle = threading.Event()
        self.idle.set()
        self.uses: dict[int, list[Fields]] = {}
        self._index = index
        self._xids = xids
        self._go = threading.Semaphore(0)
        self._rated = False
        self._rows: list[Fields] = [{"uuid": f"{UNKNOWN}{index}", "index": index}]
        self._error: str | None = None
        self._read_at = time.monotonic()
        self._began = 0.0
        self._retry_at = 0.0
        self._gpu: LocalGpu | None = None
        self._rates: Fields = {}
        self.start()

    def begin(self, detail: Collection[str]) -> None:
        """Read it, unless it still does. detail: UUIDs of GPUs whose PCIe and NVLink rates are wanted."""
        if self.idle.is_set():
            self.idle.clear()
            self._began = time.monotonic()
            self._rated = self._rows[0]["uuid"] in detail
            self._go.release()

    def rows(self, every: float) -> list[Fields]:
        """The figures read last; old ones with their age and why."""
        now = time.monotonic()
        error = self._error
        if not self.idle.is_set() and now - self._began > HUNG:
            error = "hung"
        age = now - self._read_at
        old: Fields = {} if error is None else {"error": error}
        if old or age > every + STALE:
            old["age"] = age
        return [{**row, **old} for row in self._rows]

    def run(self) -> None:
        """Read until the process ends."""
        while True:
            self._go.acquire()
            try:
                self._read()
            except Exception as error:  # a fault of ours, or of the binding, costs this row only
                traceback.print_exc()
                self._error, self.uses, self._gpu = f"the sampler failed: {error!r}", {}, None
            finally:
                self.idle.set()

    def _read(self) -> None:
        now = time.monotonic()
        if self._gpu is None and now < self._retry_at:
            return
        try:
            if self._gpu is None:
                self._gpu = LocalGpu(self._index)
                self._xids.add(self._gpu.handle)
            rows = self._gpu.read()
            xid = self._xids.last(self._gpu.handle)
            rows[0] = {**rows[0], **self._rates, **({} if xid is None else {"xid": xid})}
            self._rows, self.uses, self._error, self._read_at = rows, self._gpu.uses, None, now
            # After the sample, since it takes long: the next one has them.
            self._rates = self._gpu.read_rates() if self._rated else {}
        except GpuLost as problem:
            self._error, self.uses, self._gpu = str(problem), {}, None
            self._retry_at = now + RETRY


class LocalGpus:
    """All GPUs of this machine; nothing here waits for a driver longer than it is told to."""

    def __init__(self) -> None:
        self._drivers: Drivers | None = None
        self._watches: list[GpuWatch] = []
        self._started = time.monotonic()
        self._starter = threading.Thread(target=self._start, name="driver", daemon=True)
        self._starter.start()

    def _start(self) -> None:
        drivers = Drivers()
        xids = XidListener()
        self._watches = [GpuWatch(index, xids) for index in range(drivers.count)]
        self._drivers = drivers

    def sample(self, detail: Collection[str], wait: float) -> None:
        """Have every GPU read; wait at most so many seconds for those that answer."""
        deadline = time.monotonic() + wait
        self._starter.join(wait)
        for watch in self._watches:
            watch.begin(detail)
        for watch in self._watches:
            watch.idle.wait(max(0.0, deadline - time.monotonic()))

    def driver(self) -> Fields:
        """Fields of entities' Driver."""
        if self._drivers is not None:
            return self._drivers.fields
        late = time.monotonic() - self._started > HUNG
        return {"error": "the driver hangs: its library does not finish starting"} if late else {}

    def rows(self, every: float) -> list[Fields]:
        """Fields of entities' GpuSample, in bus order."""
        return [row for watch in self._watches for row in watch.rows(every)]

    def uses(self) -> dict[int, list[Fields]]:
        """pid -> what it has of which GPU."""
        found: dict[int, list[Fields]] = {}
        for watch in self._watches:
            for pid, uses in watch.uses.items():
                found.setdefault(pid, []).extend(uses)
        return found
