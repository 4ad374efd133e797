"""AMD's GPUs, from what the kernel has of them in /sys: no library, no tool, a thread for each card."""

import os
import re
import threading
import time
from typing import Dict, FrozenSet, List, Optional, Tuple

from workbench.remote.gpus import amd_readings
from workbench.remote.gpus.amd_readings import Fields

AMD = "0x1002"
HUNG = 3.0  # seconds of one reading after which a card is said to hang
STALE = 1.0
MOST_PROCESSES = 4096


def find_cards(sys="/sys"):
    # type: (str) -> List[str]
    """The device folders of AMD's cards that compute, in bus order."""
    found = {}
    folder = os.path.join(sys, "class/drm")
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    for name in names:
        device = os.path.join(folder, name, "device")
        if re.match(r"^card\d+$", name) and (read(device, "vendor") or "").strip() == AMD:
            if read(device, "mem_info_vram_total") is not None:
                path = os.path.realpath(device)
                found[os.path.basename(path)] = path
    return [found[bus] for bus in sorted(found)]


class Card(threading.Thread):
    """One card, read whenever `begin` says so."""

    def __init__(self, path, index):
        # type: (str, int) -> None
        super(Card, self).__init__(daemon=True)
        self.idle = threading.Event()
        self.idle.set()
        self.uuid = ""
        self._path = path
        self._index = index
        self._go = threading.Semaphore(0)
        self._fields = {}  # type: Fields
        self._read_at = self._began = time.monotonic()
        self.start()

    def begin(self):
        # type: () -> None
        """Read it, unless that still goes on."""
        if self.idle.is_set():
            self.idle.clear()
            self._began = time.monotonic()
            self._go.release()

    def row(self, every):
        # type: (float) -> Fields
        """Its figures; old ones with their age and why."""
        now = time.monotonic()
        row = dict(self._fields or {"uuid": "AMD-" + os.path.basename(self._path)}, index=self._index)
        if not self.idle.is_set() and now - self._began > HUNG:
            row["error"] = "hung"
        if "error" in row or now - self._read_at > every + STALE:
            row["age"] = now - self._read_at
        return row

    def run(self):
        # type: () -> None
        """Read until the process ends."""
        static = None  # type: Optional[Fields]
        hwmon = None  # type: Optional[str]
        while True:
            self._go.acquire()
            if static is None:
                static = amd_readings.static_fields(self._file, os.path.basename(self._path))
                hwmon = find_hwmon(self._path)
                self.uuid = static["uuid"]
            # Looking at one that sleeps would wake it.
            asleep = (self._file("power/runtime_status") or "").strip() == "suspended"
            self._fields = dict(static, **({} if asleep else amd_readings.figures(self._file, hwmon)))
            self._read_at = time.monotonic()
            self.idle.set()

    def _file(self, name):
        # type: (str) -> Optional[str]
        return read(self._path, name)


class AmdSampler(object):
    """Stands for GpuSampler, see there. cards: what `find_cards` found."""

    ready = True

    def __init__(self, cards, sys="/sys"):
        # type: (List[str], str) -> None
        self._sys = sys
        self._cards = [Card(path, index) for index, path in enumerate(cards)]
        self._buses = [os.path.basename(path) for path in cards]
        self._nodes = {}  # type: Dict[str, str]
        self._version = (read(sys, "module/amdgpu/version") or "").strip()

    def driver(self):
        # type: () -> Fields
        """The driver, as entities/sample.py has it."""
        return {"source": "sysfs", "version": self._version} if self._version else {"source": "sysfs"}

    def progress(self):
        # type: () -> Tuple[bool, int]
        """That all is known of what there is, and how many cards have told something."""
        return True, sum(bool(card.uuid) for card in self._cards)

    def starting(self):
        # type: () -> bool
        """Nothing is waited for."""
        return False

    def sample(self, detail, wait):
        # type: (FrozenSet[str], float) -> None
        """Have every card read; wait at most so many seconds for those that answer."""
        deadline = time.monotonic() + wait
        for card in self._cards:
            card.begin()
        for card in self._cards:
            card.idle.wait(max(0.0, deadline - time.monotonic()))

    def rows(self, every):
        # type: (float) -> List[Fields]
        """The cards' figures, in bus order."""
        return [card.row(every) for card in self._cards]

    def uses(self):
        # type: () -> Dict[int, List[Fields]]
        """pid -> what it has of which card, as the compute driver counts."""
        folder = os.path.join(self._sys, "class/kfd/kfd/proc")
        try:
            pids = [name for name in os.listdir(folder) if name.isdigit()][:MOST_PROCESSES]
        except OSError:
            return {}
        if pids and not self._nodes:
            self._nodes = self._find_nodes()
        files = {}
        for pid in pids:
            place = os.path.join(folder, pid)
            try:
                names = [name for name in os.listdir(place) if name.startswith("vram_")]
            except OSError:  # it ended in between
                continue
            files[int(pid)] = {name: read(place, name) for name in names}
        return amd_readings.uses_of(files, self._nodes)

    def _find_nodes(self):
        # type: () -> Dict[str, str]
        """The compute driver's ids of the cards -> their UUIDs."""
        folder = os.path.join(self._sys, "class/kfd/kfd/topology/nodes")
        uuids = {bus: card.uuid for bus, card in zip(self._buses, self._cards) if card.uuid}
        found = {}
        try:
            names = os.listdir(folder)
        except OSError:
            return {}
        for name in names:
            place = os.path.join(folder, name)
            identity = (read(place, "gpu_id") or "").strip()
            bus = amd_readings.kfd_bus(read(place, "properties") or "")
            if identity and bus in uuids:
                found[identity] = uuids[bus]
        return found


def find_hwmon(path):
    # type: (str) -> Optional[str]
    """The folder of a device's sensors, below its own."""
    try:
        names = sorted(os.listdir(os.path.join(path, "hwmon")))
    except OSError:
        return None
    return "hwmon/" + names[0] if names else None


def read(folder, name):
    # type: (str, str) -> Optional[str]
    """A small file's text; None where it is not there or says nothing."""
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read(65536).decode("utf-8", "replace") or None
    except OSError:
        return None
