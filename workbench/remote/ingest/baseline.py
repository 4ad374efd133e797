"""What lay in a run's folder before its command started: that is not what the run writes."""

import json
import os
from typing import Any, Dict, List, NamedTuple, Optional

from workbench.remote.ingest.folder_watch import FolderWatch
from workbench.remote.runs.runfolder import RunFolder, read_object, write_whole

FILE = "baseline.json"
MOST = 4 << 20

Baseline = NamedTuple(
    "Baseline",
    [
        ("folders", Dict[str, int]),  # path -> its time in nanoseconds when it was listed
        ("logs", Dict[str, List[int]]),  # path of what may be a log -> its mark then
    ],
)


def roots_of(folder: RunFolder) -> List[str]:
    """Where a run's own logs are looked for: its working directory, outputs/ and logs/."""
    return [folder.code, folder.outputs, folder.logs]


def write_baseline(folder: RunFolder) -> None:
    """Note what is there now, in the run's folder. Raises OSError."""
    watch = FolderWatch(roots_of(folder))
    marks = {path: mark_of(path) for path in watch.look()}
    told = {"folders": watch.folders, "logs": {path: mark for path, mark in marks.items() if mark}}
    write_whole(folder.inside(FILE), json.dumps(told).encode("ascii"), sync=False)


def read_baseline(folder: RunFolder) -> Baseline:
    """What was noted; nothing where that could not be written."""
    try:
        told: Optional[Dict[str, Any]] = read_object(folder.inside(FILE), MOST)
    except (OSError, ValueError):
        told = None
    return Baseline(dict(told["folders"]), dict(told["logs"])) if told else Baseline({}, {})


def mark_of(path: str) -> Optional[List[int]]:
    """What changes when a log is written to; None where there is none."""
    try:
        facts = os.lstat(path)
    except OSError:
        return None
    return [facts.st_ino, facts.st_size, facts.st_mtime_ns]
