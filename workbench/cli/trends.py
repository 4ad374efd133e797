"""How a metric went, in one line of text."""

from __future__ import annotations

from math import nan

from workbench.cli.session import Session
from workbench.text.numbers import number
from workbench.text.sparkline import sparkline, trace

CELLS = 16
MOST = 40
"""Metrics of one list that get a line: each asks the store."""


def trend(session: Session, run: str, name: str, rank: int | None = None) -> str:
    """A metric's course from its first step to its last; empty where there are fewer than two values."""
    buckets = session.call("runs", "envelope", run=run, name=name, buckets=2 * CELLS, rank=rank)
    values = [number(bucket.get("last")) for bucket in buckets]
    if len(values) < 2:
        return ""
    known = [nan if value is None else value for value in values]
    return sparkline(known, CELLS, ascii_only=True) if session.terminal.ascii_only else trace(known, CELLS)
