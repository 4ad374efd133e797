"""Runs of other trackers that could be imported, as cells, for both faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field

Found = Mapping[str, Any]
KEYS = ["name", "forms", "known", "folder"]


def name(found: Found) -> str:
    """How it would be called."""
    return clean_name(str(found.get("name", "")), 200)


def forms(found: Found) -> str:
    """What wrote it."""
    return clean_name(", ".join(str(form) for form in found.get("forms") or []), 200)


def state(found: Found) -> Cell:
    """Whether it is here already."""
    if found.get("trouble"):
        return Cell("no log", "bad")
    return Cell("known", "") if found.get("known") else Cell("new", "good")


def folder(found: Found) -> str:
    """Where it lies."""
    return clean_name(str(found.get("folder", "")), 1000)


def _done(done: Found) -> Cell:
    """What became of it."""
    return state({"known": not done.get("new"), "trouble": not done.get("run")})


FIELDS = [
    Field(Column("NAME", keep=100, least=14, middle=True), name),
    Field(Column("LOGS", keep=60, least=8), forms),
    Field(Column("STATE", keep=90, least=5), state),
    Field(Column("FOLDER", keep=50, least=12, middle=True), folder),
]

DONE_KEYS = ["run", "name", "new", "entries", "skipped"]
DONE = [
    Field(Column("ID", keep=100, least=26), lambda done: clean_name(str(done.get("run", "")), 26)),
    Field(Column("NAME", keep=90, least=14, middle=True), name),
    Field(Column("STATE", keep=60, least=5), _done),
    Field(Column("RECORDS", keep=50, least=7, right=True), lambda done: str(done.get("entries", 0))),
    Field(Column("DAMAGED", keep=40, least=7, right=True), lambda done: str(done.get("skipped", 0))),
]
