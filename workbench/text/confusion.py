"""A confusion matrix as a map of shares: how dark each cell is, and what stands in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from workbench.text.numbers import finite, short
from workbench.text.sanitize import clean_name

_LONGEST = 24


class Heat(NamedTuple):
    """The matrix, a row a true class, a column a predicted one."""

    labels: list[str]
    texts: list[list[str]]
    shares: list[list[float]]
    """How dark each cell is, 0 to 1."""
    right: list[str]
    """What share of each true class was found, "-" where there were none."""
    accuracy: float | None
    """What share of all was right; None where there were none."""


def heat(data: Mapping[str, Any], *, normalised: bool) -> Heat | None:
    """The map of an evaluation's data; None where it is no square of numbers.

    normalised: the shares of each true class in hundredths instead of counts, and as dark as they are large.
    """
    labels, matrix = data.get("class_labels"), data.get("matrix")
    if not isinstance(labels, list) or not isinstance(matrix, list) or len(labels) != len(matrix):
        return None
    counts = [_numbers(row, len(labels)) for row in matrix]
    rows = [row for row in counts if row is not None]
    if len(rows) != len(labels) or not rows:
        return None
    most = max((max(row) for row in rows), default=0.0)
    texts, shares, right = [], [], []
    for at, row in enumerate(rows):
        total = sum(row)
        parts = [value / total if total > 0 else 0.0 for value in row]
        shares.append(parts if normalised else [value / most if most > 0 else 0.0 for value in row])
        texts.append(
            [_percent(part) if normalised else short(value) for part, value in zip(parts, row, strict=True)]
        )
        right.append(_percent(parts[at]) if total > 0 else "-")
    everything = sum(sum(row) for row in rows)
    hits = sum(row[at] for at, row in enumerate(rows))
    names = [clean_name(str(label), _LONGEST) or "-" for label in labels]
    return Heat(names, texts, shares, right, hits / everything if everything > 0 else None)


def _numbers(row: Any, length: int) -> list[float] | None:
    """A row of so many counts; None where it is not."""
    if not isinstance(row, list) or len(row) != length:
        return None
    found = [finite(value) for value in row]
    return [max(0.0, value) for value in found if value is not None] if None not in found else None


def _percent(share: float) -> str:
    return f"{share * 100:.0f}%" if share >= 0.0995 or share == 0 else f"{share * 100:.1f}%"
