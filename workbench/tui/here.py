"""The directory the dashboard was started in: where what is fetched goes."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.errors import StoreError


def here() -> Path:
    """It; raises StoreError where it was removed meanwhile."""
    try:
        return Path.cwd()
    except OSError as problem:
        hint = "start the dashboard in another one"
        raise StoreError(f"the directory it was started in is gone: {problem.strerror}", hint) from problem


def names_here() -> list[str]:
    """What lies in it, folders with a / at their end; nothing where it cannot be read."""
    try:
        with os.scandir(".") as entries:
            return [f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries]
    except OSError:
        return []
