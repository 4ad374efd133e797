"""How each value of a probe's message is read: numbers in their range, texts cleaned and cut."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from workbench.remote.forms import sample_form
from workbench.remote.forms.gpu_words import throttle_words
from workbench.remote.forms.sample_form import MIB, Column
from workbench.text.sanitize import clean_name

MAX_BYTES = float(1 << 60)
MAX_COUNT = float(1 << 53)
MAX_TIME = 1e11


class Cell(NamedTuple):
    """A column as it is read: the field's name, value -> value or None, whether it says whose row it is."""

    name: str
    decode: Callable[[Any], Any]
    identifies: bool = False


def number(value: Any, low: float, high: float) -> float | None:
    """A finite number from low to high, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if low <= value <= high else None  # not with nan


def real(by: Column, high: float, low: float = 0.0) -> Callable[[Any], float | None]:
    """Reads a number of units."""
    unit = by.unit or 1.0
    digits = max(0, -math.floor(math.log10(unit)))

    def decode(value: Any) -> float | None:
        found = number(value, low / unit, high / unit)
        return None if found is None else round(found * unit, digits) if by.unit else found

    return decode


def whole(by: Column, high: float) -> Callable[[Any], int | None]:
    """Reads a whole number of units."""
    unit = int(by.unit) or 1

    def decode(value: Any) -> int | None:
        found = number(value, 0, high / unit)
        if found is None or not found.is_integer():
            return None
        return int(value) * unit

    return decode


def text(limit: int) -> Callable[[Any], str | None]:
    """Reads a text of at most so many characters; an empty one is absent."""
    return lambda value: (clean_name(value, limit) or None) if isinstance(value, str) else None


def flag(value: Any) -> bool | None:
    """Reads yes or no."""
    return value if isinstance(value, bool) else None


def numbers(value: Any) -> list[float] | None:
    """Reads the three loads."""
    found = [number(item, 0, MAX_COUNT) for item in value[:3]] if isinstance(value, list) else []
    kept = [item for item in found if item is not None]
    return kept if len(kept) == 3 else None


def texts(value: Any) -> list[str] | None:
    """Reads a few short words."""
    if not isinstance(value, list):
        return None
    return [clean_name(item, 40) for item in value[:8] if isinstance(item, str)]


def reasons(value: Any) -> list[str] | None:
    """Reads why clocks are held back, which travels as bits."""
    bits = number(value, 0, MAX_COUNT)
    return None if bits is None else throttle_words(int(bits))


def positions(value: Any) -> list[int] | None:
    """Reads which GPUs a process has, by their rows."""
    if not isinstance(value, list):
        return None
    return [item for item in value[:64] if type(item) is int and 0 <= item < sample_form.MAX_ROWS["g"]]


def shares(value: Any) -> Any:
    """Reads one share, or one for each of several GPUs."""
    if isinstance(value, list):
        return [number(item, 0, 100) for item in value[:64]]
    return number(value, 0, 100)


def amounts(value: Any) -> Any:
    """Reads one amount of memory in MiB, or one for each of several GPUs."""
    if isinstance(value, list):
        return [amounts(item) for item in value[:64] if not isinstance(item, list)]
    found = number(value, 0, MAX_BYTES / MIB)
    return None if found is None else int(found) * int(MIB)


SHARES = "utilisation memory_utilisation encoder decoder jpeg optical_flow"
RATES = "received sent read written pcie_received pcie_sent nvlink_received nvlink_sent"
BYTES = "memory_total memory_used swap_total swap_used total free memory memory_reserved"
COUNTS = (
    "cpus users pid start index performance_state ecc_corrected ecc_uncorrected remapped_corrected "
    "remapped_uncorrected retired_pages xid_code pcie_generation pcie_width"
)
MEASURES = {  # name: (lowest, highest)
    "fan": (0, 300),
    "temperature": (-100, 300),
    "memory_temperature": (-100, 300),
    "power": (0, 1e5),
    "power_limit": (0, 1e5),
    "sm_clock": (0, 1e5),
    "sm_clock_max": (0, 1e5),
    "memory_clock": (0, 1e5),
    "memory_clock_max": (0, 1e5),
    "age": (0, MAX_TIME),
    "booted": (0, MAX_TIME),
    "began": (0, MAX_TIME),
    "xid_time": (0, MAX_TIME),
}
TEXTS = {  # name: most characters
    "path": 1000,
    "kind": 40,
    "version": 40,
    "cuda": 40,
    "source": 40,
    "error": 500,
    "uuid": 100,
    "name": 100,
    "bus": 40,
    "parent": 100,
    "compute_mode": 40,
    "user": 64,
    "command": 500,
    "run": 64,
    "found_by": 40,
    "container": 80,
}
SPECIAL: dict[str, Callable[[Any], Any]] = {
    "load": numbers,
    "roles": texts,
    "throttle": reasons,
    "remapped_pending": flag,
    "remapped_failed": flag,
    "mig": flag,
    "mine": flag,
    "gpus": positions,
    "gpu_memory": amounts,
    "gpu_utilisation": shares,
}


def decoder(by: Column, table: str) -> Callable[[Any], Any]:
    """How a column of a table is read."""
    name = by.name
    if name in SPECIAL:
        return SPECIAL[name]
    if name in TEXTS:
        return text(TEXTS[name])
    if name in SHARES.split():
        return real(by, 100)
    if name == "cpu":  # of a process: of one core, of which it may have many
        return real(by, 100 if table == "h" else 1e6)
    if name in RATES.split():
        return real(by, MAX_BYTES)
    if name in BYTES.split():
        return whole(by, MAX_BYTES)
    if name in COUNTS.split():
        return whole(by, MAX_COUNT)
    low, high = MEASURES[name]
    return real(by, high, low)


IDENTITIES = ("uuid", "pid", "path")
CELLS = {
    table: {by.key: Cell(by.name, decoder(by, table), by.name in IDENTITIES) for by in columns}
    for table, columns in {**sample_form.TABLES, **sample_form.MAPPINGS}.items()
}
