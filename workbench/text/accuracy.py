"""Accuracy tables as curves: true over false positives, and precision over recall. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from workbench.text.numbers import finite, short
from workbench.text.sanitize import clean_name

Way = Literal["roc", "pr"]
X_LABELS: Mapping[Way, str] = {"roc": "false positive rate", "pr": "recall"}
TITLES: Mapping[Way, str] = {"roc": "true over false positives (ROC)", "pr": "precision over recall"}


class Curve(NamedTuple):
    """One class: its points by x."""

    name: str
    points: list[tuple[float, float]]
    area: float | None
    """Under it; None with fewer than two points."""


def curves(data: Mapping[str, Any], way: Way) -> list[Curve]:
    """A curve for each class whose counts at probability thresholds (else at percentiles) can be read."""
    labels = data.get("class_labels")
    for kind in ("probability", "percentile"):
        tables = data.get(f"{kind}_tables")
        if isinstance(labels, list) and isinstance(tables, list) and tables:
            return list(_of_tables(labels, tables, way))
    return []


def _of_tables(labels: Sequence[Any], tables: Sequence[Any], way: Way) -> Iterator[Curve]:
    for label, table in zip(labels, tables, strict=False):
        points = sorted(point for counts in _counts(table) for point in _point(counts, way))
        if points:
            area = _area(points) if len(points) > 1 else None
            name = clean_name(str(label), 40)
            yield Curve(f"{name}  area {short(area)}" if area is not None else name, points, area)


def _counts(table: Any) -> Iterator[tuple[float, float, float, float]]:
    """TP, FP, TN, FN of each threshold that has them."""
    for row in table if isinstance(table, list) else []:
        found = [finite(value) for value in row] if isinstance(row, list) and len(row) == 4 else []
        numbers = [value for value in found if value is not None]
        if len(numbers) == 4:
            yield numbers[0], numbers[1], numbers[2], numbers[3]


def _point(counts: tuple[float, float, float, float], way: Way) -> Iterator[tuple[float, float]]:
    """Where a threshold stands; nothing where a rate would be of none."""
    tp, fp, tn, fn = counts
    if tp + fn <= 0:
        return
    if way == "roc":
        if fp + tn > 0:
            yield fp / (fp + tn), tp / (tp + fn)
    elif tp + fp > 0:
        yield tp / (tp + fn), tp / (tp + fp)


def _area(points: Sequence[tuple[float, float]]) -> float:
    return sum((right - left) * (low + high) / 2 for (left, low), (right, high) in pairwise(points))
