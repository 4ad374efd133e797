"""Comparing runs: only what differs, unless everything is asked for. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from workbench.entities.base import Entity
from workbench.entities.configuration import RunConfiguration
from workbench.entities.experiment import Experiment, Goal, named_goal
from workbench.entities.run import MetricValue, Run
from workbench.entities.snapshot import Manifest
from workbench.runs.compared_facts import facts_of
from workbench.snapshots.diff import changes


class Judge(NamedTuple):
    """Which way a metric gets better, and whether nobody said so."""

    goal: Goal
    guessed: bool


class Side(NamedTuple):
    """One of the compared runs, with what is known of it beside its row."""

    run: Run
    manifest: Manifest | None = None
    """Its snapshot; None where it has none or it is not here."""
    installed: Mapping[str, Mapping[str, str]] = {}
    """What its interpreters had, by their paths."""
    configuration: RunConfiguration | None = None
    patch: str | None = None
    """What was not committed."""
    machine: Mapping[str, Any] = {}
    """What its machine said of itself when it was measured last."""


class MetricComparison(Entity, frozen=True, kw_only=True):
    """One metric over the compared runs."""

    values: list[float | None]
    """Last values, in the runs' order; None where a run has none."""
    deltas: list[float | None]
    """How far each last value is from that of the first run."""
    peaks: list[float | None]
    """The best value each run had; None where it is not known which way the metric gets better."""
    best: int | None = None
    """Index of the run whose last value is best; absent where the goal is not known."""
    goal: Goal | None = None
    guessed: bool = False
    """The goal is what the metric's name usually means: nobody set it."""


class CodeChange(Entity, frozen=True, kw_only=True):
    """A path that is not the same in all compared snapshots, against the first run's."""

    path: str
    changes: list[str | None]
    """Per run: a `snapshots.diff.ChangeKind`, or None where it equals the first run's."""


class Comparison(Entity, frozen=True, kw_only=True):
    """Two to twenty runs side by side, held against the first; every list is in the order of `runs`."""

    runs: list[Run]
    params: dict[str, list[str | None]]
    metrics: dict[str, MetricComparison]
    """What the runs are judged by first, then what one knows the better of, then the others, each by name."""
    facts: dict[str, list[str | None]]
    tags: dict[str, list[str | None]]
    packages: dict[str, list[str | None]]
    """Versions of distributions that were installed; None where a run had none, or could not say."""
    code: list[CodeChange]
    best: int | None = None
    """Index of the best run by the experiment's primary metric."""
    primary: str | None = None
    """The experiment's primary metric."""


def judges(experiments: Iterable[Experiment]) -> dict[str, Judge]:
    """What the experiments' primary metrics are judged by; what a person set comes first."""
    found: dict[str, Judge] = {}
    for item in sorted(experiments, key=lambda item: not item.primary_set):
        if item.primary_metric:
            found.setdefault(item.primary_metric, Judge(item.goal, not item.primary_set))
    return found


def compare(
    sides: Sequence[Side],
    *,
    judged: Mapping[str, Judge] | None = None,
    primary: str | None = None,
    everything: bool = False,
) -> Comparison:
    """What differs between runs (everything: also what does not), held against the first.

    judged: goals that are known or were guessed for whole experiments. primary: what names the best run.
    """
    runs = [side.run for side in sides]
    judged = judged or {}
    facts = _side_by_side([facts_of(side) for side in sides])
    metrics = {}
    known = {
        name: judged.get(name) or _named(name) for name in {name for run in runs for name in run.metrics}
    }
    for name in sorted(known, key=lambda name: (name != primary, known[name] is None, name)):
        found = [run.metrics.get(name) for run in runs]
        if everything or _metric_differs(found):
            metrics[name] = _metric(found, known[name])
    return Comparison(
        runs=runs,
        params=_shown(_side_by_side([run.params for run in runs], ordered=True), everything),
        metrics=metrics,
        facts=_shown(facts, everything),
        tags=_shown(_side_by_side([run.tags for run in runs], ordered=True), everything),
        packages=_packages([side.installed for side in sides], everything),
        code=_code([side.manifest for side in sides]),
        best=metrics[primary].best if primary in metrics else None,
        primary=primary,
    )


def _side_by_side(
    mappings: Sequence[Mapping[str, str | None]], *, ordered: bool = False
) -> dict[str, list[str | None]]:
    """Every name with a value a run: by name when ordered, else those of the first mapping first."""
    names = dict.fromkeys(name for mapping in mappings for name in mapping)
    return {
        name: [mapping.get(name) for mapping in mappings] for name in (sorted(names) if ordered else names)
    }


def _shown(values: dict[str, list[str | None]], everything: bool) -> dict[str, list[str | None]]:
    return {name: each for name, each in values.items() if _differs(each) or (everything and any(each))}


def _packages(
    installed: Sequence[Mapping[str, Mapping[str, str]]], everything: bool
) -> dict[str, list[str | None]]:
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
        for name in sorted({name for found in known for name in found})
        if everything or _differs([found.get(name) for found in known])
    }


def _differs(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values[1:])


def _metric_differs(found: Sequence[MetricValue | None]) -> bool:
    """Whether runs have other last, least or highest values; nan is like nan."""
    return _differs([None if item is None else repr((item.last, item.min, item.max)) for item in found])


def _named(name: str) -> Judge | None:
    goal = named_goal(name)
    return None if goal is None else Judge(goal, True)


def _metric(found: Sequence[MetricValue | None], judge: Judge | None) -> MetricComparison:
    values = [None if item is None else item.last for item in found]
    base = values[0]
    deltas = [None if value is None or base is None else value - base for value in values]
    if judge is None:
        return MetricComparison(values=values, deltas=deltas, peaks=[None] * len(values))
    highest = judge.goal is Goal.MAXIMIZE
    known = [(value, -at) for at, value in enumerate(values) if value is not None and math.isfinite(value)]
    ranked = [(value if highest else -value, at) for value, at in known]
    return MetricComparison(
        values=values,
        deltas=deltas,
        peaks=[None if item is None else item.max if highest else item.min for item in found],
        best=-max(ranked)[1] if ranked else None,
        goal=judge.goal,
        guessed=judge.guessed,
    )


def _code(manifests: Sequence[Manifest | None]) -> list[CodeChange]:
    first = manifests[0] if manifests else None
    if first is None:
        return []
    columns = [
        {change.path: change.change.value for change in changes(first, manifest)}
        if manifest is not None
        else {}
        for manifest in manifests
    ]
    paths = sorted({path for column in columns for path in column})
    return [CodeChange(path=path, changes=[column.get(path) for column in columns]) for path in paths]
