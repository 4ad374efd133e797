"""How what a run read and wrote looks. Pure: JSON of `runs.data` in, texts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.text import sizes
from workbench.text.location import Location, format
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name

Row = Mapping[str, Any]
MOST = 50
"""Lines that are shown of one run."""


def lines(rows: Sequence[Row]) -> str:
    """Each input or output in a line."""
    shown = [line(row) for row in rows[:MOST]]
    if len(rows) > MOST:
        shown.append(f"and {len(rows) - MOST} more")
    return "\n".join(shown)


def line(row: Row) -> str:
    """Name, version or place, how the run came to it, how large it is, where it lies."""
    parts = [clean_name(str(row.get("name") or ""), 60), what(row), how(row), size(row)]
    if row.get("location"):
        parts.append(clean_name(str(row["location"]), 400))
    return "  ".join(part for part in parts if part)


def what(row: Row) -> str:
    """The version it is of, or became; else the place that was written."""
    return clean_name(str(row.get("asset") or row.get("source") or row.get("registers") or ""), 200)


def how(row: Row) -> str:
    """In place, cache ..., and what is wrong or still to be done."""
    said = str(row.get("mechanism") or "")
    if row.get("state") == "waiting":
        problem = clean_name(str(row.get("problem") or ""), 300)
        said += f", waits: {problem}" if problem else ", when the run has ended"
    elif row.get("state") == "failed":
        said += f", failed: {clean_name(str(row.get('problem') or ''), 300)}"
    return said


def size(row: Row) -> str:
    """Files and bytes, and how much of it had to be brought."""
    if row.get("bytes") is None:
        return ""
    found = f"{counted(int(row.get('files') or 0), 'file')}, {sizes.short(row['bytes'])}"
    return f"{found}, {sizes.short(row['sent'])} sent" if row.get("sent") else found


def way(lineage: Mapping[str, Any]) -> list[dict[str, str]]:
    """A version's lineage in lines, from where it came to what came of it: {"way", "what", "name", "id"}.

    place: the location of what the line is about; "" where it has none.
    """
    rows = [_step("made of", "data", what(row), "", _asset(row)) for row in lineage.get("made_of") or []]
    if lineage.get("made_by"):
        rows.append(_run("made by", lineage["made_by"]))
    rows += [_run("read by", run) for run in lineage.get("read_by") or []]
    for model in lineage.get("models") or []:
        named = f"{model['name']}:{model['version']}"
        rows.append(_step("became", "model", named, str(model.get("run") or ""), f"models/{named}"))
    for row in lineage.get("became") or []:
        rows.append(_step("became", "data", what(row), str(row.get("run") or ""), _asset(row)))
    return rows


def _run(how_it_goes: str, run: Mapping[str, Any]) -> dict[str, str]:
    place = format(Location("runs", (str(run.get("experiment") or "default"), str(run["id"]))))
    return _step(how_it_goes, "run", run.get("name"), str(run["id"]), place)


def _asset(row: Row) -> str:
    """The location of the version that an input was of, or that an output became."""
    kind, _, named = str(row.get("asset") or "").partition(":")
    noun = {"data": "data", "model": "models"}.get(kind)
    return format(Location(noun, (named,))) if noun and named else ""


def _step(how_it_goes: str, kind: str, name: Any, identity: str, place: str) -> dict[str, str]:
    return {"way": how_it_goes, "what": kind, "name": str(name or ""), "id": identity, "place": place}
