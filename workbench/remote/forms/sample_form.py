"""A sample as it travels: short keys, rows by position, quantised numbers, and only what changed.

A sample in full is {"t": time, "e": every, "h": {..}, "d": {..}, "n": note, "g": [row], "p": [row],
"f": [row]}: the host, the driver, and tables of GPUs, processes and file systems. A row is a mapping of
short keys, null where a row has gone; a row keeps its position as long as it lives.

A delta has "t" and what changed: of a mapping its changed keys, null for a value that is gone; of a table
{"-": [positions gone], "+": {position: new row}, KEY: [a value for each position] or {position: value}}.
Columns instead of rows, because most numbers change in most rows: it halves what a tick weighs.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

# key: as it travels. name: the field of entities/sample.py. unit: what one step is worth; 0 = sent as it
# is. digits: significant ones that are kept; 0 = all. A change is none when it is no more than band, a share
# of the value, or least, in units.
Column = NamedTuple(
    "Column", [("key", str), ("name", str), ("unit", float), ("digits", int), ("band", float), ("least", int)]
)
MIB = float(1 << 20)


def column(key, name, unit=0.0, digits=0, band=0.0, least=0):
    # type: (str, str, float, int, float, int) -> Column
    """A column; see Column."""
    return Column(key, name, unit, digits, band, least)


HOST = (
    column("n", "cpus"),
    column("c", "cpu", 0.1),
    column("l", "load"),
    column("mt", "memory_total"),
    column("mu", "memory_used", MIB, 0, 0.001),
    column("st", "swap_total"),
    column("su", "swap_used", MIB),
    column("b", "booted", 1.0, 0, 0.0, 2),
    column("u", "users"),
    column("r", "received", 100.0, 3),
    column("s", "sent", 100.0, 3),
)
DISKS = (
    column("p", "path"),
    column("o", "roles"),
    column("k", "kind"),
    column("t", "total"),
    column("f", "free", MIB, 0, 0.0005),
    column("r", "read", 1000.0, 3),
    column("w", "written", 1000.0, 3),
    column("a", "age", 1.0),
)
DRIVER = (column("v", "version"), column("c", "cuda"), column("s", "source"), column("e", "error"))
GPUS = (
    column("id", "uuid"),
    column("i", "index"),
    column("n", "name"),
    column("b", "bus"),
    column("pa", "parent"),
    column("u", "utilisation", 1.0),
    column("mu", "memory_utilisation", 1.0),
    column("en", "encoder", 1.0),
    column("de", "decoder", 1.0),
    column("jp", "jpeg", 1.0),
    column("of", "optical_flow", 1.0),
    column("mt", "memory_total"),
    column("m", "memory_used", MIB, 0, 0.0005),
    column("mr", "memory_reserved", MIB),
    column("t", "temperature", 1.0),
    column("tm", "memory_temperature", 1.0),
    column("p", "power", 1.0),
    column("pl", "power_limit", 1.0),
    column("c", "sm_clock", 1.0),
    column("cx", "sm_clock_max", 1.0),
    column("k", "memory_clock", 1.0),
    column("kx", "memory_clock_max", 1.0),
    column("f", "fan", 1.0),
    column("ps", "performance_state"),
    column("th", "throttle"),
    column("ec", "ecc_corrected"),
    column("eu", "ecc_uncorrected"),
    column("rc", "remapped_corrected"),
    column("ru", "remapped_uncorrected"),
    column("rp", "remapped_pending"),
    column("rf", "remapped_failed"),
    column("rt", "retired_pages"),
    column("x", "xid_code"),
    column("xt", "xid_time", 1.0),
    column("r", "pcie_received", 1000.0, 3),
    column("s", "pcie_sent", 1000.0, 3),
    column("pg", "pcie_generation"),
    column("pw", "pcie_width"),
    column("nr", "nvlink_received", 1000.0, 3),
    column("ns", "nvlink_sent", 1000.0, 3),
    column("mg", "mig"),
    column("cm", "compute_mode"),
    column("e", "error"),
    column("a", "age", 1.0),
)
PROCESSES = (
    column("i", "pid"),
    column("s", "start"),
    column("u", "user"),
    column("c", "command"),
    column("g", "gpus"),  # positions
    column("m", "gpu_memory"),  # one number, or one for each of gpus; in MIB
    column("x", "gpu_utilisation"),  # likewise
    column("p", "cpu", 1.0, 3, 0.03),
    column("r", "memory", MIB, 0, 0.005),
    column("b", "began", 1.0, 0, 0.0, 2),
    column("n", "run"),
    column("f", "found_by"),
    column("w", "mine"),
    column("k", "container"),
)
TABLES = {"g": GPUS, "p": PROCESSES, "f": DISKS}  # type: Dict[str, Tuple[Column, ...]]
MAPPINGS = {"h": HOST, "d": DRIVER}  # type: Dict[str, Tuple[Column, ...]]

FULL_EVERY = 300  # deltas between two samples in full
FASTEST, SLOWEST = 0.05, 3600.0  # seconds between ticks
MAX_DETAIL = 64  # GPUs whose rates may be wanted
MAX_ROWS = {"g": 512, "p": 4096, "f": 64}  # type: Dict[str, int]

Row = Dict[str, Any]
Table = List[Optional[Row]]


def quantise(value, by):
    # type: (Any, Column) -> Any
    """A field's value as it travels."""
    if not by.unit or not isinstance(value, (int, float)):
        return value
    steps = value / by.unit
    if not -1e18 < steps < 1e18:  # and so it is with nan
        return None
    number = int(round(steps))
    if by.digits:
        size = 10 ** max(0, len(str(abs(number))) - by.digits)
        number = int(round(number / size)) * size
    return number


def settle(before, now, by):
    # type: (Any, Any, Column) -> Any
    """The value before, where it is so near to the one now that nobody would see the difference."""
    if (by.band or by.least) and isinstance(before, int) and isinstance(now, int):
        # One that rose from nothing or fell to it has changed, however little it is.
        if before and now and abs(now - before) <= max(by.least, by.band * abs(before)):
            return before
    return now


def difference(before, now):
    # type: (Row, Row) -> Row
    """What changed in a mapping: new values, None for what is gone."""
    changed = {key: value for key, value in now.items() if key not in before or before[key] != value}
    for key in before:
        if key not in now:
            changed[key] = None
    return changed


def table_difference(before, now):
    # type: (Table, Table) -> Dict[str, Any]
    """What changed in a table, empty when nothing did; see the module's words."""
    delta = {}  # type: Dict[str, Any]
    columns = {}  # type: Dict[str, Dict[int, Any]]
    gone, new = [], {}
    for position in range(max(len(before), len(now))):
        old = before[position] if position < len(before) else None
        row = now[position] if position < len(now) else None
        if row is None:
            if old is not None:
                gone.append(position)
        elif old is None:
            new[str(position)] = row
        elif old != row:
            for key, value in difference(old, row).items():
                columns.setdefault(key, {})[position] = value
    for key, changes in columns.items():
        whole = [row.get(key) if row is not None else None for row in now]
        delta[key] = shorter(whole, changes)
    if gone:
        delta["-"] = gone
    if new:
        delta["+"] = new
    return delta


def shorter(whole, changes):
    # type: (List[Any], Dict[int, Any]) -> Any
    """A column's changes as a list of all its values or by position, whichever weighs less."""
    weight = sum(len(str(value)) + 1 if value is not None else 5 for value in whole)
    other = sum(len(str(value)) + 5 + (position > 9) for position, value in changes.items())
    if weight <= other:
        return whole
    return {str(position): value for position, value in changes.items()}
