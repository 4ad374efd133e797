"""The columns of models, versions and moves, and what stands in them. Pure: JSON in, cells out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.text import times
from workbench.text.numbers import finite, short
from workbench.text.sanitize import clean_name
from workbench.tui.table.cell import Cell, Span
from workbench.tui.table.columns import Column
from workbench.views import models as look
from workbench.views.runs import mapping

Json = Mapping[str, Any]
MOST_METRICS = 6
"""Columns of metrics in a list of versions."""
MODELS = (
    Column("name", "NAME", least=12, ideal=24, most=40, keep=100, middle=True, sortable=False),
    Column("champion", "CHAMPION", right=True, least=8, ideal=8, keep=98, sortable=False),
    Column("latest", "LATEST", right=True, least=6, ideal=6, keep=90, sortable=False),
    Column("versions", "VERSIONS", right=True, least=8, ideal=8, keep=80, sortable=False),
    Column("rules", "RULES", right=True, least=5, ideal=5, keep=60, sortable=False, help="of its gate"),
    Column("age", "AGE", right=True, least=4, ideal=5, keep=50, sortable=False),
    Column("aliases", "ALIASES", least=12, ideal=24, rest=True, keep=95, sortable=False),
)
MOVES = (
    Column("when", "WHEN", least=8, ideal=12, keep=100, sortable=False),
    Column("alias", "ALIAS", least=8, ideal=10, most=20, keep=98, sortable=False),
    Column("version", "VERSION", least=8, ideal=12, keep=97, sortable=False),
    Column("how", "HOW", least=8, ideal=8, keep=80, sortable=False),
    Column("who", "WHO", least=8, ideal=12, most=24, keep=90, middle=True, sortable=False),
    Column("why", "WHY", least=10, ideal=30, rest=True, keep=70, sortable=False),
)


def model_cells(model: Json, now: datetime) -> list[Cell]:
    """A model's cells."""
    aliases = dict(model.get("aliases") or {})
    champion = aliases.pop("champion", None)
    rest = " ".join(f"{clean_name(str(alias), 64)}:{to}" for alias, to in aliases.items())
    return [
        Cell(clean_name(str(model["name"]), 128), "title"),
        Cell("-" if champion is None else str(champion), "quiet" if champion is None else "good"),
        Cell(str(model.get("latest") or "-")),
        Cell(str(model["versions"]), "quiet"),
        Cell(str(len(model.get("gate") or [])) if model.get("gate") else "-", "quiet"),
        Cell(times.ago(times.parse(model.get("created")), now), "quiet"),
        Cell(rest or "-", "active" if rest else "quiet"),
    ]


def version_columns(metrics: Sequence[str]) -> list[Column]:
    """The columns of versions that have measured these; few ones have room for how far they are apart."""
    least, ideal = (14, 16) if len(metrics) < 3 else (12, 12)
    return [
        Column("version", "VERSION", right=True, least=7, ideal=7, keep=100, sortable=False),
        Column("aliases", "ALIASES", least=9, ideal=12, most=24, keep=99, sortable=False),
        *(
            Column(
                f"metric:{name}",
                clean_name(name, 20),
                right=True,
                least=least,
                ideal=ideal,
                most=16,
                keep=95 - at,
                sortable=False,
            )
            for at, name in enumerate(metrics)
        ),
        Column("age", "AGE", right=True, least=4, ideal=5, keep=85, sortable=False),
        Column("format", "FORMAT", least=8, ideal=12, most=16, keep=90, sortable=False),
        Column("from", "FROM", least=12, ideal=16, most=30, keep=70, middle=True, sortable=False),
        Column("tags", "TAGS", least=8, ideal=14, rest=True, keep=40, sortable=False),
    ]


def version_cells(version: Json, metrics: Sequence[str], champion: Json | None, now: datetime) -> list[Cell]:
    """A version's cells, its metrics with how far from the champion's they are."""
    aliases = look.aliases_of(version)
    run = version.get("run_name") or version.get("run") or version.get("path") or "-"
    used = tuple(Span(f" {clean_name(str(one), 40)}", "active") for one in version.get("deployments") or [])
    tags = mapping(version.get("tags"))
    return [
        Cell(str(version["version"]), "title"),
        Cell(aliases.text or ("" if used else "-"), aliases.role or "quiet", used),
        *(_metric(version, name, champion) for name in metrics),
        Cell(times.ago(times.parse(version.get("created")), now), "quiet"),
        _format(version),
        Cell(clean_name(str(run), 60)),
        Cell(tags or "-", "dim" if tags else "quiet"),
    ]


def _format(version: Json) -> Cell:
    """How it is kept, behind a mark where loading it runs code."""
    kept = clean_name(str(version.get("format") or "-"), 20)
    return Cell("! ", "warn", (Span(kept),)) if version.get("runs_code") else Cell(kept)


def _metric(version: Json, name: str, champion: Json | None) -> Cell:
    value = finite((version.get("metrics") or {}).get(name))
    if value is None:
        return Cell(look.metric_cell(version, name, None), "quiet")
    other = None if champion is None else finite((champion.get("metrics") or {}).get(name))
    if other is None or champion is None or champion["version"] == version["version"]:
        return Cell(short(value))
    return Cell(short(value), "", (Span(f" {look.difference(value, other)}", "quiet"),))


def _how(move: Json) -> Cell:
    """How it moved; what went past a gate stands out."""
    if move.get("forced"):
        return Cell("FORCED", "bad")
    return Cell("UNJUDGED", "warn") if move.get("unjudged") else Cell(look.how(move).text)


def move_cells(move: Json, now: datetime) -> list[Cell]:
    """A move's cells."""
    return [
        Cell(times.local(times.parse(move.get("time")), now), "quiet"),
        Cell(clean_name(str(move["alias"]), 64), "title"),
        Cell(look.move_cells(move)),
        _how(move),
        Cell(clean_name(str(move["who"]), 200)),
        Cell(look.why(move) or "-", "" if look.why(move) else "quiet"),
    ]
