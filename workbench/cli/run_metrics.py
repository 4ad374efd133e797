"""wb run metrics: a run's series, their points, and pictures of them."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Listing, command
from workbench.cli.parsing import at_least
from workbench.cli.run_tables import described, print_named
from workbench.cli.session import Session
from workbench.cli.terminal import UNLIMITED
from workbench.cli.trends import MOST, trend
from workbench.errors import NotFound, UsageError
from workbench.text import numbers, times
from workbench.text.curves import from_bucket
from workbench.text.plot import Frame, Series, plot
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field

SERIES_KEYS = ("name", "rank", "count", "first_step", "last_step", "last", "min", "max", "nan_count")
POINT_KEYS = ("step", "time", "value")
TEXT = "text"
MOST_PLOTS = 12
MOST_RANKS = 8
PLOT_CELLS = 80
"""The width of a picture that goes where no width is known."""


@command("metrics", cls=Listing)
@click.argument("run", shell_complete=complete.run)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete.metric)
@click.option("--plot", "draw", is_flag=True, help="Draw it instead of printing numbers.")
@click.option("--rank", type=int, metavar="N", help="Of one process of several.")
@click.option("-n", "--limit", type=at_least(1), metavar="N", help="Only the last N points.")
@click.option("--log-y", is_flag=True, help="Draw values on a logarithmic axis.")
@click.option("--log-x", is_flag=True, help="Draw steps on a logarithmic axis.")
@click.pass_obj
def metrics(
    session: Session,
    run: str,
    names: tuple[str, ...],
    draw: bool,
    rank: int | None,
    limit: int | None,
    log_y: bool,
    log_x: bool,
) -> None:
    """List a run's metrics, one row a series; with NAME its points; with --plot a picture.

    Several names are drawn into one picture; without a name every metric gets its own.
    """
    if draw:
        _draw(session, run, names, rank, (log_x, log_y))
    elif not names:
        _list_series(session, run, rank)
    elif len(names) == 1:
        _list_points(session, run, names[0], rank, limit)
    else:
        raise UsageError(
            "points are printed of one metric at a time", "name one, or add --plot to draw several"
        )


def _list_series(session: Session, run: str, rank: int | None) -> None:
    found = [
        row for row in session.call("runs", "metrics", run=run) if rank is None or row.get("rank", 0) == rank
    ]
    if output.as_table(session):
        found = found + described(session, run)
    several = len({row.get("rank", 0) for row in found}) > 1
    fields = [
        Field(Column("METRIC", keep=100, least=12, middle=True), lambda row: clean_name(row["name"], 300))
    ]
    if several:
        fields.append(Field(Column("RANK", right=True, keep=80), lambda row: str(row.get("rank", 0))))
    if len({row.get("attempt", 1) for row in found}) > 1:
        fields.append(Field(Column("ATTEMPT", right=True, keep=80), lambda row: str(row.get("attempt", 1))))
    for title, key, keep in (("LAST", "last", 95), ("MIN", "min", 70), ("MAX", "max", 65)):
        fields.append(_number(title, key, keep))
    fields += [
        Field(Column("POINTS", right=True, keep=60), lambda row: numbers.count(row["count"])),
        Field(Column("STEPS", right=True, keep=50), _steps),
    ]
    if any(row.get("nan_count") for row in found):
        fields.append(
            Field(Column("NAN", right=True, keep=85), lambda row: numbers.count(row.get("nan_count", 0)))
        )
    trends = _trends(session, run, found)
    if any(trends.values()):
        fields.append(
            Field(
                Column("TREND", keep=55),
                lambda row: Cell(trends.get(_series_of(row), ""), "active"),
            )
        )
    output.rows(
        session, found, fields, SERIES_KEYS, "no metrics yet; in the script: workbench.log('loss', value)"
    )


def _series_of(row: dict[str, Any]) -> tuple[str, int, int]:
    """Name, rank and attempt."""
    return str(row["name"]), int(row.get("rank", 0)), int(row.get("attempt", 1))


def _trends(session: Session, run: str, found: list[dict[str, Any]]) -> dict[tuple[str, int, int], str]:
    """How each series went over all attempts, at its last; nothing is asked where it would not be shown."""
    if not output.as_table(session) or len(found) > MOST:
        return {}
    series = sorted(_series_of(row) for row in found if TEXT not in row)
    last = {(name, rank): attempt for name, rank, attempt in series}
    return {(*key, attempt): trend(session, run, *key) for key, attempt in last.items()}


def _number(title: str, key: str, keep: int) -> Field:
    """A column of metric values: each series has its own scale, so each number is short by itself."""

    def shown(row: dict[str, Any]) -> str:
        if TEXT in row:
            return clean_name(row[TEXT] or "", 40) if key == "last" else ""
        return numbers.format_metric(row.get(key))

    return Field(Column(title, right=True, keep=keep), shown)


def _steps(row: dict[str, Any]) -> str:
    return "" if row["first_step"] is None else f"{row['first_step']}-{row['last_step']}"


def _list_points(session: Session, run: str, name: str, rank: int | None, limit: int | None) -> None:
    try:
        found = _points(session.call("runs", "points", run=run, name=name, rank=rank, limit=limit))
    except NotFound:
        if not print_named(session, run, name, limit):
            raise
        return
    now = session.clock()
    texts = numbers.column([numbers.number(point["value"]) for point in found], figures=6)
    shown = [{**point, "_text": text} for point, text in zip(found, texts, strict=True)]
    fields = [
        Field(Column("STEP", right=True, keep=90), lambda point: str(point["step"])),
        Field(Column("TIME", keep=50), lambda point: times.local(times.parse(point.get("time")), now)),
        Field(Column("VALUE", right=True, keep=100), lambda point: str(point["_text"])),
    ]
    output.rows(
        session, shown if output.as_table(session) else found, fields, POINT_KEYS, f"{name} has no points"
    )


def _points(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Columns of a series as a list of its points."""
    return [
        {"step": step, "time": times.of_microseconds(time), "value": value}
        for step, time, value in zip(columns["steps"], columns["times"], columns["values"], strict=True)
    ]


def _draw(
    session: Session, run: str, names: tuple[str, ...], rank: int | None, log: tuple[bool, bool]
) -> None:
    rows = session.call("runs", "metrics", run=run)
    known = list(dict.fromkeys(row["name"] for row in rows))
    for name in names:
        if name not in known:
            raise NotFound(f"the run has no metric {name}", f"it has {', '.join(known[:8]) or 'none yet'}")
    if not known:
        output.note(session, "no metrics yet")
        return
    ranks = {name: sorted({row.get("rank", 0) for row in rows if row["name"] == name}) for name in known}
    pictures = [names] if names else [(name,) for name in known[:MOST_PLOTS]]
    cells = PLOT_CELLS if session.terminal.cells == UNLIMITED else min(session.terminal.cells, 160)
    lines = 20 if len(pictures) == 1 else 11
    blocks = []
    for picture in pictures:
        series = [line for name in picture for line in _series(session, run, name, ranks[name], rank, cells)]
        frame = Frame(
            cells,
            lines,
            colour=session.terminal.colour and session.to is None,
            ascii_only=session.terminal.ascii_only,
            log_x=log[0],
            log_y=log[1],
        )
        blocks.append("\n".join(plot(series, frame)))
    output.write(session, "\n\n".join(blocks) + "\n")
    if not names and len(known) > MOST_PLOTS:
        output.note(
            session, f"{len(known) - MOST_PLOTS} more: {', '.join(known[MOST_PLOTS : MOST_PLOTS + 8])}"
        )


def _series(
    session: Session, run: str, name: str, ranks: list[int], only: int | None, cells: int
) -> list[Series]:
    """The lines of one metric: one a rank, the first ones of many."""
    chosen = [only] if only is not None else ranks[:MOST_RANKS]
    several = len(ranks) > 1
    out = []
    for rank in chosen:
        buckets = session.call("runs", "envelope", run=run, name=name, buckets=cells * 2, rank=rank)
        label = clean_name(name, 60)
        title = f"{label} [{rank}]" if several else label
        out.append(Series(title, [from_bucket(bucket) for bucket in buckets]))
    return out
