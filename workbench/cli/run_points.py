"""The points of a run's metrics, for wb run metrics: of one, or of several in one list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.cli import output
from workbench.cli.run_tables import print_named
from workbench.cli.session import Session
from workbench.errors import NotFound
from workbench.text import numbers, times
from workbench.text.sanitize import clean_name
from workbench.text.tables import Column, Field

KEYS = ("step", "time", "value")
SEVERAL_KEYS = ("run", "name", *KEYS)

Point = dict[str, Any]


def show(
    session: Session, runs: Sequence[str], names: Sequence[str], rank: int | None, limit: int | None
) -> None:
    """Print the points of metrics: of one run's one metric alone, else with run and name beside each.

    A run without one of several metrics has no rows. Raises NotFound for a name that no run has.
    """
    if len(runs) == len(names) == 1:
        _show_one(session, runs[0], names[0], rank, limit)
        return
    found: list[Point] = []
    for name in names:
        before, missing = len(found), None
        for reference in runs:
            title = session.call("runs", "get", run=reference)["name"]
            try:
                points = _points(session, reference, name, rank, limit)
            except NotFound as problem:
                missing = problem
                continue
            found += [{"run": title, "name": name, **point} for point in points]
        if missing is not None and len(found) == before:
            raise missing
    _print(session, found, several=True)


def _show_one(session: Session, run: str, name: str, rank: int | None, limit: int | None) -> None:
    try:
        found = _points(session, run, name, rank, limit)
    except NotFound:
        if not print_named(session, run, name, limit):
            raise
        return
    _print(session, found, several=False)


def _points(session: Session, run: str, name: str, rank: int | None, limit: int | None) -> list[Point]:
    """The points of a series, by step."""
    columns = session.call("runs", "points", run=run, name=name, rank=rank, limit=limit)
    return [
        {"step": step, "time": times.of_microseconds(time), "value": value}
        for step, time, value in zip(columns["steps"], columns["times"], columns["values"], strict=True)
    ]


def _print(session: Session, found: list[Point], *, several: bool) -> None:
    keys = SEVERAL_KEYS if several else KEYS
    if not output.as_table(session):
        output.rows(session, found, [], keys, "")
        return
    now = session.clock()
    texts = numbers.column([numbers.number(point["value"]) for point in found], figures=6)
    shown = [{**point, "_text": text} for point, text in zip(found, texts, strict=True)]
    fields = [
        Field(Column("RUN", keep=70, middle=True), lambda point: clean_name(point["run"])),
        Field(Column("METRIC", keep=80, middle=True), lambda point: clean_name(point["name"])),
    ]
    fields = fields if several else []
    fields += [
        Field(Column("STEP", right=True, keep=90), lambda point: str(point["step"])),
        Field(Column("TIME", keep=50), lambda point: times.local(times.parse(point.get("time")), now)),
        Field(Column("VALUE", right=True, keep=100), lambda point: str(point["_text"])),
    ]
    output.rows(session, shown, fields, keys, "there are no points")
