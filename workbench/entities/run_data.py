"""What a run read and what it wrote: its inputs and named outputs, as its machine had them (AZ-60)."""

from __future__ import annotations

from enum import StrEnum

from workbench.entities.base import Entity


class DataDirection(StrEnum):
    """Which way."""

    INPUT = "input"
    OUTPUT = "output"


class Mechanism(StrEnum):
    """How a run came to an input, or where an output went."""

    IN_PLACE = "in place"
    """Used where it lies on the run's machine."""
    CACHE = "cache"
    """Read-only, in the machine's cache."""
    COPY = "copy"
    """A copy of the run's own, to be written to."""
    DIRECT = "direct"
    """Only the address was told."""
    FOLDER = "folder"
    """Written to a folder on the run's machine."""
    UPLOAD = "upload"
    """Written there, and sent to a datastore when the command had ended."""


class RunData(Entity, frozen=True, kw_only=True):
    """One input or named output of a run."""

    run: str
    """The run's id."""
    direction: DataDirection
    name: str
    type: str
    mode: str
    source: str | None = None
    """The path as it was written; absent for an output that went to the run's own outputs/."""
    asset: str | None = None
    """data:NAME:VERSION or model:NAME:VERSION: what it read, or what became of it."""
    mechanism: Mechanism
    location: str | None = None
    """The path on the machine."""
    hash: str | None = None
    """Names its contents: the key in the machine's cache, or the fingerprint."""
    files: int | None = None
    bytes: int | None = None
    sent: int | None = None
    """Bytes of it that had to be brought; 0 = all of it was there."""
    registers: str | None = None
    """The dataset an output becomes a version of."""
    state: str = "ready"
    """ready; waiting: of an output whose run goes on, or that is not registered or sent yet; failed."""
    problem: str | None = None
