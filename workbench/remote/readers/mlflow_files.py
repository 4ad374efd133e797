"""A run's folder in an MLflow file store (`mlruns/<experiment>/<run>/`)."""

from typing import Any, Dict, List, Optional

from workbench.remote.readers import plain_yaml
from workbench.remote.readers.entries import Entry, Reading, metric, param, status, tag
from workbench.remote.readers.folders import Folder, WrittenAnew

ENDS = {
    "3": "Completed", "4": "Failed", "5": "Canceled",
    "FINISHED": "Completed", "FAILED": "Failed", "KILLED": "Canceled",
}  # fmt: skip
"""MLflow's words, and numbers, for how a run ended."""


def read(path: str, state: Dict[str, Any]) -> Reading:
    """What is new in a run's folder: points by their offsets, params, tags and status where they changed."""
    try:
        return _read(path, state, False)
    except WrittenAnew:
        return _read(path, {}, True)


def _read(path: str, state: Dict[str, Any], again: bool) -> Reading:
    folder = Folder(path, state)
    entries: List[Entry] = []
    for make, below in ((param, "params"), (tag, "tags")):
        for name, file in folder.names(below):
            value = folder.whole(file)
            if value is not None:
                entries.append(make(name, value))
    for name, file in folder.names("metrics"):
        for line in folder.lines(file):
            point = _point(name, line)
            if point is None:
                folder.skipped += 1
            else:
                entries.append(point)
    if not folder.more:  # the end is told last
        entries.extend(_end(folder.whole("meta.yaml")))
    return Reading(entries, folder.state, folder.more, again, folder.skipped, "")


def _point(name: str, line: str) -> Optional[Entry]:
    """`milliseconds value step`; the oldest stores have no step, the newest may say more."""
    words = line.split()
    if len(words) < 2:
        return None
    try:
        milliseconds, value = int(words[0]), float(words[1])
    except ValueError:
        return None
    time = milliseconds / 1000.0 if 0 <= milliseconds < 1 << 53 else None
    return metric(name, value, words[2] if len(words) > 2 else 0, time)


def _end(meta: Optional[str]) -> List[Entry]:
    if meta is None:
        return []
    said = plain_yaml.mapping(meta)
    state = ENDS.get(said.get("status", ""))
    end = said.get("end_time", "")
    time = int(end) / 1000.0 if end.isdecimal() and len(end) < 16 else None
    return [] if state is None else [status(state, time)]
