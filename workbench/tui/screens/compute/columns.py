"""The columns of the list of machines, and what stands in them. Pure: targets and views in, cells out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import nan
from typing import Any, NamedTuple

from workbench.text import durations
from workbench.text.sanitize import clean_name
from workbench.text.sparkline import filled
from workbench.tui.table.cell import Cell, Span
from workbench.tui.table.columns import Column
from workbench.views import fleet
from workbench.views import gpus as gpu_look
from workbench.views import machines as look
from workbench.views.fleet import Row
from workbench.views.gpus import Gpu, Measure, View

Target = Mapping[str, Any]
TRAIL = 8
"""Cells of how busy a machine was lately."""
SENTENCE, WORDS = 112, 150
"""From so many cells on what is wrong has a column of its own, and the state its word."""
CPU = 7
"""The column where a sentence begins in narrower terminals, over the figures behind it."""


class Setting(NamedTuple):
    """What cells depend on beside the machine."""

    now: datetime
    ascii: bool = False
    measure: Measure = Measure.UTILISATION
    sentence: bool = True
    """Whether what is wrong has a column of its own."""


def columns(measure: Measure, width: int) -> tuple[Column, ...]:
    """The columns for a measure of the GPUs' cells, in a terminal of so many cells."""
    state = 13 if width >= WORDS else 1
    return (
        Column("state", "STATE" if state > 1 else "", least=state, ideal=state, keep=95),
        Column("name", "HOST", least=10, ideal=14, most=24, keep=100, middle=True),
        Column("gpus", "GPU", measure.value, least=9, ideal=9, most=16, keep=92),
        Column("kind", "KIND", least=8, ideal=12 if width >= SENTENCE else 8, most=14, keep=93),
        Column("memory", "MEM", right=True, least=4, ideal=4, keep=80, descending=True, help="of its GPUs"),
        Column("power", "W", right=True, least=4, ideal=4, keep=52, descending=True, help="of its GPUs"),
        Column(
            "temperature", "C", right=True, least=4, ideal=4, keep=58, descending=True, help="of the hottest"
        ),
        Column("cpu", "CPU", right=True, least=4, ideal=4, keep=60, descending=True),
        Column("ram", "RAM", right=True, least=4, ideal=4, keep=50, descending=True),
        Column("disk", "DISK", right=True, least=5, ideal=5, keep=56, descending=True, help="where runs are"),
        Column("runs", "RUNS", right=True, least=4, ideal=4, keep=70, descending=True),
        Column("age", "AGE", right=True, least=4, ideal=4, keep=66, help="of its last word"),
        Column("trail", "60 s", "util", least=TRAIL, ideal=TRAIL, keep=45, sortable=False),
        Column(
            "problem", "", least=40, ideal=40, rest=True, keep=90, sortable=False, shown=width >= SENTENCE,
            help="what is wrong",
        ),
        Column("free", "FREE", right=True, least=4, ideal=5, keep=40, descending=True, shown=False),
        Column("util", "UTIL", right=True, least=4, ideal=4, keep=40, descending=True, shown=False),
        Column("address", "ADDRESS", least=14, ideal=22, most=36, keep=25, middle=True, shown=False),
    )  # fmt: skip


def cells(
    target: Target,
    row: Row,
    problem: Cell,
    age: float | None,
    trail: Sequence[float | None],
    setting: Setting,
) -> list[Cell]:
    """A machine's cells. problem: what is wrong in a sentence. age: of its last word, in seconds."""
    plain, quiet = setting.ascii, "stale" if row.stale else ""
    state, name = fleet.state(row, target, plain), look.name_of(dict(target), plain)
    found = [
        Cell(state.text, state.role, short=state.text[:1]),
        Cell(name.text, quiet or "title"),
        strip(row, setting),
        Cell(*_kind(target, row, quiet)),
        _figure(fleet.share(row.memory), quiet),
        _figure(fleet.watts(row.power), quiet),
        _temperature(row, quiet),
        _figure(fleet.share(row.cpu), quiet),
        _figure(fleet.share(row.ram), quiet),
        _figure(
            fleet.share(row.disk) + ("!" if row.disk_low else ""), quiet or ("bad" if row.disk_low else "")
        ),
        _runs(row, quiet),
        _age(target, row, age, setting.now),
        Cell(_trail(trail, plain), quiet or "active"),
        problem,
        Cell(f"{len(row.free)}/{len(row.gpus)}" if row.gpus else "-", quiet),
        _figure(fleet.share(row.util), quiet),
        Cell(clean_name(str((target.get("settings") or {}).get("address") or "this machine")), "dim"),
    ]
    if problem.text and not setting.sentence:
        at = CPU if row.gpus or row.cpu is not None else 2
        found[at] = problem._replace(over=True)
    return found


def strip(row: Row, setting: Setting) -> Cell:
    """A machine's GPUs, a cell each."""
    if not row.gpus:
        return Cell("-", "quiet")
    first, *more = gpu_look.strip(row.gpus, setting.measure, setting.ascii, stale=row.stale)
    return Cell(first.text, first.role, tuple(Span(piece.text, piece.role) for piece in more))


def _kind(target: Target, row: Row, quiet: str) -> tuple[str, str]:
    kinds = gpu_look.kinds(row.gpus)
    if not kinds:
        return ("no GPU" if row.cpu is not None else _known(target)), quiet or "quiet"
    first, *more = kinds
    return f"{first} +{len(more)}" if more else first, quiet


def _known(target: Target) -> str:
    """The kind its facts tell of, from when it was attached."""
    gpus = (target.get("facts") or {}).get("gpus")
    if not isinstance(gpus, list):
        return "-"
    names = [str(gpu.get("name") if isinstance(gpu, Mapping) else gpu) for gpu in gpus]
    return f"{len(names)}x {gpu_look.kind_of(names[0])}" if names else "no GPU"


def _figure(text: str, role: str) -> Cell:
    return Cell(text, role or ("quiet" if text == "-" else ""))


def _temperature(row: Row, quiet: str) -> Cell:
    hot = any(gpu_look.is_hot(gpu.sample) for gpu in row.gpus)
    return _figure(fleet.degrees(row.temperature) + ("!" if hot else ""), quiet or ("warn" if hot else ""))


def _runs(row: Row, quiet: str) -> Cell:
    text = "-" if row.runs is None else str(row.runs)
    return Cell(text, quiet or ("active" if row.runs else "quiet"))


def _age(target: Target, row: Row, age: float | None, now: datetime) -> Cell:
    if row.stale:
        return Cell(durations.age(age), {"lost": "bad", "late": "warn"}.get(row.state, "stale"))
    return Cell("now" if age is not None else look.seen(dict(target), now), "dim")


def _trail(trail: Sequence[float | None], plain: bool) -> str:
    return filled([nan if value is None else value for value in trail], TRAIL, ascii_only=plain)


def problem(target: Target, view: View | None, age: float | None, now: datetime, gpus: Sequence[Gpu]) -> Cell:
    """What is wrong in a sentence, with what one can do here; gpus: the view's."""
    said = fleet.problem(fleet.problems(target, view, age, now, gpus))
    if (view or target).get("state") == "needs sign-in":
        return Cell(f"I signs in: {said.text}" if said.text else "I signs in", "warn")
    return Cell(said.text, said.role)


ORDER = {
    "state": lambda row: (
        ("fault", "lost", "unreachable", "needs sign-in", "late", "warning").index(row.state)
        if row.state in ("fault", "lost", "unreachable", "needs sign-in", "late", "warning")
        else 9
    ),
    "name": lambda row: row.name,
    "gpus": lambda row: len(row.gpus) or None,
    "kind": lambda row: next(iter(gpu_look.kinds(row.gpus)), None),
    "memory": lambda row: row.memory,
    "power": lambda row: row.power,
    "temperature": lambda row: row.temperature,
    "cpu": lambda row: row.cpu,
    "ram": lambda row: row.ram,
    "disk": lambda row: row.disk,
    "runs": lambda row: row.runs,
    "free": lambda row: len(row.free) if row.gpus else None,
    "util": lambda row: row.util,
}
"""What machines are sorted by, column by column; None stands last either way."""


def in_order(names: Sequence[str], keys: Mapping[str, Any], descending: bool) -> list[str]:
    """names by their keys; those whose key is not known stand last, and the same keys by name."""
    by_name = sorted(names)
    known = sorted(
        (name for name in by_name if keys[name] is not None), key=lambda name: keys[name], reverse=descending
    )
    return [*known, *(name for name in by_name if keys[name] is None)]
