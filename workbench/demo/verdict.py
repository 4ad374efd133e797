"""The demo's comparison as a table, and which run is best. Pure."""

from __future__ import annotations

from typing import Any

from workbench.text import numbers
from workbench.text.style import Look, paint
from workbench.text.tables import Cell, Column, render


def verdict(comparison: dict[str, Any], metric: str, params: list[str], look: Look) -> list[str]:
    """Lines: one row a run with the params that were varied and the last metrics, then the best run.

    comparison: the JSON of `runs.compare`.
    """
    runs, best = comparison["runs"], comparison.get("best")
    shown = [name for name in params if name in comparison["params"]]
    measured = [name for name in (metric, "loss") if name in comparison["metrics"]]
    texts = {
        name: numbers.column([numbers.number(value) for value in comparison["metrics"][name]["values"]])
        for name in measured
    }
    star = "*" if look.ascii_only else "★"
    rows: list[list[Cell | str]] = []
    for index, run in enumerate(runs):
        role = "good" if index == best else ""
        figures = [comparison["params"][name][index] or "-" for name in shown]
        figures += [texts[name][index] for name in measured]
        names = [Cell(star if index == best else "", role), Cell(run["name"], role)]
        rows.append([*names, run["target"], *(Cell(text, role) for text in figures)])
    columns = [Column(""), Column("run"), Column("machine")]
    columns += [Column(name, right=True) for name in (*shown, *measured)]
    lines = render(columns, rows, look.width - 4, look.colour, look.ascii_only)
    if best is not None:
        winner = runs[best]
        value = paint(texts[metric][best].strip(), "good", look.colour)
        name = paint(winner["name"], "good", look.colour)
        lines += ["", f"The best of {len(runs)} by {metric}: {name} on {winner['target']}, {value}"]
        lines.append(paint("  " + str(winner.get("command") or ""), "quiet", look.colour))
    return lines
