"""How this side's disk use looks. Pure: JSON of `workspace.usage` and `workspace.prune` in, texts out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.text import sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell

PARTS = (("database", "database"), ("output of runs", "spool"), ("fetched files", "files"), ("code", "blobs"))


def facts(usage: Mapping[str, Any]) -> list[tuple[str, Cell | str]]:
    """Where the workspace is and what its parts take."""
    found: list[tuple[str, Cell | str]] = [("folder", clean_name(str(usage["folder"]), 1000))]
    found += [(title, _logs(usage) if key == "spool" else sizes.short(usage[key])) for title, key in PARTS]
    found += [("in all", Cell(sizes.short(usage["total"]), "bold")), ("free", sizes.short(usage["free"]))]
    return found


def _logs(usage: Mapping[str, Any]) -> str:
    """What logs take, what they may take, and of how many runs only machines have them."""
    words = sizes.short(usage["spool"])
    if usage.get("most"):
        words += f", {sizes.short(usage['most'])} at most"
    if usage.get("dropped"):
        words += f"; that of {counted(usage['dropped'], 'run')} is on machines only"
    return words


def is_nothing(found: Mapping[str, Any]) -> bool:
    """Whether a pruning has nothing to remove."""
    return not (found["blobs"] or found["snapshots"] or found["runs"])


def pruned(found: Mapping[str, Any]) -> str:
    """What goes, or went."""
    what = [counted(found["snapshots"], "snapshot")] if found["snapshots"] else []
    what += [f"{counted(found['blobs'], 'file')} of code"] if found["blobs"] else []
    what += [f"what is left of {counted(found['runs'], 'removed run')}"] if found["runs"] else []
    return f"{', '.join(what) or 'nothing'} ({sizes.short(found['bytes'])})"
