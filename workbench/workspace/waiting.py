"""Waiting for a run: what it raises, and where the run's output goes meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from workbench.errors import RunFailed, WaitTimeout
from workbench.remote.forms import protocol
from workbench.text import durations
from workbench.text.outcomes import advice, outcome, reason
from workbench.text.sanitize import TerminalStream, clean_name


def raise_unless_completed(run: Mapping[str, Any]) -> None:
    """Raise RunFailed, with what became of it and why, for a run that ended other than Completed."""
    if run.get("status") == protocol.COMPLETED:
        return
    keys = ("id", "name", "status", "cause", "exit_code", "signal")
    data = {key: run[key] for key in keys if run.get(key) is not None}
    raise RunFailed(outcome(run), advice(run), reason=reason(run), **data)


def raise_unless_over(run: Mapping[str, Any], timeout: float | None) -> None:
    """Raise WaitTimeout for a run that goes on after so many seconds of waiting."""
    if run.get("status") in protocol.TERMINAL:
        return
    name = clean_name(str(run.get("name", "")))
    waited = "" if timeout is None else f" after {durations.short(timeout)} of waiting"
    data = {key: run.get(key) for key in ("id", "name", "status")}
    raise WaitTimeout(f"{name} goes on{waited}", f"wait again, or end it: wb cancel {name}", **data)


def say_left(name: str) -> None:
    """Tell who interrupted a wait that the run goes on, and how to end it (AZ-15)."""
    shown = clean_name(name)
    print(f"stopped waiting, {shown} goes on; to cancel it: wb cancel {shown}", file=sys.stderr)


class ShownOutput:
    """Where a run's output goes that somebody watches: stdout, made harmless when that is a terminal."""

    def __init__(self) -> None:
        self._terminal = TerminalStream() if sys.stdout.isatty() else None

    def __enter__(self) -> ShownOutput:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, text: str) -> None:
        """Show a piece."""
        if self._terminal is not None:
            text = self._terminal.feed(text.encode("utf-8", "replace"))
        sys.stdout.write(text)
        sys.stdout.flush()

    def close(self) -> None:
        """Show what was held back."""
        if self._terminal is not None:
            sys.stdout.write(self._terminal.close())
            sys.stdout.flush()
