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
    if len(buckets) < 2:
        return ""
    # Least and greatest too, so that a spike is seen that is over at the end of its share of the steps.
    values = [number(bucket.get(key)) for bucket in buckets for key in ("min", "max", "last")]
    known = [nan if value is None else value for value in values]
    return sparkline(known, CELLS, ascii_only=True) if session.terminal.ascii_only else trace(known, CELLS)
