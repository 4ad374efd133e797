"""Which runs a command is about: those it names, or all that fit a filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from workbench.cli import ask, output
from workbench.cli.command import F
from workbench.cli.session import Session
from workbench.errors import NotFound, UsageError

MOST = 1000
"""Runs that a filter may choose for one command."""


def by_filter(function: F) -> F:
    """The options of a command that takes a filter instead of runs."""
    yes = click.option("--yes", is_flag=True, help="Do not ask.")
    return click.option(
        "--filter", "filter_text", metavar="FILTER", help="All runs that fit, instead of named ones."
    )(yes(function))


def joined(parts: Sequence[str]) -> str | None:
    """Filters that all have to hold, as one."""
    several = [part for part in parts if part.strip()]
    if len(several) < 2:
        return several[0] if several else None
    return " ".join(f"({part})" for part in several)


def chosen(
    session: Session, runs: Sequence[str], filter_text: str | None, verb: str, *, yes: bool, **asked: Any
) -> list[str]:
    """The runs a command is about, by reference; who chooses by a filter is asked first, with their number.

    asked: more parameters of `runs.order`. Raises UsageError, NotFound (nothing fits), Refused.
    """
    if filter_text is None:
        if not runs:
            raise UsageError("no run is named", "name runs, or choose them by --filter")
        return list(runs)
    if runs:
        raise UsageError("runs are named, and --filter chooses others", "give one of them")
    found: list[str] = session.call("runs", "order", filter=filter_text, **asked)["ids"].split()
    if not found:
        tell_unknown(session, filter_text)
        raise NotFound("no run fits the filter", f"wb ps {filter_text!r} shows what does")
    if len(found) > MOST:
        raise UsageError(f"{len(found):,} runs fit, more than {MOST:,}", "narrow the filter")
    number = f"{len(found)} run{'s' if len(found) != 1 else ''}"
    ask.confirm(session, f"{verb} {number}?", yes=yes)
    return found


def tell_unknown(session: Session, filter_text: str, experiment: str | None = None) -> None:
    """Say which names of a filter no run has: it may have been mistyped."""
    _tell(session, session.call("runs", "check_filter", filter=filter_text, experiment=experiment)["unknown"])


def tell_unknown_names(session: Session, names: Sequence[str], experiment: str | None = None) -> None:
    """Say which names no run has, of those a list is sorted, grouped or told by; attributes are known."""
    wanted = [name for name in names if not name.startswith("attribute:")]
    if wanted:
        _tell(session, session.call("runs", "check_names", names=wanted, experiment=experiment))


def _tell(session: Session, unknown: Sequence[Mapping[str, Any]]) -> None:
    for item in unknown:
        hint = f"; {item['hint']}" if item["hint"] else ""
        output.note(session, f"{item['message']}{hint}", "warn")
