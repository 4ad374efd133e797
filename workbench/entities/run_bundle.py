"""A run as it is handed on in one file: what the file says of itself, and of each run in it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workbench.entities.base import Entity
from workbench.entities.configuration import RunConfiguration
from workbench.entities.run import Run, RunFile, Transition

FORM = "workbench runs"
VERSION = 1


class BundledRun(Entity, frozen=True, kw_only=True):
    """A run and all that is known of it but its points, its output and its files' bytes, which lie beside."""

    run: Run
    configuration: RunConfiguration
    """In a bundle without what was to be done at its end, and variables that are called like secrets."""
    diff: str | None = None
    """What was not committed."""
    transitions: list[Transition] = []
    warnings: list[str] = []
    artifacts: dict[str, str] = {}
    files: list[RunFile] = []
    machine: dict[str, Any] = {}
    """What its machine said of itself, as far as runs are compared by it."""
    gaps: list[tuple[int, int]] = []
    """Bytes of the output that its machine did not keep."""
    records: list[str] = []
    """The names of its record files, in the order of their entries."""
    stored: list[str] = []
    """The paths of the files whose bytes are in the bundle, in the order of their entries."""


class BundleEntry(Entity, frozen=True, kw_only=True):
    """One entry of the archive."""

    size: int
    sha256: str


class BundleManifest(Entity, frozen=True, kw_only=True):
    """What a bundle is, and everything that is in it."""

    form: str
    version: int
    made: datetime
    runs: dict[str, str]
    """Each run's id with a digest of all that is its own, in the order they are brought in."""
    entries: dict[str, BundleEntry]
