"""The columns of a machine's GPUs, and what stands in them. Pure: GPUs of a view in, cells out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.text.numbers import finite
from workbench.tui.table.cell import Cell, Span
from workbench.tui.table.columns import Column
from workbench.views import alerts as alert_look
from workbench.views import gpus as look
from workbench.views import hosts
from workbench.views.fleet import degrees, index_of
from workbench.views.gpus import IDLE, Gpu, Use, View

NARROW, WIDE = 12, 30
"""Cells of a GPU's last five minutes: a dot stands for twelve seconds and a half, or for five."""
FROM = 150
"""Cells of a terminal from which there is room for them."""


def columns(width: int) -> tuple[Column, ...]:
    """The columns in a terminal of so many cells."""
    trail = WIDE if width >= FROM else NARROW
    return tuple(
        column._replace(least=trail, ideal=trail) if column.id == "trail" else column for column in COLUMNS
    )


COLUMNS = (
    Column("index", "#", right=True, least=2, ideal=2, keep=100, sortable=False),
    Column("kind", "GPU", least=5, ideal=7, most=14, keep=60, sortable=False),
    Column("trail", "5 MIN", "util", least=NARROW, ideal=NARROW, keep=72, sortable=False),
    Column("util", "%", right=True, least=3, ideal=3, keep=98, sortable=False),
    Column("memory", "MEM", least=14, ideal=16, keep=90, sortable=False),
    Column("power", "W", "/limit", right=True, least=7, ideal=8, keep=70, sortable=False),
    Column("temperature", "C", right=True, least=3, ideal=3, keep=80, sortable=False),
    Column("clock", "MHz", right=True, least=4, ideal=4, keep=40, sortable=False),
    Column("pcie", "PCIe", "rx/tx", right=True, least=9, ideal=10, keep=35, sortable=False),
    Column("flags", "FLAGS", least=10, ideal=18, most=30, keep=85, sortable=False),
    Column("owner", "RUN", least=10, ideal=14, rest=True, keep=88, middle=True, sortable=False),
    Column("nvlink", "NVLINK", "rx/tx", right=True, least=9, ideal=10, keep=20, sortable=False, shown=False),
    Column("mem-temp", "MEM C", right=True, least=5, ideal=5, keep=20, sortable=False, shown=False),
    Column("fan", "FAN", right=True, least=4, ideal=4, keep=20, sortable=False, shown=False),
    Column("mem-util", "BUS", "%", right=True, least=5, ideal=5, keep=20, sortable=False, shown=False),
    Column("ecc", "ECC", right=True, least=5, ideal=5, keep=20, sortable=False, shown=False),
)


def cells(
    gpu: Gpu,
    place: int,
    view: View,
    trail: Sequence[float | None],
    room: int,
    now: datetime,
    plain: bool,
    stale: bool,
) -> list[Cell]:
    """A GPU's cells; trail: how busy it was, for so many cells; stale: whether all of it is old."""
    sample, old = gpu.sample, "stale" if stale or gpu.sample.get("age") is not None else ""
    name = str(sample.get("name") or "GPU")
    alerts = [alert for alert in view.get("alerts") or () if alert.get("gpu") == gpu.uuid]
    busy = finite(sample.get("utilisation"))
    said = hosts.flags(sample, alerts, now)
    owner = look.owner(gpu, view) or ("free" if gpu.use is Use.FREE else "-")
    return [
        Cell(index_of(sample, place), old or "bold"),
        Cell(look.kind_of(name), old or "text"),
        Cell(hosts.braille(trail, room, plain), old or look.ROLES[gpu.use]),
        _figure(degrees(busy), old or ("gpu-idle" if busy is not None and busy < IDLE else "")),
        _memory(sample, plain, old),
        _figure(hosts.power(sample), old),
        _figure(degrees(finite(sample.get("temperature"))), old or ("warn" if look.is_hot(sample) else "")),
        _figure(hosts.clock(sample), old),
        _figure(hosts.traffic(sample), old or "dim"),
        _flags(said, old if stale else ""),
        Cell(owner, old or ("good" if owner == "free" else "waiting" if gpu.use is Use.IDLE else "")),
        _figure(hosts.traffic(sample, "nvlink"), old or "dim"),
        _figure(degrees(finite(sample.get("memory_temperature"))), old),
        _figure(degrees(finite(sample.get("fan"))), old),
        _figure(degrees(finite(sample.get("memory_utilisation"))), old),
        _figure(degrees(finite(sample.get("ecc_uncorrected"))), old),
    ]


def _figure(text: str, role: str) -> Cell:
    return Cell(text, role or ("quiet" if text == "-" else ""))


def _memory(sample: Mapping[str, Any], plain: bool, old: str) -> Cell:
    bar, _, figures = hosts.memory_bar(sample, plain).partition(" ")
    if not figures:
        return _figure(bar, old)
    return Cell(bar, old or "active", (Span(f" {figures}", old),))


def _flags(said: Sequence[Any], old: str) -> Cell:
    if not said:
        return Cell("-", "quiet")
    first, *more = said
    return Cell(first.text, old or first.role, tuple(Span(f"  {one.text}", old or one.role) for one in more))


def sentence(gpu: Gpu, view: View) -> tuple[str, str]:
    """All that is wrong with a GPU, with what to do, and how bad it is; empty where nothing is."""
    about = [alert for alert in view.get("alerts") or () if alert.get("gpu") == gpu.uuid]
    if not about:
        return "", ""
    worst = min(about, key=lambda alert: alert.get("severity") != "bad")
    said = f"{alert_look.text(worst)}   {alert_look.advice(worst)}"
    return said, "bad" if worst.get("severity") == "bad" else "warn"
