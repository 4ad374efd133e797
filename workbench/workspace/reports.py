"""What a report of runs says, gathered from the services: plain values that a view makes a document of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from workbench.errors import NotFound, UsageError, WorkbenchError
from workbench.workspace import report_values
from workbench.workspace.client import Client

MOST_CHARTS = 12
BUCKETS = 400
"""Points of a curve, each with its least and greatest value."""
MOST_CODE = 200_000
"""Characters of one difference of code."""


def gather(
    client: Client,
    references: Sequence[str],
    *,
    metrics: Sequence[str] = (),
    code: bool = True,
    everything: bool = False,
    values: bool = True,
    images: bool = True,
) -> dict[str, Any]:
    """Everything for a report of one run, of several, or of a saved comparison that is named alone.

    {"title", "made", "note"?, "runs", "comparison"?, "charts": [{"metric", "lines": [{"name", "buckets"}]}],
    "values": as `report_values.gather` has them, "code": [{"title", "text"} or {"title", "problem"}]}.
    metrics: which are drawn; without, the most telling. images: whether pictures are fetched, too.
    Raises NotFound, Unreachable.
    """
    kept = _kept(client, references)
    wanted = references if kept is None else [run for run in kept["runs"] if run not in kept.get("gone", ())]
    if not wanted:
        raise UsageError("no run is left of the comparison", "wb run comparisons lists the others")
    runs = [client.call("runs", "get", run=run) for run in wanted]
    ids = [run["id"] for run in runs]
    compared = None
    if len(runs) > 1:
        compared = client.call("runs", "compare", runs=ids, all=everything or None)
        runs = compared["runs"]
    title = kept["name"] if kept is not None else runs[0]["name"]
    return {
        "title": title
        if len(runs) == 1 or kept is not None
        else f"{len(runs)} runs of {runs[0]['experiment']}",
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "note": None if kept is None else kept.get("note"),
        "runs": runs,
        "comparison": compared,
        "charts": [_chart(client, runs, name) for name in _drawn(client, runs, compared, metrics)],
        "values": report_values.gather(client, runs, images=images) if values else [],
        "code": _code(client, runs) if code else [],
    }


def _kept(client: Client, references: Sequence[str]) -> dict[str, Any] | None:
    """The saved comparison that is named, where only one word is given."""
    if len(references) != 1:
        return None
    try:
        found: dict[str, Any] = client.call("comparisons", "get", name=references[0])
    except NotFound:
        return None
    return found


def _drawn(
    client: Client,
    runs: Sequence[Mapping[str, Any]],
    compared: Mapping[str, Any] | None,
    asked: Sequence[str],
) -> list[str]:
    """The metrics that are drawn: those asked for, else what runs are judged by, then other curves."""
    counts: dict[str, int] = {}
    for run in runs:
        for name, value in run.get("metrics", {}).items():
            counts[name] = max(counts.get(name, 0), int(value.get("count", 1)))
    for name in asked:
        if name not in counts:
            raise NotFound(
                f"no run has a metric {name}", f"there are {', '.join(list(counts)[:8]) or 'none'}"
            )
    if asked:
        return list(asked)
    primary = None if compared is None else compared.get("primary")
    if compared is None:
        primary = client.call("experiments", "get", name=runs[0]["experiment"]).get("primary_metric")
    told = {} if compared is None else compared["metrics"]
    curves = [name for name, count in counts.items() if count > 1]
    curves.sort(key=lambda name: (name != primary, told.get(name, {}).get("best") is None, name))
    return curves[:MOST_CHARTS]


def _chart(client: Client, runs: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    lines = []
    for run in runs:
        if name in run.get("metrics", {}):
            buckets = client.call("runs", "envelope", run=run["id"], name=name, buckets=BUCKETS)
            lines.append({"name": run["name"], "buckets": buckets})
    return {"metric": name, "lines": lines}


def _code(client: Client, runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How the code of each differs from that of the first, and what each had not committed."""
    first, found = runs[0], []
    for other in runs[1:]:
        title = f"{first['name']} → {other['name']}"
        try:
            text = client.call("runs", "diff", a=first["id"], b=other["id"])["text"]
        except WorkbenchError as problem:  # a report without what one machine has is one all the same
            found.append({"title": title, "problem": problem.message})
            continue
        found.append({"title": title, "text": text[:MOST_CODE]})
    for run in runs:
        text = client.call("runs", "git_diff", run=run["id"]).get("text")
        if text:
            found.append(
                {"title": f"not committed when {run['name']} was submitted", "text": text[:MOST_CODE]}
            )
    return found
