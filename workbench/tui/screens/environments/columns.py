"""The columns of environments, of their versions and of what is built of them, and their cells. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from workbench.text import sizes, times
from workbench.text.asset_reference import LATEST
from workbench.text.sanitize import clean, clean_name
from workbench.text.states import Look
from workbench.tui.table.cell import Cell
from workbench.tui.table.columns import Column
from workbench.views import environment_builds as builds_look
from workbench.views import environments as look
from workbench.views.runs import mapping

Json = Mapping[str, Any]
_SHARED = (
    Column("kind", "KIND", least=12, ideal=12, keep=75, sortable=False),
    Column("aliases", "ALIASES", least=7, ideal=12, most=24, keep=85, sortable=False),
    Column("built", "BUILT ON", least=8, ideal=14, most=30, keep=92, sortable=False),
    Column("used", "USED", right=True, least=4, ideal=5, keep=80, sortable=False, help="there, by a run"),
    Column("age", "AGE", right=True, least=4, ideal=5, keep=60, sortable=False),
    Column("tags", "TAGS", least=8, ideal=12, most=24, keep=40, sortable=False),
    Column("made", "MADE OF", least=16, ideal=24, rest=True, keep=70, sortable=False),
)
ENVIRONMENTS = (
    Column("name", "NAME", least=12, ideal=20, most=40, keep=100, middle=True, sortable=False),
    Column("version", "LATEST", right=True, least=6, ideal=6, keep=95, sortable=False),
    *_SHARED,
)
VERSIONS = (
    Column("version", "VERSION", right=True, least=7, ideal=7, keep=100, sortable=False),
    Column("python", "PYTHON", least=6, ideal=7, most=12, keep=55, sortable=False),
    *_SHARED,
)
BUILDS = (
    Column("environment", "ENVIRONMENT", least=12, ideal=22, most=40, keep=100, middle=True, sortable=False),
    Column("machine", "MACHINE", least=8, ideal=12, most=24, keep=95, middle=True, sortable=False),
    Column("state", "STATE", least=10, ideal=10, keep=92, sortable=False),
    Column("size", "SIZE", right=True, least=8, ideal=9, keep=90, sortable=False),
    Column("used", "USED", right=True, least=4, ideal=5, keep=85, sortable=False, help="by a run"),
    Column("python", "PYTHON", least=6, ideal=7, most=12, keep=60, sortable=False),
    Column("packages", "PACKAGES", right=True, least=8, ideal=8, keep=50, sortable=False),
    Column("why", "WHY", least=12, ideal=24, rest=True, keep=70, sortable=False),
)
STATES = {
    "ready": Look("✔", "+", "ready", "good"),
    "building": Look("◌", "o", "building", "active"),
    "failed": Look("✖", "!", "failed", "bad"),
}


def environment_cells(version: Json, built: Iterable[Json], now: datetime) -> list[Cell]:
    """An environment's cells: its newest version, and what is built of any of them."""
    name = Cell(clean_name(str(version["name"]), 128), "title")
    return [name, Cell(str(version["version"])), *_shared(version, list(built), now, False)]


def version_cells(version: Json, built: Iterable[Json], now: datetime) -> list[Cell]:
    """A version's cells."""
    python = clean_name(str(version["definition"].get("python") or version.get("requires_python") or "-"), 40)
    number = Cell(str(version["version"]), "quiet" if version.get("archived") else "title")
    return [number, Cell(python, "quiet"), *_shared(version, list(built), now, True)]


def _shared(version: Json, built: list[Json], now: datetime, newest: bool) -> list[Cell]:
    """newest: whether it is worth saying which one is."""
    tags, made = mapping(version.get("tags")), look.made_of(version)
    called = [alias for alias in version.get("aliases") or [] if newest or alias != LATEST]
    aliases = look.aliases({"aliases": called})
    if version.get("archived"):
        aliases = "archived"
    ready = sorted({clean_name(str(one["target"]), 60) for one in built if one.get("state") == "ready"})
    other = [str(one.get("state")) for one in built if one.get("state") != "ready"]
    words = ", ".join(ready) or (STATES[other[0]].word if other and other[0] in STATES else "-")
    used = "now" if any(one.get("in_use") for one in built) else ""
    if not used:
        times_used = [moment for one in built if (moment := times.parse(one.get("used"))) is not None]
        used = times.ago(max(times_used), now) if times_used else "-"
    return [
        Cell(look.kind(version), "quiet"),
        Cell(aliases or "-", "active" if aliases and not version.get("archived") else "quiet"),
        Cell(words, "good" if ready else "quiet"),
        Cell(used, "active" if used == "now" else "quiet" if used == "-" else ""),
        Cell(times.ago(times.parse(version.get("created")), now), "quiet"),
        Cell(tags or "-", "dim" if tags else "quiet"),
        Cell(made, "quiet" if version.get("archived") else ""),
    ]


def build_cells(build: Json, now: datetime, plain: bool) -> list[Cell]:
    """A build's cells. plain: signs of ASCII alone."""
    state = clean_name(str(build.get("state") or ""), 20)
    shown = STATES.get(state, Look("?", "?", state or "unknown", "warn"))
    used = builds_look.used(build, now)
    return [
        Cell(builds_look.called(build), "title"),
        Cell(clean_name(str(build.get("target") or ""), 60)),
        Cell(shown.text(plain), shown.role, short=shown.ascii if plain else shown.glyph),
        Cell(sizes.short(build.get("bytes"))),
        Cell(used, "active" if used == "now" else ""),
        Cell(clean_name(str(build.get("python") or "-"), 40), "quiet"),
        Cell(builds_look.packages(build), "quiet"),
        Cell(clean(build.get("problem") or "", 400).replace("\n", " "), "bad"),
    ]
