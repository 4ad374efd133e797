"""How often the terminal may be painted: over SSH every byte counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App

QUICK = 0.1
SLOW = 1.0
PAINTS, FEW_PAINTS = 120, 60
"""Repaints a second at most. After one that came late Textual waits up to twice the time between two."""


def flush_seconds(environ: Mapping[str, str]) -> float:
    """Seconds between two flushes of news to the screen; keys are answered at once either way."""
    return SLOW if any(environ.get(name) for name in ("SSH_TTY", "SSH_CONNECTION", "SSH_CLIENT")) else QUICK


def paints(environ: Mapping[str, str]) -> int:
    """How often a second the screen may be painted: keys are answered sooner where it costs nothing else."""
    return PAINTS if flush_seconds(environ) == QUICK else FEW_PAINTS


def flush_of(app: App[Any]) -> float:
    """The same for what runs in an app: the dashboard says it as `flush`."""
    seconds: float = getattr(app, "flush", QUICK)
    return seconds
