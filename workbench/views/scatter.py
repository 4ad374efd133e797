"""Runs as dots: what each was given against what came of it; an axis is called as in `run_axes.py`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.text.numbers import finite, number
from workbench.text.sanitize import clean_name
from workbench.text.scatter import Dot, Scatter
from workbench.views.run_axes import LONGEST, label, value

MOST_PLACES = 60
"""Different texts that get a place of their own; more are left out."""


def scatter(runs: Iterable[Mapping[str, Any]], x: str, y: str) -> Scatter:
    """The dots of those runs that have a finite y and any x, the ones left out counted.

    x counts where every run's is a number; else each different text has its place, numbers first.
    """
    found, left_out = [], 0
    for run in runs:
        across, up = value(run, x, given=True), _figure(value(run, y, given=False))
        if across in (None, "") or up is None:
            left_out += 1
        else:
            found.append((run, across, up))
    figures = [_figure(across) for _, across, _ in found]
    if all(figure is not None for figure in figures):
        dots = [
            _dot(run, figure, up)
            for (run, _, up), figure in zip(found, figures, strict=True)
            if figure is not None
        ]
        return Scatter(label(x), label(y), dots, left_out=left_out)
    texts = sorted({clean_name(str(across), LONGEST) for _, across, _ in found}, key=_rank)[:MOST_PLACES]
    at = {text: index for index, text in enumerate(texts)}
    dots = [
        _dot(run, float(at[text]), up)
        for run, across, up in found
        if (text := clean_name(str(across), LONGEST)) in at
    ]
    left_out += len(found) - len(dots)
    return Scatter(label(x), label(y), dots, tuple(texts), left_out)


def _dot(run: Mapping[str, Any], x: float, y: float) -> Dot:
    return Dot(str(run["id"]), clean_name(str(run["name"])), x, y)


def _figure(found: Any) -> float | None:
    """A finite number, also one that is written as a text."""
    if isinstance(found, str):
        try:
            found = float(found)
        except ValueError:
            return None
    return finite(found)


def _rank(text: str) -> tuple[bool, float, str]:
    figure = _figure(text)
    return figure is None, figure or 0.0, text


def axes(runs: Sequence[Mapping[str, Any]]) -> tuple[str | None, str | None]:
    """The axes one may mean: the param that differs most usefully, the metric the runs are judged by.

    A param of several numbers before one of several texts.
    """
    values: dict[str, set[str]] = {}
    for run in runs:
        for name, text in (run.get("params") or {}).items():
            values.setdefault(name, set()).add(str(text))
    several = {name: texts for name, texts in values.items() if len(texts) > 1}
    counted = [name for name, texts in several.items() if all(_figure(text) is not None for text in texts)]
    best = next(iter(sorted(counted)), None) or next(iter(sorted(several)), None)
    metric = next(
        (str(run["metric"]) for run in runs if run.get("metric") and number(run.get("last")) is not None),
        None,
    )
    return (None if best is None else f"param:{best}"), (None if metric is None else f"metric:{metric}")
