"""A gate's rule as a tree: what `gate_parse` makes of a text and `gate_judge` holds against a version. Pure.

A rule has conditions with `and`, `or` and brackets. A condition compares two figures (numbers, metrics of the
version, metrics of the one that has an alias, sums of these), asks for a tag or property, or for files that
run no code. What is absent is nothing: no condition holds of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.text.filter_tree import FIGURES

CHAMPION = "champion"
"""The alias whose version is meant by `champion.METRIC`."""
LAST = FIGURES[0]
JOB = "job:"
"""What the name of an evaluation begins with that a job file says how to run."""


@dataclass(frozen=True)
class Number:
    """A number as it was written; its value is in the unit of the metric that it is compared with."""

    value: float
    text: str
    unit: str = ""
    """As it was written, until it is known in which the metric is."""


@dataclass(frozen=True)
class Metric:
    """A metric of the version, or of the one that has an alias."""

    name: str
    alias: str | None = None
    figure: str = LAST
    """Which of its values: one of FIGURES, the words that filters and columns have too."""

    @property
    def text(self) -> str:
        """As a rule would name it."""
        named = self.name if self.alias is None else f"{self.alias}.{self.name}"
        return named if self.figure == LAST else f"{self.figure}({named})"


@dataclass(frozen=True)
class Sum:
    """Two figures with + - * or / between them."""

    operator: str
    left: Figure
    right: Figure


Figure = Number | Metric | Sum


@dataclass(frozen=True)
class Comparison:
    """Two figures compared: < <= > >= = !=."""

    operator: str
    left: Figure
    right: Figure


@dataclass(frozen=True)
class Entry:
    """A tag or property: that it is there, or what it is (= or !=)."""

    kind: str
    """tag or property."""
    name: str
    operator: str | None = None
    value: str = ""


@dataclass(frozen=True)
class Safe:
    """That none of its files runs code when it is loaded."""


@dataclass(frozen=True)
class All:
    """Conditions that all have to hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Any:
    """Conditions of which one has to hold."""

    parts: tuple[Condition, ...]


Condition = Comparison | Entry | Safe | All | Any


@dataclass(frozen=True)
class Evaluated:
    """Where the metrics of a rule come from: a run of the version, and of whom it is held against."""

    recipe: str
    """EXPERIMENT/RUN, the run it is asked for like, or job:FILE, the job file that says how."""
    dataset: str
    """NAME:VERSION, so that the figures of two versions can be compared."""

    @property
    def job(self) -> str | None:
        """The job file as the rule names it; None for an evaluation like a run."""
        return self.recipe.removeprefix(JOB) if self.recipe.startswith(JOB) else None


@dataclass(frozen=True)
class Rule:
    """One rule."""

    text: str
    condition: Condition
    evaluated: Evaluated | None = None

    @property
    def aliases(self) -> list[str]:
        """The aliases whose versions it is held against."""
        named = [metric.alias for metric in figures(self.condition) if metric.alias is not None]
        return list(dict.fromkeys(named))


def figures(condition: Condition) -> list[Metric]:
    """The metrics that a condition names, in the order of its text."""
    if isinstance(condition, Comparison):
        return _metrics(condition.left) + _metrics(condition.right)
    if isinstance(condition, All | Any):
        return [metric for part in condition.parts for metric in figures(part)]
    return []


def _metrics(figure: Figure) -> list[Metric]:
    if isinstance(figure, Metric):
        return [figure]
    return _metrics(figure.left) + _metrics(figure.right) if isinstance(figure, Sum) else []
