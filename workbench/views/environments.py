"""How environments look in lists and on their own page. Pure: JSON of versions in, cells out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workbench.text import times
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name
from workbench.text.style import Look, paint
from workbench.text.tables import Cell, Column, Field, pairs
from workbench.views.runs import mapping

KEYS = ("name", "version", "definition.kind", "requires_python", "aliases", "created", "hash", "archived")
LONGEST = 4000


def fields(now: datetime, *, versions: bool) -> list[Field]:
    """The columns of environments, or of the versions of one."""
    first = (
        Field(Column("VERSION", right=True, keep=100), lambda item: Cell(str(item["version"]), "bold"))
        if versions
        else Field(
            Column("NAME", keep=100, least=12, middle=True),
            lambda item: Cell(clean_name(item["name"]), "bold"),
        )
    )
    return [
        first,
        *(
            []
            if versions
            else [Field(Column("VERSION", right=True, keep=95), lambda item: str(item["version"]))]
        ),
        Field(Column("KIND", keep=80), kind),
        Field(Column("MADE OF", keep=70, least=16), made_of),
        Field(Column("ALIASES", keep=85, least=6), aliases),
        Field(Column("AGE", right=True, keep=60), lambda item: times.ago(times.parse(item["created"]), now)),
        Field(Column("TAGS", keep=40, least=8, optional=True), lambda item: mapping(item.get("tags"))),
    ]


def kind(item: Mapping[str, Any]) -> str:
    """What it is made from, in a word."""
    return clean_name(str(item["definition"]["kind"]))


def aliases(item: Mapping[str, Any]) -> str:
    """What a version is called beside its number."""
    return ", ".join(clean_name(str(alias)) for alias in item.get("aliases") or [])


def made_of(item: Mapping[str, Any]) -> str:
    """What it is made of, in a line."""
    found = item["definition"]
    match found["kind"]:
        case "requirements" | "conda":
            lines = [line.split(" --hash")[0] for line in str(found.get("requirements") or "").splitlines()]
            return clean_name(", ".join(lines) or "the interpreter alone", 200)
        case "project":
            groups = "".join(f" +{name}" for name in found.get("groups") or [])
            return clean_name(("uv.lock" if found.get("uv_lock") else "pyproject.toml") + groups, 200)
        case "python":
            return clean_name(str(found.get("interpreter")), 200)
    return clean_name(str(found.get("image") or "a Dockerfile"), 200)


def locked(item: Mapping[str, Any]) -> str:
    """How many packages it was resolved to."""
    if item.get("lock") is None:
        return ""
    lines = str(item["lock"]).splitlines()
    packages = [line for line in lines if line and not line.startswith(("#", " ", "\t"))]  # no hashes
    return counted(len({line.split("==")[0].split(" ")[0] for line in packages}), "package")


def facts(item: Mapping[str, Any], now: datetime) -> list[tuple[str, Cell | str]]:
    """What there is to say of a version; its lock is shown apart."""
    found = item["definition"]
    indexes = [*(found.get("indexes") or []), *([found["index"]] if found.get("index") else [])]
    return [
        ("name", clean_name(item["name"])),
        ("version", str(item["version"])),
        ("aliases", aliases(item)),
        ("kind", kind(item)),
        ("made of", made_of(item) if found["kind"] not in ("requirements", "conda") else ""),
        (
            "image",
            clean_name(str(found["image"]), 300) if found["kind"] == "conda" and found.get("image") else "",
        ),
        ("packages", _lines(found.get("requirements")) if found["kind"] in ("requirements", "conda") else ""),
        ("constraints", _lines(found.get("constraints"))),
        ("indexes", clean("\n".join(map(str, indexes)), LONGEST)),
        ("python", clean_name(str(found.get("python") or item.get("requires_python") or ""))),
        ("locked to", locked(item)),
        ("variables", mapping(found.get("variables"))),
        ("description", clean(str(item.get("description") or ""), LONGEST)),
        ("tags", mapping(item.get("tags"))),
        ("created", times.local(times.parse(item.get("created")), now)),
        ("created by", clean_name(str(item.get("created_by") or ""))),
        ("archived", "yes" if item.get("archived") else ""),
        ("hash", clean_name(str(item["hash"]))),
    ]


def _lines(text: Any) -> str:
    lines = [line.split(" --hash")[0] for line in str(text or "").splitlines()]
    more = len(lines) - 40
    return clean("\n".join(lines[:40]) + (f"\nand {more} more" if more > 0 else ""), LONGEST)


def version_line(item: Mapping[str, Any]) -> str:
    """A version in a line: kind, aliases, how many packages it was resolved to."""
    said = clean_name(str(item.get("description") or ""), 200)
    parts = (kind(item), "archived" if item.get("archived") else aliases(item), locked(item), said)
    return "   ".join(part for part in parts if part)


def version_lines(item: Mapping[str, Any], now: datetime, how: Look) -> list[str]:
    """A version's page, painted: what it is, and how a run takes it."""
    told = [(name, said) for name, said in facts(item, now) if said]
    named = f"{clean_name(str(item['name']), 128)}:{item['version']}"
    head = paint("A run takes it as", "title", how.colour)
    return [*pairs(told, *how), "", head, f"  wb submit --env {named} -- python train.py"]
