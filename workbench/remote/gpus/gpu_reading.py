"""What one sample of a GPU reads: its figures under the names of entities/sample.py, and its processes.

What moves fast is asked for at every tick, what changes slowly now and then: every call costs the driver.
"""

import time
from typing import Any, Dict, List, Optional, Tuple

from workbench.remote.forms.gpu_words import IDLE, compute_mode_word, throttle_words
from workbench.remote.gpus import nvml_device
from workbench.remote.gpus.nvml_device import Device
from workbench.remote.gpus.nvml_events import XidListener
from workbench.remote.gpus.nvml_processes import ProcessReader

USUAL_EVERY = 0.9  # seconds between two looks at what people look at once a second at most
SLOW_EVERY = 5.0
UNKNOWN_STATE = 32

Fields = Dict[str, Any]
Uses = Dict[int, List[Fields]]


class GpuReader(object):
    """Reads one GPU with its MIG instances; used by one thread.

    name: what it is called where it does not say its UUID. Raises NvmlError wherever the GPU is lost.
    """

    def __init__(self, device, index, name, listener=None):
        # type: (Device, int, str, Optional[XidListener]) -> None
        self._device = device
        self._index = index
        self._listener = listener
        self._card = Part(device)
        self._card.fields["index"] = index
        self._instances = []  # type: List[Part]
        self._usual_at = self._slow_at = float("-inf")
        self._rates = Rates(device)
        self.uuid = device.text("nvmlDeviceGetUUID") or name
        for name, value in (
            ("uuid", self.uuid),
            ("name", device.text("nvmlDeviceGetName")),
            ("bus", device.bus()),
            ("sm_clock_max", device.clock_max(nvml_device.CLOCK_SM)),
            ("memory_clock_max", device.clock_max(nvml_device.CLOCK_MEMORY)),
        ):
            self._card.set(name, value)
        if listener is not None:
            listener.add(device)

    def read(self, now):
        # type: (float) -> None
        """Ask the GPU at monotonic time now; `rows` and `uses` give what it said."""
        self._device.problem = 0
        slow = now - self._slow_at >= SLOW_EVERY
        if slow:
            self._read_slow()
            self._slow_at = now
        self._read_fast()
        if slow or now - self._usual_at >= USUAL_EVERY:
            self._read_usual()
            for part in [self._card] + self._instances:
                part.read_processes(now)
            self._usual_at = now
        if self._listener is not None:
            self._card.set("xid", self._listener.last(self._device))
        words = self._device.library.words(self._device.problem) if self._device.problem else None
        self._card.set("error", words)

    def read_rates(self, now):
        # type: (float) -> None
        """Ask for PCIe and NVLink rates, which takes long."""
        pcie, nvlink = self._rates.read(now)
        self._card.set("pcie", pcie)
        self._card.set("nvlink", nvlink)

    def forget_rates(self):
        # type: () -> None
        """They are not wanted any more."""
        self._rates.forget()
        self._card.set("pcie", None)
        self._card.set("nvlink", None)

    def look_again(self):
        # type: () -> None
        """Read everything the next time: something happened to it."""
        self._slow_at = float("-inf")

    def rows(self):
        # type: () -> List[Fields]
        """The card's figures, then those of its instances."""
        return [dict(part.fields) for part in [self._card] + self._instances]

    def uses(self):
        # type: () -> Uses
        """pid -> [{"gpu", "memory"?, "utilisation"?}]."""
        found = {}  # type: Uses
        for part in [self._card] + self._instances:
            for pid, use in part.uses.items():
                found.setdefault(pid, []).append(use)
        return found

    def _read_fast(self):
        # type: () -> None
        device, card = self._device, self._card
        used, memory_used = device.utilization()
        card.set("utilisation", used)
        card.set("memory_utilisation", memory_used)
        for part in [card] + self._instances:
            part.read_memory()
        card.set("temperature", device.temperature())
        power = device.unsigned("nvmlDeviceGetPowerUsage")
        card.set("power", None if power is None else power / 1000.0)
        card.set("sm_clock", device.clock(nvml_device.CLOCK_SM))
        card.set("memory_clock", device.clock(nvml_device.CLOCK_MEMORY))
        bits = device.throttle()
        card.set("throttle", None if bits is None else throttle_words(bits & ~IDLE))

    def _read_usual(self):
        # type: () -> None
        device, card = self._device, self._card
        limit = device.unsigned("nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetPowerManagementLimit")
        card.set("power_limit", None if limit is None else limit / 1000.0)
        card.set("memory_temperature", device.memory_temperature())
        fan = device.unsigned("nvmlDeviceGetFanSpeed")
        card.set("fan", fan if fan is None or fan <= 300 else None)
        state = device.unsigned("nvmlDeviceGetPerformanceState")
        card.set("performance_state", state if state is None or state < UNKNOWN_STATE else None)
        card.set("encoder", device.engine("nvmlDeviceGetEncoderUtilization"))
        card.set("decoder", device.engine("nvmlDeviceGetDecoderUtilization"))
        card.set("jpeg", device.engine("nvmlDeviceGetJpgUtilization"))
        card.set("optical_flow", device.engine("nvmlDeviceGetOfaUtilization"))
        card.set("pcie_generation", device.unsigned("nvmlDeviceGetCurrPcieLinkGeneration"))
        card.set("pcie_width", device.unsigned("nvmlDeviceGetCurrPcieLinkWidth"))

    def _read_slow(self):
        # type: () -> None
        device, card = self._device, self._card
        card.set("ecc_corrected", device.ecc(nvml_device.ECC_CORRECTED))
        card.set("ecc_uncorrected", device.ecc(nvml_device.ECC_UNCORRECTED))
        card.set("remapped", device.remapped_rows())
        card.set("retired_pages", device.retired_pages())
        mode = device.unsigned("nvmlDeviceGetComputeMode")
        card.set("compute_mode", None if mode is None else compute_mode_word(mode))
        mig = device.mig_mode()
        card.set("mig", mig)
        self._instances = self._find_instances() if mig else []

    def _find_instances(self):
        # type: () -> List[Part]
        known = {part.fields.get("uuid"): part for part in self._instances}
        found = []
        for device in self._device.instances():
            uuid = device.text("nvmlDeviceGetUUID")
            if uuid is None:
                continue
            part = known.get(uuid)
            if part is None:
                part = Part(device)
                part.fields.update({"uuid": uuid, "index": self._index, "parent": self.uuid})
                part.set("name", device.text("nvmlDeviceGetName"))
            found.append(part)
        return found


class Part(object):
    """A card or one of its instances: what is known of it now."""

    def __init__(self, device):
        # type: (Device) -> None
        self.fields = {}  # type: Fields
        self.uses = {}  # type: Dict[int, Fields]
        self._device = device
        self._processes = ProcessReader(device)

    def set(self, name, value):
        # type: (str, Any) -> None
        """A field; None is absent."""
        if value is None:
            self.fields.pop(name, None)
        else:
            self.fields[name] = value

    def read_memory(self):
        # type: () -> None
        """Its memory."""
        total, used, reserved = self._device.memory()
        if total is not None and used is not None and used > total:
            used = None  # nonsense of a driver that has no value
        self.set("memory_total", total or None)
        self.set("memory_used", used if total else None)
        self.set("memory_reserved", reserved)

    def read_processes(self, now):
        # type: (float) -> None
        """The processes on it."""
        shares = self._processes.shares(now)
        uses = {}
        for pid, memory in self._processes.memory().items():
            use = {"gpu": self.fields.get("uuid")}  # type: Fields
            if memory is not None:
                use["memory"] = memory
            if pid in shares:
                use["utilisation"] = shares[pid]
            uses[pid] = use
        self.uses = uses


class Rates(object):
    """Bytes a second over PCIe and NVLink."""

    def __init__(self, device):
        # type: (Device) -> None
        self._device = device
        self._before = None  # type: Optional[Tuple[float, Optional[float], Optional[float]]]

    def read(self, now):
        # type: (float) -> Tuple[Optional[Fields], Optional[Fields]]
        """(PCIe, NVLink), each {"received", "sent"} or None; those of NVLink are since the last call."""
        pcie = traffic(
            self._device.pcie_rate(nvml_device.PCIE_RECEIVED), self._device.pcie_rate(nvml_device.PCIE_SENT)
        )
        received, sent = self._device.nvlink_counters()
        at = time.monotonic()
        before, self._before = self._before, (at, received, sent)
        if before is None:
            return pcie, None
        return pcie, traffic(rate(before[1], received, at - before[0]), rate(before[2], sent, at - before[0]))

    def forget(self):
        # type: () -> None
        """The counters' last values are too old."""
        self._before = None


def traffic(received, sent):
    # type: (Optional[float], Optional[float]) -> Optional[Fields]
    """Two rates together; None without any."""
    if received is None and sent is None:
        return None
    return {"received": received, "sent": sent}


def rate(before, now, seconds):
    # type: (Optional[float], Optional[float], float) -> Optional[float]
    """What a counter grew by a second; None when it began anew."""
    if before is None or now is None or seconds <= 0 or now < before:
        return None
    return (now - before) / seconds
