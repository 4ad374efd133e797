"""Which reader a path belongs to, by its name and its first bytes."""

import os
from typing import Optional

from workbench.remote.readers import growing, json_lines, tables
from workbench.remote.readers.columns import axes

TENSORBOARD, TABLE, JSON_LINES = "tensorboard", "table", "json-lines"
HEAD = 1 << 18
"""Bytes that are looked at."""


def detect(path: str) -> Optional[str]:
    """The form of a file or folder; None for what no reader knows, also what cannot be opened."""
    try:
        return _file(path)
    except (OSError, ValueError):
        return None


def _file(path: str) -> Optional[str]:
    name = os.path.basename(path).lower()
    if ".tfevents." in name:
        return TENSORBOARD
    if name.endswith((".csv", ".tsv")):
        header = tables.header_of(name, growing.look(path, {}, HEAD).data)
        return TABLE if header and len(header.names) > 1 and axes(header.names).step else None
    if name.endswith((".jsonl", ".ndjson")):
        line, end, _ = growing.look(path, {}, HEAD).data.partition(b"\n")
        cells = json_lines.parsed(line) if end else None
        return JSON_LINES if cells and len(cells) > 1 and axes(cells).step else None
    return None
