"""A comparison one keeps: which runs are held against the first of them, and what one has to say about it."""

from __future__ import annotations

from datetime import datetime

from workbench.entities.base import Entity


class SavedComparison(Entity, frozen=True, kw_only=True):
    """Runs to see side by side again by a name, with a note."""

    name: str
    runs: list[str]
    """Ids, the one that the others are held against first."""
    gone: list[str] = []
    """Those of them that are not here any more; filled in when it is asked for."""
    note: str | None = None
    """Markdown."""
    created: datetime
    """When it was saved first."""
