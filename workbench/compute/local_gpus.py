"""The GPUs of this machine as the driver's own binding, pynvml, tells of them: see `remote/gpus`.

Fields are those of entities' GpuSample. What a GPU, driver or binding has no answer for is left out: pynvml
says so by NVMLError, by an error of its own when the driver is older than the binding, and by a TypeError
where it would put "no value" into a number.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pynvml

from workbench.remote.forms.gpu_words import IDLE, UNKNOWN, compute_mode_word, throttle_words
from workbench.remote.gpus import nvml_library

ABSENT = (pynvml.NVMLError, pynvml.NVMLLibraryMismatchError, TypeError, AttributeError)
MEMORY_TEMPERATURE = 82
LINK_FIELDS = [(139, 0xFFFFFFFF), (138, 0xFFFFFFFF)]
"""Received and sent over all NVLinks."""
LONG_TYPES = (pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG, pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG)
THROTTLE = ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons")
UINT_NONE = 0xFFFFFFFF
MAX_MEMORY = 1 << 50
USES_KEPT = 10.0
"""Seconds a process's last share of a GPU holds when the driver has no newer one."""
PROCESSES = ("Compute", "Graphics", "MPSCompute")

Fields = dict[str, Any]


class GpuLost(Exception):
    """A GPU that does not answer any more; its words say why."""


class Drivers:
    """The driver: started when made. fields: entities' Driver; count: GPUs there are."""

    def __init__(self) -> None:
        self.count = 0
        self.fields: Fields = {}
        try:
            pynvml.nvmlInit()
            self.count = min(256, pynvml.nvmlDeviceGetCount())
        except pynvml.NVMLError as error:
            self.fields = _problem(int(error.value), str(error))
            return
        self.fields = {"source": "nvml"}
        put(self.fields, "version", ask(pynvml.nvmlSystemGetDriverVersion))
        cuda = newest(("nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion"))
        if cuda:
            self.fields["cuda"] = f"{cuda // 1000}.{cuda % 1000 // 10}"


class LocalGpu:
    """One GPU by its index, with its MIG instances. Raises GpuLost wherever it is lost."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.uses: dict[int, list[Fields]] = {}
        with lost():
            self._handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            self._uuid = ask(pynvml.nvmlDeviceGetUUID, self._handle) or f"{UNKNOWN}{index}"
        self._shares: dict[int, tuple[float, int]] = {}
        self._newest = 0
        self._links: tuple[float, float | None, float | None] | None = None

    @property
    def handle(self) -> Any:
        """What pynvml knows it by."""
        return self._handle

    def read(self) -> list[Fields]:
        """Its figures, then those of its instances; `uses` is renewed."""
        with lost():
            card = self._figures()
            instances = self._instances() if card.get("mig") else []
            parts = [(str(row["uuid"]), handle) for row, handle in instances]
            self._read_uses([(self._uuid, self._handle), *parts])
        return [card, *(row for row, _ in instances)]

    def read_rates(self) -> Fields:
        """PCIe's and NVLink's bytes a second; the driver takes 20 ms or more for each way of PCIe."""
        with lost():
            pcie = [
                ask(pynvml.nvmlDeviceGetPcieThroughput, self._handle, way)
                for way in (pynvml.NVML_PCIE_UTIL_RX_BYTES, pynvml.NVML_PCIE_UTIL_TX_BYTES)
            ]
            received, sent = _fields(self._handle, LINK_FIELDS)
        found: Fields = {}
        put(found, "pcie", traffic(*(None if present(rate) is None else rate * 1000.0 for rate in pcie)))
        before, self._links = self._links, (time.monotonic(), received, sent)
        if before is not None:
            seconds = self._links[0] - before[0]
            rates = (grown(before[1], received, seconds), grown(before[2], sent, seconds))
            put(found, "nvlink", traffic(*rates))
        return found

    def _figures(self) -> Fields:
        handle = self._handle
        found: Fields = {"uuid": self._uuid, "index": self.index}
        put(found, "name", ask(pynvml.nvmlDeviceGetName, handle))
        bus = ask(pynvml.nvmlDeviceGetPciInfo, handle)
        put(found, "bus", bus.busId if bus is not None else None)
        rates = ask(pynvml.nvmlDeviceGetUtilizationRates, handle)
        if rates is not None:
            put(found, "utilisation", share(rates.gpu))
            put(found, "memory_utilisation", share(rates.memory))
        for name, function in ENGINES:
            told = ask(getattr(pynvml, function, None), handle)
            put(found, name, share(told[0]) if told else None)
        found.update(memory_fields(handle))
        for name, function in NUMBERS:
            put(found, name, present(ask(getattr(pynvml, function, None), handle)))
        for name in ("power", "power_limit"):
            if name in found:
                found[name] /= 1000
        self._put_typed(found)
        return found

    def _put_typed(self, found: Fields) -> None:
        """What is asked for with a kind, or answered with a structure."""
        handle = self._handle
        chip = present(ask(pynvml.nvmlDeviceGetTemperature, handle, 0))
        if chip is None:  # the newest drivers may have only this
            chip = ask(getattr(pynvml, "nvmlDeviceGetTemperatureV", None), handle, 0)
        put(found, "temperature", degrees(chip))
        put(found, "memory_temperature", degrees(_fields(handle, [(MEMORY_TEMPERATURE, 0)])[0]))
        for name, kind in (("sm_clock", pynvml.NVML_CLOCK_SM), ("memory_clock", pynvml.NVML_CLOCK_MEM)):
            put(found, name, present(ask(pynvml.nvmlDeviceGetClockInfo, handle, kind)))
            put(found, name + "_max", present(ask(pynvml.nvmlDeviceGetMaxClockInfo, handle, kind)))
        if found.get("performance_state", 0) >= 32:
            del found["performance_state"]
        if found.get("fan", 0) > 300:
            del found["fan"]
        for name, kind in (("ecc_corrected", 0), ("ecc_uncorrected", 1)):
            put(found, name, long_value(ask(pynvml.nvmlDeviceGetTotalEccErrors, handle, kind, 0)))
        put(found, "compute_mode", _word(ask(pynvml.nvmlDeviceGetComputeMode, handle)))
        bits = long_value(newest(THROTTLE, handle))
        put(found, "throttle", None if bits is None else throttle_words(bits & ~IDLE))
        mode = ask(pynvml.nvmlDeviceGetMigMode, handle)
        put(found, "mig", None if mode is None or present(mode[0]) is None else bool(mode[0]))
        rows = ask(pynvml.nvmlDeviceGetRemappedRows, handle)
        if rows is not None:
            corrected, uncorrected, pending, failed = (present(value) for value in rows)
            whole: Fields = {}
            put(whole, "corrected", corrected)
            put(whole, "uncorrected", uncorrected)
            put(whole, "pending", None if pending is None else bool(pending))
            put(whole, "failed", None if failed is None else bool(failed))
            found["remapped"] = whole
        causes = [ask(pynvml.nvmlDeviceGetRetiredPages, handle, cause) for cause in (0, 1)]
        if None not in causes:  # half of them is no answer
            found["retired_pages"] = sum(len(pages) for pages in causes)

    def _instances(self) -> list[tuple[Fields, Any]]:
        found = []
        most = ask(pynvml.nvmlDeviceGetMaxMigDeviceCount, self._handle) or 0
        for number in range(min(32, most)):
            handle = ask(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, self._handle, number)
            uuid = ask(pynvml.nvmlDeviceGetUUID, handle) if handle else None
            if uuid is None:
                continue
            row: Fields = {"uuid": uuid, "index": self.index, "parent": self._uuid, **memory_fields(handle)}
            put(row, "name", ask(pynvml.nvmlDeviceGetName, handle))
            found.append((row, handle))
        return found

    def _read_uses(self, parts: list[tuple[str, Any]]) -> None:
        shares = self._read_shares()
        found: dict[int, list[Fields]] = {}
        for uuid, handle in parts:
            for pid, memory in _processes(handle).items():
                use: Fields = {"gpu": uuid}
                put(use, "memory", memory)
                put(use, "utilisation", shares.get(pid) if uuid == self._uuid else None)
                found.setdefault(pid, []).append(use)
        self.uses = found

    def _read_shares(self) -> dict[int, int]:
        """pid -> percent of the SMs' time in its newest sample; who has none is not in it."""
        now = time.monotonic()
        samples = ask(pynvml.nvmlDeviceGetProcessUtilization, self._handle, self._newest) or []
        for sample in sorted(samples, key=lambda sample: int(sample.timeStamp)):
            if sample.timeStamp > self._newest and share(sample.smUtil) is not None:
                self._shares[sample.pid] = (now, sample.smUtil)
        self._newest = max([self._newest, *(sample.timeStamp for sample in samples)])
        self._shares = {pid: kept for pid, kept in self._shares.items() if now - kept[0] <= USES_KEPT}
        return {pid: kept[1] for pid, kept in self._shares.items()}


ENGINES = (
    ("encoder", "nvmlDeviceGetEncoderUtilization"),
    ("decoder", "nvmlDeviceGetDecoderUtilization"),
    ("jpeg", "nvmlDeviceGetJpgUtilization"),
    ("optical_flow", "nvmlDeviceGetOfaUtilization"),
)
NUMBERS = (
    ("power", "nvmlDeviceGetPowerUsage"),
    ("power_limit", "nvmlDeviceGetEnforcedPowerLimit"),
    ("fan", "nvmlDeviceGetFanSpeed"),
    ("performance_state", "nvmlDeviceGetPerformanceState"),
    ("pcie_generation", "nvmlDeviceGetCurrPcieLinkGeneration"),
    ("pcie_width", "nvmlDeviceGetCurrPcieLinkWidth"),
)


def ask(function: Callable[..., Any] | None, *words: Any) -> Any:
    """What the driver answers, None where it has no answer; raises only when the GPU is lost."""
    if function is None:
        return None
    try:
        return function(*words)
    except ABSENT as error:
        if code(error) == pynvml.NVML_ERROR_GPU_IS_LOST:
            raise
        return None


def newest(names: Sequence[str], *words: Any) -> Any:
    """What the first of the functions answers that this driver's library has; the binding has all."""
    for name in names:
        function = getattr(pynvml, name, None)
        if function is None:
            continue
        try:
            return function(*words)
        except ABSENT as error:
            if code(error) == pynvml.NVML_ERROR_GPU_IS_LOST:
                raise
            if code(error) != pynvml.NVML_ERROR_FUNCTION_NOT_FOUND:
                return None
    return None


def code(error: Exception) -> int | None:
    """NVML's number for an error, None for one that is the binding's own."""
    return int(error.value) if isinstance(error, pynvml.NVMLError) else None


@contextlib.contextmanager
def lost() -> Iterator[None]:
    """Turn what pynvml raises of a GPU as a whole into GpuLost."""
    try:
        yield
    except pynvml.NVMLError as error:
        gone = error.value == pynvml.NVML_ERROR_GPU_IS_LOST
        raise GpuLost("lost" if gone else str(error)) from error


def put(found: Fields, name: str, value: Any) -> None:
    """A field that has a value."""
    if value is not None:
        found[name] = value


def present(value: Any) -> Any:
    """A number; None for what stands where there is none."""
    return None if value is None or value == UINT_NONE else value


def long_value(value: int | None) -> int | None:
    """The same of 64 bits."""
    return None if value is None or value == 0xFFFFFFFFFFFFFFFF else value


def share(value: int) -> int | None:
    """Percent; None for what is none."""
    return value if 0 <= value <= 100 else None


def degrees(value: float | None) -> float | None:
    """A temperature; None for what cannot be one."""
    return value if value is not None and 0 <= value < 1000 else None


def memory_fields(handle: Any) -> Fields:
    """Its memory: of version 2 where that is there, whose used is without what the driver reserves."""
    found: Fields = {}
    newer = ask(pynvml.nvmlDeviceGetMemoryInfo, handle, pynvml.nvmlMemory_v2)
    memory = newer if newer is not None else ask(pynvml.nvmlDeviceGetMemoryInfo, handle)
    if memory is not None and 0 < memory.total < MAX_MEMORY:
        found["memory_total"] = memory.total
        put(found, "memory_used", memory.used if memory.used <= memory.total else None)
    if newer is not None:
        put(found, "memory_reserved", newer.reserved if newer.reserved < MAX_MEMORY else None)
    return found


def _processes(handle: Any) -> dict[int, int | None]:
    found: dict[int, int | None] = {}
    for kind in PROCESSES:
        plain = f"nvmlDeviceGet{kind}RunningProcesses"
        for process in newest((plain + "_v3", plain + "_v2"), handle) or []:
            memory = process.usedGpuMemory
            memory = memory if memory is not None and memory < MAX_MEMORY else None
            before = found.get(process.pid)
            found[process.pid] = memory if before is None else max(before, memory or 0)
    return found


def _fields(handle: Any, wanted: list[tuple[int, int]]) -> list[float | None]:
    """Values of (field, scope) pairs; room is left for the entry that some drivers write too much."""
    values = ask(pynvml.nvmlDeviceGetFieldValues, handle, [*wanted, *wanted[:1]])
    if values is None:
        return [None] * len(wanted)
    found: list[float | None] = []
    for entry in values[: len(wanted)]:
        long = entry.valueType in LONG_TYPES
        value = long_value(entry.value.ullVal) if long else present(entry.value.uiVal)
        found.append(value if entry.nvmlReturn == pynvml.NVML_SUCCESS else None)
    return found


def traffic(received: float | None, sent: float | None) -> Fields | None:
    """Two rates together; None without any."""
    found: Fields = {}
    put(found, "received", received)
    put(found, "sent", sent)
    return found or None


def grown(before: float | None, now: float | None, seconds: float) -> float | None:
    """Bytes a second that a counter of KiB grew by; None when it began anew."""
    if before is None or now is None or now < before or seconds <= 0:
        return None
    return (now - before) * 1024 / seconds


def _word(number: int | None) -> str | None:
    return None if number is None else compute_mode_word(number)


def _problem(number: int, words: str) -> Fields:
    """The driver's fields when it cannot be started: none at all where there is no sign of one."""
    module = nvml_library.module_version()
    if number == pynvml.NVML_ERROR_LIBRARY_NOT_FOUND:
        if module is None:
            return {}
        return {"error": f"the driver's library cannot be loaded although the kernel module {module} is"}
    error = nvml_library.NvmlError(number, words)
    found: Fields = {"source": "nvml"}
    put(found, "version", module)
    found["error"] = nvml_library.start_problem(error, nvml_library.loaded_version(), module)
    return found
