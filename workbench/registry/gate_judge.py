"""Holding a version against the rules of a gate, line by line. Pure.

What is absent is nothing: a comparison with a metric that was never logged does not hold, whatever it says,
and neither does one with nan or infinity, on whichever side. One exception, since there is a first of
everything: where no version has the alias that a comparison names, there is nothing to be worse than, and it
holds.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from workbench.entities.model import Evaluation, RuleVerdict
from workbench.registry.gate_tree import (
    LAST,
    All,
    Any,
    Comparison,
    Condition,
    Entry,
    Evaluated,
    Figure,
    Metric,
    Number,
    Rule,
    Safe,
    Sum,
    figures,
)
from workbench.remote.forms.protocol import COMPLETED
from workbench.text import numbers
from workbench.text.sanitize import clean_name

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


class Standing(NamedTuple):
    """One version, or who has an alias, as a gate sees it."""

    name: str
    version: int
    metrics: Mapping[str, float]
    """Last values."""
    lowest: Mapping[str, float] = {}
    highest: Mapping[str, float] = {}
    rising: frozenset[str] = frozenset()
    """The metrics of which more is better."""
    unmeasured: str = ""
    """Why it has no metrics at all, where it should have been evaluated."""
    tags: Mapping[str, str | None] = {}
    properties: Mapping[str, str] = {}
    runs_code: Sequence[str] = ()

    @property
    def called(self) -> str:
        """NAME:VERSION."""
        return f"{self.name}:{self.version}"

    def value(self, metric: Metric) -> float | None:
        """What a metric comes to, nan and infinity too; None where it was not logged, or is not known."""
        last = self.metrics.get(metric.name)
        if last is None or metric.figure == LAST:
            return last
        best = "max" if metric.name in self.rising else "min"
        figure = best if metric.figure == "best" else metric.figure
        found = (self.lowest if figure == "min" else self.highest).get(metric.name)
        # Where no value was finite there is nothing but the last one to tell of.
        return last if found is None and not math.isfinite(last) else found


Evaluations = Mapping[str, tuple[Evaluation, Standing]]
"""What an evaluation measured of each version, by NAME:VERSION."""


def judge(
    rule: Rule,
    version: Standing,
    holders: Mapping[str, Standing],
    evaluations: Evaluations = MappingProxyType({}),
) -> RuleVerdict:
    """What a rule says of a version. holders: who has each alias that one has.

    evaluations: those of the rule's kind; where it names one, whom it is held against is judged by its own.
    """
    run = None
    if rule.evaluated is not None:
        version = _evaluated(rule.evaluated, version, evaluations)
        holders = {alias: _evaluated(rule.evaluated, one, evaluations) for alias, one in holders.items()}
        known = evaluations.get(version.called)
        run = None if known is None else known[0].run
        if version.unmeasured:
            return RuleVerdict(rule=rule.text, passed=False, said=version.unmeasured, run=run)
    passed, said = _hold(rule.condition, version, holders)
    return RuleVerdict(rule=rule.text, passed=passed, said=said, run=run)


def _evaluated(wanted: Evaluated, version: Standing, evaluations: Evaluations) -> Standing:
    """A version with the metrics of its evaluation in place of those of its training."""
    known = evaluations.get(version.called)
    if known is not None and known[0].status == COMPLETED:
        measured = known[1]
        return version._replace(
            metrics=measured.metrics, lowest=measured.lowest, highest=measured.highest, rising=measured.rising
        )
    how = "was not evaluated"
    if known is not None:
        run = clean_name(known[0].run_name or known[0].run, 60)
        how = f"was evaluated in {run}, which ended {known[0].status},"
    by = clean_name(wanted.job or wanted.recipe, 200)
    return version._replace(metrics={}, unmeasured=f"{version.called} {how} on {wanted.dataset} by {by}")


def _hold(condition: Condition, version: Standing, holders: Mapping[str, Standing]) -> tuple[bool, str]:
    if isinstance(condition, All | Any):
        parts = [_hold(part, version, holders) for part in condition.parts]
        decide, word = (all, "and") if isinstance(condition, All) else (any, "or")
        return decide(passed for passed, _ in parts), f" {word} ".join(said for _, said in parts)
    if isinstance(condition, Entry):
        return _entry(condition, version)
    if isinstance(condition, Safe):
        if version.runs_code:
            return False, f"{clean_name(version.runs_code[0], 60)} runs code when it is loaded"
        return True, "no file runs code when it is loaded"
    return _compare(condition, version, holders)


def _entry(condition: Entry, version: Standing) -> tuple[bool, str]:
    entries: Mapping[str, str | None] = version.tags if condition.kind == "tag" else version.properties
    named = f"{condition.kind} {clean_name(condition.name, 60)}"
    if condition.name not in entries:
        return False, f"there is no {named}"
    value = entries[condition.name]
    said = f"{named} is {clean_name(value, 60)}" if value else f"{named} is there"
    if condition.operator is None:
        return True, said
    return (value or "") == condition.value if condition.operator == "=" else (
        value or ""
    ) != condition.value, said


def _compare(condition: Comparison, version: Standing, holders: Mapping[str, Standing]) -> tuple[bool, str]:
    found = [_problem(metric, version, holders) for metric in figures(condition)]
    problems = [problem for problem in found if problem is not None]
    lacking = next((said for said, nobody in problems if not nobody), None)
    if lacking is not None:
        return False, lacking
    if problems:
        return True, problems[0][0]
    left = _computed(condition.left, version, holders)
    right = _computed(condition.right, version, holders)
    said = (
        f"{_spelled(condition.left, left, version, holders)} {condition.operator}"
        f" {_spelled(condition.right, right, version, holders)}"
    )
    if not (math.isfinite(left) and math.isfinite(right)):
        return False, f"{said}: nothing to compare"
    # A sum of decimals is off by its last bits; nobody means those.
    summed = isinstance(condition.left, Sum) or isinstance(condition.right, Sum)
    if summed and math.isclose(left, right, rel_tol=1e-12, abs_tol=1e-15):
        left = right
    passed = _COMPARE[condition.operator](left, right)
    return passed, said if passed else f"{said}: no"


def _problem(metric: Metric, version: Standing, holders: Mapping[str, Standing]) -> tuple[str, bool] | None:
    """Why a metric cannot be compared, and whether because no version has the alias; None when it can."""
    whose = version if metric.alias is None else holders.get(metric.alias)
    if whose is None:
        return f"there is no {metric.alias} yet to compare with", True
    named = whose.called if metric.alias is None else f"{metric.alias} {whose.called}"
    if whose.unmeasured:
        return f"{metric.alias} {whose.unmeasured}", False
    value, name = whose.value(metric), clean_name(metric.name, 60)
    if value is None and metric.name in whose.metrics:
        return f"of {name} of {named} only the last value is known", False
    if value is None:
        return f"{named} has no metric {name}", False
    if math.isfinite(value):
        return None
    what = "is not a number (nan)" if math.isnan(value) else f"is infinite ({value})"
    return f"{clean_name(replace(metric, alias=None).text, 80)} of {named} {what}", False


def _computed(figure: Figure, version: Standing, holders: Mapping[str, Standing]) -> float:
    """What a figure comes to; nan where that is nothing."""
    if isinstance(figure, Number):
        return figure.value
    if isinstance(figure, Metric):
        value = (version if figure.alias is None else holders[figure.alias]).value(figure)
        return math.nan if value is None else value
    left = _computed(figure.left, version, holders)
    right = _computed(figure.right, version, holders)
    try:
        if figure.operator == "+":
            return left + right
        if figure.operator == "-":
            return left - right
        return left * right if figure.operator == "*" else left / right
    except (ZeroDivisionError, OverflowError):
        return math.nan


def _spelled(figure: Figure, value: float, version: Standing, holders: Mapping[str, Standing]) -> str:
    """A figure with what it came to: acc 0.981, 0.977 (champion.acc 0.979 - 0.002)."""
    if isinstance(figure, Number):
        return figure.text
    if isinstance(figure, Metric):
        return f"{clean_name(figure.text, 60)} {_short(value)}"
    return f"{_short(value)} ({_parts(figure, version, holders)})"


def _parts(figure: Figure, version: Standing, holders: Mapping[str, Standing]) -> str:
    if isinstance(figure, Sum):
        if isinstance(figure.left, Number) and figure.left.text == "0" and figure.operator == "-":
            return f"-{_parts(figure.right, version, holders)}"
        left, right = _parts(figure.left, version, holders), _parts(figure.right, version, holders)
        return f"{left} {figure.operator} {right}"
    return _spelled(figure, _computed(figure, version, holders), version, holders)


def _short(value: float) -> str:
    return numbers.short(value, 6)
