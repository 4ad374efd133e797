"""Which columns of a table are its step and its time, and what the other cells are. Pure."""

import csv
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

from workbench.remote.readers.entries import Entry, metric, number_of, whole_step

STEPS = (
    "step", "global_step", "_step", "trainer/global_step", "steps", "iteration", "iter", "iterations", "it",
    "update", "epoch", "epochs", "round",
)  # fmt: skip
"""Names of columns that count steps, the best first."""
TIMES = ("_timestamp", "timestamp", "wall_time", "walltime", "wall time", "time", "datetime")

Axes = NamedTuple("Axes", [("step", Optional[str]), ("time", Optional[str])])


def axes(names: Iterable[str], asked: Optional[str] = None) -> Axes:
    """The step and time columns among names. asked: the user's choice of the step, where it is there."""
    found: Dict[str, str] = {}
    for name in names:
        found.setdefault(name.strip().lower(), name)
    step = asked if asked in found.values() else None
    step = step or next((found[name] for name in STEPS if name in found), None)
    time = next((found[name] for name in TIMES if name in found), None)
    return Axes(step, time)


def points(cells: Dict[str, Any], axes: Axes) -> List[Entry]:
    """The metrics of one row: its numbers; texts and empty cells are no points."""
    step = None if axes.step is None else whole_step(cells.get(axes.step))
    time = None if axes.time is None else moment(cells.get(axes.time))
    entries = []
    for name, value in cells.items():
        if name == axes.step or (name == axes.time and time is not None):
            continue
        number = number_of(value)
        if number is not None:
            entries.append(metric(name, number, step, time))
    return entries


def split(line: str, delimiter: str) -> Optional[List[str]]:
    """The cells of a row; None for what is none."""
    line = line.replace("\0", "").rstrip("\r\n")
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return None


def cell(text: str) -> Any:
    """A cell of a text table: a number where it is one, else the text."""
    if not text or len(text) > 40 or "_" in text:
        return text
    try:
        return float(text)
    except ValueError:
        return {"true": True, "false": False}.get(text.strip().lower(), text)


def moment(value: Any) -> Optional[float]:
    """Seconds since 1970 of a time in seconds or milliseconds; None for what is another count."""
    number = number_of(value)
    if number is None:
        return None
    if 1e11 <= number < 1e14:
        number /= 1000.0
    return float(number) if 1e8 <= number < 1e11 else None
