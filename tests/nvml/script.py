"""The script of a scripted NVML: what its GPUs answer, their faults, changed while others look.

A figure is a number, NA (what NVML writes where it has no value), or one of `sine`, `ramp`, `counter`. A
figure that is left out is not supported.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

NA = "na"
LOST = 15
NOT_SUPPORTED = 3
MISMATCH = 18
ALL = "*"
MIB = 1 << 20

Figure = float | int | str


def sine(middle: float, amplitude: float, period: float, phase: float = 0.0) -> str:
    """A wave over time; phase in periods."""
    return f"sine {middle} {amplitude} {period} {phase}"


def ramp(low: float, high: float, period: float) -> str:
    """From low to high, again and again."""
    return f"ramp {low} {high} {period}"


def counter(rate: float) -> str:
    """Grows by rate a second."""
    return f"counter {rate}"


H100: dict[str, Figure] = {
    "name": "NVIDIA H100 80GB HBM3",
    "utilisation": 97,
    "memory_utilisation": 41,
    "encoder": 1,
    "decoder": 2,
    "jpeg": 3,
    "optical_flow": 4,
    "memory_total": 81559 * MIB,
    "memory_used": 66000 * MIB,
    "memory_reserved": 551 * MIB,
    "temperature": 68,
    "memory_temperature": 81,
    "power": 640_500,
    "power_limit": 700_000,
    "sm_clock": 1980,
    "sm_clock_max": 1985,
    "memory_clock": 2619,
    "memory_clock_max": 2620,
    "fan": 42,
    "performance_state": 2,
    "throttle": 0x4,
    "ecc_corrected": 5,
    "ecc_uncorrected": 6,
    "remapped_corrected": 7,
    "remapped_uncorrected": 8,
    "remapped_pending": 1,
    "remapped_failed": 0,
    "retired_pages": 9,
    "pcie_sent": 800_000,
    "pcie_received": 2_100_000,
    "pcie_generation": 5,
    "pcie_width": 16,
    "nvlink_sent": counter(1000),
    "nvlink_received": counter(2000),
    "mig": 0,
    "compute_mode": 3,
}
"""Every figure another number, none of them zero but what is a flag: a mix-up or a false zero shows."""


def uuid(gpu: int) -> str:
    """The UUID of a scripted GPU."""
    return f"GPU-{gpu:08x}-1111-2222-3333-444444444444"


class Script:
    """What one machine's driver answers; `write` makes it so, at once for those who look already."""

    def __init__(self, path: Path, gpus: int = 1) -> None:
        self.path = path
        self.library: dict[str, Figure] = {"driver": "570.124.06", "nvml": "12.570.124.06", "cuda": 12080}
        self.gpus: list[dict[str, Figure]] = []
        self.instances: dict[tuple[int, int], dict[str, Figure]] = {}
        self.processes: list[tuple[Figure, ...]] = []
        self.faults: list[tuple[Figure, ...]] = []
        self.xids: list[tuple[Figure, ...]] = []
        for gpu in range(gpus):
            self.gpus.append({**H100, "uuid": uuid(gpu), "bus": f"00000000:{gpu + 1:02X}:00.0", "minor": gpu})

    def process(
        self,
        gpu: int,
        pid: int,
        memory: Figure = "-",
        sm: Figure = "-",
        *,
        kind: str = "compute",
        instance: int = -1,
    ) -> None:
        """A process on a GPU or one of its instances."""
        self.processes.append((gpu, instance, kind, pid, memory, sm))

    def fail(self, gpu: int | str, function: str = ALL, code: int = NOT_SUPPORTED) -> None:
        """Have a GPU's function answer with a code; one below zero is a signal to the process."""
        self.faults.append((gpu, function, code, 0))

    def hang(self, gpu: int | str, function: str = ALL, seconds: float = 60.0) -> None:
        """Have a GPU's function take so long."""
        self.faults.append((gpu, function, 0, seconds))

    def recover(self) -> None:
        """No faults any more."""
        self.faults.clear()

    def xid(self, gpu: int, code: int, at: float | None = None) -> None:
        """Have the driver report an Xid, at a time or now."""
        self.xids.append((gpu, code, time.time() if at is None else at))

    def instance(self, gpu: int, number: int, **figures: Figure) -> str:
        """Divide a GPU: one MIG instance of it. Returns its UUID."""
        card = self.gpus[gpu]
        card["mig"] = 1
        for name in ("utilisation", "memory_utilisation", "encoder", "decoder", "jpeg", "optical_flow"):
            card.pop(name, None)
        name = f"MIG-{gpu:08x}-{number:04x}-2222-3333-444444444444"
        self.instances[gpu, number] = {"uuid": name, "name": f"{card['name']} MIG 1g.10gb", **figures}
        return name

    def write(self) -> None:
        """Put the script in place whole."""
        lines: list[tuple[object, ...]] = list(self.library.items())
        for gpu, figures in enumerate(self.gpus):
            lines += [("gpu", gpu, *item) for item in figures.items()]
        for (gpu, number), figures in self.instances.items():
            lines += [("instance", gpu, number, *item) for item in figures.items()]
        lines += [("process", *process) for process in self.processes]
        lines += [("fault", *fault) for fault in self.faults]
        lines += [("xid", *xid) for xid in self.xids]
        partial = self.path.with_suffix(".partial")
        partial.write_text("".join("\t".join(map(str, line)) + "\n" for line in lines))
        os.replace(partial, self.path)
