"""Going on after a cut: a link or the local server that went away comes back, mostly."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from workbench.errors import HostKeyChanged, HostKeyUnknown, NeedsSignIn, ServerError, Unreachable

T = TypeVar("T")
TRIES = 6
"""Cuts in a row without a byte between them after which it is given up."""
PAUSE, LONGEST = 0.25, 8.0
NEEDS_USER = (NeedsSignIn, HostKeyUnknown, HostKeyChanged)


def nothing() -> int:
    """What a question moves that a transfer asks between its pieces."""
    return 0


def persist(
    attempt: Callable[[], T],
    moved: Callable[[], int] = nothing,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """What attempt answers, made again after each cut; moved says how many bytes it has moved in all.

    Raises what attempt raises, an Unreachable only when nothing moved for TRIES times.
    """
    failures, before = 0, moved()
    while True:
        try:
            return attempt()
        except NEEDS_USER:
            raise
        except (Unreachable, ServerError) as problem:
            failures = 1 if moved() > before else failures + 1
            before = moved()
            if failures >= TRIES:
                problem.hint = "the same command goes on where this one stopped"
                raise
        sleep(min(LONGEST, PAUSE * 2**failures))
