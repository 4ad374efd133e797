"""How compared runs look: rows of what differs, a cell a run. Pure: JSON of `runs.compare` in, cells out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
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


class Key(NamedTuple):
    """What a row is about."""

    kind: str
    """heading, status, param, metric, peak (the best values of the metric above), fact, tag, code, package,
    or more (of what stands above)."""
    name: str
    """As it is, not cleaned: what a metric or path is asked for by."""


class Row(NamedTuple):
    """A name and a cell a run; a heading has its name alone."""

    kind: str
    name: str
    cells: list[Cell]


_VALUES = {"param": "params", "fact": "facts", "tag": "tags", "package": "packages"}


def keys(found: Mapping[str, Any], most_packages: int | None = MOST_PACKAGES) -> Iterator[Key]:
    """Everything that was compared in its order, headings between; of the packages, last, only so many."""
    yield Key("status", "status")
    yield from _section("param", "params", found.get("params", {}))
    for key in _section("metric", "metrics", found.get("metrics", {})):
        yield key
        if key.kind == "metric" and _had_better(found["metrics"][key.name]):
            yield Key("peak", key.name)
    yield from _section("fact", "facts", [name for name in found.get("facts", {}) if name != "status"])
    yield from _section("tag", "tags", found.get("tags", {}))
    yield from _section("code", "code", [change["path"] for change in found.get("code", [])])
    packages = list(found.get("packages", {}))
    yield from _section("package", "packages", packages[:most_packages])
    if most_packages is not None and len(packages) > most_packages:
        yield Key("more", f"{len(packages) - most_packages} more")


def _section(kind: str, heading: str, names: Collection[str]) -> Iterator[Key]:
    if names:
        yield Key("heading", heading)
    for name in names:
        yield Key(kind, name)


def row(found: Mapping[str, Any], key: Key, ascii_only: bool) -> Row:
    """The row of a key of `keys`, made when it is looked at: there may be very many."""
    kind, name = key
    if kind == "status":
        cells = [Cell("status"), *(run_view.state(run, ascii_only) for run in found["runs"])]
    elif kind == "heading":
        cells = [Cell(name, "bold")]
    elif kind == "more":
        cells = [Cell(f"  {name}", "quiet"), *(Cell("") for _ in found["runs"])]
    elif kind == "metric":
        cells = _metric(name, found["metrics"][name], ascii_only)
    elif kind == "peak":
        cells = [Cell("    best", "quiet"), *_peaks(found["metrics"][name])]
    elif kind == "code":
        changed = next(change["changes"] for change in found["code"] if change["path"] == name)
        marks = [_value(value) for value in changed]
        cells = [Cell("  " + clean_name(name, 300))]
        cells += [Cell(mark.text, CHANGES.get(mark.text, "quiet")) for mark in marks]
    else:
        short = 12 if name in ("snapshot", "git commit") else 200
        cells = [Cell("  " + clean_name(name))]
        cells += [_value(value, short) for value in found[_VALUES[kind]][name]]
    return Row(kind, name, cells)


def rows(
    found: Mapping[str, Any], ascii_only: bool, most_packages: int | None = MOST_PACKAGES
) -> Iterator[Row]:
    """All rows of `keys`."""
    return (row(found, key, ascii_only) for key in keys(found, most_packages))


def in_full(found: Mapping[str, Any], key: Key) -> str:
    """Each run and its whole value of a param, fact, tag or package: a cell may show a part; else ""."""
    if key.kind not in _VALUES:
        return ""
    values = found[_VALUES[key.kind]][key.name]
    said = [
        f"{clean_name(run['name'])}\n  {_value(value, 4000).text}"
        for run, value in zip(found["runs"], values, strict=True)
    ]
    return "\n".join(said)


def _had_better(metric: Mapping[str, Any]) -> bool:
    """Whether a run ever had another value than its last one that was better."""
    peaks = metric.get("peaks") or []
    return any(peak is not None and peak != last for peak, last in zip(peaks, metric["values"], strict=False))


def _peaks(metric: Mapping[str, Any]) -> Iterator[Cell]:
    """The best values, each below the last one: room is left where the distance stands."""
    deltas = metric.get("deltas") or []
    for at, text in enumerate(numbers.column([numbers.number(value) for value in metric["peaks"]])):
        told = at > 0 and at < len(deltas) and deltas[at] is not None
        yield Cell(text + " " * (DELTA + 1 if told else 0), "quiet")


def _metric(name: str, metric: Mapping[str, Any], ascii_only: bool) -> list[Cell]:
    """Last values with how far they are from the first run's, the best with a star."""
    values = [numbers.number(value) for value in metric["values"]]
    deltas = [numbers.finite(delta) for delta in metric.get("deltas") or []]
    star = "*" if ascii_only else "★"
    cells = [Cell(f"  {clean_name(name)}{_arrow(metric, ascii_only)}")]
    for at, (text, won) in enumerate(zip(numbers.column(values), stars(metric), strict=True)):
        delta = deltas[at] if at and at < len(deltas) else None
        said = text if delta is None else f"{text} {numbers.delta(delta, 3):>{DELTA}}"
        cells.append(Cell(f"{star} {said}", "good") if won else Cell(said))
    return cells


def stars(metric: Mapping[str, Any]) -> list[bool]:
    """Which runs have the best last value of a compared metric; alone one is the best of nothing."""
    values = [numbers.number(value) for value in metric["values"]]
    rivals = sum(value is not None for value in values)
    best = metric.get("best") if rivals > 1 else None
    return [best is not None and value == values[best] for value in values]


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
