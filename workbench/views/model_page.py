"""What there is to say of one version, and of a model's gate, the same in both faces. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.text import sizes, times
from workbench.text.sanitize import clean, clean_name
from workbench.text.style import Look, paint
from workbench.text.tables import Cell, Column, Field, pairs, render
from workbench.views import models as look
from workbench.views.runs import mapping

Json = Mapping[str, Any]
EXAMPLE = 400
"""Characters of an input example that are shown."""


def version_facts(
    found: Json, details: Json, now: datetime, evaluations: Sequence[Json] = ()
) -> list[tuple[str, Cell | str]]:
    """Names and what stands behind them; what there is nothing of is left out."""
    metrics = [
        f"{clean_name(name, 60)} {look.metric_cell(found, name, None)}" for name in look.metric_names([found])
    ]
    example = details.get("input_example")
    facts: list[tuple[str, Cell | str]] = [
        ("model", look.reference(found)),
        ("aliases", look.aliases_of(found)),
        ("deployed as", clean_name(", ".join(map(str, found.get("deployments") or [])), 500)),
        ("lineage", look.lineage_of(found)),
        ("metrics", ", ".join(metrics)),
        *(("evaluated", look.evaluation_line(one)) for one in evaluations),
        ("format", look.format_of(found)),
        ("framework", look.framework_of(found)),
        ("from", look.source_of(found)),
        ("data", "; ".join(look.datasets_of(found))),
        ("tags", mapping(found.get("tags"))),
        ("properties", mapping(found.get("properties"))),
        ("takes", _columns(details, "inputs")),
        ("gives", _columns(details, "outputs")),
        ("example", clean_name(json.dumps(example)[: 4 * EXAMPLE], EXAMPLE) if example is not None else ""),
        ("description", clean_name(str(found.get("description") or ""), 1000)),
        ("registered", _registered(found, now)),
    ]
    return [
        (name, said)
        for name, said in facts
        if (said.text if isinstance(said, Cell) else said) not in ("", "-")
    ]


def file_fields(details: Json, found: Json) -> list[Field]:
    """The columns of a version's files."""
    kinds, risky = details.get("formats") or {}, set(found.get("runs_code") or [])

    def kind(item: Json) -> Cell:
        badge = f" ! {look.RUNS_CODE}" if item["path"] in risky else ""
        return Cell(clean_name(str(kinds.get(item["path"], "-"))) + badge, "warn" if badge else "")

    return [
        Field(Column("FILE", keep=100, least=16, middle=True), lambda item: clean_name(item["path"], 1000)),
        Field(Column("SIZE", right=True, keep=90), lambda item: sizes.short(item["size"])),
        Field(Column("IS", keep=80), kind),
        Field(Column("SHA256", keep=40), lambda item: clean_name(item["sha256"])[:12]),
    ]


def version_lines(
    found: Json,
    details: Json,
    files: Sequence[Json],
    now: datetime,
    how: Look,
    evaluations: Sequence[Json] = (),
) -> list[str]:
    """A version's page, painted."""
    fields = file_fields(details, found)
    rows = [[field.show(item) for field in fields] for item in files]
    table = render([field.column for field in fields], rows, *how)
    requirements = clean(str(details.get("requirements") or ""), 5000).splitlines()
    head = ["", paint("requirements", "title", how.colour)] if requirements else []
    taken = f"--input model=model:{look.reference(found)} -- python eval.py '${{{{inputs.model}}}}'"
    used = ["", paint("A run takes it as", "title", how.colour), f"  wb submit {taken}"]
    facts = pairs(version_facts(found, details, now, evaluations), *how)
    return [*facts, "", *table, *used, *head, *requirements]


def gate_lines(
    model: Json, verdict: Json | None, standing: Sequence[Json], now: datetime, how: Look
) -> list[str]:
    """A model's gate, what it says of a version, and who has which alias since when."""
    found = [paint("Gate", "title", how.colour)]
    rules = [clean_name(str(rule), 1000) for rule in model.get("gate") or []]
    found += [f"  {rule}" for rule in rules] or ["  no rules: every version may get every alias"]
    protected = ", ".join(clean_name(str(alias), 64) for alias in model.get("protected") or [])
    if protected:
        found.append(f"  protected, moves through the gate only: {protected}")
    if verdict is not None and rules:
        found += ["", paint(f"What it says of {look.reference(verdict)}", "title", how.colour)]
        found += [
            f"  {paint(cell.text, cell.role, how.colour)}"
            for cell in look.verdict_lines(verdict, how.width - 2)
        ]
    found += ["", paint("Aliases", "title", how.colour)]
    found += [f"  {look.moved_text(move, now)}" for move in standing] or ["  no version has an alias"]
    if model.get("description"):
        found += ["", *clean(str(model["description"]), 5000).splitlines()]
    return found


def _columns(details: Json, part: str) -> str:
    said = (details.get("signature") or {}).get(part)
    if not isinstance(said, list):
        return clean_name(str(said), 400) if said else ""
    words = []
    for column in said[:40]:
        if not isinstance(column, Mapping):
            continue
        spec = column.get("tensor-spec")
        kind = (
            f"tensor {spec.get('dtype')} {spec.get('shape')}"
            if isinstance(spec, Mapping)
            else column.get("type")
        )
        words.append(clean_name(f"{column.get('name') or ''} {kind}", 100))
    return ", ".join(words)


def _registered(found: Json, now: datetime) -> str:
    when = times.local(times.parse(found.get("created")), now)
    return f"{when} {clean_name(str(found.get('created_by') or ''), 200)}".strip()
