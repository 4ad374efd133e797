"""MLflow's SQLite store of which the end is missing: what is there of its runs, and in words what is not."""

import os
from typing import Any, Dict, List, Optional, Tuple

from workbench.remote.readers.sqlite_pages import CutShort

_CALLED = {"sqlite_master": "its list of tables"}
Rows = List[Tuple[Any, ...]]


def opened(path: str) -> Optional[CutShort]:
    """A store that was cut short; None for any other. Raises OSError.

    One that is being written may look so for a moment, which its journal tells.
    """
    if any(os.path.exists(path + journal) for journal in ("-wal", "-journal")):
        return None
    try:
        return CutShort(path)
    except (ValueError, ImportError):  # without sqlite3 the other way says so
        return None


def mark(path: str) -> List[int]:
    """By which such a file is known again. Raises OSError."""
    facts = os.stat(path)
    return [facts.st_size, facts.st_mtime_ns]


def runs(cut: CutShort) -> Rows:
    """(id, name, experiment, start) of the runs that are not deleted, the oldest first."""
    # The id of an experiment is its rowid, so its column holds nothing.
    experiments: Dict[Any, Any] = {rowid: row.get("name") for rowid, row in cut.rows("experiments")}
    found = [
        (
            row.get("run_uuid"),
            row.get("name"),
            experiments.get(row.get("experiment_id", 0)),
            row.get("start_time"),
        )
        for _, row in cut.rows("runs")
        if row.get("lifecycle_stage") == "active" and row.get("run_uuid")
    ]
    return sorted(found, key=lambda row: row[3] if isinstance(row[3], int) else 0)


def said(cut: CutShort, run: str) -> Dict[str, Rows]:
    """{"params", "tags": (key, value) each, "runs": (status, end)} of a run."""
    found: Dict[str, Rows] = {
        table: [
            (row.get("key"), row.get("value")) for _, row in cut.rows(table) if row.get("run_uuid") == run
        ]
        for table in ("params", "tags")
    }
    ends = [row for _, row in cut.rows("runs") if row.get("run_uuid") == run]
    found["runs"] = [(row.get("status"), row.get("end_time")) for row in ends]
    return found


def points(cut: CutShort, run: str, after: int, most: int) -> Rows:
    """(rowid, key, value, time, step, is_nan) of a run's points beyond a rowid, at most so many."""
    found: Rows = []
    for rowid, row in cut.rows("metrics", after, run.encode("utf-8")):
        if row.get("run_uuid") != run:
            continue
        value = row.get("value")
        value = float(value) if isinstance(value, int) else value  # whole numbers are kept as such
        told = [row.get(name) for name in ("timestamp", "step", "is_nan")]
        found.append((rowid, row.get("key"), value, *told))
        if len(found) == most:
            break
    return found


def lacks(cut: CutShort, missing: Dict[str, int]) -> str:
    """What is not there, in words."""
    counts = [
        "%d of %s" % (count, _CALLED.get(name, name)) for name, count in sorted(missing.items()) if count
    ]
    words = "it is cut short: only %d of its %d pages are there" % (cut.there, cut.wanted)
    return "%s; lost are at least the pages %s" % (words, ", ".join(counts)) if counts else words
