"""The readers by the name of their form."""

import os
import time
from typing import Any, Callable, Dict, Optional

from workbench.remote.readers import (
    detect,
    dvclive,
    json_lines,
    mlflow_database,
    mlflow_files,
    tables,
    tensorboard,
    trainer_state,
    wandb_log,
)
from workbench.remote.readers.entries import Reading
from workbench.remote.readers.last_row import CUT, STANDS, WHOLE
from workbench.remote.readers.writers import written_to

READERS: Dict[str, Callable[[str, Dict[str, Any]], Reading]] = {
    detect.TENSORBOARD: tensorboard.read,
    detect.WANDB: wandb_log.read,
    detect.MLFLOW: mlflow_files.read,
    detect.MLFLOW_DATABASE: mlflow_database.read,
    detect.DVCLIVE: dvclive.read,
    detect.TRAINER: trainer_state.read,
    detect.TABLE: tables.read,
    detect.JSON_LINES: json_lines.read,
}
STILL = 2.0
"""Seconds after which nothing more is awaited in the middle of a line."""
ENDLESS = (detect.TABLE, detect.JSON_LINES, detect.TRAINER)
"""Forms of which something can be told though their end is missing."""
CALLED = {
    detect.TENSORBOARD: "a TensorBoard event file",
    detect.WANDB: "a W&B log",
    detect.MLFLOW: "a run of an MLflow file store",
    detect.MLFLOW_DATABASE: "an MLflow database",
    detect.DVCLIVE: "a DVCLive folder",
    detect.TRAINER: "the state of a Trainer",
    detect.TABLE: "a table with a step column",
    detect.JSON_LINES: "JSON lines with a step",
}


def ended(
    form: str, state: Dict[str, Any], still: float = STILL, well: Optional[bool] = None
) -> Optional[Dict[str, Any]]:
    """The state to read a log's end with, where it stops in the middle; None where nothing is left.

    still: seconds that the file must not have been written to. well: how all that wrote it ended, None for a
    log of which nobody knows. A reader told so once is told the same of the same end by the next state.
    """
    if form not in ENDLESS or not left(state):
        return None
    path = str(state.get("path"))
    try:
        if time.time() - os.stat(path).st_mtime < still:
            return None
        sure = WHOLE if well else STANDS if well is None and not written_to(path) else CUT
    except OSError:
        return None
    return dict(state, ended=sure)


def left(state: Dict[str, Any]) -> int:
    """Bytes at the end of a log, or of the files of one, that no reader has taken."""
    files = state.get("files")
    if isinstance(files, dict):
        return sum(left(one) for one in files.values() if isinstance(one, dict) and "offset" in one)
    size, offset = state.get("size", 0), state.get("offset", 0)
    return max(0, size - offset) if isinstance(size, int) and isinstance(offset, int) else 0


def remark(form: str, state: Dict[str, Any], given: bool, skipped: int) -> str:
    """What is to be said of a log that was read to its end; empty where nothing is left of it.

    given: whether anything of it was taken, now or earlier; skipped: its damaged pieces.
    """
    rest = left(state) if state.get("taken") is None else 0  # a table's last row, without its newline
    if given:
        return "its last %d bytes are half a record: they wait for the other half" % rest if rest else ""
    if skipped or (rest and not state.get("offset")):
        return "taken for %s by its name, but nothing in it can be read as one" % CALLED[form]
    return ""
