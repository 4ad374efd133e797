"""Compared runs as Markdown: a table of what differs for each kind. Pure: JSON of `runs.compare` in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.text import numbers
from workbench.text.markdown_writing import escape, table
from workbench.text.sanitize import clean_name
from workbench.views import comparison

TITLES = {
    "param": "Parameters",
    "metric": "Metrics",
    "fact": "Facts",
    "tag": "Tags",
    "code": "Code",
    "package": "Packages",
}
_OF_ONE = (
    "id", "experiment", "target", "status", "message", "command", "created", "started", "ended", "exit_code",
    "environment", "snapshot", "submitted_by",
)  # fmt: skip


def document(found: Mapping[str, Any], level: int = 2) -> str:
    """Everything that was compared, a heading of that level before each kind's table."""
    names = [run["name"] for run in found["runs"]]
    parts = [table(["", *names], _told(found))]
    rows: dict[str, list[list[str]]] = {}
    for row in comparison.rows(found, False, None):
        if row.kind in TITLES or row.kind == "peak":
            texts = [" ".join(cell.text.split()) or "-" for cell in row.cells]
            if row.kind == "peak":
                texts[0] = f"best {row.name}"  # no indent says here whose it is
            rows.setdefault("metric" if row.kind == "peak" else row.kind, []).append(texts)
    for kind, title in TITLES.items():
        if kind in rows:
            parts += [f"{'#' * level} {title}\n", table(["", *names], rows[kind])]
    if guesses := comparison.guesses(found):
        parts.append(f"{escape(guesses)}\n")
    return "\n".join(parts)


def facts(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a report says of one run alone: name and text."""
    found = {key: run.get(key) for key in _OF_ONE}
    git = run.get("git") or {}
    found |= {"git commit": git.get("commit"), "git dirty": git.get("dirty")}
    found |= {f"param {name}": value for name, value in run.get("params", {}).items()}
    found |= {f"tag {name}": value for name, value in run.get("tags", {}).items()}
    for name, value in run.get("metrics", {}).items():
        found[f"metric {name}"] = numbers.format_metric(value.get("last"), 6)
    return [
        (clean_name(name), clean_name(str(value), 2000)) for name, value in found.items() if value is not None
    ]


def single(run: Mapping[str, Any]) -> str:
    """One run alone as a table."""
    return table(["", run["name"]], [[name, value] for name, value in facts(run)])


def _told(found: Mapping[str, Any]) -> Iterator[list[str]]:
    runs = found["runs"]
    yield ["status", *(str(run.get("status", "-")) for run in runs)]
    yield ["started", *(str(run.get("started") or "-") for run in runs)]
    yield ["id", *(str(run["id"]) for run in runs)]
