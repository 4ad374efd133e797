"""Runs as dots: what each was given against what came of it. Pure.

An axis is called param:NAME, tag:NAME, metric:NAME, min:NAME, max:NAME or best:NAME; a name alone is that of
a param or of a metric, whichever a run has, or target, experiment or status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.text.numbers import finite, number
from workbench.text.sanitize import clean_name
from workbench.text.scatter import Dot, Scatter

KINDS = ("param:", "tag:", "metric:", "min:", "max:", "best:")
ATTRIBUTES = ("target", "experiment", "status")
MOST_PLACES = 60
"""Different texts that get a place of their own; more are left out."""
_LONGEST = 60


def columns(*axes: str) -> list[str]:
    """What `runs.table` is asked for, so that the axes can be told of every run."""
    found: list[str] = []
    for axis in axes:
        found += [axis] if axis.startswith(KINDS) else [f"param:{axis}", f"metric:{axis}"]
    return list(dict.fromkeys(found))


def label(axis: str) -> str:
    """An axis as it is called in a picture."""
    kind, colon, name = axis.partition(":")
    if colon and f"{kind}:" in KINDS:
        return clean_name(f"{kind} {name}" if kind in ("min", "max", "best") else name, _LONGEST)
    return clean_name(axis, _LONGEST)


def value(run: Mapping[str, Any], axis: str, *, given: bool) -> Any:
    """What a run has on an axis, None where it has nothing; given: of a name alone the param first."""
    kind, colon, name = axis.partition(":")
    if not colon or f"{kind}:" not in KINDS:
        of_param, of_metric = (run.get("params") or {}).get(axis), (run.get("metrics") or {}).get(axis)
        first, second = (of_param, of_metric) if given else (of_metric, of_param)
        found = second if first is None else first
        return run.get(axis) if found is None and axis in ATTRIBUTES else found
    where = {"param": "params", "tag": "tags", "metric": "metrics"}.get(kind)
    return (run.get("figures") or {}).get(axis) if where is None else (run.get(where) or {}).get(name)


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
    texts = sorted({clean_name(str(across), _LONGEST) for _, across, _ in found}, key=_rank)[:MOST_PLACES]
    at = {text: index for index, text in enumerate(texts)}
    dots = [
        _dot(run, float(at[text]), up)
        for run, across, up in found
        if (text := clean_name(str(across), _LONGEST)) in at
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
