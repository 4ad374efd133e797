"""How a run's transitions add up to its state, whatever the order they arrive in. Pure (AZ-72)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from workbench.entities.run import RunState, Transition

MAX_SEQ = 2**31
MAX_ATTEMPT = 1_000_000
Key = tuple[int, int]
"""Attempt, seq: what tells transitions apart and orders them."""


class Standing(NamedTuple):
    """Where a run stands after all transitions known; times, exit code, signal are the newest attempt's."""

    state: RunState
    cause: str | None
    message: str | None
    started: datetime | None
    ended: datetime | None
    exit_code: int | None
    signal: int | None
    attempt: int


def sensible(transition: Transition) -> bool:
    """Whether its numbers can be meant; a peer may send any."""
    return 0 < transition.seq <= MAX_SEQ and 0 < transition.attempt <= MAX_ATTEMPT


def key_of(transition: Transition) -> Key:
    """Which transition it is."""
    return transition.attempt, transition.seq


def fold(transitions: Iterable[Transition]) -> tuple[Standing | None, set[Key]]:
    """The standing after transitions (None without any), and the keys of those that counted.

    In the order of attempt, then seq. After a terminal state only a newer attempt's transitions count.
    """
    standing: Standing | None = None
    counted: set[Key] = set()
    for step in sorted(transitions, key=key_of):
        same = standing if standing is not None and standing.attempt == step.attempt else None
        if same is not None and same.state.terminal:
            continue
        counted.add(key_of(step))
        started = same.started if same else None
        if step.state is RunState.RUNNING and started is None:
            started = step.time
        standing = Standing(
            step.state,
            step.cause,
            step.message,
            started,
            step.time if step.state.terminal else None,
            step.exit_code,
            step.signal,
            step.attempt,
        )
    return standing, counted


def contiguous(seqs: Iterable[int]) -> int:
    """The largest n such that 1 to n are all there: what a follower need not ask for again."""
    reached = 0
    for seq in sorted(set(seqs)):
        if seq != reached + 1:
            break
        reached = seq
    return reached
