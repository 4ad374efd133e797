"""GPUs as cells: how high, in whose hands, with which word. Pure: JSON of machine views in, cells out.

A GPU is one cell: its height is what one measures, its colour whose it is and how it does. Where colours or
block characters are not to be had, signs and figures say the same. What is not known is "-", never 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from workbench.text.numbers import finite
from workbench.text.sanitize import clean_name
from workbench.text.sparkline import BARS
from workbench.text.tables import Cell

View = Mapping[str, Any]
"""A machine as `compute.watch` describes it."""
Sample = Mapping[str, Any]
"""A GPU of its sample."""

IDLE = 5.0
"""Percent of utilisation below which a GPU does nothing."""
HOT = 85.0
"""Degrees from which a GPU is called hot, where its driver does not hold it back before."""
COOL = 25.0
"""Degrees at which a temperature's cell is lowest."""
EMPTY = 1 << 30
"""Bytes of memory that a GPU nobody computes on may have in use; more is somebody's we cannot see."""
MOST = 16
"""Cells of a strip; of more GPUs each cell stands for several."""
HELD_BACK = ("thermal", "brake", "slowdown")
"""Parts of the throttle reasons (remote.gpu_words) that are trouble; a power cap alone is normal."""


class Measure(StrEnum):
    """What a GPU's cell is as high as."""

    UTILISATION = "util"
    MEMORY = "mem"
    TEMPERATURE = "temp"
    POWER = "power"

    @property
    def word(self) -> str:
        """What it is in words."""
        return {"util": "utilisation", "mem": "memory", "temp": "temperature", "power": "power"}[self.value]


class Use(StrEnum):
    """In whose hands a GPU is, and how it does."""

    FREE = "free"
    OURS = "ours"
    """A run, or somebody of ours, computes on it."""
    IDLE = "idle"
    """It is held and does nothing."""
    OTHERS = "others"
    """Somebody outside the queue uses it."""
    HOT = "hot"
    """Hot, or held back by its temperature or its power supply."""
    ERROR = "error"
    UNKNOWN = "unknown"
    """Nothing is said of it but its name."""


ROLES = {
    Use.FREE: "gpu-idle",
    Use.OURS: "gpu-busy",
    Use.IDLE: "waiting",
    Use.OTHERS: "active",
    Use.HOT: "gpu-hot",
    Use.ERROR: "gpu-dead",
    Use.UNKNOWN: "quiet",
}


class Gpu(NamedTuple):
    """One GPU (or MIG instance) with what is known around it."""

    sample: Sample
    use: Use
    runs: tuple[str, ...] = ()
    """Ids of the runs that hold or use it."""
    label: str = ""
    """What holds it where that is no run, such as a shell's lease."""
    users: tuple[str, ...] = ()
    """Who uses it outside the queue."""

    @property
    def uuid(self) -> str:
        """What it is known by."""
        return str(self.sample.get("uuid", ""))


def gpus_of(view: View) -> list[Gpu]:
    """A machine's GPUs in bus order; a card that is divided is not among them, its instances are."""
    sample = view.get("sample") or {}
    found = [gpu for gpu in sample.get("gpus") or () if isinstance(gpu, Mapping)]
    divided = {gpu["parent"] for gpu in found if gpu.get("parent")}
    held = view.get("held") or {}
    runs, users = _users(sample.get("processes") or ())
    known = view.get("runs") or {}
    gpus = []
    for gpu in found:
        uuid = gpu.get("uuid", "")
        if uuid in divided:
            continue
        holder = held.get(uuid)
        ids = dict.fromkeys([*([holder] if holder in known else ()), *runs.get(uuid, ())])
        label = clean_name(str(holder), 40) if holder and holder not in known else ""
        others = tuple(users.get(uuid, ()))
        use = use_of(gpu, bool(ids or label), bool(others))
        gpus.append(Gpu(gpu, use, tuple(ids), label, others))
    return gpus


def _users(processes: Sequence[Any]) -> tuple[dict[str, dict[str, None]], dict[str, dict[str, None]]]:
    """Of each GPU the runs that have processes on it, and the users of processes of no run."""
    runs: dict[str, dict[str, None]] = {}
    users: dict[str, dict[str, None]] = {}
    for process in processes:
        for use in process.get("gpus") or ():
            run = process.get("run")
            into, who = (runs, run) if run else (users, clean_name(str(process.get("user") or "?"), 20))
            into.setdefault(use.get("gpu", ""), {})[who] = None
    return runs, users


def use_of(gpu: Sample, held: bool, others: bool) -> Use:
    """How one GPU stands; the worst comes first."""
    busy = finite(gpu.get("utilisation"))
    if gpu.get("error"):
        return Use.ERROR
    if is_hot(gpu):
        return Use.HOT
    if held:
        return Use.IDLE if busy is not None and busy < IDLE else Use.OURS
    if others or is_used(gpu):
        return Use.OTHERS
    return Use.UNKNOWN if busy is None and finite(gpu.get("memory_used")) is None else Use.FREE


def is_used(gpu: Sample) -> bool:
    """Whether it computes, or has memory in use, whoever does it."""
    busy, used = finite(gpu.get("utilisation")), finite(gpu.get("memory_used"))
    return (busy is not None and busy >= IDLE) or (used is not None and used >= EMPTY)


def is_hot(gpu: Sample) -> bool:
    """Whether it is hot, or held back because of its temperature or its power supply."""
    degrees = finite(gpu.get("temperature"))
    return bool(held_back(gpu)) or (degrees is not None and degrees >= HOT)


def held_back(gpu: Sample) -> list[str]:
    """Why its clocks are held back, where that is trouble."""
    reasons = gpu.get("throttle")
    if not reasons:
        return []
    words = [clean_name(str(word), 30) for word in reasons]
    return [word for word in words if any(part in word.lower() for part in HELD_BACK)]


def level(gpu: Sample, measure: Measure) -> float | None:
    """How full its cell is, from 0 to 1; None when it is not known."""
    value: float | None
    if measure is Measure.UTILISATION:
        value = _share(gpu.get("utilisation"), 100.0)
    elif measure is Measure.MEMORY:
        value = _share(gpu.get("memory_used"), gpu.get("memory_total"))
    elif measure is Measure.POWER:
        value = _share(gpu.get("power"), gpu.get("power_limit"))
    else:
        degrees = finite(gpu.get("temperature"))
        value = None if degrees is None else (degrees - COOL) / (HOT + 5 - COOL)
    return None if value is None else min(1.0, max(0.0, value))


def _share(part: Any, whole: Any) -> float | None:
    part, whole = finite(part), finite(whole)
    return part / whole if part is not None and whole else None


def strip(gpus: Sequence[Gpu], measure: Measure, plain: bool, *, stale: bool = False) -> list[Cell]:
    """One cell a GPU, in pieces of one colour; more than MOST share cells, each as bad as its worst one."""
    cells: list[Cell] = []
    for number_, group in enumerate(_groups(gpus)):
        glyph, role = _cell(group, measure, plain)
        role = "stale" if stale else role
        if number_ and cells[-1].role == role:
            cells[-1] = Cell(cells[-1].text + glyph, role)
        else:
            cells.append(Cell(glyph, role))
    return cells


_WORST = (Use.ERROR, Use.HOT, Use.OTHERS, Use.OURS, Use.IDLE, Use.UNKNOWN, Use.FREE)


def _groups(gpus: Sequence[Gpu]) -> list[Sequence[Gpu]]:
    count = min(len(gpus), MOST)
    return [gpus[at * len(gpus) // count : (at + 1) * len(gpus) // count] for at in range(count)]


def _cell(group: Sequence[Gpu], measure: Measure, plain: bool) -> tuple[str, str]:
    use = min((gpu.use for gpu in group), key=_WORST.index)
    levels = [found for gpu in group if (found := level(gpu.sample, measure)) is not None]
    if use is Use.ERROR:
        return "x", ROLES[use]
    if use is Use.FREE and measure is Measure.UTILISATION:
        return ("." if plain else "·"), ROLES[use]
    if not levels:
        return "-", ROLES[use]
    return bar(max(levels), plain), ROLES[use]


def bar(full: float, plain: bool) -> str:
    """One of eight heights, all of the cell for what is full alone; where only ASCII can be drawn, tenths."""
    return str(min(9, int(full * 10))) if plain else BARS[int(full * (len(BARS) - 1) + 0.005)]


_MAKERS = frozenset(
    {"nvidia", "amd", "geforce", "tesla", "quadro", "instinct", "radeon", "graphics", "intel"}
)


@lru_cache(maxsize=512)
def kind_of(name: str) -> str:
    """A GPU's name without its maker and its memory: H100, 4090, A6000, "A100 1g.10gb"."""
    words = [word for word in clean_name(name, 80).split() if word.lower() not in _MAKERS]
    mig = words[words.index("MIG") + 1 :][:1] if "MIG" in words else []
    words = words[: words.index("MIG")] if "MIG" in words else words
    if len(words) > 1 and words[0] in ("RTX", "GTX"):
        words = words[1:]
    if not words:
        return clean_name(name, 20) or "GPU"
    model = words[0].split("-")[0] if "-" in words[0] else words[0]
    variant = [word for word in words[1:2] if word in ("Ti", "Ada", "SUPER", "Super", "Max-Q")]
    return " ".join([model, *variant, *mig])


def kinds(gpus: Sequence[Gpu]) -> dict[str, int]:
    """How many of each kind, in bus order; one that never said its name is a kind only where none did."""
    found: dict[str, int] = {}
    named = [gpu for gpu in gpus if gpu.sample.get("name")]
    for gpu in named or gpus:
        kind = kind_of(str(gpu.sample.get("name") or "GPU"))
        found[kind] = found.get(kind, 0) + 1
    return found


def owner(gpu: Gpu, view: View) -> str:
    """Whose it is, in a word or two: a run's name, a lease's label, users; empty for nobody's."""
    runs = view.get("runs") or {}
    names = [clean_name(str((runs.get(run) or {}).get("name") or run), 40) for run in gpu.runs]
    named = [*names, *([gpu.label] if gpu.label else []), *(f"({user})" for user in gpu.users)]
    if not named and gpu.use in (Use.OTHERS, Use.HOT) and is_used(gpu.sample):
        return "(hidden)"
    return f"{named[0]} +{len(named) - 1}" if len(named) > 1 else "".join(named)
