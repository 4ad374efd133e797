"""What `nvidia-smi` prints for a query, as the fields of entities/sample.py. Pure.

It is read where NVML cannot be: by a python without ctypes, and from the other end of a connection to a
machine without any. Its words are no interface that NVIDIA keeps, so what is not understood is absent.
"""

import re
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from workbench.remote.forms.gpu_words import IDLE, UNKNOWN, throttle_words

MIB = 1 << 20
LARGEST = 1e15
UNKNOWN_FIELD = re.compile(r'Field "([^"]{1,100})" is not a valid field')
NOTHING = ("N/A", "ERR!", "Unknown Error")
MODES = {"default": "default", "exclusive_thread": "exclusive thread"}
MODES.update({"exclusive_process": "exclusive process", "prohibited": "prohibited"})

Fields = Dict[str, Any]

# field: of a sample. asked: what nvidia-smi calls it. read: makes its value of the text, None for none.
Column = NamedTuple("Column", [("field", str), ("asked", str), ("read", Callable[[str], Any])])

# A process of a GPU.
App = NamedTuple("App", [("gpu", str), ("pid", int), ("memory", Optional[int])])


def number(text):
    # type: (str) -> Optional[float]
    """A number; None for "[N/A]" and all else that is none, and for one that cannot be."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found < LARGEST else None


def whole(text):
    # type: (str) -> Optional[int]
    """A whole number."""
    found = number(text)
    return None if found is None else int(found)


def mebibytes(text):
    # type: (str) -> Optional[int]
    """Bytes of a number of MiB."""
    found = number(text)
    return None if found is None else int(found * MIB)


def share(text):
    # type: (str) -> Optional[float]
    """Percent of time."""
    found = number(text)
    return found if found is not None and found <= 100 else None


def fan(text):
    # type: (str) -> Optional[float]
    """Percent of a speed, which may be over 100."""
    found = number(text)
    return found if found is not None and found <= 300 else None


def words(text):
    # type: (str) -> Optional[str]
    """A text that is none of those that stand for no value."""
    told = text.strip()
    return told[:200] if told and not told.startswith("[") and told not in NOTHING else None


def state(text):
    # type: (str) -> Optional[int]
    """A performance state, P0 to P15."""
    found = re.match(r"^P(\d{1,2})$", text)
    return int(found.group(1)) if found else None


def throttle(text):
    # type: (str) -> Optional[List[str]]
    """Why clocks are held back, of bits in hexadecimal."""
    if not re.match(r"^0x[0-9a-fA-F]{1,16}$", text):
        return None
    return throttle_words(int(text, 16) & ~IDLE)


def enabled(text):
    # type: (str) -> Optional[bool]
    """Whether something is on."""
    return {"enabled": True, "disabled": False}.get(text.lower())


def mode(text):
    # type: (str) -> Optional[str]
    """A compute mode, as gpu_words calls it."""
    return MODES.get(text.lower())


COLUMNS = (
    Column("index", "index", whole),
    Column("uuid", "uuid", words),
    Column("name", "name", words),
    Column("bus", "pci.bus_id", words),
    Column("version", "driver_version", words),
    Column("utilisation", "utilization.gpu", share),
    Column("memory_utilisation", "utilization.memory", share),
    Column("encoder", "utilization.encoder", share),
    Column("decoder", "utilization.decoder", share),
    Column("memory_total", "memory.total", mebibytes),
    Column("memory_used", "memory.used", mebibytes),
    Column("memory_reserved", "memory.reserved", mebibytes),
    Column("temperature", "temperature.gpu", number),
    Column("memory_temperature", "temperature.memory", number),
    Column("power", "power.draw", number),
    Column("power_limit", "enforced.power.limit", number),
    Column("sm_clock", "clocks.sm", number),
    Column("sm_clock_max", "clocks.max.sm", number),
    Column("memory_clock", "clocks.mem", number),
    Column("memory_clock_max", "clocks.max.mem", number),
    Column("fan", "fan.speed", fan),
    Column("performance_state", "pstate", state),
    Column("throttle", "clocks_throttle_reasons.active", throttle),
    Column("ecc_corrected", "ecc.errors.corrected.volatile.total", whole),
    Column("ecc_uncorrected", "ecc.errors.uncorrected.volatile.total", whole),
    Column("compute_mode", "compute_mode", mode),
    Column("mig", "mig.mode.current", enabled),
    Column("pcie_generation", "pcie.link.gen.current", whole),
    Column("pcie_width", "pcie.link.width.current", whole),
)
NEEDED = ("index", "uuid")
FORMAT = "--format=csv,noheader,nounits"
APPS = "--query-compute-apps=gpu_uuid,pid,used_gpu_memory"


def gpu_query(columns):
    # type: (Sequence[Column]) -> List[str]
    """The words that ask for these columns of every GPU."""
    return ["--query-gpu=" + ",".join(column.asked for column in columns), FORMAT]


def without_unknown(columns, said):
    # type: (Sequence[Column], str) -> Optional[Tuple[Column, ...]]
    """The columns less those that nvidia-smi said it does not know; None when it said no such thing."""
    unknown = set(UNKNOWN_FIELD.findall(said))
    kept = tuple(column for column in columns if column.asked not in unknown)
    there = set(column.field for column in kept)
    return kept if len(kept) < len(columns) and there.issuperset(NEEDED) else None


def parse_gpu(line, columns):
    # type: (str, Sequence[Column]) -> Optional[Fields]
    """A GPU's line, what it has no value for left out; None for a line that is none."""
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != len(columns):
        return None
    found = {}  # type: Fields
    for column, cell in zip(columns, cells):
        value = column.read(cell)
        if value is not None:
            found[column.field] = value
    if "index" not in found:
        return None
    if "lost" in line.lower():
        found["error"] = "lost"
    elif "requires reset" in line.lower():
        found["error"] = "the GPU requires a reset"
    if found.get("memory_used", 0) > found.get("memory_total", LARGEST):
        del found["memory_used"]
    found.setdefault("uuid", "%s%d" % (UNKNOWN, found["index"]))
    return found


def parse_app(line):
    # type: (str) -> Optional[App]
    """A process's line; None for a line that is none."""
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != 3 or not cells[1].isdecimal() or not cells[0].startswith(("GPU-", "MIG-")):
        return None
    return App(cells[0], int(cells[1]), mebibytes(cells[2]))


def problem(said):
    # type: (str) -> str
    """Why nvidia-smi ended, of the last that it said."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return "nvidia-smi ended: %s" % lines[-1][:200] if lines else "nvidia-smi ended"
