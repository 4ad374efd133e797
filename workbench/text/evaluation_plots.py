"""Evaluations that are curves: rates at thresholds, predictions over true values, histograms. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from workbench.text import accuracy
from workbench.text.curves import Span, point
from workbench.text.numbers import finite
from workbench.text.plot_svg import Line


class EvaluationPlot(NamedTuple):
    """One way of looking at an evaluation."""

    title: str
    x_label: str
    lines: list[Line]


def plots(schema_type: str, data: Mapping[str, Any]) -> list[EvaluationPlot]:
    """The ways of looking at an evaluation as curves, the usual one first; none where it has no curves."""
    if schema_type == "accuracy_table":
        ways: tuple[accuracy.Way, ...] = ("roc", "pr")
        found = [
            EvaluationPlot(accuracy.TITLES[way], accuracy.X_LABELS[way], _rates(data, way)) for way in ways
        ]
    elif schema_type == "predictions":
        found = [EvaluationPlot("predicted over true", "true value", predictions(data))]
    elif schema_type == "residuals":
        found = [EvaluationPlot("residuals", "predicted - true", _histogram(data))]
    else:
        found = []
    return [plot for plot in found if plot.lines]


def _rates(data: Mapping[str, Any], way: accuracy.Way) -> list[Line]:
    return [Line(curve.name, [point(x, y) for x, y in curve.points]) for curve in accuracy.curves(data, way)]


def predictions(data: Mapping[str, Any]) -> list[Line]:
    """The average of each bin at its middle, as high as its error; a second line is exact."""
    edges, averages, errors = (data.get(key) for key in ("bin_edges", "bin_averages", "bin_errors"))
    if not (isinstance(edges, list) and isinstance(averages, list) and isinstance(errors, list)):
        return []
    spans, exact = [], []
    for low, high, average, error in zip(edges[:-1], edges[1:], averages, errors, strict=False):
        first, last, mean, reach = finite(low), finite(high), finite(average), finite(error) or 0.0
        if first is None or last is None or mean is None:
            continue
        middle = (first + last) / 2
        spans.append(Span(middle, middle, mean - reach, mean + reach, mean))
        exact.append(point(middle, middle))
    return [Line("predicted", spans), Line("exact", exact)] if spans else []


def _histogram(data: Mapping[str, Any]) -> list[Line]:
    """The outline of the bins, from the ground to the ground."""
    edges, counts = data.get("bin_edges"), data.get("bin_counts")
    if not isinstance(edges, list) or not isinstance(counts, list) or len(edges) != len(counts) + 1:
        return []
    found: list[Span] = []
    for (low, high), count in zip(pairwise(map(finite, edges)), map(finite, counts), strict=True):
        if low is None or high is None or count is None or not low < high:
            return []
        found += [point(low, 0.0)] if not found else []
        found += [point(low, count), point(high, count)]
    return [Line("count", [*found, point(found[-1].last_x, 0.0)])] if found else []
