"""Which figures of a machine have a history: their names, where they stand in a sample, how they are kept.

A name is `cpu`, `memory`, `gpus:utilisation` (the mean) or `gpu:<uuid>:` and utilisation, memory, power or
temperature; their units are those of a sample. A figure is kept in two bytes, exact to 1 in 2,000.
"""

from __future__ import annotations

from typing import NamedTuple

from workbench.entities.sample import GpuSample, MachineSample

CPU = "cpu"
MEMORY = "memory"
BUSY = "gpus:utilisation"
NAN = float("nan")
LARGEST = 65504.0
"""The largest number that two bytes hold."""
GIB = float(1 << 30)


class Span(NamedTuple):
    """The figures of a minute or longer."""

    low: float
    mean: float
    high: float


class Minute(NamedTuple):
    """A minute that is over, with every figure that was known in it."""

    minute: int
    """Since 1970."""
    figures: dict[str, Span]


def of_gpu(uuid: str, figure: str) -> str:
    """The name of a GPU's series."""
    return f"gpu:{uuid}:{figure}"


def figures(sample: MachineSample) -> dict[str, float]:
    """What a sample adds to each series; what is absent, or old on the machine already, adds nothing."""
    found: dict[str, float] = {}
    if sample.host.cpu is not None:
        found[CPU] = sample.host.cpu
    if sample.host.memory_used is not None:
        found[MEMORY] = sample.host.memory_used
    busy: list[float] = []
    for gpu in sample.gpus:
        if gpu.age is None:
            _of_gpu(gpu, found)
            if gpu.utilisation is not None:
                busy.append(gpu.utilisation)
    if busy:
        found[BUSY] = sum(busy) / len(busy)
    return found


def _of_gpu(gpu: GpuSample, found: dict[str, float]) -> None:
    prefix = f"gpu:{gpu.uuid}:"
    if gpu.utilisation is not None:
        found[prefix + "utilisation"] = gpu.utilisation
    if gpu.memory_used is not None:
        found[prefix + "memory"] = gpu.memory_used
    if gpu.power is not None:
        found[prefix + "power"] = gpu.power
    if gpu.temperature is not None:
        found[prefix + "temperature"] = gpu.temperature


def unit(name: str) -> float:
    """What one of the kept number is worth: sizes are kept as GiB."""
    return GIB if name == MEMORY or name.endswith(":memory") else 1.0


def kept(value: float, of: float) -> float:
    """value in units of `of`, within what two bytes hold; nan stands for absent."""
    return min(max(value / of, -LARGEST), LARGEST) if value == value else NAN
