"""MLflow's SQLite store (`mlflow.db`), opened for reading only."""

import math
import sys
import zlib
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import quote

from workbench.remote.readers import mlflow_cut
from workbench.remote.readers.entries import Entry, Reading, metric, param, status, tag
from workbench.remote.readers.mlflow_files import ENDS
from workbench.remote.readers.sqlite_pages import CutShort

MOST_POINTS = 50000
"""Points that one look reads."""
MOST_RUNS = 100000
WAIT = 2.0  # seconds for a writer's lock
_LARGEST = sys.float_info.max  # stands for infinity there

StoredRun = NamedTuple(
    "StoredRun", [("run", str), ("name", str), ("experiment", str), ("started", Optional[float])]
)


def runs(path: str) -> List[StoredRun]:
    """The runs of a store that are not deleted, the oldest first. Raises OSError for what cannot be read.

    Of a store that was cut short: those whose row is there.
    """
    cut = mlflow_cut.opened(path)
    if cut is None:
        rows = _runs(path)
    else:
        with cut:
            rows = mlflow_cut.runs(cut)[:MOST_RUNS]
            if not rows:
                raise OSError("%s: %s, and none of its runs" % (path, mlflow_cut.lacks(cut, {})))
    return [StoredRun(str(row[0]), _text(row[1]), _text(row[2]), _seconds(row[3])) for row in rows]


def _runs(path: str) -> List[Any]:
    return _asked(
        path,
        "SELECT r.run_uuid, r.name, e.name, r.start_time FROM runs r LEFT JOIN experiments e"
        " ON e.experiment_id = r.experiment_id WHERE r.lifecycle_stage = 'active'"
        " ORDER BY r.start_time LIMIT %d" % MOST_RUNS,
    )


def read(path: str, state: Dict[str, Any]) -> Reading:
    """What is new of the run that state names (`{"run": id}`), or of the only one there is.

    Raises OSError for what cannot be read, ValueError when the run has to be named.
    """
    run = state.get("run")
    if not isinstance(run, str):
        found = runs(path)
        if len(found) != 1:
            raise ValueError("the store has %d runs: name one" % len(found))
        run = found[0].run
    cut = mlflow_cut.opened(path)
    if cut is not None:
        with cut:
            return _read_cut(path, run, state, cut)
    if "cut" in state:  # and is whole now: nothing of what was read of it is needed any more
        return _read(path, run, {})._replace(again=True)
    return _read(path, run, state)


def _read(path: str, run: str, state: Dict[str, Any]) -> Reading:
    last = state.get("row", 0)
    told = state.get("told")
    known: Dict[str, int] = dict(told) if isinstance(told, dict) else {}
    entries: List[Entry] = []
    for make, table in ((param, "params"), (tag, "tags")):
        for key, value in _asked(path, "SELECT key, value FROM %s WHERE run_uuid = ?" % table, run):
            mark = zlib.crc32(_text(value).encode("utf-8", "replace"))
            if known.get("%s/%s" % (table, key)) != mark:
                known["%s/%s" % (table, key)] = mark
                entries.append(make(_text(key), _text(value)))
    points = _asked(
        path,
        "SELECT rowid, key, value, timestamp, step, is_nan FROM metrics"
        " WHERE run_uuid = ? AND rowid > ? ORDER BY rowid LIMIT %d" % MOST_POINTS,
        run,
        last if isinstance(last, int) else 0,
    )
    found, skipped = _points(points)
    entries += found
    last = points[-1][0] if points else last
    more = len(points) == MOST_POINTS
    after = {"path": path, "run": run, "row": last, "told": known}
    if not more:
        for state_there, end in _asked(path, "SELECT status, end_time FROM runs WHERE run_uuid = ?", run):
            after["status"] = ENDS.get(_text(state_there))
            if after["status"] and after["status"] != state.get("status"):
                entries.append(status(after["status"], _seconds(end)))
    return Reading(entries, after, more, False, skipped, "")


def _read_cut(path: str, run: str, state: Dict[str, Any], cut: CutShort) -> Reading:
    """The same of a store that was cut short; another file, or one that was cut elsewhere, is read anew."""
    mark = mlflow_cut.mark(path)
    again = bool(state.get("row") or state.get("told")) and state.get("cut") != mark
    kept = state if state.get("cut") == mark else {}
    if kept.get("done"):
        return Reading([], dict(kept), False, False, 0, "")
    entries: List[Entry] = []
    if not kept:
        said = mlflow_cut.said(cut, run)
        entries += [param(_text(key), _text(value)) for key, value in said["params"]]
        entries += [tag(_text(key), _text(value)) for key, value in said["tags"]]
        for word, end in said["runs"]:
            if ENDS.get(_text(word)):
                entries.append(status(ENDS[_text(word)], _seconds(end)))
    points = mlflow_cut.points(cut, run, kept.get("row", 0), MOST_POINTS)
    found, skipped = _points(points)
    more = len(points) == MOST_POINTS
    before = kept.get("missing", {})
    missing = {name: cut.missing.get(name, 0) + before.get(name, 0) for name in {*cut.missing, *before}}
    last = points[-1][0] if points else kept.get("row", 0)
    after = {"path": path, "run": run, "row": last, "cut": mark, "missing": missing, "done": not more}
    trouble = "" if more else mlflow_cut.lacks(cut, missing)
    return Reading(entries + found, after, more, again, skipped, trouble)


def _points(rows: Sequence[Any]) -> Tuple[List[Entry], int]:
    """The points of rows, and how many are none."""
    entries, skipped = [], 0
    for _, key, value, time, step, is_nan in rows:
        if not isinstance(value, (int, float)):
            skipped += 1
            continue
        number = math.nan if is_nan else value
        if abs(number) == _LARGEST:
            number = math.copysign(math.inf, number)
        entries.append(metric(_text(key), number, step, _seconds(time)))
    return entries, skipped


def _asked(path: str, question: str, *values: Any) -> List[Any]:
    """The rows of an answer. Raises OSError."""
    try:
        import sqlite3
    except ImportError:  # a Python that was built without it
        raise OSError("this Python has no sqlite3") from None
    try:
        connection = sqlite3.connect("file:%s?mode=ro" % quote(path), uri=True, timeout=WAIT)
        try:
            connection.text_factory = _decoded
            return connection.execute(question, values).fetchall()
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeError) as error:  # the words of an error may quote the damaged file
        raise OSError("%s: %s" % (path, error)) from error


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _seconds(milliseconds: Any) -> Optional[float]:
    whole = isinstance(milliseconds, int) and 0 <= milliseconds < 1 << 53
    return milliseconds / 1000.0 if whole else None
