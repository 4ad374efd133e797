"""How compared runs look: rows of what differs, a cell a run. Pure: JSON of `runs.compare` in, cells out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from workbench.text import numbers
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell
from workbench.views import runs as run_view

MOST_PACKAGES = 20
"""Packages that are named: two environments may differ in hundreds."""
CHANGES = {"added": "good", "removed": "bad", "modified": "warn"}


class Row(NamedTuple):
    """A name and a cell a run; a heading has its name alone."""

    kind: str
    """heading, status, param, metric, fact, code, package, or more (of what stands above)."""
    name: str
    """As it is, not cleaned: what a metric or path is asked for by."""
    cells: list[Cell]


def rows(
    found: Mapping[str, Any], ascii_only: bool, most_packages: int | None = MOST_PACKAGES
) -> Iterator[Row]:
    """Everything that was compared, headings between; of the packages, last, only so many."""
    states = [run_view.state(run, ascii_only) for run in found["runs"]]
    yield Row("status", "status", [Cell("status"), *states])
    yield from _values("param", "params", found.get("params", {}))
    yield from _metrics(found.get("metrics", {}), ascii_only)
    facts = {name: values for name, values in found.get("facts", {}).items() if name != "status"}
    yield from _values("fact", "facts", facts)
    if found.get("code"):
        yield Row("heading", "code", [Cell("code", "bold")])
    for change in found.get("code", []):
        marks = [_value(value) for value in change["changes"]]
        cells = [Cell(mark.text, CHANGES.get(mark.text, "quiet")) for mark in marks]
        yield Row("code", change["path"], [Cell("  " + clean_name(change["path"], 300)), *cells])
    packages = dict(list(found.get("packages", {}).items())[:most_packages])
    yield from _values("package", "packages", packages)
    if more := len(found.get("packages", {})) - len(packages):
        yield Row("more", "packages", [Cell(f"  {more} more", "quiet"), *(Cell("") for _ in states)])


def _values(kind: str, heading: str, values: Mapping[str, list[Any]]) -> Iterator[Row]:
    if values:
        yield Row("heading", heading, [Cell(heading, "bold")])
    for name, each in values.items():
        short = 12 if name in ("snapshot", "git commit") else 200
        yield Row(kind, name, [Cell("  " + clean_name(name)), *(_value(value, short) for value in each)])


def _metrics(metrics: Mapping[str, Any], ascii_only: bool) -> Iterator[Row]:
    """Last values under each other, the best with a star."""
    if metrics:
        yield Row("heading", "metrics", [Cell("metrics", "bold")])
    for name, metric in metrics.items():
        texts = numbers.column([numbers.number(value) for value in metric["values"]])
        rivals = sum(value is not None for value in metric["values"])
        best = metric.get("best") if rivals > 1 else None  # alone it is the best of nothing
        winner = None if best is None else metric["values"][best]
        star = "*" if ascii_only else "★"
        cells = [
            Cell(f"{star} {text}", "good") if best is not None and value == winner else Cell(text)
            for text, value in zip(texts, metric["values"], strict=True)
        ]
        yield Row("metric", name, [Cell("  " + clean_name(name)), *cells])


def _value(value: Any, most: int = 200) -> Cell:
    if value is None:
        return Cell("-", "quiet")
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return Cell(clean_name(text, 100_000)[:most])


def diff_role(line: str) -> str:
    """The role of a line of a unified diff."""
    if line.startswith(("+++", "---", "diff ")):
        return "bold"
    return {"+": "good", "-": "bad", "@": "active"}.get(line[:1], "")
