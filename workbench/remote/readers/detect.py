"""Which reader a path belongs to, by its name and its first bytes."""

import os
from typing import Optional

from workbench.remote.readers import dvclive, growing, json_lines, tables, trainer_state, wandb_log
from workbench.remote.readers.columns import axes

TENSORBOARD, WANDB, TABLE, JSON_LINES = "tensorboard", "wandb", "table", "json-lines"
MLFLOW, MLFLOW_DATABASE = "mlflow", "mlflow-database"
TRAINER, DVCLIVE = "trainer-state", "dvclive"
FORMS = (TENSORBOARD, WANDB, TABLE, JSON_LINES, MLFLOW, MLFLOW_DATABASE, TRAINER, DVCLIVE)
HEAD = 1 << 18
"""Bytes that are looked at."""
SQLITE = b"SQLite format 3\0"


def detect(path: str) -> Optional[str]:
    """The form of a file or folder; None for what no reader knows, also what cannot be opened."""
    try:
        return _folder(path) if os.path.isdir(path) else _file(path)
    except (OSError, ValueError):
        return None


def _folder(path: str) -> Optional[str]:
    parts = [name for name in ("metrics", "params", "tags") if os.path.isdir(os.path.join(path, name))]
    meta = os.path.join(path, "meta.yaml")
    if parts and os.path.isfile(meta):
        return MLFLOW if b"run_id" in growing.look(meta, {}, HEAD).data else None
    if os.path.isdir(os.path.join(path, dvclive.METRICS)):
        return DVCLIVE
    return TRAINER if trainer_state.newest(path) else None


def _file(path: str) -> Optional[str]:
    name = os.path.basename(path).lower()
    if ".tfevents." in name:
        return TENSORBOARD
    if name == trainer_state.FILE:
        return TRAINER
    if name.endswith(".wandb"):
        return WANDB if growing.look(path, {}, HEAD).data.startswith(wandb_log.MAGIC) else None
    if name.endswith((".db", ".sqlite", ".sqlite3")):
        head = growing.look(path, {}, HEAD).data
        return MLFLOW_DATABASE if head.startswith(SQLITE) and b"run_uuid" in head else None
    if name.endswith((".csv", ".tsv")):
        header = tables.header_of(name, growing.look(path, {}, HEAD).data)
        return TABLE if header and len(header.names) > 1 and axes(header.names).step else None
    if name.endswith((".jsonl", ".ndjson")):
        line, end, _ = growing.look(path, {}, HEAD).data.partition(b"\n")
        cells = json_lines.parsed(line) if end else None
        return JSON_LINES if cells and len(cells) > 1 and axes(cells).step else None
    return None
