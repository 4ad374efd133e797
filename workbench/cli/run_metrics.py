"""wb run metrics: a run's series, their points, and pictures of them."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import complete, output, run_plot, run_points
from workbench.cli.command import Listing, command
from workbench.cli.parsing import at_least
from workbench.cli.run_tables import described
from workbench.cli.session import Session
from workbench.cli.trends import MOST, trend
from workbench.errors import UsageError
from workbench.text import numbers
from workbench.text.natural_order import natural_key
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field

SERIES_KEYS = ("name", "rank", "count", "first_step", "last_step", "last", "min", "max", "nan_count")
TEXT = "text"


@command("metrics", cls=Listing)
@click.argument("run", shell_complete=complete.run)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete.metric)
@click.option(
    "--with",
    "others",
    multiple=True,
    metavar="RUN",
    help="The same of another run, too; may be given often.",
    shell_complete=complete.run,
)
@click.option("--plot", "draw", is_flag=True, help="Draw it instead of printing numbers.")
@click.option("--rank", type=int, metavar="N", help="Of one process of several.")
@click.option("-n", "--limit", type=at_least(1), metavar="N", help="Only the last N points.")
@click.option(
    "--x", "x", metavar="AXIS", default="step", help="Draw over step, relative, time or another metric."
)
@click.option(
    "--smooth",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    metavar="W",
    help="Draw an average in which the values before count W (0.9), the line as it is dim behind.",
)
@click.option("--log-y", is_flag=True, help="Draw values on a logarithmic axis.")
@click.option("--log-x", is_flag=True, help="Draw steps on a logarithmic axis.")
@click.pass_obj
def metrics(
    session: Session,
    run: str,
    names: tuple[str, ...],
    others: tuple[str, ...],
    draw: bool,
    rank: int | None,
    limit: int | None,
    x: str,
    smooth: float,
    log_y: bool,
    log_x: bool,
) -> None:
    """List a run's metrics, one row a series; with NAME its points; with --plot a picture.

    Several names are drawn into one picture; without a name every metric gets its own. --to chart.svg writes
    the picture as a file, --to points.csv what is in it.
    """
    runs = (run, *others)
    if run_plot.wanted(session, draw):
        run_plot.draw(session, runs, names, run_plot.Way(rank, x, smooth, log_x, log_y))
    elif names:
        run_points.show(session, runs, names, rank, limit)
    elif others:
        raise UsageError("name the metric of several runs", "wb run metrics RUN loss --with RUN")
    else:
        _list_series(session, run, rank)


def _list_series(session: Session, run: str, rank: int | None) -> None:
    found = [
        row for row in session.call("runs", "metrics", run=run) if rank is None or row.get("rank", 0) == rank
    ]
    if output.as_table(session):
        found = sorted(found, key=lambda row: natural_key(row["name"])) + described(session, run)
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
