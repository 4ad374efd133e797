"""The columns of datasets, of versions and of what is in them, and what stands there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.text import sizes, times
from workbench.text.sanitize import clean_name
from workbench.tui.table.cell import Cell, Span
from workbench.tui.table.columns import Column
from workbench.views import data as look
from workbench.views.runs import mapping

Json = Mapping[str, Any]
DATASETS = (
    Column("name", "NAME", least=12, ideal=20, most=40, keep=100, middle=True, sortable=False),
    Column("latest", "LATEST", right=True, least=6, ideal=6, keep=95, sortable=False),
    Column("kind", "KIND", least=7, ideal=7, keep=70, sortable=False),
    Column("files", "FILES", right=True, least=5, ideal=7, keep=80, sortable=False),
    Column("size", "SIZE", right=True, least=8, ideal=9, keep=90, sortable=False),
    Column("where", "WHERE", least=14, ideal=34, most=44, keep=92, middle=True, sortable=False),
    Column("used", "USED", right=True, least=4, ideal=5, keep=85, sortable=False, help="by a run, last"),
    Column("by", "BY", least=13, ideal=14, most=20, keep=60, middle=True, sortable=False),
    Column("tags", "TAGS", least=8, ideal=14, most=30, keep=50, sortable=False),
    Column("description", "DESCRIPTION", least=16, ideal=20, rest=True, keep=40, sortable=False),
)
VERSIONS = (
    Column("version", "VERSION", right=True, least=7, ideal=7, keep=100, sortable=False),
    Column("files", "FILES", right=True, least=5, ideal=7, keep=80, sortable=False),
    Column("size", "SIZE", right=True, least=8, ideal=9, keep=90, sortable=False),
    Column("fingerprint", "SEEN", least=8, ideal=15, keep=65, sortable=False, help="its fingerprint"),
    Column("age", "AGE", right=True, least=4, ideal=5, keep=85, sortable=False),
    Column("where", "WHERE", least=14, ideal=28, most=60, keep=92, middle=True, sortable=False),
    Column("run", "MADE BY", least=8, ideal=12, most=28, keep=70, middle=True, sortable=False),
    Column("tags", "TAGS", least=8, ideal=14, rest=True, keep=50, sortable=False),
)
FILES = (
    Column("path", "PATH", least=20, ideal=40, rest=True, keep=100, middle=True, sortable=False),
    Column("files", "FILES", right=True, least=6, ideal=8, keep=80, sortable=False),
    Column("size", "SIZE", right=True, least=8, ideal=10, keep=90, sortable=False),
)
PROFILE = (
    Column("column", "COLUMN", least=8, ideal=16, most=30, keep=100, middle=True, sortable=False),
    Column("type", "TYPE", least=8, ideal=8, keep=70, sortable=False),
    *(
        Column(name, title, right=True, least=max(7, len(title)), ideal=8, most=12, keep=keep, sortable=False)
        for name, title, keep in (
            ("count", "COUNT", 60), ("missing", "MISSING", 90), ("distinct", "DISTINCT", 65),
            ("min", "MIN", 80), ("q25", "Q25", 40), ("median", "MEDIAN", 45), ("q75", "Q75", 39),
            ("max", "MAX", 79), ("mean", "MEAN", 75), ("std", "STD", 35),
        )
    ),
)  # fmt: skip
LINEAGE = (
    Column("way", "", least=8, ideal=8, keep=100, sortable=False),
    Column("what", "WHAT", least=6, ideal=6, keep=90, sortable=False),
    Column("name", "NAME", least=16, ideal=36, rest=True, keep=95, middle=True, sortable=False),
    Column("id", "ID", least=12, ideal=26, keep=50, sortable=False),
)


def dataset_cells(dataset: Json, used: Json | None, now: datetime) -> list[Cell]:
    """A dataset's cells. used: who read it last."""
    latest = dataset["latest"]
    tags, said = mapping(latest.get("tags")), clean_name(str(latest.get("description") or ""), 200)
    reader = clean_name(str((used or {}).get("run_name") or ""), 60)
    return [
        Cell(clean_name(str(dataset["name"]), 128), "title"),
        Cell(str(latest["version"])),
        Cell(clean_name(str(latest["kind"])), "quiet"),
        _known(look.files(latest)),
        _known(look.size(latest)),
        where(latest),
        Cell(times.ago(times.parse((used or {}).get("created")), now), "" if used else "quiet"),
        Cell(reader or "-", "" if reader else "quiet"),
        Cell(tags or "-", "dim" if tags else "quiet"),
        Cell(said or "-", "" if said else "quiet"),
    ]


def version_cells(version: Json, now: datetime) -> list[Cell]:
    """A version's cells."""
    tags, run = mapping(version.get("tags")), clean_name(str(version.get("run") or ""), 60)
    return [
        Cell(str(version["version"]), "quiet" if version.get("archived") else "title"),
        _known(look.files(version)),
        _known(look.size(version)),
        fingerprint(version),
        Cell(times.ago(times.parse(version.get("created")), now), "quiet"),
        where(version),
        Cell(run or "-", "" if run else "quiet"),
        Cell("archived", "quiet")
        if version.get("archived")
        else Cell(tags or "-", "dim" if tags else "quiet"),
    ]


def where(version: Json) -> Cell:
    """Where its data is, and on which machines it lies as well."""
    also = [clean_name(str(target), 40) for target in version.get("locations") or {}]
    paths = (version.get("source") or {}).get("paths") or []
    more = (Span(f" and {len(paths) - 1} more", "quiet"),) if len(paths) > 1 else ()
    spans = (*more, Span(f" +{','.join(also)}", "active")) if also else more
    first = {**version, "source": {**(version.get("source") or {}), "paths": paths[:1]}}
    return Cell(look.source(first) or "-", "", spans)


def fingerprint(version: Json) -> Cell:
    """By what its files are known, and the beginning of that."""
    found = version.get("fingerprint")
    if not found:
        return Cell("not looked", "quiet")
    return Cell(
        clean_name(str(found["hash"]))[:8],
        "",
        (Span(" sha256" if found.get("content") else " times", "quiet"),),
    )


def _known(text: str) -> Cell:
    return Cell(text, "quiet" if text == "-" else "")


def file_cells(name: str, files: int | None, size: int) -> list[Cell]:
    """A file's cells, or a folder's: files is how many are below it."""
    return [
        Cell(clean_name(name, 1000), "title" if files is not None else ""),
        Cell("" if files is None else str(files), "quiet"),
        Cell(sizes.short(size), "" if files is None else "quiet"),
    ]


def profile_cells(row: Json) -> list[Cell]:
    """What is known of one column."""
    shown = [
        Cell(clean_name(str(row.get("column")), 200), "title"),
        Cell(clean_name(str(row.get("type"))), "quiet"),
    ]
    for name in ("count", "missing", "distinct", "min", "q25", "median", "q75", "max", "mean", "std"):
        text = look.distinct(row) if name == "distinct" else look.figure(name)(row)
        alarming = name == "missing" and row.get(name)
        shown.append(Cell(text, "warn" if alarming else "quiet" if text == "-" else ""))
    return shown


def lineage_cells(step: Mapping[str, str]) -> list[Cell]:
    """One step of the way."""
    return [
        Cell(step["way"], "quiet"),
        Cell(step["what"], "active" if step["what"] == "model" else ""),
        Cell(clean_name(step["name"], 200), "title" if step["place"] else ""),
        Cell(clean_name(step["id"], 60), "quiet"),
    ]


def row_columns(columns: Sequence[Json]) -> list[Column]:
    """The columns of a table's rows, as they are typed."""
    return [
        Column(
            str(place),
            clean_name(str(column["name"]), 40) or str(place + 1),
            right=column["type"] in look.NUMBERS,
            least=6,
            ideal=14,
            most=40,
            keep=max(1, 100 - place),
            sortable=False,
        )
        for place, column in enumerate(columns)
    ]


def row_cells(row: Sequence[Any]) -> list[Cell]:
    """The values of one row."""
    return [Cell(look.shown_value(value), "quiet" if value is None else "") for value in row]
