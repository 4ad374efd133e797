"""What was measured of a machine, and reading it out of what the machine says. Pure."""

from __future__ import annotations

import json
from typing import Any

from msgspec import field

from workbench.entities.base import Entity
from workbench.text.numbers import whole_amount
from workbench.text.sanitize import clean_name


class Disk(Entity, frozen=True, kw_only=True):
    """A place on a local disk where the user may write."""

    path: str
    fs: str
    free: int
    """Bytes."""
    own: bool = False
    """Whether the folder is the user's, by its name."""


class Measurement(Entity, frozen=True, kw_only=True):
    """What attach found out of a machine."""

    facts: dict[str, Any] = field(default_factory=dict)
    """The machine's answer to `facts`."""
    python: str | None = None
    """Absolute path of the interpreter that answered."""
    disks: list[Disk] = field(default_factory=list)
    noise: str = ""
    """The first of what its shell start-up files print, cleaned."""
    noise_size: int = 0
    """Bytes they print in all."""
    round_trip: float | None = None
    """Seconds of a request and its answer on the open link."""
    channel: float | None = None
    """Seconds a new channel takes that runs nothing; None where none could be had."""
    unsupported: list[str] = field(default_factory=list)
    """What of the user's ssh_config has no effect, a sentence each."""


def parse_disks(output: str) -> list[Disk]:
    """The disks that remote.disks printed; what does not fit is left out."""
    try:
        answer = json.loads(output)
    except ValueError:
        return []
    rows = answer.get("disks") if isinstance(answer, dict) else None
    found = []
    for row in rows if isinstance(rows, list) else []:
        path = absolute_path(row.get("path")) if isinstance(row, dict) else None
        if path is not None:
            fs, own = clean_name(str(row.get("fs", "")), 40), row.get("own") is True
            found.append(Disk(path=path, fs=fs, free=whole_amount(row.get("free")) or 0, own=own))
    return found


def gpus_of(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """The GPUs of a machine's facts, whatever else stands there."""
    gpus = facts.get("gpus")
    return [gpu for gpu in gpus if isinstance(gpu, dict)] if isinstance(gpus, list) else []


def absolute_path(value: object) -> str | None:
    """An absolute path from a machine; None for anything else, or one with control characters."""
    text = value if isinstance(value, str) else ""
    return text if text.startswith("/") and len(text) < 4096 and text.isprintable() else None
