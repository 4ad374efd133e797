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
DELTA = 8
"""Cells of a difference."""
CHANGES = {"added": "good", "removed": "bad", "modified": "warn"}


class Row(NamedTuple):
    """A name and a cell a run; a heading has its name alone."""

    kind: str
    """heading, status, param, metric, fact, tag, code, package, or more (of what stands above)."""
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
    yield from _values("tag", "tags", found.get("tags", {}))
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
    """Last values under each other with how far they are from the first run's, the best with a star."""
    if metrics:
        yield Row("heading", "metrics", [Cell("metrics", "bold")])
    star = "*" if ascii_only else "★"
    for name, metric in metrics.items():
        values = [numbers.number(value) for value in metric["values"]]
        rivals = sum(value is not None for value in values)
        best = metric.get("best") if rivals > 1 else None  # alone it is the best of nothing
        winner = None if best is None else values[best]
        cells = []
        deltas = [numbers.finite(delta) for delta in metric.get("deltas") or []]
        for at, (text, value) in enumerate(zip(numbers.column(values), values, strict=True)):
            won = winner is not None and value == winner
            delta = deltas[at] if at and at < len(deltas) else None
            said = text if delta is None else f"{text} {numbers.delta(delta, 3):>{DELTA}}"
            cells.append(Cell(f"{star} {said}", "good") if won else Cell(said))
        yield Row("metric", name, [Cell(f"  {clean_name(name)}{_arrow(metric, ascii_only)}"), *cells])


def goal_words(metric: Mapping[str, Any]) -> str:
    """Which way a compared metric gets better, as one says it; "" where nobody knows."""
    words = {"minimize": "lower is better", "maximize": "higher is better"}.get(metric.get("goal") or "", "")
    return f"{words} (guessed)" if words and metric.get("guessed") else words


def guesses(found: Mapping[str, Any]) -> str:
    """A sentence for goals that were only guessed, where a star stands on one; "" where none was."""
    if any(metric.get("guessed") and metric.get("best") is not None for metric in found["metrics"].values()):
        return "? which way is better is guessed from the metric's name"
    return ""


def _arrow(metric: Mapping[str, Any], ascii_only: bool) -> str:
    """A sign for which way a metric gets better, with a question mark where that is guessed."""
    goal = metric.get("goal")
    if goal is None:
        return ""
    low, high = ("v", "^") if ascii_only else ("↓", "↑")
    return f" {low if goal == 'minimize' else high}{'?' if metric.get('guessed') else ''}"


def _value(value: Any, most: int = 200) -> Cell:
    if value is None:
        return Cell("-", "quiet")
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return Cell(clean_name(text, 100_000)[:most])


def change_cell(change: str) -> Cell:
    """What happened to a path."""
    return Cell(clean_name(change), CHANGES.get(change, "quiet"))


def lines_cell(count: int | None, sign: str) -> Cell:
    """How many lines came or went; "-" where they were not counted."""
    role = {"+": "good", "-": "bad"}[sign] if count else "quiet"
    return Cell("-" if count is None else f"{sign}{count}", role)


def diff_role(line: str) -> str:
    """The role of a line of a unified diff."""
    if line.startswith(("+++", "---", "diff ")):
        return "bold"
    return {"+": "good", "-": "bad", "@": "active"}.get(line[:1], "")
