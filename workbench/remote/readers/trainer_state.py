"""The Hugging Face Trainer's `trainer_state.json`, alone or in the newest `checkpoint-N/` of a folder."""

import json
import os
import re
from typing import Any, Dict, List, Optional

from workbench.remote.readers import growing
from workbench.remote.readers.entries import Entry, Reading, flatten, metric, number_of, param

FILE = "trainer_state.json"
LONGEST = 256 << 20
"""Bytes of such a file that is read."""
PARAMS = ("max_steps", "num_train_epochs", "train_batch_size", "logging_steps", "eval_steps", "save_steps")
_NEXT = re.compile(r"[\s,]*\{")


def read(path: str, state: Dict[str, Any]) -> Reading:
    """The log beyond state. A file is rewritten whole at each checkpoint; what it had before is passed over.

    Raises OSError; ValueError for what is no plain file.
    """
    file = newest(path) if os.path.isdir(path) else path
    if file is None:
        return Reading([], dict(state, path=path), False, False, 0, "")
    facts = os.stat(file)
    stamp = [file, facts.st_ino, facts.st_size, int(facts.st_mtime * 1e6)]
    if stamp == state.get("stamp"):
        return Reading([], state, False, False, 0, "")
    if facts.st_size > LONGEST:
        return Reading([], dict(state, path=path, stamp=stamp), False, False, 1, "it is too large")
    data = growing.look(file, {}, LONGEST).data
    whole, trouble = _parsed(data), ""
    if whole is None and state.get("ended"):
        rows = begun(data.decode("utf-8", "replace"))
        trouble = "%s is cut short: the %d rows before that are read" % (FILE, len(rows))
        whole = {"log_history": rows}
    if whole is None or not (whole["log_history"] or not trouble):
        unread = dict(state, path=file, size=facts.st_size, offset=0)
        return Reading([], unread, False, False, 0, "%s is not, or not yet, what a Trainer writes" % FILE)
    log = whole["log_history"]
    rows = [row for row in log if isinstance(row, dict)]
    count, last = state.get("count", 0), state.get("last")
    again = count > len(rows) or (count > 0 and _mark(rows[count - 1]) != last)
    if again:
        count = 0
    entries: List[Entry] = []
    known = [name for name in PARAMS if number_of(whole.get(name)) is not None]
    if again or not state.get("params"):
        entries.extend(param(name, whole[name]) for name in known)
    for row in rows[count:]:
        entries.extend(_points(row))
    mark = _mark(rows[-1]) if rows else None
    after = {"path": path, "stamp": stamp, "count": len(rows), "last": mark, "params": bool(known)}
    return Reading(entries, after, False, again, len(log) - len(rows), trouble)


def _parsed(data: bytes) -> Optional[Dict[str, Any]]:
    """A whole state; None for what is none."""
    try:
        whole = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    sound = isinstance(whole, dict) and isinstance(whole.get("log_history"), list)
    return whole if sound else None


def begun(text: str) -> List[Dict[str, Any]]:
    """The whole rows of the log in a state that was cut short: its writer died, or its disk was full."""
    place = text.find('"log_history"')
    place = text.find("[", place) + 1 if place >= 0 else 0
    rows: List[Dict[str, Any]] = []
    decoder = json.JSONDecoder()
    while place:
        begin = _NEXT.match(text, place)
        if begin is None:
            break
        try:
            row, place = decoder.raw_decode(text, begin.end() - 1)
        except (ValueError, RecursionError):
            break
        rows.append(row)
    return rows


def newest(folder: str) -> Optional[str]:
    """The state file of the furthest checkpoint in a folder, or of the folder itself."""
    found: List[Any] = []
    for name in os.listdir(folder):
        kind, _, number = name.rpartition("-")
        file = os.path.join(folder, name, FILE)
        if kind == "checkpoint" and number.isdecimal() and len(number) < 18 and os.path.isfile(file):
            found.append((int(number), file))
    own = os.path.join(folder, FILE)
    if os.path.isfile(own):
        return own  # written at the end, with everything
    return max(found)[1] if found else None


def _points(row: Dict[str, Any]) -> List[Entry]:
    step = row.get("step")
    found = flatten({name: value for name, value in row.items() if name != "step"}, "/")
    numbers = [(name, number_of(value)) for name, value in found.items()]
    return [metric(name, number, step) for name, number in numbers if number is not None]


def _mark(row: Dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)
