"""A run that somebody waits for, as one line. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.text.numbers import short
from workbench.text.sanitize import clean_name

MOST = 3
"""Metrics that are told."""


def waited_line(run: Mapping[str, Any]) -> str:
    """Its name, its state, why it waits, and the last values of its first metrics."""
    words = [clean_name(str(run.get("name", ""))), str(run.get("status", ""))]
    if run.get("message"):
        words.append(clean_name(str(run["message"]), 60))
    metrics = run.get("metrics")
    for name, value in list((metrics if isinstance(metrics, dict) else {}).items())[:MOST]:
        last = value.get("last") if isinstance(value, dict) else None
        if isinstance(last, int | float):
            words.append(f"{clean_name(name, 20)} {short(last)}")
    return "  ".join(words)
