"""What a reader gives: entries in the shape of our records, and how far it came. Pure."""

from typing import Any, Dict, Iterable, List, NamedTuple, Optional

from workbench.remote.forms import record_form as form
from workbench.remote.forms.record_text import SMALL_INT, flat_text, metric_field, name_text, quote

MOST_NAMES = 50000
"""Names that one line, record or nested value may bring; the rest of it is left out."""
DEEPEST = 8
"""Levels of a nested value that become names."""
SPECIAL = {"nan": float("nan"), "infinity": float("inf"), "inf": float("inf")}

Entry = NamedTuple(
    "Entry",
    [
        ("kind", str),  # of record_form: metric, param, tag or status
        ("name", str),
        ("value", Any),  # a metric's: float, int, bool, or a text; a param's, tag's and status' is a text
        ("step", Optional[int]),  # None: the next one of its name
        ("time", Optional[float]),  # seconds since 1970, None where the file does not say
    ],
)

Reading = NamedTuple(
    "Reading",
    [
        ("entries", List[Entry]),
        ("state", Dict[str, Any]),  # goes into the next call; JSON can carry it
        ("more", bool),  # more can be read at once
        ("again", bool),  # the file is another one, or was written anew: these entries replace the earlier
        ("skipped", int),  # damaged or oversized pieces that were passed over
        ("trouble", str),  # why nothing more can be read for now, empty where all is well
    ],
)


def metric(name: str, value: Any, step: Any = None, time: Optional[float] = None) -> Entry:
    """A point. A step that is no whole number below 2**62 is left out."""
    return Entry(form.RECORD_METRIC, name, value, whole_step(step), time)


def param(name: str, value: Any) -> Entry:
    """A param; its value becomes text."""
    return Entry(form.RECORD_PARAM, name, flat_text(value) or "", None, None)


def tag(name: str, value: Any) -> Entry:
    """A tag; its value becomes text."""
    return Entry(form.RECORD_TAG, name, flat_text(value), None, None)


def status(state: str, time: Optional[float] = None) -> Entry:
    """How the run ended, by its own account: one of the states of a run."""
    return Entry(form.RECORD_STATUS, "", state, None, time)


def whole_step(step: Any) -> Optional[int]:
    """A step as records have it: 3, 3.0 and "3" are 3, what is none is None."""
    try:
        found = float(step)
        number = int(step) if isinstance(step, int) else int(found)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number == found and -SMALL_INT < number < SMALL_INT else None


def number_of(value: Any) -> Optional[float]:
    """A value as a number, also the texts that stand for nan and inf elsewhere; None where it is none."""
    if isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < 1024 else None
    if isinstance(value, str) and len(value) <= 9:
        bare = value.strip().lower()
        sign = -1.0 if bare.startswith("-") else 1.0
        found = SPECIAL.get(bare.lstrip("+-"))
        return None if found is None else sign * found
    return None


def flatten(value: Any, joint: str) -> Dict[str, Any]:
    """A nested mapping as one level, names joined by joint; lists and what lies too deep stay as they are."""
    found: Dict[str, Any] = {}
    _flatten(value, "", joint, DEEPEST, found)
    return found


def _flatten(value: Any, name: str, joint: str, room: int, found: Dict[str, Any]) -> None:
    for key, inner in value.items():
        if len(found) >= MOST_NAMES:
            return
        full = "%s%s%s" % (name, joint, key) if name else str(key)
        if isinstance(inner, dict) and inner and room > 1:
            _flatten(inner, full, joint, room - 1, found)
        else:
            found[full] = inner


def record_line(entry: Entry, wall: float, now: float) -> str:
    """An entry as the line of a record file whose header says wall.

    now: its time where it has none of its own, in seconds since 1970 like wall.
    """
    seconds = (now if entry.time is None else entry.time) - wall
    if entry.kind == form.RECORD_STATUS:
        return '{"k":"status","v":%s,"t":%.6f}\n' % (quote(entry.value), seconds)
    name, _ = name_text(entry.name)
    head = '{"k":%s,"n":%s,' % (quote(entry.kind), quote(name))
    if entry.kind == form.RECORD_METRIC:
        place = "" if entry.step is None else ',"s":%d' % entry.step
        return '%s%s%s,"t":%.6f}\n' % (head, metric_field(entry.value), place, seconds)
    return '%s"v":%s,"t":%.6f}\n' % (head, "null" if entry.value is None else quote(entry.value), seconds)


def record_lines(entries: Iterable[Entry], wall: float, now: float) -> List[str]:
    """The lines of several entries, see `record_line`."""
    return [record_line(entry, wall, now) for entry in entries]
