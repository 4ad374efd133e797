"""JSONL files whose objects have a step-like key."""

import json
from typing import Any, Dict, List, Optional

from workbench.remote.readers import growing
from workbench.remote.readers.columns import axes, points
from workbench.remote.readers.entries import Entry, Reading, flatten

LONGEST = 1 << 20
"""Bytes of a line; a longer one is passed over."""


def read(path: str, state: Dict[str, Any]) -> Reading:
    """The lines beyond state. Raises OSError; ValueError for what is no plain file.

    state may have `step_column`, the user's choice. Nested names are joined by a slash.
    """
    seen = growing.look(path, state)
    asked = state.get("step_column")
    entries: List[Entry] = []
    start = skipped = 0
    while start < len(seen.data):
        end = seen.data.find(b"\n", start)
        line = seen.data[start : end if end >= 0 else None]
        cells = parsed(line) if end >= 0 or seen.last else None
        if end < 0 and cells is None and line.strip():
            break  # half a line: an object that was cut short is none, so one that can be read is whole
        start = end + 1 if end >= 0 else len(seen.data)
        if not line.strip():
            continue
        if cells is None:
            skipped += 1
        else:
            entries.extend(points(cells, axes(cells, asked)))
    if len(seen.data) - start > LONGEST:
        start, skipped = len(seen.data), skipped + 1
    after = dict(growing.after(path, seen, start, {} if seen.again else state), step_column=asked)
    more = start > 0 and seen.offset + len(seen.data) < seen.size
    return Reading(entries, after, more, seen.again, skipped, "")


def parsed(line: bytes) -> Optional[Dict[str, Any]]:
    """A line as one level of names; None for what is no object."""
    if len(line) > LONGEST:
        return None
    try:
        value = json.loads(line.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    return flatten(value, "/") if isinstance(value, dict) else None
