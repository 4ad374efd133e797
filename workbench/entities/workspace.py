"""A workspace: the top-level container of everything else (AZ-1)."""

from __future__ import annotations

from datetime import datetime

from workbench.entities.base import Entity


class WorkspaceFacts(Entity, frozen=True, kw_only=True):
    """What is said about a workspace."""

    name: str
    friendly_name: str | None = None
    description: str | None = None
    """Markdown."""
    tags: dict[str, str | None] = {}
    created: datetime | None = None
    """When it was first opened; absent for one that is older than this note."""
    runs: int | None = None
    active_runs: int | None = None
    machines: int | None = None
    problem: str | None = None
    """Why it does not open; nothing else is known then."""


class WorkspaceContents(Entity, frozen=True, kw_only=True):
    """What goes when a workspace is removed."""

    name: str
    folder: str
    bytes: int = 0
    """What it takes on this side."""
    runs: int | None = None
    active_runs: int | None = None
    by_machine: dict[str, int] = {}
    """Runs whose folders are on machines; they stay unless that is asked for."""
    problem: str | None = None
    """Why it does not open; which runs it has is not known then."""
    removed: bool = False
    left: dict[str, str] = {}
    """Machines whose folders could not be removed, and why."""
