"""The demo's comparison as a table, and which run is best. Pure."""

from __future__ import annotations

from typing import Any

from workbench.text import numbers
from workbench.text.tables import Column, render

WIDTH = 96


def verdict(comparison: dict[str, Any], metric: str, params: list[str]) -> list[str]:
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
    rows = [
        [
            run["name"],
            run["target"],
            *(comparison["params"][name][index] or "-" for name in shown),
            *(texts[name][index] for name in measured),
            "best" if index == best else "",
        ]
        for index, run in enumerate(runs)
    ]
    figures = [Column(name, right=True) for name in (*shown, *measured)]
    lines = render([Column("run"), Column("machine"), *figures, Column("")], rows, WIDTH)
    if best is not None:
        winner = runs[best]
        value = texts[metric][best].strip()
        lines += [
            "",
            f"The best of {len(runs)} by {metric} is {winner['name']} on {winner['target']}: {value}",
        ]
        lines.append(str(winner.get("command") or ""))
    return lines
