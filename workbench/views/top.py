"""Machines for a plain terminal: a fleet in a line each, one machine with its GPUs and processes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import nan
from typing import Any, NamedTuple

from workbench.text import durations
from workbench.text.cells import cut, width
from workbench.text.numbers import finite
from workbench.text.sanitize import clean_name
from workbench.text.sparkline import filled
from workbench.text.style import Look, paint
from workbench.text.tables import Cell, Column, render
from workbench.text.trails import Trail
from workbench.views import fleet, hosts, processes
from workbench.views import gpus as gpu_look
from workbench.views.fleet import Row
from workbench.views.gpus import Measure, Use, View

WIDEST = 160
"""Cells of the first line; a pipe has no width of its own."""
TRAIL = 8
"""Cells of what was lately."""
Pieces = Sequence[Cell]


class Watched(NamedTuple):
    """A machine as one watches it."""

    view: View
    row: Row
    age: float | None
    trail: Trail | None = None


class _Field(NamedTuple):
    """A column of the fleet: its title, whether it holds figures, how important it is, what stands in it."""

    title: str
    right: bool
    keep: int
    show: Callable[[Watched, Look], Pieces]


def fleet_lines(machines: Sequence[Watched], look: Look, now: datetime) -> list[str]:
    """A line a machine, its troubles below it, and where a run would start at once."""
    shown = [(machine, [list(field.show(machine, look)) for field in FIELDS]) for machine in machines]
    widths = [
        max([width(field.title), *(_cells(cells[at]) for _, cells in shown)])
        for at, field in enumerate(FIELDS)
    ]
    kept = list(range(len(FIELDS)))
    while len(kept) > 2 and sum(widths[at] for at in kept) + 2 * len(kept) - 2 > look.width:
        kept.remove(min(kept, key=lambda at: FIELDS[at].keep))
    titles = [[Cell(field.title, "dim")] for field in FIELDS]
    lines = [_line(titles, kept, widths, look)]
    for machine, cells in shown:
        lines.append(_line(cells, kept, widths, look))
        sentences = fleet.problems({}, machine.view, machine.age, now)
        lines += [_sentence(said, look) for said in sentences]
    free = fleet.free_now([machine.row for machine in machines])
    if free:
        said = ", ".join(f"{kind} {where}" for kind, where in free)
        lines += ["", paint(cut(f"Free now: {said}", look.width, ellipsis=_dots(look)), "good", look.colour)]
    return lines


def _line(cells: Sequence[Pieces], kept: Sequence[int], widths: Sequence[int], look: Look) -> str:
    parts = []
    for at in kept:
        space = " " * (widths[at] - _cells(cells[at]))
        text = "".join(paint(piece.text, piece.role, look.colour) for piece in cells[at])
        parts.append(space + text if FIELDS[at].right else text + space)
    return "  ".join(parts).rstrip()


def _sentence(said: Cell, look: Look) -> str:
    room = max(1, look.width - 5)
    return f"     {paint(cut(said.text, room, ellipsis=_dots(look)), said.role, look.colour)}"


def _cells(pieces: Pieces) -> int:
    return sum(width(piece.text) for piece in pieces)


def _dots(look: Look) -> str:
    return "~" if look.ascii_only else "…"


def _state(machine: Watched, look: Look) -> Pieces:
    return [fleet.state(machine.row, {}, look.ascii_only)]


def _name(machine: Watched, look: Look) -> Pieces:
    role = "stale" if machine.row.stale else "bold"
    return [Cell(cut(clean_name(machine.row.name), 20, middle=True, ellipsis=_dots(look)), role)]


def _strip(machine: Watched, look: Look) -> Pieces:
    row = machine.row
    if not row.gpus:
        return [Cell("-", "quiet")]
    return gpu_look.strip(row.gpus, Measure.UTILISATION, look.ascii_only, stale=row.stale)


def _kind(machine: Watched, look: Look) -> Pieces:
    kinds = gpu_look.kinds(machine.row.gpus)
    if not kinds:
        return [Cell("-", "quiet")]
    first, *more = kinds
    return [Cell(f"{first} +{len(more)}" if more else first, "stale" if machine.row.stale else "")]


def _figure(of: Callable[[Row], str]) -> Callable[[Watched, Look], Pieces]:
    def show(machine: Watched, look: Look) -> Pieces:
        text = of(machine.row)
        return [Cell(text, "stale" if machine.row.stale else "quiet" if text == "-" else "")]

    return show


def _hottest(machine: Watched, look: Look) -> Pieces:
    row = machine.row
    hot = any(gpu_look.is_hot(gpu.sample) for gpu in row.gpus)
    return [
        Cell(fleet.degrees(row.temperature) + ("!" if hot else ""), "warn" if hot and not row.stale else "")
    ]


def _disk(machine: Watched, look: Look) -> Pieces:
    row = machine.row
    return [Cell(fleet.share(row.disk) + ("!" if row.disk_low else ""), "bad" if row.disk_low else "")]


def _age(machine: Watched, look: Look) -> Pieces:
    if not machine.row.stale:
        return [Cell("-" if machine.age is None else "now", "quiet")]
    return [Cell(durations.age(machine.age), "bad" if machine.row.state == "lost" else "warn")]


def _lately(machine: Watched, look: Look) -> Pieces:
    values = machine.trail.values if machine.trail is not None else []
    drawn = filled([nan if value is None else value for value in values], TRAIL, ascii_only=look.ascii_only)
    return [Cell(drawn, "stale" if machine.row.stale else "active")]


FIELDS = (
    _Field("STATE", False, 45, _state),
    _Field("HOST", False, 100, _name),
    _Field("GPU", False, 95, _strip),
    _Field("KIND", False, 60, _kind),
    _Field("UTIL", True, 90, _figure(lambda row: fleet.share(row.util))),
    _Field("MEM", True, 85, _figure(lambda row: fleet.share(row.memory))),
    _Field("W", True, 50, _figure(lambda row: fleet.watts(row.power))),
    _Field("C", True, 70, _hottest),
    _Field("CPU", True, 65, _figure(lambda row: fleet.share(row.cpu))),
    _Field("RAM", True, 55, _figure(lambda row: fleet.share(row.ram))),
    _Field("DISK", True, 57, _disk),
    _Field("RUNS", True, 75, _figure(lambda row: "-" if row.runs is None else str(row.runs))),
    _Field("AGE", True, 68, _age),
    _Field("60 s", False, 40, _lately),
)


def machine_lines(machine: Watched, look: Look, now: datetime) -> list[str]:
    """One machine: itself, its GPUs, who computes on them."""
    view, row, plain = machine.view, machine.row, look.ascii_only
    lines = _facts(machine, look)
    lines += [_sentence(said, look) for said in fleet.problems({}, view, machine.age, now)]
    if row.gpus:
        alerts = [alert for alert in view.get("alerts") or () if alert.get("gpu")]
        cells = [_gpu(gpu, at, view, alerts, now, plain) for at, gpu in enumerate(row.gpus)]
        lines += ["", *_told(GPU_COLUMNS, cells, look)]
    rows = processes.rows(view)
    if rows:
        lines += ["", *_told(PROCESS_COLUMNS, [_process(item) for item in rows], look)]
    note = clean_name(str((view.get("sample") or {}).get("note") or ""), 300)
    return [*lines, *(["", paint(note, "warn", look.colour)] if note else [])]


def _told(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], look: Look) -> list[str]:
    """A table without the columns that say nothing of any row."""
    kept = [at for at in range(len(columns)) if any(row[at].text != "-" for row in rows)]
    return render([columns[at] for at in kept], [[row[at] for at in kept] for row in rows], *look)


def _facts(machine: Watched, look: Look) -> list[str]:
    """What the machine is and does, in as many lines as it takes."""
    state = fleet.state(machine.row, {}, look.ascii_only)
    said = [("", Cell(clean_name(machine.row.name), "bold")), ("", state)]
    trail = machine.trail.values if machine.trail is not None and not machine.row.gpus else ()
    said += hosts.facts(machine.view, look.ascii_only, trail)
    lines, taken = [""], 0
    for name, cell in said:
        need = width(name) + bool(name) + width(cell.text)
        if taken and taken + 2 + need > look.width:
            lines.append("")
            taken = 0
        head = ("  " if taken else "") + (paint(name, "dim", look.colour) + " " if name else "")
        lines[-1] += head + paint(cell.text, "stale" if machine.row.stale else cell.role, look.colour)
        taken += need + (2 if taken else 0)
    return lines


GPU_COLUMNS = (
    Column("#", right=True, keep=100),
    Column("GPU", keep=50),
    Column("%", right=True, keep=99),
    Column("MEM", keep=90),
    Column("W/LIMIT", right=True, keep=70),
    Column("C", right=True, keep=80),
    Column("MHZ", right=True, keep=30),
    Column("PCIE RX/TX", right=True, keep=20),
    Column("FLAGS", least=8, keep=85),
    Column("RUN", least=10, keep=88, middle=True),
)
PROCESS_COLUMNS = (
    Column("RUN", least=12, keep=100, middle=True),
    Column("USER", least=4, keep=60),
    Column("GPUS", right=True, keep=85),
    Column("PROCS", right=True, keep=40),
    Column("GPU-MEM", right=True, keep=90),
    Column("SM%", right=True, keep=75),
    Column("CPU%", right=True, keep=65),
    Column("RSS", right=True, keep=55),
    Column("AGE", right=True, keep=70),
    Column("COMMAND", least=10, keep=80),
)


def _gpu(
    gpu: gpu_look.Gpu, place: int, view: View, alerts: Sequence[Mapping[str, Any]], now: datetime, plain: bool
) -> list[Cell]:
    sample = gpu.sample
    said = hosts.flags(sample, [alert for alert in alerts if alert.get("gpu") == gpu.uuid], now)
    owner = gpu_look.owner(gpu, view) or ("free" if gpu.use is Use.FREE else "-")
    return [
        Cell(fleet.index_of(sample, place), "bold"),
        Cell(gpu_look.kind_of(str(sample.get("name") or "GPU"))),
        Cell(fleet.degrees(finite(sample.get("utilisation"))), gpu_look.ROLES[gpu.use]),
        Cell(hosts.memory_bar(sample, plain)),
        Cell(hosts.power(sample)),
        Cell(fleet.degrees(finite(sample.get("temperature"))), "warn" if gpu_look.is_hot(sample) else ""),
        Cell(hosts.clock(sample)),
        Cell(hosts.traffic(sample)),
        Cell("  ".join(one.text for one in said) or "-", said[0].role if said else "quiet"),
        Cell(owner, "good" if owner == "free" else "waiting" if gpu.use is Use.IDLE else ""),
    ]


def _process(row: processes.Row) -> list[Cell]:
    quiet = "quiet" if row.kind in (processes.OTHERS, processes.HIDDEN) else ""
    said = processes.texts(row)
    names = ("gpus", "procs", "gpumem", "sm", "cpu", "rss", "age", "command")
    return [
        Cell(row.title, quiet or "bold"),
        Cell(row.user or "-", quiet),
        *(Cell(said[n], quiet) for n in names),
    ]


def head(machines: Sequence[Watched], look: Look, clock: str) -> str:
    """The first line: how many there are and how they do, and the time."""
    count = f"{len(machines)} machine{'s' if len(machines) != 1 else ''}"
    said = f"{count}  {fleet.summary(fleet.totals(machine.row for machine in machines))}"
    wide = min(look.width, WIDEST)
    said = cut(said, max(1, wide - len(clock) - 2), ellipsis=_dots(look))
    return f"{paint(said, 'bold', look.colour)}{' ' * (wide - width(said) - len(clock))}{clock}"
