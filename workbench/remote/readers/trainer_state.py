"""The Hugging Face Trainer's `trainer_state.json`, alone or in the newest `checkpoint-N/` of a folder."""

import json
import os
from typing import Any, Dict, List, Optional

from workbench.remote.readers import growing
from workbench.remote.readers.entries import Entry, Reading, flatten, metric, number_of, param

FILE = "trainer_state.json"
LONGEST = 256 << 20
"""Bytes of such a file that is read."""
PARAMS = ("max_steps", "num_train_epochs", "train_batch_size", "logging_steps", "eval_steps", "save_steps")


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
    try:
        whole = json.loads(data.decode("utf-8", "replace"))
        log = whole["log_history"]
        rows = [row for row in log if isinstance(row, dict)]
    except (ValueError, TypeError, KeyError, RecursionError):
        return Reading([], state, False, False, 0, "it is not, or not yet, what a Trainer writes")
    count, last = state.get("count", 0), state.get("last")
    again = count > len(rows) or (count > 0 and _mark(rows[count - 1]) != last)
    if again:
        count = 0
    entries: List[Entry] = []
    if not count:
        entries.extend(param(name, whole[name]) for name in PARAMS if number_of(whole.get(name)) is not None)
    for row in rows[count:]:
        entries.extend(_points(row))
    mark = _mark(rows[-1]) if rows else None
    after = {"path": path, "stamp": stamp, "count": len(rows), "last": mark}
    return Reading(entries, after, False, again, len(log) - len(rows), "")


def newest(folder: str) -> Optional[str]:
    """The state file of the furthest checkpoint in a folder, or of the folder itself."""
    found: List[Any] = []
    for name in os.listdir(folder):
        kind, _, number = name.rpartition("-")
        file = os.path.join(folder, name, FILE)
        if kind == "checkpoint" and number.isdigit() and len(number) < 18 and os.path.isfile(file):
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
