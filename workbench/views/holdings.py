"""How what the workbench keeps looks. Pure: JSON of `compute.du` and `compute.prune_plan` in, texts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.text import durations, sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name

KINDS = (
    ("run", "runs", "runs"),
    ("snapshot", "snapshots", "trees"),
    ("environment", "environments", "environments"),
    ("dataset in the cache", "datasets in the cache", "data"),
    ("file of code", "files of code", "blobs"),
    ("file of our program", "files of our program", "payloads"),
    ("other file", "other files", "other"),
)
"""What is kept: one of it, many of it, where holdings have it."""


def parts(held: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The kinds of things kept on a machine, the largest first: {"name", "count", "bytes"}."""
    rows = []
    for one, many, key in KINDS:
        found: Any = held.get(key) or []
        listed = isinstance(found, list)
        count = len(found) if listed else found["count"]
        size = sum(item["bytes"] for item in found) if listed else found["bytes"]
        rows.append({"name": one if count == 1 else many, "count": count, "bytes": size})
    return sorted((row for row in rows if row["count"]), key=lambda row: -int(row["bytes"]))


def largest(held: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
    """The runs that take most room there."""
    return sorted(held["runs"], key=lambda run: -int(run["bytes"]))[:most]


def what(item: Mapping[str, Any]) -> str:
    """What something that may go is called."""
    kinds = {
        "tree": "snapshot", "environment": "environment", "payload": "copy of our program", "data": "data",
    }  # fmt: skip
    name = item.get("name") or f"{kinds.get(item['kind'], 'run')} {str(item['id'])[:12]}"
    return clean_name(str(name))


def age(item: Mapping[str, Any]) -> str:
    """How long it has been as it is."""
    return durations.short(item["age"])


def plan_words(plan: Mapping[str, Any]) -> str:
    """What a plan comes to, in a line."""
    kinds = [item["kind"] for item in plan["remove"]]
    names = (("run", "run"), ("tree", "snapshot"), ("environment", "environment"), ("data", "dataset"))
    found = [counted(kinds.count(kind), word) for kind, word in names if kind in kinds]
    if "payload" in kinds:
        copies = kinds.count("payload")
        found.append("an old copy of our program" if copies == 1 else f"{copies} old copies of our program")
    if plan.get("blobs"):
        found.append(f"{counted(plan['blobs'], 'file')} of code")
    if not found:
        return "nothing may go"
    free = f", {sizes.short(plan['free'])} are free now" if plan.get("free") is not None else ""
    return f"{', '.join(found)}: {sizes.short(plan['bytes'])} would be freed{free}"


def kept_words(plan: Mapping[str, Any]) -> str:
    """Which runs stay and why; empty when none does."""
    kept = plan.get("kept") or {}
    told = ", ".join(f"{count} {clean_name(str(why))}" for why, count in sorted(kept.items()))
    return f"runs that stay: {told}" if told else ""


Fate = tuple[str, str]
"""What is said of a run's folder, and the role it is said in."""


def fates(plan: Mapping[str, Any]) -> dict[str, Fate]:
    """What a plan has in mind with each run: why it stays, what is lost with it, or that it may go."""
    found: dict[str, Fate] = {}
    for run, why in (plan.get("stays") or {}).items():
        found[run] = (f"stays: {clean_name(str(why))}", "active" if why == "not over" else "quiet")
    for item in plan["remove"]:
        lost = clean_name(item.get("warning") or "", 300).partition(": ")[0]
        found[item["id"]] = (f"may go; {lost}", "warn") if lost else ("may go", "good")
    return found


def narrowed(plan: Mapping[str, Any], runs: Sequence[str]) -> dict[str, Any]:
    """A plan for these of its runs alone; snapshots and environments go another time."""
    chosen = [item for item in plan["remove"] if item["kind"] == "run" and item["id"] in set(runs)]
    return {**plan, "remove": chosen, "bytes": sum(item["bytes"] for item in chosen), "blobs": None}


def by_kind(items: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The parameters of `compute.prune` for what a plan would remove."""
    found: dict[str, list[str]] = {"runs": [], "trees": [], "environments": [], "payloads": [], "data": []}
    for item in items:
        kind = str(item["kind"])
        found[kind if kind == "data" else f"{kind}s"].append(str(item["id"]))
    return found
