"""Experiments: a named family of runs with a metric to judge them by (AZ-64 to AZ-69)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from workbench.entities.base import Entity

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$")


class Goal(StrEnum):
    """Which way a metric gets better."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


class Experiment(Entity, frozen=True, kw_only=True):
    """A family of runs; submitting to an unknown name creates it."""

    id: str
    name: str
    created: datetime
    tags: dict[str, str | None] = {}
    primary_metric: str | None = None
    """Guessed from what its runs log until somebody sets it."""
    goal: Goal = Goal.MINIMIZE
    primary_set: bool = False
    """Whether a person chose the primary metric (else it is a guess)."""
    archived: bool = False
    runs: int = 0


def valid_experiment_name(name: str) -> bool:
    """AZ-64: starts with a letter or digit, then letters, digits, _ and -, 1 to 255 characters."""
    return NAME.match(name) is not None


_HIGH = frozenset({
    "acc", "accuracy", "auc", "auroc", "f1", "bleu", "rouge", "map", "iou", "dice", "r2", "precision",
    "recall", "reward", "return", "score", "psnr", "ssim", "top1", "top5", "hits",
})  # fmt: skip
_LOW = frozenset({
    "loss", "losses", "err", "error", "errors", "mse", "rmse", "mae", "mape", "nll", "perplexity", "ppl",
    "wer", "cer", "fid", "regret",
})  # fmt: skip


_VALIDATION = frozenset({"val", "valid", "validation", "eval", "dev"})
_COURSE = frozenset({
    "lr", "epoch", "epochs", "step", "steps", "iteration", "iterations", "iter", "batch", "time", "seconds",
    "duration", "elapsed", "grad", "memory",
})  # fmt: skip


def named_goal(metric: str) -> Goal | None:
    """Which way a metric gets better by the words of its name; None where they do not say."""
    words = _words(metric)
    if any(word in _HIGH for word in words):
        return Goal.MAXIMIZE
    return Goal.MINIMIZE if any(word in _LOW for word in words) else None


def guess_goal(metric: str) -> Goal:
    """Whether more of metric is better, by what its name usually means; less, where it does not say."""
    return named_goal(metric) or Goal.MINIMIZE


def likeliest_primary(names: Iterable[str], guessed: str | None = None) -> str | None:
    """The metric people would judge by; guessed, an earlier guess, unless another says more.

    A name that says which way is better comes before one that does not, and that before one of how far a
    training is. Then validation before test before training, loss and accuracy before others, the first seen.
    """
    candidates = names if guessed is None else (guessed, *names)
    return min(candidates, key=_tells, default=None)


def _words(metric: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", metric.lower())


def _tells(metric: str) -> tuple[int, int, int]:
    """How much a metric tells of a run by the words of its name; less is more."""
    words = set(_words(metric))
    course = 2 if words & _COURSE else 1
    held_out = 0 if words & _VALIDATION else 1 if "test" in words else 2
    return 0 if named_goal(metric) else course, held_out, int(not words & {"loss", "acc", "accuracy"})


def metric_of_most(counts: Mapping[str, int], primary: str | None) -> str | None:
    """The metric to judge runs by that need not log what their experiment is judged by; None for no metrics.

    counts: how many of the runs log each; one that less than half as many log as the commonest is not taken.
    primary: their experiment's, which comes first.
    """
    most = max(counts.values(), default=0)
    common = sorted(name for name, count in counts.items() if count * 2 >= most)
    return primary if primary in common else likeliest_primary(common)
