"""Comparing runs: only what differs, unless everything is asked for. Pure."""

from __future__ import annotations

import math
from typing import Any

from workbench.entities.base import Entity
from workbench.entities.experiment import Goal, guess_goal
from workbench.entities.run import Run
from workbench.entities.snapshot import Manifest
from workbench.snapshots.diff import changes


class MetricComparison(Entity, frozen=True, kw_only=True):
    """One metric over the compared runs."""

    values: list[float | None]
    """Last values, in the runs' order; None where a run has none."""
    best: int | None = None
    """Index of the run whose last value is best."""
    goal: Goal


class CodeChange(Entity, frozen=True, kw_only=True):
    """A path that is not the same in all compared snapshots, against the first run's."""

    path: str
    changes: list[str | None]
    """Per run: a `snapshots.diff.ChangeKind`, or None where it equals the first run's."""


class Comparison(Entity, frozen=True, kw_only=True):
    """Two to twenty runs side by side; every list is in the order of `runs`."""

    runs: list[Run]
    params: dict[str, list[str | None]]
    metrics: dict[str, MetricComparison]
    facts: dict[str, list[str | None]]
    packages: dict[str, list[str | None]]
    """Versions of distributions that were installed; None where a run had none, or could not say."""
    code: list[CodeChange]
    best: int | None = None
    """Index of the best run by the experiment's primary metric."""


def compare(
    runs: list[Run],
    manifests: list[Manifest | None],
    installed: list[dict[str, dict[str, str]]] | None = None,
    *,
    primary: tuple[str, Goal] | None = None,
    everything: bool = False,
) -> Comparison:
    """What differs between runs (everything: also what does not).

    manifests: each run's snapshot, None where it has none or it is not here. installed: what each run's
    interpreters had, by path. primary: the experiment's metric and goal, which names the best run.
    """
    params = {name: [run.params.get(name) for run in runs] for name in _names(run.params for run in runs)}
    facts = {name: [_text(getter(run)) for run in runs] for name, getter in _FACTS.items()}
    metrics = {}
    for name in _names(run.metrics for run in runs):
        goal = primary[1] if primary and primary[0] == name else guess_goal(name)
        metrics[name] = _metric(name, runs, goal)
    best = metrics[primary[0]].best if primary and primary[0] in metrics else None
    return Comparison(
        runs=runs,
        params={n: v for n, v in params.items() if everything or _differs(v)},
        metrics=metrics,
        facts={n: v for n, v in facts.items() if (everything and any(v)) or _differs(v)},
        packages=_packages(installed or [], everything),
        code=_code(manifests),
        best=best,
    )


_FACTS: dict[str, Any] = {
    "experiment": lambda run: run.experiment,
    "target": lambda run: run.target,
    "command": lambda run: run.command,
    "environment": lambda run: run.environment,
    "python": lambda run: ", ".join(f"{python.version} {python.path}" for python in run.interpreters),
    "platform": lambda run: ", ".join(sorted({python.platform for python in run.interpreters})),
    "gpus": lambda run: ", ".join(run.gpus),
    "git commit": lambda run: run.git.commit if run.git else None,
    "git branch": lambda run: run.git.branch if run.git else None,
    "git dirty": lambda run: run.git.dirty if run.git else None,
    "snapshot": lambda run: run.snapshot,
    "exit code": lambda run: run.exit_code,
    "status": lambda run: run.status.value,
}


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _packages(installed: list[dict[str, dict[str, str]]], everything: bool) -> dict[str, list[str | None]]:
    """Each distribution's version by run: of the first of a run's interpreters that has it.

    Runs that could not say what they had differ from none.
    """
    merged: list[dict[str, str]] = [{} for _ in installed]
    for found, pythons in zip(merged, installed, strict=True):
        for distributions in reversed(list(pythons.values())):
            found |= distributions
    known = [found for found in merged if found]
    return {
        name: [found.get(name) for found in merged]
        for name in _names(known)
        if everything or _differs([found.get(name) for found in known])
    }


def _names(mappings: Any) -> list[str]:
    return sorted({name for mapping in mappings for name in mapping})


def _differs(values: list[Any]) -> bool:
    return any(value != values[0] for value in values[1:])


def _metric(name: str, runs: list[Run], goal: Goal) -> MetricComparison:
    found = [run.metrics.get(name) for run in runs]
    values = [None if value is None else value.last for value in found]
    ranked = [(v, index) for index, v in enumerate(values) if v is not None and math.isfinite(v)]
    best = None
    if ranked:
        best = max(ranked, key=lambda pair: pair[0])[1] if goal is Goal.MAXIMIZE else min(ranked)[1]
    return MetricComparison(values=values, best=best, goal=goal)


def _code(manifests: list[Manifest | None]) -> list[CodeChange]:
    first = manifests[0] if manifests else None
    if first is None:
        return []
    columns = [
        {change.path: change.change.value for change in changes(first, manifest)}
        if manifest is not None
        else {}
        for manifest in manifests
    ]
    return [
        CodeChange(path=path, changes=[column.get(path) for column in columns]) for path in _names(columns)
    ]
