"""The columns of the list of machines, and what stands in them. Pure: JSON of targets in, cells out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.text import sizes
from workbench.text.sanitize import clean_name
from workbench.tui.table.cell import Cell
from workbench.tui.table.columns import Column
from workbench.views import machines as look

COLUMNS = (
    Column("state", "STATE", least=15, ideal=15, keep=95),
    Column("name", "NAME", least=8, ideal=14, most=24, keep=100, middle=True),
    Column("address", "ADDRESS", least=14, ideal=22, most=36, keep=25, middle=True),
    Column("gpus", "GPUS", least=13, ideal=17, most=30, keep=80, sortable=False),
    Column("runs", "RUNS", right=True, least=4, ideal=4, keep=75),
    Column("cpus", "CPUS", right=True, least=4, ideal=4, keep=30),
    Column("memory", "MEM", right=True, least=8, ideal=8, keep=35),
    Column("disk", "FREE", right=True, least=8, ideal=8, keep=40, help="free where runs are kept"),
    Column("seen", "SEEN", right=True, least=4, ideal=5, keep=70),
    Column("problem", "", least=16, ideal=30, rest=True, keep=90, sortable=False),
)


def cells(target: Mapping[str, Any], runs: int, now: datetime, plain: bool) -> Sequence[Cell]:
    """A machine's cells; runs: how many are active there."""
    shown = look.with_summary(dict(target))
    facts = target.get("facts") or {}
    state, name = look.state(shown, plain), look.name_of(shown, plain)
    lost = target.get("state") in ("unreachable", "needs sign-in")
    quiet = "stale" if lost else ""
    return [
        Cell(state.text, state.role),
        Cell(name.text, "title" if not lost else "stale"),
        Cell(clean_name(str(shown.get("address") or "this machine")), quiet or "dim"),
        Cell(_gpus(facts), quiet),
        Cell(str(runs) if runs else "-", "active" if runs else "quiet"),
        Cell(clean_name(str(facts.get("cpus") or "-")), quiet),
        Cell(_size(facts.get("memory")), quiet),
        Cell(_size(facts.get("home_free")), quiet),
        Cell(look.seen(shown, now), quiet or "dim"),
        Cell(*problem(target)),
    ]


def _gpus(facts: Mapping[str, Any]) -> str:
    lines = look.gpu_lines(dict(facts))
    if not lines:
        return "-"
    first, _, more = lines.partition("\n")
    for long, short in (("NVIDIA ", ""), (".0 GiB", "G"), (" GiB", "G")):
        first = first.replace(long, short)
    return f"{first} ..." if more else first


def _size(value: Any) -> str:
    return sizes.short(value) if isinstance(value, int | float) and not isinstance(value, bool) else "-"


def problem(target: Mapping[str, Any]) -> tuple[str, str]:
    """What is wrong as a sentence, with what one can do here, and its role."""
    said = look.problem(dict(target)).text
    if target.get("state") == "needs sign-in":
        return f"I signs in: {said}" if said else "I signs in", "warn"
    return said, "bad"


ORDER = {
    "state": lambda target: str(target.get("state")),
    "name": lambda target: str(target["name"]),
    "address": lambda target: str((target.get("settings") or {}).get("address") or ""),
    "cpus": lambda target: (target.get("facts") or {}).get("cpus") or 0,
    "memory": lambda target: (target.get("facts") or {}).get("memory") or 0,
    "disk": lambda target: (target.get("facts") or {}).get("home_free") or 0,
    "seen": lambda target: str(target.get("last_seen") or ""),
}
"""What machines are sorted by, column by column; they are few, so no service needs to."""
