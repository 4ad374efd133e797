"""One GPU (or MIG instance) asked through NVML: each answer is a value, None where there is none.

Only a GPU that is lost as a whole raises, so that no value can be missing unnoticed for long.
"""

import ctypes
import time
from typing import Any, Dict, List, Optional, Sequence, Tuple

from workbench.remote.gpus.nvml_library import (
    GPU_IS_LOST,
    GRAVE,
    INSUFFICIENT_SIZE,
    SUCCESS,
    Library,
    NvmlError,
)
from workbench.remote.gpus.nvml_structures import (
    UINT_NONE,
    ULONG_NONE,
    VALUE_TYPES,
    VERSION_SHIFT,
    FieldValue,
    Memory,
    MemoryV2,
    Pci,
    Temperature,
    Utilization,
)

ADDRESS = 16
LONGEST = 96  # of texts: a MIG instance's UUID has 40 characters in newer drivers, 80 in older ones
FIELD_MEMORY_TEMPERATURE = 82
FIELD_NVLINK_SENT = 138
FIELD_NVLINK_RECEIVED = 139
ALL_LINKS = UINT_NONE
PADDING = 2  # some drivers write one entry beyond those asked for
MAX_MEMORY = 1 << 50
CLOCK_SM, CLOCK_MEMORY = 1, 2
ECC_CORRECTED, ECC_UNCORRECTED = 0, 1
PCIE_SENT, PCIE_RECEIVED = 0, 1


class Pulse(object):
    """When a GPU, or one of its instances, was last asked something: time.monotonic."""

    def __init__(self):
        # type: () -> None
        self.at = time.monotonic()


class Device(object):
    """A GPU by its handle. Not for several threads at once: answers are read from buffers of its own."""

    def __init__(self, library, handle, pulse):
        # type: (Library, ctypes.c_void_p, Pulse) -> None
        self.pulse = pulse
        self.library = library
        self.handle = handle
        self.problem = 0  # the last grave code since somebody looked
        self._uint = ctypes.c_uint()
        self._uint2 = ctypes.c_uint()
        self._ulong = ctypes.c_ulonglong()
        self._utilization = Utilization()
        self._memory = Memory()
        self._memory_v2 = MemoryV2()
        self._temperature = Temperature()
        self._fields = {}  # type: Dict[Tuple[Tuple[int, int], ...], Any]

    def ask(self, names, *words):
        # type: (Sequence[str], *Any) -> int
        """Call the first of the functions that is there with our handle; its code.

        Raises NvmlError when the GPU is lost.
        """
        function, _ = self.library.find(*names)
        if function is None:
            return -1
        self.pulse.at = time.monotonic()
        code = function(self.handle, *words)  # type: int
        if code in GRAVE:
            self.problem = code
            if code == GPU_IS_LOST:
                raise NvmlError(code, "lost")
        return code

    def unsigned(self, *names):
        # type: (*str) -> Optional[int]
        """A question whose whole answer is one number."""
        return self._unsigned(names)

    def _unsigned(self, names, *words):
        # type: (Sequence[str], *Any) -> Optional[int]
        if self.ask(names, *(words + (ctypes.byref(self._uint),))) != SUCCESS:
            return None
        return present(self._uint.value)

    def text(self, name):
        # type: (str) -> Optional[str]
        """A question whose answer is a text."""
        said = ctypes.create_string_buffer(LONGEST)
        if self.ask((name,), said, ctypes.c_uint(LONGEST)) != SUCCESS:
            return None
        return said.value.decode("utf-8", "replace") or None

    def bus(self):
        # type: () -> Optional[str]
        """Its address on the bus, such as 00000000:3B:00.0."""
        pci = Pci()
        names = ("nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo")
        if self.ask(names, ctypes.byref(pci)) != SUCCESS:
            return None
        newest = self.library.find(*names)[1] == 0
        said = (pci.name if newest else b"") or pci.legacy
        return said.decode("utf-8", "replace") or None

    def utilization(self):
        # type: () -> Tuple[Optional[int], Optional[int]]
        """Percent of time of its SMs and of its memory."""
        names = ("nvmlDeviceGetUtilizationRates",)
        if self.ask(names, ctypes.byref(self._utilization)) != SUCCESS:
            return None, None
        return share(self._utilization.gpu), share(self._utilization.memory)

    def engine(self, name):
        # type: (str) -> Optional[int]
        """Percent of time of another engine, by the function that tells it."""
        code = self.ask((name,), ctypes.byref(self._uint), ctypes.byref(self._uint2))
        return share(self._uint.value) if code == SUCCESS else None

    def memory(self):
        # type: () -> Tuple[Optional[int], Optional[int], Optional[int]]
        """Bytes (total, used, reserved); used includes what is reserved where that is not told apart."""
        newer = self._memory_v2
        newer.version = ctypes.sizeof(MemoryV2) | 2 << VERSION_SHIFT
        if self.ask(("nvmlDeviceGetMemoryInfo_v2",), ctypes.byref(newer)) == SUCCESS:
            return size(newer.total), size(newer.used), size(newer.reserved)
        if self.ask(("nvmlDeviceGetMemoryInfo",), ctypes.byref(self._memory)) == SUCCESS:
            return size(self._memory.total), size(self._memory.used), None
        return None, None, None

    def temperature(self):
        # type: () -> Optional[int]
        """Degrees of the chip."""
        found = self._unsigned(("nvmlDeviceGetTemperature",), ctypes.c_uint(0))
        if found is None:  # the newest drivers may have only this
            newer = self._temperature
            newer.version, newer.sensor = ctypes.sizeof(Temperature) | 1 << VERSION_SHIFT, 0
            if self.ask(("nvmlDeviceGetTemperatureV",), ctypes.byref(newer)) == SUCCESS:
                found = newer.degrees
        return found if found is not None and 0 <= found < 1000 else None

    def clock(self, kind):
        # type: (int) -> Optional[int]
        """MHz now."""
        return self._unsigned(("nvmlDeviceGetClockInfo",), ctypes.c_uint(kind))

    def clock_max(self, kind):
        # type: (int) -> Optional[int]
        """MHz at most."""
        return self._unsigned(("nvmlDeviceGetMaxClockInfo",), ctypes.c_uint(kind))

    def throttle(self):
        # type: () -> Optional[int]
        """Bits that say why its clocks are held back."""
        names = ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons")
        code = self.ask(names, ctypes.byref(self._ulong))
        return long_value(self._ulong.value) if code == SUCCESS else None

    def ecc(self, kind):
        # type: (int) -> Optional[int]
        """Errors of its memory since the driver was loaded."""
        words = (ctypes.c_uint(kind), ctypes.c_uint(0), ctypes.byref(self._ulong))
        code = self.ask(("nvmlDeviceGetTotalEccErrors",), *words)
        return long_value(self._ulong.value) if code == SUCCESS else None

    def remapped_rows(self):
        # type: () -> Optional[Dict[str, Any]]
        """Rows of memory that were replaced: how many, whether one waits for a reset, whether one failed."""
        parts = [ctypes.c_uint() for _ in range(4)]
        if self.ask(("nvmlDeviceGetRemappedRows",), *[ctypes.byref(part) for part in parts]) != SUCCESS:
            return None
        corrected, uncorrected, pending, failed = [present(part.value) for part in parts]
        return {
            "corrected": corrected,
            "uncorrected": uncorrected,
            "pending": None if pending is None else bool(pending),
            "failed": None if failed is None else bool(failed),
        }

    def retired_pages(self):
        # type: () -> Optional[int]
        """Pages of memory taken out of use, for either cause."""
        total = 0
        for cause in (0, 1):
            self._uint.value = 0
            code = self.ask(
                ("nvmlDeviceGetRetiredPages",), ctypes.c_uint(cause), ctypes.byref(self._uint), None
            )
            count = present(self._uint.value) if code in (SUCCESS, INSUFFICIENT_SIZE) else None
            if count is None:  # half of them is no answer
                return None
            total += count
        return total

    def pcie_rate(self, kind):
        # type: (int) -> Optional[int]
        """Bytes a second over PCIe; takes the driver 20 ms or more."""
        found = self._unsigned(("nvmlDeviceGetPcieThroughput",), ctypes.c_uint(kind))
        return None if found is None else found * 1000

    def fields(self, wanted):
        # type: (Tuple[Tuple[int, int], ...]) -> List[Optional[float]]
        """Values of (field, scope) pairs."""
        array = self._fields.get(wanted)
        if array is None:
            array = self._fields[wanted] = (FieldValue * (len(wanted) + PADDING))()
        for entry, (field, scope) in zip(array, wanted):
            entry.field, entry.scope, entry.code = field, scope, -1
        code = self.ask(("nvmlDeviceGetFieldValues",), ctypes.c_int(len(wanted)), ctypes.byref(array))
        if code != SUCCESS:
            return [None] * len(wanted)
        return [field_value(array[number]) for number in range(len(wanted))]

    def memory_temperature(self):
        # type: () -> Optional[float]
        """Degrees of its memory."""
        found = self.fields(((FIELD_MEMORY_TEMPERATURE, 0),))[0]
        return found if found is not None and found < 1000 else None

    def nvlink_counters(self):
        # type: () -> Tuple[Optional[float], Optional[float]]
        """Bytes (received, sent) over all NVLinks since some time."""
        wanted = ((FIELD_NVLINK_RECEIVED, ALL_LINKS), (FIELD_NVLINK_SENT, ALL_LINKS))
        received, sent = self.fields(wanted)
        return (None if received is None else received * 1024, None if sent is None else sent * 1024)

    def mig_mode(self):
        # type: () -> Optional[bool]
        """Whether it is divided into instances now."""
        code = self.ask(("nvmlDeviceGetMigMode",), ctypes.byref(self._uint), ctypes.byref(self._uint2))
        found = present(self._uint.value) if code == SUCCESS else None
        return None if found is None else bool(found)

    def instances(self):
        # type: () -> List[Device]
        """Its MIG instances."""
        most = self.unsigned("nvmlDeviceGetMaxMigDeviceCount") or 0
        found = []
        for number in range(min(most, 32)):
            handle = ctypes.c_void_p()
            words = (ctypes.c_uint(number), ctypes.byref(handle))
            if self.ask(("nvmlDeviceGetMigDeviceHandleByIndex",), *words) == SUCCESS and handle.value:
                found.append(Device(self.library, handle, self.pulse))
        return found


def open_device(library, index, pulse=None):
    # type: (Library, int, Optional[Pulse]) -> Device
    """The GPU of an index. Raises NvmlError."""
    handle = ctypes.c_void_p()
    names = ("nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex")
    function, _ = library.find(*names)
    code = function(ctypes.c_uint(index), ctypes.byref(handle)) if function is not None else -1
    if code != SUCCESS:
        raise NvmlError(code, "lost" if code == GPU_IS_LOST else library.words(code))
    return Device(library, handle, pulse or Pulse())


def present(value):
    # type: (int) -> Optional[int]
    """A number; None for what stands where there is none."""
    return None if value == UINT_NONE else value


def long_value(value):
    # type: (int) -> Optional[int]
    """The same of 64 bits."""
    return None if value == ULONG_NONE else value


def share(value):
    # type: (int) -> Optional[int]
    """Percent; None for what is none."""
    return value if value <= 100 else None


def size(value):
    # type: (int) -> Optional[int]
    """Bytes of memory; None for more than a GPU can have, which stands where there is no value."""
    return value if value < MAX_MEMORY else None


def field_value(entry):
    # type: (FieldValue) -> Optional[float]
    """What a field holds."""
    if entry.code != SUCCESS or not 0 <= entry.type < len(VALUE_TYPES):
        return None
    kind = VALUE_TYPES[entry.type]
    value = getattr(entry.value, kind)
    none = ULONG_NONE if kind in ("ulong", "ulonglong") else UINT_NONE
    return float(value) if 0 <= value < none else None  # not with nan
