"""Which names may be the log of some tracker, and which folders are looked into. Pure."""

import os
from fnmatch import fnmatchcase
from typing import List, Optional

SUFFIXES = (".wandb", ".csv", ".tsv", ".jsonl", ".ndjson", ".db", ".sqlite", ".sqlite3")
PASSED_OVER = frozenset((
    "node_modules", "site-packages", "__pycache__", "venv", "env", "artifacts", "checkpoints", "data",
    "dataset", "datasets",
))  # fmt: skip
"""Folders that hold no logs, but much else."""
CHECKPOINT = "checkpoint-"
DEEPEST = 16


def log_in(folder: str, name: str, is_folder: bool) -> Optional[str]:
    """The path that a reader would take, for a name seen in a folder; None where none may.

    For a file that is itself, for a part of MLflow's, DVCLive's and a Trainer's logs the folder of that.
    """
    if is_folder:
        if name.startswith(CHECKPOINT) and name[len(CHECKPOINT) :].isdigit():
            return folder
        return os.path.dirname(folder) if name == "metrics" and os.path.basename(folder) == "plots" else None
    lower = name.lower()
    if lower == "meta.yaml":
        return folder
    if lower.endswith(SUFFIXES) or ".tfevents." in lower or lower == "trainer_state.json":
        return os.path.join(folder, name)
    return None


def looked_into(folder: str, name: str) -> bool:
    """Whether a folder of this name is looked into."""
    if name.startswith((".", CHECKPOINT)) or name in PASSED_OVER:
        return False
    # A metric's file of MLflow or DVCLive may be called like a table.
    return not (name == "metrics" and os.path.basename(folder) == "plots")


def chosen(path: str, patterns: List[str]) -> bool:
    """Whether patterns take a path, relative to the working directory; without patterns all are taken.

    The last that fits decides; one that begins with ! leaves out. A star also stands for slashes.
    """
    if not patterns:
        return True
    taken = all(pattern.startswith("!") for pattern in patterns)
    for pattern in patterns:
        bare = pattern[1:] if pattern.startswith("!") else pattern
        if fnmatchcase(path, bare) or path.startswith(bare.rstrip("/") + "/"):
            taken = not pattern.startswith("!")
    return taken
