"""How environments on machines look in lists. Pure: JSON of builds in, cells out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workbench.text import sizes, times
from workbench.text.sanitize import clean, clean_name
from workbench.text.tables import Cell, Column, Field

KEYS = (
    "name",
    "version",
    "target",
    "state",
    "python",
    "packages",
    "bytes",
    "used",
    "in_use",
    "problem",
    "key",
)
ROLES = {"ready": "good", "building": "active", "failed": "bad"}


def called(item: Mapping[str, Any]) -> str:
    """An environment as one calls it; its key where it has no name."""
    if not item.get("name"):
        return clean_name(str(item.get("key") or ""), 120)
    plain = clean_name(str(item["name"]), 200)
    return f"{plain}:{item['version']}" if item.get("version") is not None else plain


def fields(now: datetime) -> list[Field]:
    """The columns of environments on machines."""
    return [
        Field(
            Column("ENVIRONMENT", keep=100, least=12, middle=True), lambda item: Cell(called(item), "bold")
        ),
        Field(Column("MACHINE", keep=95, least=8), lambda item: clean_name(str(item.get("target") or ""))),
        Field(Column("STATE", keep=90), state),
        Field(Column("PYTHON", keep=60), lambda item: clean_name(str(item.get("python") or "-"), 40)),
        Field(Column("PACKAGES", right=True, keep=50), packages),
        Field(Column("SIZE", right=True, keep=70), lambda item: sizes.short(item.get("bytes"))),
        Field(Column("USED", right=True, keep=75), lambda item: used(item, now)),
        Field(
            Column("WHY", keep=40, least=16),
            lambda item: Cell(clean(item.get("problem") or "", 400), "quiet"),
        ),
    ]


def name(item: Mapping[str, Any]) -> Cell:
    """What it is called."""
    return Cell(called(item), "bold")


def why(item: Mapping[str, Any]) -> Cell:
    """Why one failed."""
    return Cell(clean(item.get("problem") or "", 400), "quiet")


def state(item: Mapping[str, Any]) -> Cell:
    """Ready, being built or failed."""
    word = clean_name(str(item.get("state") or ""), 20)
    return Cell(word, ROLES.get(word, ""))


def packages(item: Mapping[str, Any]) -> str:
    """How many there are in it; "-" while that is not known."""
    found = item.get("packages")
    return str(len(found)) if found else "-"


def used(item: Mapping[str, Any], now: datetime) -> str:
    """When a run took it last, "now" while one lives in it."""
    if item.get("in_use"):
        return "now"
    return times.ago(times.parse(item.get("used")), now)
