"""A saved view of the list of runs: which, in what order, with which columns, in what groups."""

from __future__ import annotations

from datetime import datetime

from workbench.entities.base import Entity


class View(Entity, frozen=True, kw_only=True):
    """What one wants to see again by its name."""

    name: str
    filter: str | None = None
    """As docs/filters.md says; absent: all runs that are not archived."""
    experiment: str | None = None
    sort: str | None = None
    """What `runs.table` sorts by; absent: newest first."""
    descending: bool | None = None
    group: str | None = None
    """What `runs.groups` groups by."""
    columns: list[str] | None = None
    """Ids of columns in their order; absent: the usual ones."""
    created: datetime
    """When it was saved first."""
