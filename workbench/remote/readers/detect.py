"""Which reader a path belongs to, by its name and its first bytes."""

import os
from typing import Optional

from workbench.remote.readers import dvclive, growing, json_lines, tables, trainer_state, wandb_log
from workbench.remote.readers.columns import STEPS, axes

TENSORBOARD, WANDB, TABLE, JSON_LINES = "tensorboard", "wandb", "table", "json-lines"
MLFLOW, MLFLOW_DATABASE = "mlflow", "mlflow-database"
TRAINER, DVCLIVE = "trainer-state", "dvclive"
FORMS = (TENSORBOARD, WANDB, TABLE, JSON_LINES, MLFLOW, MLFLOW_DATABASE, TRAINER, DVCLIVE)
ENDINGS = {
    ".wandb": WANDB, ".csv": TABLE, ".tsv": TABLE, ".jsonl": JSON_LINES, ".ndjson": JSON_LINES,
    ".db": MLFLOW_DATABASE, ".sqlite": MLFLOW_DATABASE, ".sqlite3": MLFLOW_DATABASE,
}  # fmt: skip
META = "meta.yaml"
FIRST_LINES = 20
"""Lines of a JSONL of which one has to have a step: others may say how the run was set up, or be damaged."""
HEAD = 1 << 18
"""Bytes that are looked at."""
SQLITE = b"SQLite format 3\0"


def detect(path: str) -> Optional[str]:
    """The form of a file or folder; None for what no reader knows, also what cannot be opened."""
    try:
        return _folder(path) if os.path.isdir(path) else _file(path)
    except (OSError, ValueError):
        return None


def named_like(path: str) -> Optional[str]:
    """The form that a file's name promises; None for a name that promises none."""
    name = os.path.basename(path).lower()
    if ".tfevents." in name:
        return TENSORBOARD
    if name == trainer_state.FILE:
        return TRAINER
    return next((form for ending, form in ENDINGS.items() if name.endswith(ending)), None)


def wrong(path: str) -> str:
    """Why a file that `detect` knows no form for is none, in words. Raises OSError, ValueError."""
    form = named_like(path)
    head = growing.look(path, {}, HEAD).data
    if form is None:
        return "no reader knows files of that name"
    if not head:
        return "it is empty"
    if form == WANDB:
        return "it is called like a W&B log, but does not begin like one"
    if form == MLFLOW_DATABASE:
        if head.startswith(SQLITE):
            return "it is an SQLite file, but not MLflow's"
        return "it is called like a database, but is no SQLite file"
    columns = "called " + ", ".join(STEPS[:3]) + " or the like"
    if b"\n" not in head:
        return "its first line has no end in the first %d bytes" % len(head)
    if form == TABLE:
        return "its first line names no column %s beside another" % columns
    return "its first lines are no JSON objects with a key %s" % columns


def like_mlflow(path: str) -> bool:
    """Whether a folder has the parts of a run of an MLflow file store."""
    parts = [name for name in ("metrics", "params", "tags") if os.path.isdir(os.path.join(path, name))]
    return bool(parts) and os.path.isfile(os.path.join(path, META))


def _folder(path: str) -> Optional[str]:
    if like_mlflow(path):
        meta = os.path.join(path, META)
        return MLFLOW if b"run_id" in growing.look(meta, {}, HEAD).data else None
    if os.path.isdir(os.path.join(path, dvclive.METRICS)):
        return DVCLIVE
    return TRAINER if trainer_state.newest(path) else None


def _file(path: str) -> Optional[str]:
    form = named_like(path)
    if form in (None, TENSORBOARD, TRAINER):
        return form
    head = growing.look(path, {}, HEAD).data
    if form == WANDB:
        sound = head.startswith(wandb_log.MAGIC)
    elif form == MLFLOW_DATABASE:
        sound = head.startswith(SQLITE) and b"run_uuid" in head
    elif form == TABLE:
        header = tables.header_of(path.lower(), head)
        sound = bool(header and len(header.names) > 1 and axes(header.names).step)
    else:
        lines = [json_lines.parsed(line) for line in head.split(b"\n")[:-1][:FIRST_LINES]]
        sound = any(cells and len(cells) > 1 and axes(cells).step for cells in lines)
    return form if sound else None
